"""Matrices of one row an image, in memory or read by columns."""

from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from jaxtyping import Int

#: A number for every image and column; an index of a data frame names its images.
Matrix = np.ndarray | pd.DataFrame


@runtime_checkable
class Columns(Protocol):
    """A matrix that need not be in memory: ``matrix[:, 3:7]`` reads four of its columns."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""

    def __getitem__(self, key: Any, /) -> Any:
        """Read a part."""


#: Columns that are read at once where some are chosen.
_AT_ONCE: Final = 256


def take(responses: Matrix | Columns, units: Int[np.ndarray, " unit"]) -> Matrix:
    """Read some columns of responses, in the order in which they are named.

    Examples
    --------
    >>> take(np.array([[1.0, 2.0, 3.0]]), np.array([2, 0]))
    array([[3., 1.]])
    """
    if isinstance(responses, pd.DataFrame):
        return responses.iloc[:, units]
    if isinstance(responses, np.ndarray):
        return responses[:, units]
    found = np.empty((responses.shape[0], len(units)), dtype=np.float32)
    for block in np.unique(units // _AT_ONCE):
        own = units // _AT_ONCE == block
        first = int(units[own].min())
        part = np.asarray(responses[:, first : int(units[own].max()) + 1])
        found[:, own] = part[:, units[own] - first]
    return found
