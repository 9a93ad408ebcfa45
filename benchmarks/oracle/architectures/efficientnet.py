"""EfficientNet-B0 (Tan & Le 2019): SiLU, squeeze-and-excitation, stochastic depth."""

import torch
from torch import Tensor, nn

from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.linear import Flatten, Separable
from benchmarks.oracle.steps.matrices import adaptive
from benchmarks.oracle.steps.pointwise import Multiply, Smooth

#: Expansion, kernel, stride of the first, channels, repeats: table 1 of the paper.
PLAN = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
EPS = 1e-3


class Swish(nn.Module):
    """x · sigmoid(x), as it was written before SiLU had a name."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply it."""
        return x * torch.sigmoid(x)


class MBConv(nn.Module):
    """Expand, filter each channel, weigh, project."""

    def __init__(self, inp: int, oup: int, expand: int, kernel: int, stride: int) -> None:
        super().__init__()
        mid = inp * expand
        self.expand = expand != 1
        if self.expand:
            self._expand_conv = nn.Conv2d(inp, mid, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(mid, eps=EPS, momentum=0.01)
        self._depthwise_conv = nn.Conv2d(
            mid, mid, kernel, stride, kernel // 2, groups=mid, bias=False
        )
        self._bn1 = nn.BatchNorm2d(mid, eps=EPS, momentum=0.01)
        squeezed = max(4, inp // 4)
        self._se_reduce = nn.Conv2d(mid, squeezed, 1)
        self._se_expand = nn.Conv2d(squeezed, mid, 1)
        self._project_conv = nn.Conv2d(mid, oup, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(oup, eps=EPS, momentum=0.01)
        self._swish = Swish()
        self.skip = stride == 1 and inp == oup
        self.drop_rate = 0.2

    def forward(self, inputs: Tensor) -> Tensor:
        """Give the block's maps."""
        x = inputs
        if self.expand:
            x = self._swish(self._bn0(self._expand_conv(x)))
        x = self._swish(self._bn1(self._depthwise_conv(x)))
        squeezed = x.mean((2, 3), keepdim=True)
        squeezed = self._se_expand(self._swish(self._se_reduce(squeezed)))
        x = torch.sigmoid(squeezed) * x
        x = self._bn2(self._project_conv(x))
        if self.skip:
            x = self._drop_connect(x) + inputs
        return x

    def _drop_connect(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        keep = torch.rand(len(x), 1, 1, 1, dtype=x.dtype) > self.drop_rate
        return x * keep / (1 - self.drop_rate)


class EfficientNet(nn.Module):
    """Sixteen blocks."""

    def __init__(self, divide: int = 1, classes: int = 7) -> None:
        super().__init__()
        inp = 32 // divide
        self._conv_stem = nn.Conv2d(3, inp, 3, stride=2, padding=1, bias=False)
        self._bn0 = nn.BatchNorm2d(inp, eps=EPS, momentum=0.01)
        self._blocks = nn.ModuleList()
        for expand, kernel, stride, channels, repeats in PLAN:
            for repeat in range(repeats):
                out = channels // divide
                step = stride if repeat == 0 else 1
                self._blocks.append(MBConv(inp, out, expand, kernel, step))
                inp = out
        self._conv_head = nn.Conv2d(inp, 1280 // divide, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(1280 // divide, eps=EPS, momentum=0.01)
        self._swish = nn.SiLU()
        self._dropout = nn.Dropout(0.2)
        self._fc = nn.Linear(1280 // divide, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits."""
        x = self._swish(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = self._swish(self._bn1(self._conv_head(x)))
        x = x.mean([2, 3])
        return self._fc(self._dropout(x))


def build(full: bool = False) -> nn.Module:
    """Build it with the maps of the paper, or a quarter of them."""
    return EfficientNet(1 if full else 4)


def describe(g: Graph) -> None:
    """Describe it."""
    swish, mean = Smooth("silu"), Separable(lambda size: adaptive(size, 1))
    x = g.layer(IMAGE, "_conv_stem", "_bn0", swish, stride=2, padding=1, eps=EPS)
    number = 0
    for expand, kernel, first, _, repeats in PLAN:
        for repeat in range(repeats):
            at, before, stride = f"_blocks.{number}", x, first if repeat == 0 else 1
            if expand != 1:
                x = g.layer(x, f"{at}._expand_conv", f"{at}._bn0", swish, eps=EPS)
            x = g.layer(
                x,
                f"{at}._depthwise_conv",
                f"{at}._bn1",
                swish,
                stride=stride,
                padding=kernel // 2,
                eps=EPS,
            )
            scale = g.layer(g.add(mean, x), f"{at}._se_reduce", then=swish)
            scale = g.layer(scale, f"{at}._se_expand", then=Smooth("sigmoid"))
            x = g.add(Multiply(), scale, x)
            plus = before if repeat > 0 else None
            x = g.layer(x, f"{at}._project_conv", f"{at}._bn2", plus=plus, eps=EPS)
            number += 1
    x = g.layer(x, "_conv_head", "_bn1", swish, eps=EPS)
    g.linear(g.add(Flatten(), g.add(mean, x)), "_fc")
