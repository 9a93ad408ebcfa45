"""One walk over a unit's responses, from the largest down, for all label columns at once.

Above any threshold lie so many present and so many absent images; every distance here is a
running maximum or sum over the thresholds. Tied responses are passed in one step, so only
distinct values are thresholds.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int, Int8

from facslens.association.distances import compiled
from facslens.association.distances.counts import Counts
from facslens.association.distances.units import Units

#: What `compiled.loops().walk` knows, in its order.
_NAMES: Final = ("ks", "wasserstein", "auprc", "auroc")
#: Columns that NumPy walks along together: a few arrays of 32 kB.
_COLUMNS_AT_ONCE: Final = 8192
#: Up to here float32 holds every integer.
_EXACT: Final = 2**24


def sweep_distances(
    units: Units, counts: Counts, names: frozenset[str]
) -> dict[str, Float[np.ndarray, "unit column"]]:
    """Compute any of ``ks``, ``wasserstein``, ``auprc`` and ``auroc`` for units and columns.

    Notes
    -----
    With TP present and FP absent images at or above a threshold, n₁ and n₀ in all:

    - ks = max |TP/n₁ − FP/n₀|; wasserstein = Σ |TP/n₁ − FP/n₀| · (step to the next value)
      over the standard deviation. Both carry the integer |TP·n₀ − FP·n₁|, so nothing is
      rounded before the end: where it is too large for float32, the walk is in float64.
    - auprc = Σ (ΔTP/n₁) · TP/(TP + FP), the average precision.
    - auroc = Σ ΔTP · (n₀ − FP + ΔFP/2) / (n₁ n₀): a present image beats the absent ones
      below it and half of those that it ties with.

    Behind the smallest response all images are passed: TP = n₁ and FP = n₀. It is often that of
    many images, the zeros of a rectifier, and none of them is looked at.
    """
    dtype = counts.n_present.dtype
    exact = (counts.n_present * counts.n_absent).max(initial=0) < _EXACT
    work = dtype if exact else np.dtype(np.float64)
    n1, n0 = counts.n_present.astype(work), counts.n_absent.astype(work)
    some = [name for name in _NAMES if name in names]
    places = tuple(some.index(name) if name in some else -1 for name in _NAMES)
    out = np.zeros((len(some), len(units.order), len(n1)), work)
    loops = compiled.loops()
    walk = _walk if loops is None else loops.walk
    walk(units.order, units.step.astype(work), counts.codes, n1, n0, counts.complete, places, out)
    found: dict[str, np.ndarray] = {
        name: values.astype(dtype, copy=False) for name, values in zip(some, out, strict=True)
    }
    n1, n0 = np.maximum(counts.n_present, 1), np.maximum(counts.n_absent, 1)
    for name, values in found.items():
        values /= n1 if name == "auprc" else n1 * n0
    if "wasserstein" in found:
        deviation = units.scale.std(axis=0, dtype=np.float64)
        found["wasserstein"] /= np.where(deviation > 0, deviation, np.nan)[:, None].astype(dtype)
    return found


def _walk(
    order: Int[np.ndarray, "unit image"],
    step: Float[np.ndarray, "unit image"],
    codes: Int8[np.ndarray, "image column"],
    n1: Float[np.ndarray, " column"],
    n0: Float[np.ndarray, " column"],
    complete: bool,
    places: tuple[int, ...],
    out: Float[np.ndarray, "distance unit column"],
) -> None:
    """Do what `compiled._walk` does, a row of labels at a time."""
    steps = [_steps(s) for s in step]
    for left in range(0, codes.shape[1], _COLUMNS_AT_ONCE):
        part = slice(left, left + _COLUMNS_AT_ONCE)
        labels = _Labels.of(codes[:, part], n1[part], n0[part], complete)
        for unit, own in enumerate(order):
            into = [None if place < 0 else out[place, unit, part] for place in places]
            _gaps(labels, own, steps[unit], *into[:2])
            _hits(labels, own, steps[unit], *into[2:])


@dataclass(frozen=True)
class _Labels:
    """Some label columns: n₀ where present, −n₁ where absent; 1 where present; 1 where absent."""

    gap: np.ndarray
    present: np.ndarray
    absent: np.ndarray
    n1: np.ndarray
    n0: np.ndarray
    complete: bool

    @classmethod
    def of(cls, codes: np.ndarray, n1: np.ndarray, n0: np.ndarray, complete: bool) -> "_Labels":
        """Split codes."""
        present, absent = ((codes == code).astype(n1.dtype) for code in (1, 0))
        return cls(present * n0 - absent * n1, present, absent, n1, n0, complete)


_Steps = list[tuple[int, int, float]]


def _steps(step: np.ndarray) -> _Steps:
    """Give first and behind-last place of each response but the smallest, and how far it falls."""
    ends = np.flatnonzero(step > 0) + 1
    return list(zip([0, *ends[:-1].tolist()], ends.tolist(), step[ends - 1].tolist(), strict=True))


def _gaps(
    labels: _Labels,
    order: np.ndarray,
    steps: _Steps,
    ks: np.ndarray | None,
    wasserstein: np.ndarray | None,
) -> None:
    if ks is None and wasserstein is None:
        return
    gap = np.zeros_like(labels.n1)
    size = np.empty_like(gap)
    for start, end, down in steps:
        gap += _sum(labels.gap, order[start:end])
        np.abs(gap, out=size)
        if ks is not None:
            np.maximum(ks, size, out=ks)
        if wasserstein is not None:
            size *= down
            wasserstein += size


def _hits(
    labels: _Labels,
    order: np.ndarray,
    steps: _Steps,
    auprc: np.ndarray | None,
    auroc: np.ndarray | None,
) -> None:
    if auprc is None and auroc is None:
        return
    hits, said = np.zeros_like(labels.n1), np.zeros_like(labels.n1)
    work = np.empty_like(hits)
    false = auroc is not None or not labels.complete
    for start, end, _ in steps:
        present = _sum(labels.present, order[start:end])
        hits += present
        if false:
            absent = _sum(labels.absent, order[start:end])
            said += present
            said += absent
        if auprc is not None:
            np.multiply(hits, present, out=work)
            if labels.complete:
                work *= 1 / end
            else:
                work /= np.maximum(said, 1)  # unknown rows may come first
            auprc += work
        if auroc is not None:
            auroc += present * (labels.n0 - (said - hits) + absent / 2)
    left = labels.n1 - hits
    if auprc is not None:
        auprc += left * (labels.n1 / np.maximum(labels.n1 + labels.n0, 1))
    if auroc is not None:
        auroc += left * (labels.n0 - (said - hits)) / 2


def _sum(matrix: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.asarray(matrix[rows[0]] if len(rows) == 1 else matrix[rows].sum(axis=0))
