"""Bring a picture to the size and the colours that a network reads."""

import numpy as np
from PIL import Image

from facslens.datasets.images import grey
from facslens.preprocess.input import INTERPOLATIONS, Input
from facslens.shapes import Float, UInt8


def fit(
    picture: UInt8[np.ndarray, "row column *rgb"], into: Input
) -> UInt8[np.ndarray, "height width *channels"]:
    """Cut and resize a picture to what a network reads of it, in 8 bits.

    Parameters
    ----------
    picture
        Grey levels (row, column), or RGB (row, column, 3).
    into
        What the network reads. How a picture is resized stands there.

    Returns
    -------
    numpy.ndarray
        (height, width) for a grey network: colours become ITU-R 601 luma. (height, width, 3) RGB
        for any other: grey levels stand in all three.

    Notes
    -----
    Pillow's filters, whose support grows when shrinking, so that shrinking does not alias; what has
    the size already comes back as it is. Behind ``shortest`` and ``stretched`` the part is cut
    where torchvision's ``CenterCrop`` cuts it.
    """
    levels = grey(picture) if into.channels == 1 and picture.ndim == 3 else picture
    rows, columns = levels.shape[:2]
    size = (into.height, into.width)
    if into.resize == "centre":
        scale = min(rows / into.height, columns / into.width)
        part = (round(into.height * scale), round(into.width * scale))
        levels = _cut(levels, part, ((rows - part[0]) // 2, (columns - part[1]) // 2))
        levels = _resized(levels, size, into)
    else:
        whole = into.uncut
        if into.resize == "shortest":
            side, short = whole[0], min(rows, columns)
            whole = (int(side * rows / short), int(side * columns / short))
        levels = _resized(levels, whole, into)
        levels = _cut(levels, size, _corner(whole, size))
    if into.channels == 3 and levels.ndim == 2:
        levels = np.repeat(levels[:, :, None], 3, axis=2)
    return levels


def centres(into: Input) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " column"]]:
    """Say where the network's pixels lie in a square picture.

    Returns
    -------
    tuple of array
        Of each row and of each column its centre, as a share of the picture's side.

    Examples
    --------
    >>> rows, columns = centres(Input("grey", 16, 8))  # the middle half of the columns
    >>> rows[0].item() * 16, columns[0].item() * 16
    (0.5, 4.5)
    """
    size, whole = (into.height, into.width), into.uncut
    rows, columns = (
        (np.arange(n) + 0.5 + first) / side
        for n, side, first in zip(size, whole, _corner(whole, size), strict=True)
    )
    return rows, columns


def _corner(whole: tuple[int, int], part: tuple[int, int]) -> tuple[int, int]:
    """Find the first row and column of a central part."""
    return round((whole[0] - part[0]) / 2), round((whole[1] - part[1]) / 2)


def _cut(
    levels: UInt8[np.ndarray, "row column *rgb"], size: tuple[int, int], corner: tuple[int, int]
) -> UInt8[np.ndarray, "height width *rgb"]:
    top, left = corner
    return levels[top : top + size[0], left : left + size[1]]


def _resized(
    levels: UInt8[np.ndarray, "row column *rgb"], size: tuple[int, int], into: Input
) -> UInt8[np.ndarray, "height width *rgb"]:
    if levels.shape[:2] == size:
        return levels
    image = Image.fromarray(levels).resize(size[::-1], INTERPOLATIONS[into.interpolation])
    return np.asarray(image, dtype=np.uint8)
