"""Histograms on shared bins, and the two divergences that are read off them."""

from typing import Final

import numpy as np
from jaxtyping import Float, Int, Num

from facslens.association.distances.counts import Counts

#: Equal-width bins over a unit's range.
BINS: Final = 20
#: Share of the uniform distribution in every histogram, so that no bin is empty.
UNIFORM: Final = 0.01
#: Units whose histograms are made together; keeps the work inside the processor's cache.
_UNITS_AT_ONCE: Final = 8


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


def histogram_distances(
    responses: Num[np.ndarray, "image unit"],
    counts: Counts,
    reference: Num[np.ndarray, "reference unit"],
    names: frozenset[str],
) -> dict[str, Float[np.ndarray, "unit column"]]:
    """Compute ``kl`` and ``js`` for every unit and label column.

    Notes
    -----
    The counts of all bins are one matrix product of the one-hot bins with the labels.
    """
    dtype = counts.present.dtype
    images, units = responses.shape
    bins = bin_index(responses, reference)
    columns = counts.present.shape[1]
    out = {name: np.empty((units, columns), dtype) for name in sorted(names)}
    for start in range(0, units, _UNITS_AT_ONCE):
        block = slice(start, min(start + _UNITS_AT_ONCE, units))
        one_hot = bins[:, block].T[:, None, :] == np.arange(BINS)[:, None]
        flat = one_hot.reshape(-1, images).astype(dtype)
        shape = (block.stop - start, BINS, columns)
        present = flat @ counts.present
        absent = flat.sum(axis=1)[:, None] - present if counts.complete else flat @ counts.absent
        p = _mixed(present.reshape(shape), counts.n_present)
        q = _mixed(absent.reshape(shape), counts.n_absent)
        if "kl" in out:
            out["kl"][block] = relative_entropy(p, q)
        if "js" in out:
            middle = (p + q) / 2
            halves = relative_entropy(p, middle) + relative_entropy(q, middle)
            out["js"][block] = np.sqrt(halves / (2 * np.log(2)))
    return out


def _mixed(
    bin_counts: Float[np.ndarray, "unit bin column"], total: Float[np.ndarray, " column"]
) -> Float[np.ndarray, "unit bin column"]:
    bin_counts *= (1 - UNIFORM) / np.maximum(total, 1)
    bin_counts += UNIFORM / BINS
    return bin_counts


def relative_entropy(
    p: Float[np.ndarray, "unit bin column"], q: Float[np.ndarray, "unit bin column"]
) -> Float[np.ndarray, "unit column"]:
    """D(P‖Q) = Σ p log(p / q) over the bins, in nats; rounding below 0 is cut off.

    Examples
    --------
    >>> p, q = np.array([[[0.5], [0.5]]]), np.array([[[0.25], [0.75]]])
    >>> bool(np.isclose(relative_entropy(p, q)[0, 0], np.log(4 / 3) / 2))
    True
    """
    terms = np.divide(p, q)
    np.log(terms, out=terms)
    terms *= p
    return np.asarray(np.maximum(terms.sum(axis=1), 0))
