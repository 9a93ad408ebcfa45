"""Label columns, split into present, absent and unknown images as every distance needs them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped


@dataclass(frozen=True)
class Counts:
    """Columns of labels, split into the two samples that a distance compares.

    Parameters
    ----------
    present
        1 where the action unit is present, else 0; (image, column).
    absent
        1 where it is absent, else 0; (image, column). A row in neither is unknown.
    n_present, n_absent
        Their column sums.
    complete
        Whether no label at all is unknown; then every column has the same rows.
    """

    present: Float[np.ndarray, "image column"]
    absent: Float[np.ndarray, "image column"]
    n_present: Float[np.ndarray, " column"]
    n_absent: Float[np.ndarray, " column"]
    complete: bool

    @property
    def undefined(self) -> Bool[np.ndarray, " column"]:
        """Columns in which one of the two samples is empty, so that no distance exists."""
        empty: Bool[np.ndarray, " column"] = (self.n_present == 0) | (self.n_absent == 0)
        return empty


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
    """
    present = (labels == 1).astype(dtype)
    absent = (labels == 0).astype(dtype)
    n_present, n_absent = present.sum(axis=0), absent.sum(axis=0)
    complete = bool(np.all(n_present + n_absent == len(labels)))
    return Counts(present, absent, n_present, n_absent, complete)
