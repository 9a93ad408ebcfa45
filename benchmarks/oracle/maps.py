"""Where a map is easily missed: behind unusual normalisations, before unusual nonlinearities."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmarks.oracle.graph import Graph
from benchmarks.oracle.small import (
    HALVE,
    WIDTH,
    Named,
    Small,
    describe_small,
    once,
    with_nonlinearity,
)
from benchmarks.oracle.steps.base import Step
from benchmarks.oracle.steps.linear import Convolution, Separable
from benchmarks.oracle.steps.matrices import padded_as_needed
from benchmarks.oracle.steps.normalisation import Standardise, StandardiseAxis
from benchmarks.oracle.steps.pointwise import Rectify, Smooth

EPS, RELU = 1e-6, Rectify()


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation of channels, channels last in between."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ChannelsFirst(nn.Module):
    """Layer normalisation of channels by hand."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        u = x.mean(1, keepdim=True)
        s = (x - u).pow(2).mean(1, keepdim=True)
        x = (x - u) / torch.sqrt(s + EPS)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class FrozenBatchNorm2d(nn.Module):
    """Batch normalisation with nothing to learn, as detection networks have it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Scale and shift."""
        w = self.weight.reshape(1, -1, 1, 1)
        b = self.bias.reshape(1, -1, 1, 1)
        rv = self.running_var.reshape(1, -1, 1, 1)
        rm = self.running_mean.reshape(1, -1, 1, 1)
        scale = w * (rv + 1e-5).rsqrt()
        bias = b - rm * scale
        return x * scale + bias


