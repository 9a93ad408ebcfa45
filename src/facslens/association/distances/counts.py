"""Label columns, split into present, absent and unknown images as every distance needs them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, Int8, Shaped


@dataclass(frozen=True)
class Counts:
    """Columns of labels, split into the two samples that a distance compares.

    Parameters
    ----------
    codes
        1 present, 0 absent, −1 unknown; (image, column).
    n_present, n_absent
        How often each occurs in a column. Their precision is that of everything that is
        computed from the counts.
    complete
        Whether no label at all is unknown; then every column has the same rows.
    """

    codes: Int8[np.ndarray, "image column"]
    n_present: Float[np.ndarray, " column"]
    n_absent: Float[np.ndarray, " column"]
    complete: bool

    @cached_property
    def present(self) -> Float[np.ndarray, "image column"]:
        """1 where the action unit is present, else 0."""
        known = self.codes if self.complete else self.codes == 1
        return np.asarray(known.astype(self.n_present.dtype))

    @cached_property
    def absent(self) -> Float[np.ndarray, "image column"]:
        """1 where it is absent, else 0."""
        return np.asarray((self.codes == 0).astype(self.n_present.dtype))

    @property
    def undefined(self) -> Bool[np.ndarray, " column"]:
        """Columns in which one of the two samples is empty, so that no distance exists."""
        empty: Bool[np.ndarray, " column"] = (self.n_present == 0) | (self.n_absent == 0)
        return empty

    def permuted(self, rows: Int[np.ndarray, "permutation image"]) -> "Counts":
        """Give the columns of the first arrangement of the rows, those of the second, and so on.

        Every arrangement holds each kind of row as often as the given one, so that no label
        has to be counted again.
        """
        codes = np.take(self.codes, rows.T, axis=0).reshape(len(self.codes), -1)
        n_present, n_absent = (np.tile(n, len(rows)) for n in (self.n_present, self.n_absent))
        return Counts(codes, n_present, n_absent, self.complete)


def count(labels: Shaped[np.ndarray, "image column"], dtype: type[np.floating]) -> Counts:
    """Split label columns into present and absent.

    Parameters
    ----------
    labels
        1 present, 0 absent, NaN unknown.
    dtype
        Precision of everything that is computed from the counts.

    Examples
    --------
    >>> counts = count(np.array([[1.0], [0.0], [np.nan], [0.0]]), np.float64)
    >>> counts.n_present, counts.n_absent, counts.complete
    (array([1.]), array([2.]), False)
    >>> counts.permuted(np.array([[3, 2, 1, 0], [2, 0, 1, 3]])).codes.T
    array([[ 0, -1,  0,  1],
           [-1,  1,  0,  0]], dtype=int8)
    """
    codes = np.full(labels.shape, -1, np.int8)
    codes[labels == 1] = 1
    codes[labels == 0] = 0
    n_present, n_absent = ((codes == code).sum(axis=0).astype(dtype) for code in (1, 0))
    return Counts(codes, n_present, n_absent, bool((codes >= 0).all()))
