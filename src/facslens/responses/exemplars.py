"""Find the faces of each unit's largest responses, at most one per subject, while recording."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped

from facslens.errors import CallError

#: Exemplars kept for each unit.
DEFAULT_K = 9


@dataclass
class TopExemplars:
    """A running list of each unit's largest responses, at most one per subject.

    Parameters
    ----------
    k
        How many to keep for each unit.

    Notes
    -----
    Memory is k × units, whatever the number of faces. On equal responses the face seen first
    stays, so the result does not depend on the batch size. A response of 0 is never an exemplar.
    """

    k: int = DEFAULT_K
    _response: np.ndarray = field(init=False, repr=False)
    _row: np.ndarray = field(init=False, repr=False)
    _subject: np.ndarray = field(init=False, repr=False)
    _location: np.ndarray = field(init=False, repr=False)
    _started: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.k < 1:
            raise CallError(f"k is {self.k}: at least one exemplar has to be kept")

    def add(
        self,
        rows: Int[np.ndarray, " image"],
        subjects: Int[np.ndarray, " image"],
        response: Float[np.ndarray, "image unit"],
        location: Int[np.ndarray, "image unit 2"],
    ) -> None:
        """Update the lists with a batch.

        Parameters
        ----------
        rows
            Number of each face in the Faces table.
        subjects
            A number for each subject, ≥ 0.
        response, location
            As `facslens.responses.recorder.BatchResponses` holds them.
        """
        units = response.shape[1]
        if not self._started:
            self._response = np.zeros((self.k, units), np.float32)
            self._row = np.full((self.k, units), -1, np.int64)
            self._subject = np.full((self.k, units), -1, np.int64)
            self._location = np.full((self.k, units, 2), -1, np.int16)
            self._started = True
        busy = np.flatnonzero((response > self._response[-1]).any(axis=0))
        if busy.size == 0:
            return
        value = np.concatenate([self._response[:, busy], response[:, busy]])
        row = np.concatenate([self._row[:, busy], _spread(rows, busy.size)])
        subject = np.concatenate([self._subject[:, busy], _spread(subjects, busy.size)])
        place = np.concatenate([self._location[:, busy], location[:, busy]])
        value = np.where(value > 0, value, -np.inf)
        column = np.arange(busy.size)
        for rank in range(self.k):
            best = value.argmax(axis=0)
            top = value[best, column]
            found = top > 0
            self._response[rank, busy] = np.where(found, top, 0)
            self._row[rank, busy] = np.where(found, row[best, column], -1)
            self._subject[rank, busy] = np.where(found, subject[best, column], -1)
            self._location[rank, busy] = np.where(found[:, None], place[best, column], -1)
            value[subject == subject[best, column]] = -np.inf

    def table(self, layer: str, images: Shaped[np.ndarray, " image"]) -> pd.DataFrame:
        """Give the exemplars as rows: layer, unit, rank (from 1), image, response, row, column."""
        if not self._started:
            return pd.DataFrame(
                columns=["layer", "unit", "rank", "image", "response", "row", "column"]
            )
        unit, rank = np.nonzero(self._row.T >= 0)
        return pd.DataFrame(
            {
                "layer": layer,
                "unit": unit,
                "rank": rank + 1,
                "image": images[self._row[rank, unit]],
                "response": self._response[rank, unit],
                "row": self._location[rank, unit, 0],
                "column": self._location[rank, unit, 1],
            }
        )


def subject_numbers(subjects: pd.Series) -> Int[np.ndarray, " image"]:
    """Give each subject a number; a face of unknown subject counts as a subject of its own.

    Examples
    --------
    >>> subject_numbers(pd.Series(["a", "b", "a", None])).tolist()
    [0, 1, 0, 2]
    """
    numbers, _ = pd.factorize(subjects)
    numbers = numbers.astype(np.int64)
    unknown = numbers < 0
    numbers[unknown] = numbers.max(initial=-1) + 1 + np.arange(unknown.sum())
    return numbers


def _spread(values: np.ndarray, units: int) -> np.ndarray:
    return np.broadcast_to(values[:, None], (len(values), units))