class Conv2dSame(nn.Conv2d):
    """A convolution that pads as TensorFlow does."""

    def forward(self, x: Tensor) -> Tensor:
        """Pad, the odd pixel after, and convolve."""
        pads: list[int] = []
        for size, k, s in zip(x.shape[:1:-1], self.kernel_size, self.stride, strict=True):
            missing = max((math.ceil(size / s) - 1) * s + k - size, 0)
            pads += [missing // 2, missing - missing // 2]
        x = F.pad(x, pads)
        return F.conv2d(x, self.weight, self.bias, self.stride)


class WSConv2d(nn.Conv2d):
    """A convolution whose weights are standardised whenever it is called."""

    def forward(self, x: Tensor) -> Tensor:
        """Standardise and convolve."""
        w = self.weight
        v, m = torch.var_mean(w, dim=[1, 2, 3], keepdim=True, correction=0)
        return F.conv2d(x, (w - m) / torch.sqrt(v + 1e-10), self.bias, self.stride, self.padding)


class Residual(nn.Module):
    """Two convolutions and one in the shortcut, added; the nonlinearity is left to the network."""

    def __init__(self, inp: int, out: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inp, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.side = nn.Sequential(nn.Conv2d(inp, out, 1), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        """Add."""
        return self.main(x) + self.side(x)


@dataclass(frozen=True)
class Case:
    """A normalisation, a nonlinearity and a convolution, and how each is described."""

    f: Callable[[Tensor], Tensor] = F.relu
    step: Step = RELU
    norm: Callable[[int], nn.Module] = nn.BatchNorm2d
    as_norm: Named = Graph.batch_norm
    convolution: Callable[[int, int], nn.Module] | None = None
    as_convolution: Named = lambda g, x, name: g.convolution(x, name, padding=1)
    last: str = ""
    between: Callable[[Tensor], Tensor] | None = None
    as_between: Step = HALVE

    def network(self) -> nn.Module:
        """Build the network."""
        return with_nonlinearity(Small(self.norm, self.convolution, between=self.between), self.f)

    def describe(self, g: Graph) -> None:
        """Describe it."""
        describe_small(
            once(self.step), self.as_norm, self.as_convolution, self.last, self.as_between
        )(g)


def _in_groups(groups: int) -> Named:
    def append(g: Graph, x: int, name: str) -> int:
        weight, bias = g.state[f"{name}.weight"], g.state[f"{name}.bias"]
        return g.add(Standardise(groups, weight, bias, 1e-5), x)

    return append


def _over_channels(g: Graph, x: int, name: str) -> int:
    weight, bias = g.state[f"{name}.weight"], g.state[f"{name}.bias"]
    return g.add(StandardiseAxis(1, weight, bias, EPS), x)


def _same(g: Graph, x: int, name: str) -> int:
    padded = g.add(Separable(lambda size: padded_as_needed(size, 3, 2)), x)
    return g.convolution(padded, name, stride=2)


def _standard(g: Graph, x: int, name: str) -> int:
    weight = g.state[f"{name}.weight"].flatten(1)
    centred = weight - weight.mean(1, keepdim=True)
    weight = centred / ((centred**2).mean(1, keepdim=True) + 1e-10).sqrt()
    weight = weight.view_as(g.state[f"{name}.weight"])
    return g.add(Convolution(weight, g.state[f"{name}.bias"], padding=1), x)


def _residual(g: Graph, x: int, name: str) -> int:
    side = g.layer(x, f"{name}.side.0", f"{name}.side.1")
    x = g.layer(x, f"{name}.main.0", f"{name}.main.1", Rectify(), padding=1)
    return g.layer(x, f"{name}.main.3", f"{name}.main.4", padding=1, plus=side)


def _nothing(_channels: int) -> nn.Module:
    return nn.Identity()


def _unchanged(_g: Graph, x: int, _name: str) -> int:
    return x


#: Every case by its name.
CASES: Final[dict[str, Case]] = {
    "GroupNorm": Case(norm=lambda c: nn.GroupNorm(2, c), as_norm=_in_groups(2)),
    "SyncBatchNorm": Case(norm=nn.SyncBatchNorm),
    "InstanceNorm2d": Case(
        norm=lambda c: nn.InstanceNorm2d(c, affine=True), as_norm=_in_groups(WIDTH)
    ),
    "LayerNorm2d, permuted": Case(norm=lambda c: LayerNorm2d(c, eps=EPS), as_norm=_over_channels),
    "LayerNorm2d, by hand": Case(norm=ChannelsFirst, as_norm=_over_channels),
    "FrozenBatchNorm2d": Case(norm=FrozenBatchNorm2d),
    "no normalisation": Case(norm=_nothing, as_norm=_unchanged),
    "residual, one ReLU for all": Case(
        nn.ReLU(inplace=True), RELU, _nothing, _unchanged, Residual, _residual, ".main.3"
    ),
    "residual, no nonlinearity": Case(
        nn.Identity(), Smooth("identity"), _nothing, _unchanged, Residual, _residual, ".main.3"
    ),
    "clamp": Case(lambda x: x.clamp(min=0)),
    "Tanh": Case(nn.Tanh(), Smooth("tanh")),
    "Mish": Case(nn.Mish(), Smooth("mish")),
    "SELU": Case(nn.SELU(), Smooth("selu")),
    "Softplus": Case(nn.Softplus(), Smooth("softplus")),
    "F.silu": Case(F.silu, Smooth("silu")),
    "F.gelu": Case(F.gelu, Smooth("gelu")),
    "F.hardswish": Case(F.hardswish, Smooth("hardswish")),
    "WSConv2d": Case(
        convolution=lambda inp, out: WSConv2d(inp, out, 3, padding=1), as_convolution=_standard
    ),
    "ConvTranspose2d": Case(
        convolution=lambda inp, out: nn.ConvTranspose2d(inp, out, 2, stride=2),
        as_convolution=lambda g, x, name: g.transposed(x, name, stride=2),
    ),
    "dilated": Case(
        convolution=lambda inp, out: nn.Conv2d(inp, out, 3, padding=2, dilation=2),
        as_convolution=lambda g, x, name: g.convolution(x, name, padding=2, dilation=2),
    ),
    "Conv2dSame": Case(
        convolution=lambda inp, out: Conv2dSame(inp, out, 3, stride=2), as_convolution=_same
    ),
}
