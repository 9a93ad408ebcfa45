"""What a step does in windows: which part of its inputs it reaches, its values, its way down."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from facslens.models.reading.slides import Pair
from facslens.models.reading.values import Rectifier
from facslens.projection.passing import below, fires, rectified
from facslens.projection.rules import Rule
from facslens.projection.windowed.windows import Windows

#: Work of a step for each value that it gives, in multiplications of a convolution, for what moves
#: memory and hardly computes.
LIGHT: Final = 8


class Step(ABC):
    """One step of a network, in windows.

    Attributes
    ----------
    fill
        What lies outside of the inputs' maps.
    work
        Roughly how many multiplications a value costs.
    """

    fill: float = 0.0
    work: int = LIGHT

    def reach(self, windows: Windows) -> Windows:
        """Give the windows of the inputs that windows of the result are made of."""
        return windows

    def asks(self, rule: Rule) -> bool:
        """Tell whether the way down needs the inputs' values."""
        return False

    @abstractmethod
    def up(self, values: Sequence[Tensor], windows: Windows) -> Tensor:
        """Compute the result in some windows from the inputs in the windows that it reaches."""

    @abstractmethod
    def down(
        self, arriving: Tensor, values: Sequence[Tensor], windows: Windows, rule: Rule
    ) -> Sequence[Tensor | None]:
        """Give what arrives at each input, in the windows that are reached; None for nothing.

        ``values`` are the inputs, or nothing if the step does not ask for them.
        """


class Rectifying(Step):
    """A rectifier, at which the rules differ."""

    def __init__(self, rectifier: Rectifier) -> None:
        self._rectifier = rectifier

    def asks(self, rule: Rule) -> bool:
        """Ask if the rule does."""
        return rule.asks

    def up(self, values: Sequence[Tensor], windows: Windows) -> Tensor:
        """Rectify."""
        return rectified(values[0], self._rectifier)

    def down(
        self, arriving: Tensor, values: Sequence[Tensor], windows: Windows, rule: Rule
    ) -> Sequence[Tensor | None]:
        """Pass what the rule passes."""
        firing = fires(values[0], self._rectifier) if values else None
        return [below(arriving, firing, self._rectifier, rule)]


class Scaling(Step):
    """Batch normalisation in evaluation mode: each unit times a number, plus another."""

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        self._scale, self._shift = scale, shift

    def up(self, values: Sequence[Tensor], windows: Windows) -> Tensor:
        """Scale and shift."""
        return values[0] * self._scale + self._shift

    def down(
        self, arriving: Tensor, values: Sequence[Tensor], windows: Windows, rule: Rule
    ) -> Sequence[Tensor | None]:
        """Scale."""
        return [arriving * self._scale]


class Adding(Step):
    """A sum of two maps with factors, such as that of a shortcut."""

    def __init__(self, factors: Sequence[float]) -> None:
        self._factors = factors

    def up(self, values: Sequence[Tensor], windows: Windows) -> Tensor:
        """Add."""
        first, second = (_times(v, f) for v, f in zip(values, self._factors, strict=True))
        return first + second

    def down(
        self, arriving: Tensor, values: Sequence[Tensor], windows: Windows, rule: Rule
    ) -> Sequence[Tensor | None]:
        """Pass to both."""
        return [_times(arriving, factor) for factor in self._factors]


class Joining(Step):
    """Maps one after the other along an axis of units."""

    def __init__(self, axis: int, sizes: Sequence[int]) -> None:
        self._axis, self._sizes = axis, list(sizes)

    def up(self, values: Sequence[Tensor], windows: Windows) -> Tensor:
        """Join."""
        return torch.cat(list(values), self._axis)

    def down(
        self, arriving: Tensor, values: Sequence[Tensor], windows: Windows, rule: Rule
    ) -> Sequence[Tensor | None]:
        """Take apart."""
        return list(torch.split(arriving, self._sizes, self._axis))


class Reshaping(Step):
    """The units of a map in other axes."""

    def __init__(self, before: Sequence[int], after: Sequence[int]) -> None:
        self._before, self._after = tuple(before), tuple(after)

    def up(self, values: Sequence[Tensor], windows: Windows) -> Tensor:
        """Arrange otherwise."""
        return values[0].reshape(*values[0].shape[:3], *self._after)

    def down(
        self, arriving: Tensor, values: Sequence[Tensor], windows: Windows, rule: Rule
    ) -> Sequence[Tensor | None]:
        """Arrange as before."""
        return [arriving.reshape(*arriving.shape[:3], *self._before)]


class Picking(Step):
    """Padding by a number, or every n-th row and column: places are moved, no value is changed."""

    def __init__(self, start: Pair, stride: Pair = (1, 1), fill: float = 0.0) -> None:
        self._start, self._stride, self.fill = start, stride, fill

    def reach(self, windows: Windows) -> Windows:
        """Give the first place that is picked, and as many as lie up to the last."""
        first = windows.first * np.array(self._stride) + np.array(self._start)
        (height, width), (rows, columns) = windows.size, self._stride
        return Windows(first, ((height - 1) * rows + 1, (width - 1) * columns + 1))

    def up(self, values: Sequence[Tensor], windows: Windows) -> Tensor:
        """Pick."""
        return values[0][:, :: self._stride[0], :: self._stride[1]]

    def down(
        self, arriving: Tensor, values: Sequence[Tensor], windows: Windows, rule: Rule
    ) -> Sequence[Tensor | None]:
        """Put back, with zeros between."""
        if self._stride == (1, 1):
            return [arriving]
        found = arriving.new_zeros(len(arriving), *self.reach(windows).size, *arriving.shape[3:])
        found[:, :: self._stride[0], :: self._stride[1]] = arriving
        return [found]


class Local(Step):
    """Any step that makes each place of the values at that place alone; its derivative passes.

    Parameters
    ----------
    function
        The step on tensors in the network's own order of axes.
    before, after
        Which axes of each input, and of the result, are rows and columns.
    """

    def __init__(
        self, function: Callable[..., Tensor], before: Sequence[Pair], after: Pair
    ) -> None:
        self._function, self._before, self._after = function, before, after

    def asks(self, rule: Rule) -> bool:
        """Ask for the values at which a derivative is taken."""
        return True

    def up(self, values: Sequence[Tensor], windows: Windows) -> Tensor:
        """Take the step."""
        own = [v.movedim((1, 2), axes) for v, axes in zip(values, self._before, strict=True)]
        return self._function(*own).movedim(self._after, (1, 2))

    def down(
        self, arriving: Tensor, values: Sequence[Tensor], windows: Windows, rule: Rule
    ) -> Sequence[Tensor | None]:
        """Multiply by the derivative."""
        with torch.enable_grad():
            leaves = [v.detach().clone().requires_grad_(v.is_floating_point()) for v in values]
            result = self.up(leaves, windows)
            passing = [leaf for leaf in leaves if leaf.requires_grad]
            if not result.requires_grad:
                return [None] * len(leaves)
            found = iter(torch.autograd.grad(result, passing, arriving, allow_unused=True))
        return [next(found) if leaf.requires_grad else None for leaf in leaves]


def _times(values: Tensor, factor: float) -> Tensor:
    return values if factor == 1 else values * factor
