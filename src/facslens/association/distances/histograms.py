"""Histograms on shared bins, and the two divergences that are read off them."""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float

from facslens.association.distances import compiled
from facslens.association.distances.bins import BINS
from facslens.association.distances.counts import Counts
from facslens.association.distances.units import Units

#: Share of the uniform distribution in every histogram, so that no bin is empty.
UNIFORM: Final = 0.01
#: Units and columns whose histograms are made together: few arrays, which the processor's cache
#: holds.
_UNITS_AT_ONCE: Final = 8
_COLUMNS_AT_ONCE: Final = 256


def histogram_distances(
    units: Units, counts: Counts, names: frozenset[str]
) -> dict[str, Float[np.ndarray, "unit column"]]:
    """Compute ``kl`` and ``js`` for every unit and label column.

    Notes
    -----
    Both are sums over the bins of a term in the shares p and q of present and absent images:
    p log(p/q) in nats, and half of p log₂(p/m) + q log₂(q/m) with m = (p + q)/2, of which js is
    the root [lin1991]_. Where every label is known, a term depends on the bin's present images
    alone: under many permutations each is worked out once and looked up.
    """
    found = _looked_up(units, counts, sorted(names))
    if found is None:
        found = _multiplied(units, counts, sorted(names))
    for name, values in found.items():
        np.maximum(values, 0, out=values)  # rounding
        if name == "js":
            np.sqrt(values, out=values)
    return found


def _multiplied(
    units: Units, counts: Counts, names: list[str]
) -> dict[str, Float[np.ndarray, "unit column"]]:
    """Make the counts of all bins by a product of the one-hot bins with the labels."""
    dtype = counts.present.dtype
    images, columns = counts.present.shape
    out = {name: np.empty((len(units.bins), columns), dtype) for name in names}
    for start in range(0, len(units.bins), _UNITS_AT_ONCE):
        some = slice(start, start + _UNITS_AT_ONCE)
        one_hot = units.bins[some, None] == np.arange(BINS)[:, None]
        flat = one_hot.reshape(-1, images).astype(dtype)
        size = flat.sum(axis=1)[:, None]
        for left in range(0, columns, _COLUMNS_AT_ONCE):
            part = slice(left, left + _COLUMNS_AT_ONCE)
            present = flat @ counts.present[:, part]
            absent = size - present if counts.complete else flat @ counts.absent[:, part]
            p, q = _shares(present, counts.n_present[part]), _shares(absent, counts.n_absent[part])
            for name, values in out.items():
                terms = _TERMS[name](p, q).reshape(len(one_hot), BINS, -1)
                values[some, part] = terms.sum(axis=1)
    return out


def _looked_up(
    units: Units, counts: Counts, names: list[str]
) -> dict[str, Float[np.ndarray, "unit column"]] | None:
    """Look the terms up; None where that takes longer, or cannot be done."""
    images, columns = counts.codes.shape
    if not counts.complete:
        return None
    totals, group = np.unique(counts.n_present, return_inverse=True)
    n1 = totals[:, None].astype(np.float64)
    if len(totals) * (images + BINS) > columns * BINS:
        return None
    loops = compiled.loops()
    if loops is None:
        return None
    dtype = counts.n_present.dtype
    groups = group.astype(np.int32) * (images + BINS)
    out = np.zeros((len(names), len(units.bins), columns), dtype)
    for unit, bins in enumerate(units.bins):
        size = np.bincount(bins, minlength=BINS)
        starts = np.cumsum(size + 1) - (size + 1)
        present = np.arange(images + BINS) - np.repeat(starts, size + 1)
        absent = np.repeat(size, size + 1) - present
        p, q = _shares(present, n1), _shares(absent, images - n1)
        tables = np.stack([_TERMS[name](p, q).ravel() for name in names]).astype(dtype)
        loops.look_up(bins, starts.astype(np.int32), counts.codes, groups, tables, out[:, unit])
    return dict(zip(names, out, strict=True))


def _shares(bin_counts: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Divide counts by their total and mix the shares with the uniform distribution."""
    shares: np.ndarray = bin_counts * ((1 - UNIFORM) / np.maximum(total, 1))
    shares += UNIFORM / BINS
    return shares


def _relative_entropy(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    terms: np.ndarray = p / q
    np.log(terms, out=terms)
    terms *= p
    return terms


def _entropy_gained(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    middle = p + q
    middle /= 2
    terms = _relative_entropy(p, middle)
    terms += _relative_entropy(q, middle)
    terms /= 2 * np.log(2)
    return terms


_TERMS: Final[dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "kl": _relative_entropy,
    "js": _entropy_gained,
}
