"""ConvNeXt-T (Liu et al. 2022): channels last within blocks, layer scale, GELU."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.linear import Add, Flatten, Scale, Separable
from benchmarks.oracle.steps.matrices import adaptive
from benchmarks.oracle.steps.normalisation import StandardiseAxis
from benchmarks.oracle.steps.pointwise import Smooth

DEPTHS = (3, 3, 9, 3)
WIDTHS = (96, 192, 384, 768)
EPS = 1e-6


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels of (image, channel, row, column)."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class Block(nn.Module):
    """A filter for each channel, then two linear layers at each place."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=EPS)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(1e-6 * torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Give the block's maps."""
        shortcut = x
        x = self.dwconv(x)
        x = x.permute(0, 2, 3, 1)
        x = self.norm(x)
        x = self.pwconv2(self.act(self.pwconv1(x)))
        x = self.gamma * x
        x = x.permute(0, 3, 1, 2)
        return shortcut + x


class ConvNeXt(nn.Module):
    """Four stages."""

    def __init__(self, depths: tuple[int, ...], divide: int = 1, classes: int = 7) -> None:
        super().__init__()
        dims = [width // divide for width in WIDTHS]
        stem = nn.Sequential(nn.Conv2d(3, dims[0], 4, stride=4), LayerNorm2d(dims[0], eps=EPS))
        self.downsample_layers = nn.ModuleList([stem])
        for before, after in pairwise(dims):
            self.downsample_layers.append(
                nn.Sequential(LayerNorm2d(before, eps=EPS), nn.Conv2d(before, after, 2, stride=2))
            )
        self.stages = nn.ModuleList(
            nn.Sequential(*[Block(dim) for _ in range(depth)])
            for dim, depth in zip(dims, depths, strict=True)
        )
        self.norm = nn.LayerNorm(dims[-1], eps=EPS)
        self.head = nn.Linear(dims[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits."""
        for downsample, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(downsample(x))
        return self.head(self.norm(x.mean([-2, -1])))


def build(full: bool = False) -> nn.Module:
    """Build it with the depths and maps of the paper, or a third and a quarter of them."""
    return ConvNeXt(DEPTHS) if full else ConvNeXt((1, 1, 3, 1), 4)


def describe(g: Graph) -> None:
    """Describe it."""

    def norm(x: int, at: str) -> int:
        weight, bias = g.state[f"{at}.weight"], g.state[f"{at}.bias"]
        return g.add(StandardiseAxis(1, weight, bias, EPS), x)

    at = "downsample_layers.0"
    x = g.noted(norm(g.convolution(IMAGE, f"{at}.0", stride=4), f"{at}.1"), f"{at}.0")
    for stage in range(len(DEPTHS)):
        if stage > 0:
            at = f"downsample_layers.{stage}"
            x = g.layer(norm(x, f"{at}.0"), f"{at}.1", stride=2)
        block = 0
        while (at := f"stages.{stage}.{block}") + ".gamma" in g.state:
            y = norm(g.convolution(x, f"{at}.dwconv", padding=3), f"{at}.norm")
            g.noted(y, f"{at}.dwconv")
            y = g.add(Smooth("gelu"), g.pointwise(y, f"{at}.pwconv1"))
            g.further[f"{at}.pwconv1"] = y
            y = g.pointwise(y, f"{at}.pwconv2")
            y = g.add(Scale(g.state[f"{at}.gamma"].view(1, -1, 1, 1)), y)
            x, block = g.add(Add(), x, y), block + 1
            g.further[f"{at}.pwconv2"] = x
    x = norm(g.add(Separable(lambda size: adaptive(size, 1)), x), "norm")
    g.linear(g.add(Flatten(), x), "head")
