"""The distances that are one matrix product of transformed responses with the labels."""

import numpy as np
from jaxtyping import Float, Num

from facslens.association.distances.counts import Counts


def rank_distances(
    responses: Num[np.ndarray, "image unit"],
    counts: Counts,
    reference: Num[np.ndarray, "reference unit"],  # noqa: ARG001 - one signature for all kernels
    names: frozenset[str],  # noqa: ARG001
) -> dict[str, Float[np.ndarray, "unit column"]]:
    """Compute AUROC where every label is known.

    Notes
    -----
    From mid-ranks centred on their mean it is ½ + Σ_present rank / (n₁ n₀) [hanley1982]_.
    """
    from scipy import stats  # costs a second, and a help text imports the table of distances

    dtype = counts.present.dtype
    centred = stats.rankdata(responses, axis=0) - (len(responses) + 1) / 2
    rank_sum = centred.T.astype(dtype) @ counts.present
    rank_sum /= np.maximum(counts.n_present * counts.n_absent, 1)
    rank_sum += 0.5
    return {"auroc": rank_sum}


def moment_distances(
    responses: Num[np.ndarray, "image unit"],
    counts: Counts,
    reference: Num[np.ndarray, "reference unit"],  # noqa: ARG001 - one signature for all kernels
    names: frozenset[str],  # noqa: ARG001
) -> dict[str, Float[np.ndarray, "unit column"]]:
    """Compute Pearson's correlation of the responses with the labels.

    Notes
    -----
    With a 0/1 variable it is (mean₁ − mean₀) / sd · √(n₁ n₀) / n over the rows whose label is
    known.
    """
    dtype = counts.present.dtype
    deviation = responses.std(axis=0, dtype=np.float64)
    standard = (responses - responses.mean(axis=0, dtype=np.float64)) / np.where(
        deviation > 0, deviation, 1
    )
    z = standard.T.astype(dtype)
    n1, n0 = np.maximum(counts.n_present, 1), np.maximum(counts.n_absent, 1)
    present = z @ counts.present
    # Over complete labels the standardised responses have mean 0 and variance 1.
    absent = -present if counts.complete else z @ counts.absent
    r = present / n1 - absent / n0
    r *= np.sqrt(n1 * n0) / (n1 + n0)
    if not counts.complete:
        known = counts.present + counts.absent
        variance = (z * z) @ known / (n1 + n0) - ((present + absent) / (n1 + n0)) ** 2
        r /= np.sqrt(np.where(variance > 1e-6, variance, np.nan))
    return {"pearson": r}
