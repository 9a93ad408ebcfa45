"""Steps that are linear in the image: convolutions, scales, sums, what moves values about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.oracle.steps.base import Step, as_shape


@final
@dataclass(frozen=True)
class Convolution(Step):
    """A convolution; its groups follow from the shape of its weight."""

    weight: Tensor
    bias: Tensor | None
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    def forward(self, *inputs: Tensor) -> Tensor:
        """Convolve."""
        (x,) = inputs
        groups = x.shape[1] // self.weight.shape[1]
        return functional.conv2d(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, groups
        )

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Apply the transpose, and leave 0 at pixels that no window reached."""
        (x,) = inputs
        reach = [
            (size - 1) * self.stride - 2 * self.padding + self.dilation * (kernel - 1) + 1
            for size, kernel in zip(R.shape[2:], self.weight.shape[2:], strict=True)
        ]
        rest = [size - reached for size, reached in zip(x.shape[2:], reach, strict=True)]
        groups = x.shape[1] // self.weight.shape[1]
        return (
            functional.conv_transpose2d(
                R, self.weight, None, self.stride, self.padding, rest, groups, self.dilation
            ),
        )


@final
@dataclass(frozen=True)
class Transposed(Step):
    """A transposed convolution of one group."""

    weight: Tensor
    bias: Tensor | None
    stride: int

    def forward(self, *inputs: Tensor) -> Tensor:
        """Apply the transpose of a convolution."""
        return functional.conv_transpose2d(inputs[0], self.weight, self.bias, self.stride)

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Convolve."""
        return (functional.conv2d(R, self.weight, None, self.stride),)


@final
@dataclass(frozen=True)
class Scale(Step):
    """A number times the value and a number added, each of one size or broadcast."""

    scale: Tensor
    offset: Tensor | None = None

    def forward(self, *inputs: Tensor) -> Tensor:
        """Scale and shift."""
        scaled = inputs[0] * self.scale
        return scaled if self.offset is None else scaled + self.offset

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Scale."""
        return (R * self.scale,)


@final
@dataclass(frozen=True)
class Separable(Step):
    """A matrix over the rows and one over the columns: pooling by means, enlarging, padding.

    `matrix` gives the matrix (out, in) for a size.
    """

    matrix: Callable[[int], Tensor]

    def forward(self, *inputs: Tensor) -> Tensor:
        """Multiply from both sides."""
        (x,) = inputs
        return self.matrix(x.shape[2]) @ x @ self.matrix(x.shape[3]).T

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Multiply by both transposes."""
        (x,) = inputs
        return (self.matrix(x.shape[2]).T @ R @ self.matrix(x.shape[3]),)


@final
class Add(Step):
    """The sum of values."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """Add."""
        first, second = inputs
        return first + second

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Give each summand what arrives."""
        return tuple(as_shape(R, x) for x in inputs)


@final
class Concatenate(Step):
    """Channels behind each other."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """Concatenate."""
        return torch.cat(inputs, dim=1)

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Split."""
        return torch.split(R, [x.shape[1] for x in inputs], dim=1)


@final
@dataclass(frozen=True)
class Channels(Step):
    """Some channels, in a given order, each at most once."""

    order: tuple[int, ...]

    def forward(self, *inputs: Tensor) -> Tensor:
        """Take the channels."""
        return inputs[0][:, list(self.order)]

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Put them back, and 0 into the others."""
        found = torch.zeros_like(inputs[0])
        found[:, list(self.order)] = R
        return (found,)


@final
class Flatten(Step):
    """Everything of an image in one row."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """Flatten."""
        return inputs[0].reshape(len(inputs[0]), -1)

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Restore the shape."""
        return (R.reshape(inputs[0].shape),)


@final
@dataclass(frozen=True)
class Linear(Step):
    """A matrix over the last axis."""

    weight: Tensor
    bias: Tensor | None

    def forward(self, *inputs: Tensor) -> Tensor:
        """Multiply and shift."""
        product = inputs[0] @ self.weight.T
        return product if self.bias is None else product + self.bias

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Multiply by the transpose."""
        return (R @ self.weight,)
