"""Max pooling, whose switches are the first maximum in row-major order."""

import math
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.oracle.steps.base import Step


@final
@dataclass(frozen=True)
class MaxPool(Step):
    """The largest value of each window; with `ceil`, a last window may hang over the edge."""

    kernel: int
    stride: int
    padding: int = 0
    ceil: bool = False

    def forward(self, *inputs: Tensor) -> Tensor:
        """Take the maxima."""
        return self._windows(inputs[0])[0].amax(dim=2)

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Put each value where its maximum was."""
        (x,) = inputs
        values, places = self._windows(x)
        best = values.argmax(dim=2, keepdim=True)  # documented to be the first on a tie
        place = places.expand(values.shape).gather(2, best).flatten(2)
        found = torch.zeros_like(x).flatten(2)
        found.scatter_add_(2, place, R.flatten(2))
        return (found.view_as(x),)

    def _windows(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Give values (image, channel, kernel², row, column) and where in the map they are."""
        rows, columns = x.shape[2:]
        counts = [self._count(size) for size in (rows, columns)]
        wide = functional.pad(x, self._edges(columns) + self._edges(rows), value=-math.inf)
        place = torch.arange(rows * columns).view(1, 1, rows, columns)
        place = functional.pad(place, self._edges(columns) + self._edges(rows))
        cut = [self._cut(tensor, *counts) for tensor in (wide, place)]
        return cut[0], cut[1]

    def _cut(self, wide: Tensor, rows: int, columns: int) -> Tensor:
        every = [
            wide[..., i : i + (rows - 1) * self.stride + 1, j : j + (columns - 1) * self.stride + 1]
            for i in range(self.kernel)
            for j in range(self.kernel)
        ]
        return torch.stack([part[..., :: self.stride, :: self.stride] for part in every], dim=2)

    def _count(self, size: int) -> int:
        over = size + 2 * self.padding - self.kernel
        count = (-(-over // self.stride) if self.ceil else over // self.stride) + 1
        # a window must begin inside the map or the padding before it
        return count - ((count - 1) * self.stride >= size + self.padding)

    def _edges(self, size: int) -> tuple[int, int]:
        needed = (self._count(size) - 1) * self.stride + self.kernel
        return self.padding, max(needed - self.padding - size, 0)
