"""Normalisations by the mean and variance of the values themselves."""

from dataclasses import dataclass
from typing import final

from torch import Tensor

from benchmarks.oracle.steps.base import Step


@final
@dataclass(frozen=True)
class Standardise(Step):
    """Bring each group of channels of an image to mean 0 and variance 1, then scale and shift.

    One group for each channel is instance normalisation. Weight and bias have one number a channel.
    """

    groups: int
    weight: Tensor
    bias: Tensor
    eps: float

    def forward(self, *inputs: Tensor) -> Tensor:
        """Standardise."""
        (x,) = inputs
        normal, _ = _standard(x.reshape(len(x), self.groups, -1), self.eps)
        return normal.reshape(x.shape) * _channels(self.weight) + _channels(self.bias)

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Multiply by the transposed Jacobian."""
        (x,) = inputs
        group = len(x), self.groups, -1
        found = _standard_down(
            (R * _channels(self.weight)).reshape(group), x.reshape(group), self.eps
        )
        return (found.reshape(x.shape),)


@final
@dataclass(frozen=True)
class StandardiseAxis(Step):
    """Bring the values along one axis to mean 0 and variance 1, then scale and shift."""

    axis: int
    weight: Tensor
    bias: Tensor
    eps: float

    def forward(self, *inputs: Tensor) -> Tensor:
        """Standardise."""
        normal, _ = _standard(inputs[0].movedim(self.axis, -1), self.eps)
        return (normal * self.weight + self.bias).movedim(-1, self.axis)

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Multiply by the transposed Jacobian."""
        x = inputs[0].movedim(self.axis, -1)
        found = _standard_down(R.movedim(self.axis, -1) * self.weight, x, self.eps)
        return (found.movedim(-1, self.axis),)


def _channels(numbers: Tensor) -> Tensor:
    return numbers.view(1, -1, 1, 1)


def _standard(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Standardise the last axis; give the deviation, too."""
    centred = x - x.mean(-1, keepdim=True)
    deviation = ((centred**2).mean(-1, keepdim=True) + eps).sqrt()
    return centred / deviation, deviation


def _standard_down(R: Tensor, x: Tensor, eps: float) -> Tensor:
    """Take what arrives down: mean and deviation move with every value."""
    normal, deviation = _standard(x, eps)
    moved = R.mean(-1, keepdim=True) + normal * (R * normal).mean(-1, keepdim=True)
    return (R - moved) / deviation
