"""The MATLAB file of the Toronto Face Database: its labelled faces, kept small."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from facslens.datasets.matlab import read_matrices
from facslens.shapes import Int, UInt8

#: The variables that are read. Others are never opened.
VARIABLES: Final = ("images", "labs_ex", "labs_id", "folds")
#: Most bytes of the file, and of its images: as many as 130,000 faces of 96 × 96 pixels take.
MAX_BYTES: Final = 1_200_000_000


@dataclass(frozen=True)
class Stored:
    """The faces of the file that have a label.

    Parameters
    ----------
    images
        Their grey levels.
    rows
        Where each stands in the file, from 0.
    labels, identities
        What ``labs_ex`` and ``labs_id`` say of each; -1 is unknown.
    folds
        The part of each in each of the folds: 1 training, 2 validation, 3 test.
    faces
        How many the file holds, labelled or not.
    """

    images: UInt8[np.ndarray, "image row column"]
    rows: Int[np.ndarray, " image"]
    labels: Int[np.ndarray, " image"]
    identities: Int[np.ndarray, " image"]
    folds: Int[np.ndarray, "image fold"]
    faces: int


def stored(file: Path) -> Stored:
    """Read the labelled faces of a file; they stay in memory until another file is read.

    Raises
    ------
    OSError
        If it cannot be read, is larger than `MAX_BYTES`, or is no such file. ``strerror`` says
        which, as part of a sentence.
    """
    state = file.stat()
    if state.st_size > MAX_BYTES:
        raise OSError(27, f"it holds more than {MAX_BYTES / 1e6:.0f} MB", str(file))
    return _stored(file, state.st_mtime_ns, state.st_size)


def picture(file: Path, name: str) -> bytes:
    """Give one face as a PGM file.

    Parameters
    ----------
    file
        The MATLAB file.
    name
        Where the face stands in it, from 0.

    Raises
    ------
    OSError
        If the file is none (see `stored`), or there is no such labelled face.
    """
    faces = stored(file)
    row = int(name) if name.isdecimal() and len(name) < 10 else -1
    place = int(np.searchsorted(faces.rows, row))
    if place == len(faces.rows) or faces.rows[place] != row:
        raise FileNotFoundError(2, "there is no such labelled face", f"{file}/{name}")
    levels = faces.images[place]
    head = b"P5 %d %d 255\n" % (levels.shape[1], levels.shape[0])
    return head + bytes(levels.tobytes())


# The key says which state of the file was read.
@lru_cache(maxsize=1)
def _stored(file: Path, _changed: int, _size: int) -> Stored:
    try:
        found = read_matrices(file, VARIABLES, MAX_BYTES)
        _check(found)
    except (ValueError, OverflowError, MemoryError) as error:
        raise OSError(5, str(error) or type(error).__name__, str(file)) from error
    labels, identities, folds = (_whole(found[name]) for name in VARIABLES[1:])
    rows = np.flatnonzero(labels[:, 0] != -1)
    return Stored(
        images=np.ascontiguousarray(found["images"][rows]),
        rows=rows,
        labels=labels[rows, 0],
        identities=identities[rows, 0],
        folds=folds[rows],
        faces=len(labels),
    )


def _check(found: Mapping[str, np.ndarray]) -> None:
    """Tell whether the variables are as those of TFD."""
    for name in VARIABLES:
        if name not in found:
            raise ValueError(f"it has no variable {name}")
    images = found["images"]
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"its images are {images.dtype} of the shape {images.shape}, expected uint8 "
            f"(face, row, column)"
        )
    for name in VARIABLES[1:]:
        shape = found[name].shape
        if shape != (len(images), shape[-1] if name == "folds" else 1):
            raise ValueError(f"its {name} have the shape {shape}, expected one row for each face")


def _whole(values: np.ndarray) -> Int[np.ndarray, "image column"]:
    """Read whole numbers; others, and those that no label is, become one that none is."""
    numbers = values.astype(np.float64)
    right = (numbers == np.rint(numbers)) & (np.abs(numbers) < 2**31)
    return np.where(right, numbers, -(2.0**31)).astype(np.int64)
