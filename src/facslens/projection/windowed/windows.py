"""Windows of maps, one for each pair of a face and a unit: where they lie, and what is in them.

Values in windows have the axes pair, row, column, and then those of the units, so that a place is
one run of memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from facslens.models.reading.slides import Pair


@dataclass(frozen=True)
class Windows:
    """Windows of one size, each with its own place.

    Parameters
    ----------
    first
        (pair, 2): the first row and column of each; it may lie outside of the map.
    size
        Rows and columns.
    """

    first: Int[np.ndarray, "pair 2"]
    size: Pair

    def __getitem__(self, pairs: slice) -> "Windows":
        """Give the windows of some pairs."""
        return Windows(self.first[pairs], self.size)


def covering(parts: Sequence[Windows], extent: Pair) -> Windows:
    """Give windows inside a map that hold all of some windows, as far as these lie in the map.

    They have the size of the largest that is needed. One that needs less, at a border, begins
    earlier, so that none leaves the map: no value outside has to be kept at zero.

    Examples
    --------
    >>> found = covering([Windows(np.array([[-2, 1], [3, 7]]), (5, 3))], (8, 8))
    >>> found.first.tolist(), found.size
    ([[0, 1], [3, 5]], (5, 3))
    """
    shape = np.array(extent)
    first = np.min([part.first for part in parts], axis=0).clip(0, shape - 1)
    last = np.max([part.first + part.size for part in parts], axis=0).clip(first + 1, shape)
    size = (last - first).max(axis=0, initial=1)
    return Windows(np.minimum(first, shape - size), (int(size[0]), int(size[1])))


def cut(
    values: Float[Tensor, "map row column *units"],
    first: Int[np.ndarray, "pair 2"],
    size: Pair,
    fill: float = 0.0,
    of: Int[np.ndarray, " pair"] | None = None,
) -> Float[Tensor, "pair height width *units"]:
    """Cut a window for every pair out of maps, or out of larger or smaller windows.

    Parameters
    ----------
    values
        The maps, or one window for each pair.
    first
        Row and column at which each window begins; negative where it begins before the map.
    size
        Rows and columns of a window.
    fill
        What lies outside.
    of
        Which of the maps each pair's window is cut out of; by default each has its own.

    Examples
    --------
    >>> cut(torch.tensor([[[1.0, 2], [3, 4]]]), np.array([[-1, 1]]), (2, 2))[0].tolist()
    [[0.0, 0.0], [2.0, 0.0]]
    """
    rows, columns = values.shape[1:3]
    inside = bool((first >= 0).all() and (first + size <= (rows, columns)).all())
    meets = bool((first < (rows, columns)).all() and (first + size > 0).all())
    if of is None and meets and (first == first[:1]).all():
        (top, left), (height, width) = first[0].tolist(), size
        if inside:
            return values[:, top : top + height, left : left + width]
        edges = (-left, left + width - columns, -top, top + height - rows)
        return functional.pad(values, (0, 0) * (values.ndim - 3) + edges, value=fill)
    of = np.arange(len(first)) if of is None else of
    across = first[:, None, :] + np.arange(max(size))[:, None]
    row, column = across[:, : size[0], None, 0], across[:, None, : size[1], 1]
    r, c = row.clip(0, rows - 1), column.clip(0, columns - 1)
    place = torch.from_numpy((of[:, None, None] * rows + r) * columns + c).to(values.device)
    found = values.flatten(0, 2).index_select(0, place.flatten())
    found = found.reshape(*place.shape, *values.shape[3:])
    if not inside:
        outside = torch.from_numpy((r != row) | (c != column)).to(values.device)
        found[outside] = fill
    return found


def paste(
    values: Float[Tensor, "pair height width channel"],
    windows: Windows,
    images: Float[Tensor, "image channel row column"],
    of: Int[np.ndarray, " pair"],
) -> None:
    """Write each pair's window, which lies inside, into its own image."""
    row = windows.first[:, 0, None] + np.arange(windows.size[0])
    column = windows.first[:, 1, None] + np.arange(windows.size[1])
    places = (torch.from_numpy(of)[:, None, None], slice(None))
    images[(*places, torch.from_numpy(row)[:, :, None], torch.from_numpy(column)[:, None, :])] = (
        values.to(images)
    )
