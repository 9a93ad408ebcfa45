"""Controls without a network: pixels and histograms of gradients as candidates."""

from typing import Final

import numpy as np
from jaxtyping import Float

from facslens.datasets.base import Faces
from facslens.errors import CallError
from facslens.preprocess import normalise
from facslens.preprocess.input import Input, grey_contrast

#: Side of a cell in pixels, cells along a block's side, and orientations, of `hog`.
CELL: Final = 8
BLOCK: Final = 2
ORIENTATIONS: Final = 9
#: Largest side at which pixels are candidates for a network that reads anything but grey pictures
#: of even contrast: the side of the stimuli in the package.
MOST: Final = 64
#: Added to a block's norm, in grey levels of 0 to 1.
_FLOOR: Final = 1e-2


def plain_input(into: Input) -> Input:
    """Say at which size pixels and gradients are looked at, always grey and of even contrast.

    Parameters
    ----------
    into
        What the network reads that they are compared with. Where it reads grey pictures of even
        contrast, so do they; otherwise they are square, as large as the network's shorter side, but
        no larger than `MOST`: every pixel is a candidate, and a network's 224² would be 50,176.

    Examples
    --------
    >>> plain_input(Input("rgb", 224, 192)).name
    'grey64-contrast'
    """
    if into.contrast:
        return into
    return grey_contrast(min(into.height, into.width, MOST))


def pixels(faces: Faces, into: Input) -> Float[np.ndarray, "image candidate"]:
    """Give every pixel of an input, as `plain_input` gives it, and its negative, as a candidate.

    A detector responds more strongly when the action unit is present. A pixel that turns dark,
    as in an open mouth, would not count as one, so each pixel is given as it is and negated.

    Returns
    -------
    numpy.ndarray
        (image, 2 · height · width) float32: the pixels in row-major order, then their negatives.
    """
    parts = [
        batch.flatten(1).numpy() for batch in normalise.batches(list(faces.table["path"]), into, 64)
    ]
    bright = (
        np.concatenate(parts)
        if parts
        else np.zeros((0, into.height * into.width), dtype=np.float32)
    )
    return np.concatenate([bright, -bright], axis=1)


def gradients(faces: Faces, into: Input) -> Float[np.ndarray, "image candidate"]:
    """Give every histogram bin of `hog` of the grey levels as a candidate, float32."""
    if len(faces) == 0:
        return np.zeros((0, _features(into.height, into.width)), dtype=np.float32)
    images = normalise.read(list(faces.table["path"]), into)[:, 0].numpy()
    return hog(images.astype(np.float64)).astype(np.float32)


def hog(images: Float[np.ndarray, "image row column"]) -> Float[np.ndarray, "image candidate"]:
    """Compute histograms of oriented gradients.

    The gradient is the difference of a pixel's two neighbours; the border is repeated outwards.
    In each cell of 8×8 pixels, a pixel adds the length of its gradient to the two nearest of
    nine orientations from 0 to 180°, in linear proportion. The histograms of each block of 2×2
    cells are divided by their Euclidean length.

    Parameters
    ----------
    images
        Grey levels in [0, 1]; pixels beyond the last whole cell are not used.

    Returns
    -------
    numpy.ndarray
        (image, block row · block column · cell row · cell column · orientation).

    Raises
    ------
    CallError
        If an image is smaller than a block.

    Notes
    -----
    Votes are not shared between neighbouring cells, unlike in the original.

    References
    ----------
    Dalal & Triggs 2005 [dalal2005]_.

    Examples
    --------
    Grey that rises from left to right has one orientation, so only the first bins of a block's
    four histograms are above 0.

    >>> ramp = np.broadcast_to(np.arange(16) / 16, (1, 16, 16))
    >>> found = hog(ramp).reshape(4, 9)
    >>> bool((found[:, 1:] == 0).all()), round(float((found**2).sum()), 2)
    (True, 1.0)
    """
    count, height, width = images.shape
    rows, columns = height // CELL, width // CELL
    if min(rows, columns) < BLOCK:
        raise CallError(
            f"images are of {height}×{width} pixels: needs at least a block of "
            f"{BLOCK * CELL}×{BLOCK * CELL}"
        )
    wide = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    down = wide[:, 2:, 1:-1] - wide[:, :-2, 1:-1]
    across = wide[:, 1:-1, 2:] - wide[:, 1:-1, :-2]
    length = np.hypot(down, across)
    place = np.mod(np.arctan2(down, across), np.pi) / np.pi * ORIENTATIONS
    low = np.floor(place).astype(int)
    share = place - low
    cells = np.zeros((count, rows, columns, ORIENTATIONS))
    for bins, votes in ((low, length * (1 - share)), (low + 1, length * share)):
        for orientation in range(ORIENTATIONS):
            mine = votes * (bins % ORIENTATIONS == orientation)
            whole = mine[:, : rows * CELL, : columns * CELL]
            cells[..., orientation] += whole.reshape(count, rows, CELL, columns, CELL).sum((2, 4))
    blocks = np.lib.stride_tricks.sliding_window_view(cells, (BLOCK, BLOCK), axis=(1, 2))
    blocks = np.moveaxis(blocks, 3, -1)  # image, block row, column, cell row, column, orientation
    norm = np.sqrt((blocks**2).sum(axis=(3, 4, 5), keepdims=True) + _FLOOR**2)
    features: Float[np.ndarray, "image candidate"] = (blocks / norm).reshape(
        count, _features(height, width)
    )
    return features


def _features(height: int, width: int) -> int:
    rows, columns = height // CELL - BLOCK + 1, width // CELL - BLOCK + 1
    return rows * columns * BLOCK * BLOCK * ORIENTATIONS
