"""What the images of a dataset look like, found in one pass over their files."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int, UInt8, UInt64

from facslens.datasets.base import Faces
from facslens.datasets.images import grey, read_picture
from facslens.datasets.likeness import SMALL, shrunk
from facslens.errors import DataError


@dataclass(frozen=True)
class Pictures:
    """The images of a Faces table, row by row.

    Parameters
    ----------
    sound
        Whether the image could be read; what follows says nothing of the others.
    size
        Height and width of the file's picture in pixels.
    mean, spread
        Mean and standard deviation of its grey levels; NaN where it was not read.
    digest
        SHA-256 of its size and grey levels; empty where it was not read.
    hash, small
        See `facslens.datasets.likeness.shrunk`.
    broken
        Why an image was not read, by its row.
    notes
        Rows of the images of which the same is to be known, by what it is.
    """

    sound: Bool[np.ndarray, " image"]
    size: Int[np.ndarray, "image 2"]
    mean: Float32[np.ndarray, " image"]
    spread: Float32[np.ndarray, " image"]
    digest: tuple[bytes, ...]
    hash: UInt64[np.ndarray, " image"]
    small: UInt8[np.ndarray, "image 16 16"]
    broken: Mapping[int, str]
    notes: Mapping[str, tuple[int, ...]]


def read_pictures(
    faces: Faces,
    progress: Callable[[int, int], None] | None = None,
    each: Callable[[int, UInt8[np.ndarray, "row column"]], None] | None = None,
) -> Pictures:
    """Decode every image as in training; a broken one does not end the search.

    Parameters
    ----------
    faces
        Whose images are read, one at a time.
    progress
        Called after every image with how many are done and how many there are.
    each
        Called with the row and the grey levels of every image that could be read.
    """
    count = len(faces)
    sound, size = np.zeros(count, dtype=bool), np.zeros((count, 2), dtype=np.int64)
    mean, spread = (np.full(count, np.nan, dtype=np.float32) for _ in range(2))
    digest, hashes = [b""] * count, np.zeros(count, dtype=np.uint64)
    small = np.zeros((count, SMALL, SMALL), dtype=np.uint8)
    broken: dict[int, str] = {}
    notes: dict[str, list[int]] = {}
    for row, path in enumerate(faces.table["path"]):
        try:
            picture = read_picture(path)
        except DataError as error:
            broken[row] = str(error)
        else:
            levels = grey(picture.pixels)
            if picture.note is not None:
                notes.setdefault(picture.note, []).append(row)
            sound[row] = True
            size[row] = [side * picture.reduced for side in levels.shape]
            mean[row], spread[row] = levels.mean(), levels.std()
            digest[row] = hashlib.sha256(f"{levels.shape}".encode() + levels.tobytes()).digest()
            hashes[row], small[row] = shrunk(levels)
            if each is not None:
                each(row, levels)
        if progress is not None:
            progress(row + 1, count)
    return Pictures(
        sound, size, mean, spread, tuple(digest), hashes, small, broken,
        {note: tuple(rows) for note, rows in notes.items()},
    )  # fmt: skip
