"""Ways in which somebody might write a nonlinearity."""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmarks.oracle.graph import Graph
from benchmarks.oracle.small import WIDTH, Nonlinearity, once
from benchmarks.oracle.spelling import Spelling, bounded, rectifier, smooth
from benchmarks.oracle.steps.base import Step
from benchmarks.oracle.steps.linear import Channels, Concatenate, Scale
from benchmarks.oracle.steps.pointwise import Multiply, Rectify, Smooth

HALF = WIDTH // 2
_RELU, _ONE = Rectify(), torch.ones((), dtype=torch.float64)
_SHIFT, _NEGATE = Scale(_ONE, -_ONE / 10), Scale(-_ONE)


def _steps(*steps: Step, map_at: int = -1) -> Nonlinearity:
    """Describe some steps behind each other, one of which gives the map."""

    def append(g: Graph, x: int) -> tuple[int, int]:
        nodes = [x]
        for step in steps:
            nodes.append(g.add(step, nodes[-1]))
        return nodes[map_at], nodes[-1]

    return append


def _crelu(g: Graph, x: int) -> tuple[int, int]:
    negative = g.add(Rectify(), g.add(_NEGATE, x))
    return x, g.add(Concatenate(), g.add(Rectify(), x), negative)


def _glu(g: Graph, x: int) -> tuple[int, int]:
    value, gate = (g.add(Channels(tuple(part)), x) for part in (range(HALF), range(HALF, WIDTH)))
    return x, g.add(Multiply(), value, g.add(Smooth("sigmoid"), gate))


def _half_rectified(behind: bool) -> Nonlinearity:
    def append(g: Graph, x: int) -> tuple[int, int]:
        first = g.add(Rectify(), g.add(Channels(tuple(range(HALF))), x))
        out = g.add(Concatenate(), first, g.add(Channels(tuple(range(HALF, WIDTH))), x))
        return (out if behind else x), out

    return append


SHUFFLED = tuple(range(0, WIDTH, 2)) + tuple(range(1, WIDTH, 2))


