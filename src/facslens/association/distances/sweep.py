"""One walk over a unit's responses, from the largest down, for all label columns at once.

Above any threshold lie so many present and so many absent images; every distance here is a
running maximum or sum over the thresholds. Tied responses are passed in one step, so only
distinct values are thresholds.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Num

from facslens.association.distances.counts import Counts


def sweep_distances(
    responses: Num[np.ndarray, "image unit"],
    counts: Counts,
    reference: Num[np.ndarray, "reference unit"],
    names: frozenset[str],
) -> dict[str, Float[np.ndarray, "unit column"]]:
    """Compute any of ``ks``, ``wasserstein``, ``auprc`` and ``auroc`` for units and columns.

    Notes
    -----
    With TP present and FP absent images at or above a threshold, n₁ and n₀ in all:

    - ks = max |TP/n₁ − FP/n₀|; wasserstein = Σ |TP/n₁ − FP/n₀| · (step to the next value)
      over the standard deviation. Both carry the integer |TP·n₀ − FP·n₁|, so nothing is
      rounded before the end.
    - auprc = Σ (ΔTP/n₁) · TP/(TP + FP), the average precision.
    - auroc = Σ ΔTP · (n₀ − FP + ΔFP/2) / (n₁ n₀): a present image beats the absent ones
      below it and half of those that it ties with.
    """
    dtype = counts.present.dtype
    units, columns = responses.shape[1], counts.present.shape[1]
    out = {name: np.zeros((units, columns), dtype) for name in sorted(names)}
    n1, n0 = np.maximum(counts.n_present, 1), np.maximum(counts.n_absent, 1)
    gap, other = np.empty(columns, dtype), np.empty(columns, dtype)
    for unit in range(units):
        tp, fp = np.zeros(columns, dtype), np.zeros(columns, dtype)
        into = {name: values[unit] for name, values in out.items()}
        for rows, step in _descending(responses[:, unit]):
            present, absent = _sum(counts.present, rows), _sum(counts.absent, rows)
            tp += present
            fp += absent
            if "ks" in into or "wasserstein" in into:
                np.multiply(tp, n0, out=gap)
                np.multiply(fp, n1, out=other)
                gap -= other
                np.abs(gap, out=gap)
            if "ks" in into:
                np.maximum(into["ks"], gap, out=into["ks"])
            if "wasserstein" in into:
                gap *= dtype.type(step)
                into["wasserstein"] += gap
            if "auprc" in into:
                np.add(tp, fp, out=other)
                np.maximum(other, 1, out=other)  # unknown rows may come first
                np.divide(tp, other, out=other)
                other *= present
                into["auprc"] += other
            if "auroc" in into:
                into["auroc"] += present * (n0 - fp + absent / 2)
    for name in into if units else ():
        out[name] /= n1 if name == "auprc" else n1 * n0
    if "wasserstein" in out:
        deviation = reference.std(axis=0, dtype=np.float64).astype(dtype)
        out["wasserstein"] /= np.where(deviation > 0, deviation, np.nan)[:, None]
    return out


def _descending(values: Num[np.ndarray, " image"]) -> Iterator[tuple[np.ndarray, float]]:
    """Give the rows of each distinct value, largest first, and the step down to the next."""
    order = np.argsort(-values, kind="stable")
    ordered = values[order].astype(np.float64)
    ends = np.flatnonzero(np.diff(ordered, append=-np.inf))
    start = 0
    for end in ends.tolist():
        step = ordered[end] - ordered[end + 1] if end + 1 < len(values) else 0.0
        yield order[start : end + 1], float(step)
        start = end + 1


def _sum(
    matrix: Float[np.ndarray, "image column"], rows: np.ndarray
) -> Float[np.ndarray, " column"]:
    return np.asarray(matrix[rows[0]] if len(rows) == 1 else matrix[rows].sum(axis=0))
