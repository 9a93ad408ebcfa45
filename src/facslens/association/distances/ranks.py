"""The distances that are one matrix product of transformed responses with the labels."""

import numpy as np
from jaxtyping import Float

from facslens.association.distances.counts import Counts
from facslens.association.distances.units import Units


def rank_distances(
    units: Units,
    counts: Counts,
    names: frozenset[str],  # noqa: ARG001 - one signature for all kernels
) -> dict[str, Float[np.ndarray, "unit column"]]:
    """Compute AUROC where every label is known.

    Notes
    -----
    From mid-ranks centred on their mean it is ½ + Σ_present rank / (n₁ n₀) [hanley1982]_.
    """
    rank_sum = units.ranks(counts.present.dtype) @ counts.present
    rank_sum /= np.maximum(counts.n_present * counts.n_absent, 1)
    rank_sum += 0.5
    return {"auroc": rank_sum}


def moment_distances(
    units: Units,
    counts: Counts,
    names: frozenset[str],  # noqa: ARG001 - one signature for all kernels
) -> dict[str, Float[np.ndarray, "unit column"]]:
    """Compute Pearson's correlation of the responses with the labels.

    Notes
    -----
    With a 0/1 variable it is (mean₁ − mean₀) / sd · √(n₁ n₀) / n over the rows whose label is
    known.
    """
    z = units.standard(counts.present.dtype)
    n1, n0 = np.maximum(counts.n_present, 1), np.maximum(counts.n_absent, 1)
    present = z @ counts.present
    if counts.complete:
        # The standardised responses have mean 0 and variance 1: n₀ mean₀ = −n₁ mean₁.
        present *= 1 / np.sqrt(n1 * n0)
        return {"pearson": present}
    absent = z @ counts.absent
    r = present / n1 - absent / n0
    r *= np.sqrt(n1 * n0) / (n1 + n0)
    known = counts.present + counts.absent
    variance = (z * z) @ known / (n1 + n0) - ((present + absent) / (n1 + n0)) ** 2
    return {"pearson": r / np.sqrt(np.where(variance > 1e-6, variance, np.nan))}
