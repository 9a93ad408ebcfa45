"""Compute intervals for the recall, precision and F1 of a confusion matrix, over its faces."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import binomtest

from facslens.statistics import LEVEL, RESAMPLES, percentiles


@dataclass(frozen=True)
class Interval:
    """A value between two bounds; all NaN where it is not defined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class F1:
    """F1 of every class and their mean, with percentile intervals.

    Parameters
    ----------
    classes
        By expression.
    macro
        The mean over the classes; NaN if one of them has no F1.
    undefined
        By expression, resamples in which it was neither shown nor predicted: they have no F1
        and are left out of its interval and the mean's.
    """

    classes: dict[str, Interval]
    macro: Interval
    undefined: dict[str, int]


def wilson(hits: int, count: int) -> Interval:
    """Give a proportion with Wilson's score interval, at `LEVEL`.

    Parameters
    ----------
    hits, count
        Hits and cases, 0 ≤ hits ≤ count. Without cases the proportion is NaN.

    Notes
    -----
    The proportions p that a score test does not reject: |hits/count − p| ≤ z √(p(1 − p)/count).
    Cases are taken as independent.

    References
    ----------
    Wilson 1927 [wilson1927]_.

    Examples
    --------
    >>> found = wilson(8, 10)
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (0.8, 0.49, 0.943)
    >>> round(wilson(0, 10).high, 3)
    0.278
    """
    if count == 0:
        return Interval(np.nan, np.nan, np.nan)
    ends = binomtest(hits, count).proportion_ci(LEVEL, method="wilson")
    return Interval(hits / count, float(ends.low), float(ends.high))


def f1_intervals(counts: pd.DataFrame, *, resamples: int = RESAMPLES, seed: int = 0) -> F1:
    """Compute F1 with intervals, by resampling the faces of a confusion matrix.

    Parameters
    ----------
    counts
        Faces by true (rows) and predicted expression (columns), as
        `facslens.training.predictions.confusion` gives them.
    resamples
        How many.
    seed
        Of the resampling.

    Notes
    -----
    F1 = 2 hits / (shown + predicted) depends on the faces through these counts alone, and the
    counts of n faces drawn with replacement are multinomial: they are drawn at once.

    Examples
    --------
    >>> names = ["fear", "anger"]
    >>> f1 = f1_intervals(pd.DataFrame([[30, 10], [0, 40]], index=names, columns=names))
    >>> [round(x, 2) for x in (f1.classes["fear"].value, f1.macro.value)]
    [0.86, 0.87]
    """
    matrix = counts.to_numpy(dtype=np.int64)
    total = int(matrix.sum())
    names = [str(name) for name in counts.index]
    if total == 0:
        nothing = Interval(np.nan, np.nan, np.nan)
        return F1(dict.fromkeys(names, nothing), nothing, dict.fromkeys(names, resamples))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(total, matrix.ravel() / total, size=resamples)
    scores = _f1(drawn.reshape(-1, *matrix.shape))
    value = _f1(matrix[None])[0]
    undefined = np.isnan(scores).sum(axis=0)
    classes = {name: _percentiles(value[i], scores[:, i]) for i, name in enumerate(names)}
    macro = _percentiles(value.mean(), scores.mean(axis=1))
    return F1(classes, macro, dict(zip(names, undefined.tolist(), strict=True)))


def with_intervals(counts: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Give the figures of each expression with their intervals.

    Returns
    -------
    pandas.DataFrame
        Index expression; ``count``, ``predicted`` (faces), then ``recall``, ``precision`` and
        ``f1``, each with ``_low`` and ``_high``: Wilson's of those shown, Wilson's of those
        predicted, and percentiles over resampled faces.
    """
    matrix = counts.to_numpy(dtype=np.int64)
    hits, shown, said = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    f1 = f1_intervals(counts, seed=seed)
    rows = []
    for i, name in enumerate(counts.index):
        intervals = {
            "recall": wilson(int(hits[i]), int(shown[i])),
            "precision": wilson(int(hits[i]), int(said[i])),
            "f1": f1.classes[str(name)],
        }
        row: dict[str, float] = {"count": int(shown[i]), "predicted": int(said[i])}
        for figure, interval in intervals.items():
            row |= {figure: interval.value}
            row |= {f"{figure}_low": interval.low, f"{figure}_high": interval.high}
        rows.append(row)
    return pd.DataFrame(rows, index=counts.index)


def _f1(counts: np.ndarray) -> Float[np.ndarray, "resample class"]:
    """F1 of many confusion matrices, NaN where a class is neither shown nor predicted."""
    hits = np.diagonal(counts, axis1=1, axis2=2)
    either = counts.sum(axis=1) + counts.sum(axis=2)
    return np.asarray(np.where(either > 0, 2 * hits / np.maximum(either, 1), np.nan))


def _percentiles(value: float, drawn: Float[np.ndarray, " resample"]) -> Interval:
    low, high = percentiles(drawn)
    return Interval(float(value), float(low), float(high))
