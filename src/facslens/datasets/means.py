"""The mean face of a dataset and of each expression, every person counting once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float, UInt8
from PIL import Image

from facslens.datasets.base import Faces

#: Fewest people of whom a mean face is drawn: below it the mean shows who they are.
PEOPLE: Final = 5
#: Rows and columns of a mean face.
SIDE: Final = 64

#: The name under which the mean of all faces stands.
ALL: Final = "all"


@dataclass(frozen=True, eq=False)
class MeanFace:
    """The mean of the faces of one expression.

    Parameters
    ----------
    of
        The expression, or `ALL`.
    images, people
        How many images went in, and of how many known people.
    pixels
        Grey levels; None where they are of fewer than `PEOPLE` people, or of nobody knows how many.
    """

    of: str
    images: int
    people: int
    pixels: UInt8[np.ndarray, "64 64"] | None


@dataclass(eq=False)
class Means:
    """Adds up faces one at a time; the memory does not grow with their number.

    Parameters
    ----------
    faces
        Whose images will come, by their rows.
    """

    faces: Faces
    _sums: dict[str, Float[np.ndarray, "64 64"]] = field(default_factory=dict)
    _weights: dict[str, float] = field(default_factory=dict)
    _rows: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        table = self.faces.table
        # A face counts in the mean of all, and in that of its expression if it is known.
        self._of = [
            (ALL,) if pd.isna(expression) else (ALL, expression)
            for expression in table["expression"]
        ]
        self._each: Mapping[str, Float[np.ndarray, " image"]] = {
            ALL: _shares(table, ["subject"]),
            **dict.fromkeys(self.faces.expressions, _shares(table, ["subject", "expression"])),
        }

    def add(self, row: int, levels: UInt8[np.ndarray, "row column"]) -> None:
        """Take the face of a row, scaled to a square."""
        scaled = Image.fromarray(levels).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        face = np.asarray(scaled, dtype=np.float64)
        for name in self._of[row]:
            weight = float(self._each[name][row])
            self._sums[name] = self._sums.get(name, 0) + weight * face
            self._weights[name] = self._weights.get(name, 0.0) + weight
            self._rows.setdefault(name, []).append(row)

    def faces_of(self) -> tuple[MeanFace, ...]:
        """Give the mean of all faces, and that of each expression."""
        subject = self.faces.table["subject"]
        found = []
        for name in self._each:
            rows = self._rows.get(name, [])
            people = int(subject.iloc[rows].nunique())
            pixels = None
            if people >= PEOPLE:
                mean = self._sums[name] / self._weights[name]
                pixels = np.rint(mean).astype(np.uint8)
            found.append(MeanFace(name, len(rows), people, pixels))
        return tuple(found)


def _shares(table: pd.DataFrame, columns: list[str]) -> Float[np.ndarray, " image"]:
    """Give each image its share of its person's weight, which is one; 1 to whoever is unknown."""
    known = table["subject"].notna()
    count = table.groupby(columns, dropna=False)["image"].transform("size").where(known, 1)
    return np.asarray(1.0 / count.to_numpy(dtype=np.float64))
