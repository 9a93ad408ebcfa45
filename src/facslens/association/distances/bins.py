"""The bins of the histograms: equal widths over a unit's range."""

from typing import Final

import numpy as np
from jaxtyping import Int, Num

#: Equal-width bins over a unit's range.
BINS: Final = 20


def bin_index(
    responses: Num[np.ndarray, "image unit"], reference: Num[np.ndarray, "reference unit"]
) -> Int[np.ndarray, "image unit"]:
    """Give the number of the bin, 0 to `BINS` − 1, into which every response falls.

    Parameters
    ----------
    responses
        What to place.
    reference
        What gives each unit its range; responses outside of it go to the end bins.
        The top edge belongs to the last bin. A constant unit has one bin, number 0.

    Examples
    --------
    >>> bin_index(np.array([[0.0], [0.5], [1.0], [7.0]]), np.array([[0.0], [1.0]])).ravel()
    array([ 0, 10, 19, 19])
    """
    low, high = reference.min(axis=0), reference.max(axis=0)
    span = np.where(high > low, high - low, 1)
    index = np.floor((responses - low) / span * BINS)
    return np.asarray(np.clip(index, 0, BINS - 1), dtype=np.intp)
