"""From a distance and its null distribution to p-values, single and corrected for many tests."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float
from scipy import stats

from facslens.statistics import resampled_p

#: Differences of less than this many standard deviations of the null are rounding, and count
#: as ties; a tie counts against the finding.
TIE: Final = 1e-4


@dataclass(frozen=True)
class Standardised:
    """Distances standardised by their own permutation nulls.

    Parameters
    ----------
    mean, deviation
        Of the distance over its N permutations; (unit, au).
    z
        (value − mean) / deviation. NaN where the null has no spread, or a permutation gave
        no defined distance: such a pair cannot be tested.
    rank_z, null_z
        The observed value and the permuted ones, (unit, au) and (unit, au, permutation), all
        N + 1 of them standardised by their common mean and deviation.

    Notes
    -----
    `rank_z` grows with `z` by one function for all pairs, so both rank alike. Tests that
    compare a pair with other pairs use `rank_z`: with the observed arrangement standardised
    like any other one, the N + 1 arrangements are exchangeable under the null and max-T keeps
    its level exactly, with few permutations too.
    """

    mean: Float[np.ndarray, "unit au"]
    deviation: Float[np.ndarray, "unit au"]
    z: Float[np.ndarray, "unit au"]
    rank_z: Float[np.ndarray, "unit au"]
    null_z: Float[np.ndarray, "unit au permutation"]


def standardise(
    value: Float[np.ndarray, "unit au"], null: Float[np.ndarray, "unit au permutation"]
) -> Standardised:
    """Standardise distances by their permutation nulls.

    Examples
    --------
    >>> s = standardise(np.array([[5.0]]), np.array([[[1.0, 3.0]]]))
    >>> s.mean.item(), s.deviation.item(), s.z.item()
    (2.0, 1.0, 3.0)
    >>> s.rank_z.round(3).item(), s.null_z.round(3).ravel()  # mean 3, deviation √(8/3)
    (1.225, array([-1.225,  0.   ]))
    """
    n = null.shape[-1]
    mean = null.mean(axis=-1, dtype=np.float64)
    deviation = null.std(axis=-1, dtype=np.float64)
    # Below this a spread is float32's rounding; an undefined permutation compares false too.
    testable = deviation > 1e-6 * np.maximum(1, np.abs(mean))
    deviation = np.where(testable, deviation, np.nan)
    off = value - mean
    all_mean = mean + off / (n + 1)
    all_deviation = np.sqrt((deviation**2 + off**2 / (n + 1)) * n / (n + 1))
    scale = all_deviation.astype(null.dtype)[..., None]
    return Standardised(
        mean=mean,
        deviation=deviation,
        z=off / deviation,
        rank_z=(value - all_mean) / all_deviation,
        null_z=(null - all_mean.astype(null.dtype)[..., None]) / scale,
    )


def p_values(
    z: Float[np.ndarray, "*pair"], null_z: Float[np.ndarray, "*pair permutation"]
) -> Float[np.ndarray, "*pair"]:
    """Share of arrangements that reach the observed value: (1 + #{null ≥ it}) / (1 + N).

    Parameters
    ----------
    z
        Observed values, in standard deviations of their null.
    null_z
        The same under each of N permutations.

    Returns
    -------
    numpy.ndarray
        One-sided towards larger distances; at least 1/(N + 1), for the observed arrangement
        is one of those possible [phipson2010]_. NaN where `z` is.

    References
    ----------
    [phipson2010]_

    Examples
    --------
    >>> p_values(np.array([2.0]), np.array([[0.0, 1.0, 2.0, 3.0]]))
    array([0.6])
    """
    reached = (null_z >= (z - TIE)[..., None]).sum(axis=-1)
    return np.where(np.isnan(z), np.nan, resampled_p(reached, null_z.shape[-1]))


def detector_statistic(
    z: Float[np.ndarray, "*pair"], auroc: Float[np.ndarray, "*pair"]
) -> Float[np.ndarray, "*pair"]:
    """Give the statistic of max-T: z where AUROC > ½, else −∞; a NaN z stays NaN.

    A unit that the action unit suppresses can have a large distance, but does not detect it.

    Examples
    --------
    >>> detector_statistic(np.array([3.0, 3.0]), np.array([0.7, 0.5]))
    array([  3., -inf])
    """
    statistic = np.where(auroc > 0.5, z, z.dtype.type(-np.inf))
    statistic[np.isnan(z)] = np.nan
    return statistic


def null_maxima(
    statistic: Float[np.ndarray, "unit au permutation"],
) -> Float[np.ndarray, "au permutation"]:
    """Largest statistic over the units under each permutation; untestable pairs are left out."""
    maxima: Float[np.ndarray, "au permutation"] = np.fmax.reduce(statistic, axis=0, initial=-np.inf)
    return maxima


def max_t(
    statistic: Float[np.ndarray, "unit au"], maxima: Float[np.ndarray, "au permutation"]
) -> tuple[Float[np.ndarray, "unit au"], Float[np.ndarray, "unit au"]]:
    """Westfall and Young's single-step max-T p-values.

    Parameters
    ----------
    statistic
        Observed `detector_statistic`.
    maxima
        `null_maxima` over all units of the layer.

    Returns
    -------
    p_au, p_layer
        The probability, if no label had any effect, that some unit for the pair's AU, or some
        pair of the layer, reaches a statistic as large. NaN where the statistic is.

    Notes
    -----
    A pair with AUROC ≤ ½ has the statistic −∞ and so the p-value 1.

    References
    ----------
    [westfall1993]_

    Examples
    --------
    Two units, one AU, three permutations.

    >>> p_au, p_layer = max_t(np.array([[4.0], [-np.inf]]), np.array([[1.0, 5.0, 2.0]]))
    >>> p_au.ravel()
    array([0.5, 1. ])
    """
    p_au = np.stack(
        [_p_of_maxima(statistic[:, au], maxima[au]) for au in range(len(maxima))], axis=1
    )
    return p_au, _p_of_maxima(statistic, maxima.max(axis=0))


def _p_of_maxima(
    statistic: Float[np.ndarray, "*pair"], maxima: Float[np.ndarray, " permutation"]
) -> Float[np.ndarray, "*pair"]:
    # `p_values` for one null shared by all pairs, without a pairs × permutations array.
    below = np.searchsorted(np.sort(maxima), statistic - TIE)
    p = resampled_p(len(maxima) - below, len(maxima))
    return np.where(np.isnan(statistic), np.nan, p)


def benjamini_hochberg(p: Float[np.ndarray, "*pair"]) -> Float[np.ndarray, "*pair"]:
    """Benjamini–Hochberg q-values over all defined p-values; NaN stays NaN.

    References
    ----------
    [benjamini1995]_

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, np.nan, 0.04, 0.03]))
    array([0.03,  nan, 0.04, 0.04])
    """
    q = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = stats.false_discovery_control(p[known], method="bh")
    return q