def _shuffle(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.relu().view(n, c // 2, 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def _half_assigned(x: Tensor) -> Tensor:
    x = x.clone()
    x[:, :HALF] = x[:, :HALF].relu()
    return x


def _loop(x: Tensor) -> Tensor:
    for _ in range(3):
        x = x.relu()
    return x


def _result_unused(x: Tensor) -> Tensor:
    F.relu_(x)
    return x


def _by_mask(x: Tensor) -> Tensor:
    mask = x > 0
    return x.mul(mask.to(x.dtype))


def _without_gradient(x: Tensor) -> Tensor:
    with torch.no_grad():
        return x.relu()


def _by_data(x: Tensor) -> Tensor:
    return x.relu() if x.mean() > 0.05 else x


def _by_numpy(x: Tensor) -> Tensor:
    return torch.from_numpy(np.maximum(x.detach().numpy(), 0))


class _Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Give x · sigmoid(x)."""
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, R: Tensor) -> Tensor:
        """Multiply by the derivative."""
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return R * s * (1 + x * (1 - s))


#: Every spelling by its name.
SPELLINGS: Final[dict[str, Spelling]] = {
    "clamp_(min=0)": rectifier(lambda x: x.clamp_(min=0)),
    "where(x < 0, 0, x)": rectifier(lambda x: torch.where(x < 0, 0, x)),
    "x.where(x > 0, 0)": rectifier(lambda x: x.where(x > 0, torch.zeros((), dtype=x.dtype))),
    "heaviside(x, 0) * x": rectifier(
        lambda x: torch.heaviside(x, torch.zeros((), dtype=x.dtype)) * x
    ),
    "x - clamp(max=0)": rectifier(lambda x: x - x.clamp(max=0)),
    "amax(stack([x, 0 * x]))": rectifier(lambda x: torch.amax(torch.stack([x, 0 * x]), 0)),
    "(x + sqrt(x²)) / 2": rectifier(lambda x: (x + x.square().sqrt()) / 2),
    "x * mask": rectifier(_by_mask),
    "x * sign(x).clamp(min=0)": rectifier(lambda x: x * x.sign().clamp(min=0)),
    "relu_, its result unused": rectifier(_result_unused),
    "relu in a loop": rectifier(_loop),
    "relu, then dropout": rectifier(lambda x: F.dropout(F.relu(x), 0.5, training=False)),
    "functional_call": rectifier(lambda x: torch.func.functional_call(nn.ReLU(), {}, (x,))),
    "F.hardtanh(x, 0, 6)": bounded(lambda x: F.hardtanh(x, 0, 6)),
    "relu, then clamp(max=6)": Spelling(
        lambda x: x.relu().clamp(max=6),
        {
            "bounded": once(Rectify(6.0)),
            "rectifier, then a clamp": _steps(_RELU, Smooth("clamp from above"), map_at=1),
        },
    ),
    "relu, then square": Spelling(
        lambda x: x.relu().square(),
        {
            "rectifier, then smooth": _steps(_RELU, Smooth("square"), map_at=1),
            "as one": _steps(_RELU, Smooth("square")),
        },
    ),
    "relu(x - 0.1)": Spelling(
        lambda x: F.relu(x - 0.1),
        {
            "rectifier": _steps(_SHIFT, _RELU),
        },
    ),
    "CReLU": Spelling(
        lambda x: torch.cat([F.relu(x), F.relu(-x)], 1), {"two rectifiers": _crelu}, 2 * WIDTH
    ),
    "relu, then channel shuffle": Spelling(
        _shuffle, {"rectifier": _steps(_RELU, Channels(SHUFFLED), map_at=1)}
    ),
    "half of the channels by assignment": Spelling(
        _half_assigned,
        {
            "map before": _half_rectified(behind=False),
            "map behind": _half_rectified(behind=True),
        },
    ),
    "LeakyReLU(0.1)": smooth(nn.LeakyReLU(0.1), "leaky"),
    "ELU": smooth(nn.ELU(), "elu"),
    "Softplus": smooth(nn.Softplus(), "softplus"),
    "log1p(exp(x))": Spelling(
        lambda x: x.exp().log1p(),
        {
            "smooth": once(Smooth("softplus")),
            "map before log1p": _steps(Smooth("exp"), Smooth("log1p"), map_at=1),
        },
    ),
    "LogSigmoid": smooth(nn.LogSigmoid(), "log sigmoid"),
    "Softsign": smooth(nn.Softsign(), "softsign"),
    "Tanhshrink": smooth(nn.Tanhshrink(), "tanhshrink"),
    "Softshrink": smooth(nn.Softshrink(), "softshrink"),
    "Threshold(0.5, 0), no rectifier": smooth(nn.Threshold(0.5, 0.0), "threshold"),
    "Hardtanh, not from 0": smooth(nn.Hardtanh(), "hardtanh"),
    "relu6(x + 3) / 6, which is Hardsigmoid": smooth(lambda x: F.relu6(x + 3) / 6, "hardsigmoid"),
    "Swish by its own autograd.Function": smooth(_Swish.apply, "silu"),
    "x * sigmoid(1.702 x)": smooth(lambda x: x * torch.sigmoid(1.702 * x), "gelu by sigmoid"),
    "GELU by tanh": smooth(nn.GELU(approximate="tanh"), "gelu by tanh"),
    "sin": smooth(torch.sin, "sine"),
    "abs": smooth(torch.abs, "absolute"),
    "no nonlinearity": smooth(nn.Identity(), "identity"),
    "GLU": Spelling(nn.GLU(dim=1), {"product": _glu}, HALF),
    "under no_grad": rectifier(_without_gradient),
    "which way the data say": Spelling(_by_data),
    "by NumPy": Spelling(_by_numpy),
    "with noise": Spelling(lambda x: F.relu(x) + 0.1 * torch.randn_like(x)),
}
