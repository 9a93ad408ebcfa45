"""Statistics that several rooms share: levels, percentile intervals, p-values, calibration."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int, Num

#: Level of every test: a p-value below it counts as a finding.
ALPHA: Final = 0.05
#: Coverage of every interval.
LEVEL: Final = 0.95
#: Resamples behind a percentile interval.
RESAMPLES: Final = 2000


def percentiles(
    draws: Float[np.ndarray, "*effect resample"], level: float = LEVEL
) -> tuple[Float[np.ndarray, "*effect"], Float[np.ndarray, "*effect"]]:
    """Compute the percentile interval of each effect, over the resamples in which it is defined.

    Parameters
    ----------
    draws
        The effects in every resample; NaN where one is undefined.
    level
        Coverage, between 0 and 1.

    Returns
    -------
    low, high
        NaN where an effect is undefined in every resample.

    References
    ----------
    [efron1993]_

    Examples
    --------
    >>> low, high = percentiles(np.array([np.nan, *np.arange(101.0)]), 0.9)
    >>> round(float(low), 9), round(float(high), 9)
    (5.0, 95.0)
    """
    ends = [(1 - level) / 2, (1 + level) / 2]
    if draws.shape[-1] and not np.isnan(draws).any():
        low, high = np.quantile(draws, ends, axis=-1)
        return np.asarray(low), np.asarray(high)
    low, high = np.full(draws.shape[:-1], np.nan), np.full(draws.shape[:-1], np.nan)
    for place in np.ndindex(*draws.shape[:-1]):
        defined = draws[place][~np.isnan(draws[place])]
        if len(defined):
            low[place], high[place] = np.quantile(defined, ends)
    return low, high


def resampled_p(
    reached: Int[np.ndarray, "*pair"] | int, arrangements: int
) -> Float[np.ndarray, "*pair"]:
    """Compute the p-value of an observation from the random arrangements that reach it.

    Parameters
    ----------
    reached
        How many random arrangements reach or exceed the observed value.
    arrangements
        How many were drawn.

    Returns
    -------
    numpy.ndarray
        (1 + reached) / (1 + arrangements): the observation is itself one of the possible
        arrangements, so that no p-value is 0 [phipson2010]_.

    References
    ----------
    [phipson2010]_

    Examples
    --------
    >>> resampled_p(np.array([0, 4]), 9)
    array([0.1, 0.5])
    """
    return np.asarray((1 + np.asarray(reached)) / (1 + arrangements))


@dataclass(frozen=True)
class CalibrationBins:
    """Predictions sorted into bins of equal width by their probability.

    Parameters
    ----------
    count
        Predictions in each bin.
    hits
        How many of them came true.
    said
        The sum of their probabilities.
    """

    count: Int[np.ndarray, " bin"]
    hits: Int[np.ndarray, " bin"]
    said: Float[np.ndarray, " bin"]

    @property
    def error(self) -> float:
        """Expected calibration error [guo2017]_; NaN without predictions.

        The mean distance between the probability and the share that came true over the bins,
        each weighted by its predictions. In [0, 1]; with few predictions it is above 0 by chance
        even for true probabilities.
        """
        total = int(self.count.sum())
        # n/N · |hits/n − said/n|: the predictions of a bin cancel
        return float(np.abs(self.hits - self.said).sum() / total) if total else float("nan")


def calibration_bins(
    probability: Float[np.ndarray, " row"],
    outcome: Bool[np.ndarray, " row"] | Num[np.ndarray, " row"],
    bins: int,
) -> CalibrationBins:
    """Sort predictions into bins (low, high] of equal width.

    Parameters
    ----------
    probability
        0 to 1; the first bin holds 0, too.
    outcome
        1 where it came true, else 0.
    bins
        Their number.

    References
    ----------
    [guo2017]_

    Examples
    --------
    Of four predictions of 0.7 two come true, the one of 0.1 does not: 4/5 · 0.2 + 1/5 · 0.1.

    >>> found = calibration_bins(np.array([0.7, 0.7, 0.7, 0.7, 0.1]), np.array([1, 1, 0, 0, 0]), 10)
    >>> round(found.error, 6)
    0.18
    """
    edges = np.arange(bins + 1) / bins
    place = np.clip(np.searchsorted(edges, probability, side="left") - 1, 0, bins - 1)
    return CalibrationBins(
        count=np.bincount(place, minlength=bins),
        hits=np.bincount(place[outcome == 1], minlength=bins),
        said=np.bincount(place, weights=probability, minlength=bins).astype(np.float64),
    )
