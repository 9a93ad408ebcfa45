"""Define the crop of a face: the places of eyes and mouth in it, and how it is cut out.

Points are (x, y) in pixels, x to the right and y down, from the outer corner of the first
pixel: pixel (row i, column j) covers the square from (j, i) to (j + 1, i + 1), and its centre
lies at (j + ½, i + ½). The right eye is the person's own, left in the picture.
"""

import math
from typing import Final

import numpy as np
from PIL import Image

from facslens.errors import DataError
from facslens.preprocess.alignment import Similarity, fitted, numbers
from facslens.preprocess.detection import Box, Detection
from facslens.shapes import Float, UInt8

#: Where right eye, left eye and the middle of the mouth lie in a crop, (x, y) as shares of its
#: side: the medians of FER2013's training faces, made symmetric. ``benchmarks/faces.py``
#: measures them.
TEMPLATE: Final = ((15.15 / 48, 18.8 / 48), (32.85 / 48, 18.8 / 48), (24 / 48, 37.2 / 48))

#: The crop by the box of a face where no landmarks are known: its centre, as shares of the
#: box's width and height, and its side, in widths. Fitted to the crops by landmarks.
IN_BOX: Final = (0.5, 0.42, 1.16)

# Samples along the side of a crop's pixel, at most; faces that would need more are reduced first.
_SAMPLES: Final = 4


def crop(
    grey: UInt8[np.ndarray, "row column"], points: Float[np.ndarray, "3 2"], size: int
) -> UInt8[np.ndarray, "size size"]:
    """Cut out a face so that its eyes and mouth lie where they lie in the faces of training.

    The crop is moved, turned and scaled, never mirrored or sheared, such that the sum of
    squared distances between the points and `TEMPLATE`, in the crop, is smallest.

    Parameters
    ----------
    grey
        The picture's grey levels.
    points
        Right eye, left eye and middle of the mouth, (x, y) in pixels of the picture.
    size
        Side of the crop in pixels.

    Returns
    -------
    uint8 array of shape (size, size)
        Every pixel is the mean over its area in the picture, taken from bilinear samples at
        most a pixel apart; beyond the border the border repeats.

    Raises
    ------
    DataError
        If the points are not finite or all lie in one place.

    References
    ----------
    The similarity of least squares: [umeyama1991]_; in the plane it is a regression of
    complex numbers, in which no mirror image can occur.

    Examples
    --------
    A picture that is the crop already comes back as it is:

    >>> face = np.arange(48 * 48, dtype=np.uint32).reshape(48, 48).astype(np.uint8)
    >>> bool((crop(face, 48 * np.array(TEMPLATE), 48) == face).all())
    True
    """
    return _cut(grey, placed(points, size).inverse(), size)


def placed(points: Float[np.ndarray, "3 2"], size: int) -> Similarity:
    """Find the similarity from the pixels of a picture to those of the crop.

    Raises
    ------
    DataError
        If the points are not finite or all lie in one place.
    """
    way = fitted(points.astype(np.float64), size * np.array(TEMPLATE))
    if not 0 < abs(way.turn) < math.inf:  # false for NaN, too
        raise DataError(
            f"{points.tolist()} are no landmarks of a face: expected three different places"
        )
    return way


def crop_face(
    grey: UInt8[np.ndarray, "row column"], face: Detection, size: int
) -> UInt8[np.ndarray, "size size"]:
    """Cut out a detected face: by its landmarks where it has them, else by its box."""
    return _cut(grey, way_of(face, size), size)


def way_of(face: Detection, size: int) -> Similarity:
    """Find the similarity from the pixels of the crop of a detected face to the picture's.

    Raises
    ------
    DataError
        As `placed` and `crop_box` say.
    """
    return _boxed(face.box, size) if face.points is None else placed(face.points, size).inverse()


def crop_box(
    grey: UInt8[np.ndarray, "row column"], box: Box, size: int
) -> UInt8[np.ndarray, "size size"]:
    """Cut out a face of which only the box is known: upright, where crops lie on average.

    Parameters
    ----------
    grey
        The picture's grey levels.
    box
        Left, top, width and height in pixels.
    size
        Side of the crop in pixels.

    Raises
    ------
    DataError
        If the box is not finite or has no area.
    """
    return _cut(grey, _boxed(box, size), size)


def _boxed(box: Box, size: int) -> Similarity:
    """Find the similarity from the pixels of the crop of a box to the picture's."""
    left, top, width, height = box
    if not all(map(math.isfinite, box)) or width <= 0 or height <= 0:
        raise DataError(f"the box {box} is no place of a face: expected a width and a height")
    across, down, side = IN_BOX
    scale = side * width / size
    corner = complex(left + across * width, top + down * height) - scale * complex(size, size) / 2
    return Similarity(complex(scale), corner)


def _cut(
    grey: UInt8[np.ndarray, "row column"], way: Similarity, size: int
) -> UInt8[np.ndarray, "size size"]:
    """Sample the crop, `way` being the map from its pixels to the picture's."""
    corners = numbers(size * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    reach = way.turn * corners + way.shift
    factor = max(1, int(abs(way.turn) / (_SAMPLES / 2)))
    rows, columns = grey.shape
    # The part of the picture that matters, with two reduced pixels around it for interpolation.
    left, right = (
        int(np.clip(edge, 0, columns - 1))
        for edge in (reach.real.min() - 2 * factor, reach.real.max() + 2 * factor)
    )
    top, bottom = (
        int(np.clip(edge, 0, rows - 1))
        for edge in (reach.imag.min() - 2 * factor, reach.imag.max() + 2 * factor)
    )
    part = grey[top : bottom + 1, left : right + 1]
    if factor > 1:
        part = np.asarray(Image.fromarray(part).reduce(factor))
    turn, shift = way.turn / factor, (way.shift - complex(left, top)) / factor
    many = max(1, math.ceil(abs(turn) - 1e-9))
    steps = (np.arange(size * many) + 0.5) / many
    places = turn * (steps[None, :] + 1j * steps[:, None]) + shift
    found = _bilinear(part, places.real, places.imag)
    averaged: np.ndarray = found.reshape(size, many, size, many).mean(axis=(1, 3))
    return np.asarray(np.rint(averaged), dtype=np.uint8)


def _bilinear(
    grey: UInt8[np.ndarray, "row column"],
    x: Float[np.ndarray, "*points"],
    y: Float[np.ndarray, "*points"],
) -> Float[np.ndarray, "*points"]:
    """Interpolate between the centres of pixels; beyond the border the border repeats."""
    rows, columns = grey.shape
    x, y = np.clip(x - 0.5, 0, columns - 1), np.clip(y - 0.5, 0, rows - 1)
    column, row = x.astype(np.intp), y.astype(np.intp)
    across, down = x - column, y - row
    start = row * columns + column
    right, below = column + 1 < columns, np.where(row + 1 < rows, columns, 0)
    levels = grey.reshape(-1).astype(np.float64)
    upper = levels[start] * (1 - across) + levels[start + right] * across
    lower = levels[start + below] * (1 - across) + levels[start + below + right] * across
    return np.asarray(upper * (1 - down) + lower * down)
