"""Other steps between two layers than max pooling, through which a projection has to find down."""

from collections.abc import Callable
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmarks.oracle.maps import Case
from benchmarks.oracle.steps import matrices
from benchmarks.oracle.steps.base import Step
from benchmarks.oracle.steps.linear import Separable
from benchmarks.oracle.steps.pooling import MaxPool


def _linear(f: Callable[[Tensor], Tensor], matrix: Callable[[int], Tensor]) -> Case:
    return Case(between=f, as_between=Separable(matrix))


def _other(f: Callable[[Tensor], Tensor], step: Step) -> Case:
    return Case(between=f, as_between=step)


def _reflected(size: int) -> Tensor:
    return matrices.picked(size, [2, 1, *range(size), size - 2, size - 3])


def _replicated(size: int) -> Tensor:
    return matrices.picked(size, [0, *range(size), size - 1])


def _around(size: int) -> Tensor:
    return matrices.picked(size, [size - 1, *range(size), 0])


#: Every step by its name.
BETWEEN: Final[dict[str, Case]] = {
    "MaxPool2d(3, 2, 1)": _other(nn.MaxPool2d(3, 2, 1), MaxPool(3, 2, 1)),
    "MaxPool2d(3, 1), overlapping": _other(nn.MaxPool2d(3, 1), MaxPool(3, 1)),
    "MaxPool2d(3, 2), ceil": _other(nn.MaxPool2d(3, 2, ceil_mode=True), MaxPool(3, 2, ceil=True)),
    "AdaptiveMaxPool2d(4)": _other(nn.AdaptiveMaxPool2d(4), MaxPool(4, 4)),
    "amax of blocks": _other(
        lambda x: x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).amax((3, 5)), MaxPool(2, 2)
    ),
    "AvgPool2d(2)": _linear(
        nn.AvgPool2d(2), partial(matrices.average, kernel=2, stride=2, padding=0)
    ),
    "AvgPool2d(3, 2, 1)": _linear(
        nn.AvgPool2d(3, 2, 1), partial(matrices.average, kernel=3, stride=2, padding=1)
    ),
    "AvgPool2d(3, 1, 1), without padding": _linear(
        nn.AvgPool2d(3, 1, 1, count_include_pad=False),
        partial(matrices.average_of_known, kernel=3, stride=1, padding=1),
    ),
    "AdaptiveAvgPool2d(5)": _linear(nn.AdaptiveAvgPool2d(5), partial(matrices.adaptive, count=5)),
    "mean of blocks": _linear(
        lambda x: x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).mean((3, 5)),
        partial(matrices.average, kernel=2, stride=2, padding=0),
    ),
    "nearest": _linear(
        lambda x: F.interpolate(x, scale_factor=2, mode="nearest"),
        partial(matrices.nearest, factor=2),
    ),
    "bilinear": _linear(
        nn.Upsample(scale_factor=2, mode="bilinear"), partial(matrices.bilinear, factor=2)
    ),
    "ReflectionPad2d": _linear(nn.ReflectionPad2d(2), _reflected),
    "replicate": _linear(lambda x: F.pad(x, (1, 1, 1, 1), mode="replicate"), _replicated),
    "circular": _linear(lambda x: F.pad(x, (1, 1, 1, 1), mode="circular"), _around),
    "ZeroPad2d": _linear(nn.ZeroPad2d(1), partial(matrices.padded, before=1, after=1)),
    "every other": _linear(
        lambda x: x[:, :, ::2, ::2],
        lambda size: matrices.picked(size, list(range(0, size, 2))),
    ),
    "flip": _linear(
        lambda x: x.flip(2, 3), lambda size: matrices.picked(size, list(range(size))[::-1])
    ),
    "roll": _linear(
        lambda x: torch.roll(x, (3, 3), (2, 3)),
        lambda size: matrices.picked(size, [(i - 3) % size for i in range(size)]),
    ),
    "Dropout2d": _linear(nn.Dropout2d(), partial(matrices.padded, before=0, after=0)),
}
