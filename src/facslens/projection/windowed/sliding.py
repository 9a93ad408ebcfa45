"""Steps that slide a kernel over maps, in windows: convolution, largest values, means."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from facslens.models.reading.slides import Slide
from facslens.projection.rules import Rule
from facslens.projection.windowed.steps import LIGHT, Step
from facslens.projection.windowed.windows import Windows, cut


def _reach(slide: Slide, windows: Windows) -> Windows:
    first = windows.first * np.array(slide.stride) - np.array(slide.padding)
    height, width = (
        (n - 1) * step + extent
        for n, step, extent in zip(windows.size, slide.stride, slide.extent, strict=True)
    )
    return Windows(first, (height, width))


class Convolving(Step):
    """A convolution: its transpose passes.

    Parameters
    ----------
    slide
        Its geometry.
    weights
        (unit, channel of the group, row, column).
    bias
        (unit,), or None.
    groups
        Of the channels.
    """

    def __init__(self, slide: Slide, weights: Tensor, bias: Tensor | None, groups: int) -> None:
        self._slide, self._weights, self._bias, self._groups = slide, weights, bias, groups
        self.work = weights[0].numel() + LIGHT

    def reach(self, windows: Windows) -> Windows:
        """Give what the kernel covers."""
        return _reach(self._slide, windows)

    def up(self, values: Sequence[Tensor], windows: Windows) -> Tensor:
        """Convolve."""
        slide, maps = self._slide, values[0].permute(0, 3, 1, 2)
        found = functional.conv2d(
            maps, self._weights, self._bias, slide.stride, 0, slide.dilation, self._groups
        )
        return found.permute(0, 2, 3, 1)

    def down(
        self, arriving: Tensor, values: Sequence[Tensor], windows: Windows, rule: Rule
    ) -> Sequence[Tensor | None]:
        """Apply the transpose."""
        slide = self._slide
        units, channels = self._weights.shape[:2]
        # to a grey image, and from a single place, this is faster than a transposed convolution
        if self._groups == 1 and (channels == 1 or windows.size == (1, 1)):
            weights = self._weights.permute(0, 2, 3, 1).reshape(units, -1)
            parts = arriving.reshape(-1, units) @ weights
            parts = parts.reshape(*arriving.shape[:3], *slide.kernel, channels)
            found = arriving.new_zeros(len(arriving), *self.reach(windows).size, channels)
            for row in range(slide.kernel[0]):
                for column in range(slide.kernel[1]):
                    _seen(found, slide, windows, row, column).add_(parts[:, :, :, row, column])
            return [found]
        found = functional.conv_transpose2d(
            arriving.permute(0, 3, 1, 2), self._weights, None, slide.stride, 0, 0, self._groups,
            slide.dilation,
        )  # fmt: skip
        return [found.permute(0, 2, 3, 1)]


class Largest(Step):
    """Max pooling: what arrives goes to where the maximum was, the first on a tie."""

    fill = -torch.inf

    def __init__(self, slide: Slide) -> None:
        self._slide = slide

    def reach(self, windows: Windows) -> Windows:
        """Give what the kernel covers."""
        return _reach(self._slide, windows)

    def asks(self, rule: Rule) -> bool:
        """Ask for the values, from which the switches follow."""
        return True

    def up(self, values: Sequence[Tensor], windows: Windows) -> Tensor:
        """Take the largest."""
        slide, maps = self._slide, values[0].permute(0, 3, 1, 2)
        found = functional.max_pool2d(maps, slide.kernel, slide.stride, 0, slide.dilation)
        return found.permute(0, 2, 3, 1)

    def down(
        self, arriving: Tensor, values: Sequence[Tensor], windows: Windows, rule: Rule
    ) -> Sequence[Tensor | None]:
        """Put it where the maximum was."""
        slide, maps = self._slide, values[0].permute(0, 3, 1, 2)
        geometry = (slide.kernel, slide.stride, (0, 0), slide.dilation, False)
        _, switches = torch.ops.aten.max_pool2d_with_indices(maps, *geometry)
        found: Tensor = torch.ops.aten.max_pool2d_with_indices_backward(
            arriving.permute(0, 3, 1, 2), maps, *geometry, switches
        )
        return [found.permute(0, 2, 3, 1)]


class Averaging(Step):
    """Average pooling: its adjoint passes.

    Parameters
    ----------
    slide
        Its geometry.
    shares
        (1, row, column): what each place of the result multiplies the sum of its values by, which
        differs at the borders.
    """

    def __init__(self, slide: Slide, shares: Tensor) -> None:
        self._slide, self._shares = slide, shares
        self.work = slide.kernel[0] * slide.kernel[1] + LIGHT

    def reach(self, windows: Windows) -> Windows:
        """Give what the kernel covers."""
        return _reach(self._slide, windows)

    def _share(self, windows: Windows) -> Tensor:
        of = np.zeros(len(windows.first), dtype=int)
        return cut(self._shares, windows.first, windows.size, of=of).unsqueeze(3)

    def up(self, values: Sequence[Tensor], windows: Windows) -> Tensor:
        """Take the mean."""
        maps = values[0].permute(0, 3, 1, 2)
        slide = self._slide
        sums = functional.avg_pool2d(maps, slide.kernel, slide.stride, divisor_override=1)
        return sums.permute(0, 2, 3, 1) * self._share(windows)

    def down(
        self, arriving: Tensor, values: Sequence[Tensor], windows: Windows, rule: Rule
    ) -> Sequence[Tensor | None]:
        """Pass an equal share to all values of a mean."""
        slide, arriving = self._slide, arriving * self._share(windows)
        found = arriving.new_zeros(len(arriving), *self.reach(windows).size, arriving.shape[3])
        for row in range(slide.kernel[0]):
            for column in range(slide.kernel[1]):
                _seen(found, slide, windows, row, column).add_(arriving)
        return [found]


def _seen(values: Tensor, slide: Slide, windows: Windows, row: int, column: int) -> Tensor:
    """Give the places that one of a kernel's weights covers, over all of its positions."""
    (height, width), (down, across) = windows.size, slide.stride
    top, left = row * slide.dilation[0], column * slide.dilation[1]
    bottom, right = top + (height - 1) * down + 1, left + (width - 1) * across + 1
    return values[:, top:bottom:down, left:right:across]
