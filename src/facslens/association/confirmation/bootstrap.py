"""Effects of one unit in bootstrap resamples of the subjects.

A subject is drawn with all its rows, because rows of one person are not independent
[efron1993]_. Every effect here takes the weights of `resample_subjects` and gives one value for
each resample; weights that are all 1 give the effect itself.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from facslens.errors import CallError, NotEnoughDataError
from facslens.statistics import LEVEL, RESAMPLES, percentiles


@dataclass(frozen=True)
class Resampling:
    """How the subjects are drawn again for every percentile interval.

    Parameters
    ----------
    seed
        Seed of the drawing. It depends on nothing else, so that all effects of one call are
        measured on the same resamples.
    resamples
        How often to draw.
    level
        Coverage of the interval, between 0 and 1.

    Raises
    ------
    CallError
        If `resamples` or `level` is out of range.
    """

    seed: int
    resamples: int = RESAMPLES
    level: float = LEVEL

    def __post_init__(self) -> None:
        if self.resamples < 1:
            raise CallError(f"resamples is {self.resamples}: needs at least 1")
        if not 0 < self.level < 1:
            raise CallError(f"level is {self.level}: needs to lie between 0 and 1")

    def weights(
        self,
        label: Num[np.ndarray, " row"],
        subject: Int[np.ndarray, " row"],
        strata: Int[np.ndarray, " row"] | None = None,
    ) -> tuple[Float[np.ndarray, "resample subject"], int]:
        """Draw the subjects; see `resample_subjects`."""
        return resample_subjects(label, subject, self.resamples, seed=self.seed, strata=strata)

    def interval(
        self, draws: Float[np.ndarray, "*effect resample"]
    ) -> tuple[Float[np.ndarray, "*effect"], Float[np.ndarray, "*effect"]]:
        """Give the ends of the interval; see `facslens.statistics.percentiles`."""
        return percentiles(draws, self.level)


def resample_subjects(
    label: Num[np.ndarray, " row"],
    subject: Int[np.ndarray, " row"],
    resamples: int,
    *,
    seed: int,
    strata: Int[np.ndarray, " row"] | None = None,
) -> tuple[Float[np.ndarray, "resample subject"], int]:
    """Draw subjects with replacement, so that every resample holds both classes.

    Parameters
    ----------
    label
        1 present, 0 absent.
    subject
        Number of each row's subject, from 0.
    resamples
        How many to draw.
    seed
        Seed of the drawing.
    strata
        Number of each row's stratum: then every resample holds both classes in at least one
        stratum.

    Returns
    -------
    weights
        How often each subject was drawn, as float.
    redrawn
        Resamples of one class only that were discarded and drawn again.

    Raises
    ------
    NotEnoughDataError
        If no stratum holds both classes in the first place.

    Examples
    --------
    >>> weights, redrawn = resample_subjects(
    ...     np.array([1, 0, 0]), np.array([0, 1, 2]), 100, seed=0
    ... )
    >>> weights.shape, bool((weights.sum(axis=1) == 3).all()), bool((weights[:, 0] > 0).all())
    ((100, 3), True, True)
    """
    subjects = int(subject.max()) + 1
    stratum = np.zeros(len(label), np.intp) if strata is None else strata
    _, stratum = np.unique(stratum, return_inverse=True)
    has = np.zeros((2, subjects, int(stratum.max()) + 1))  # rows by class, subject and stratum
    np.add.at(has, (np.asarray(label == 1, np.intp), subject, stratum), 1)

    def compares(weights: Float[np.ndarray, "draw subject"]) -> Bool[np.ndarray, " draw"]:
        both: Bool[np.ndarray, " draw"] = ((weights @ has[0] > 0) & (weights @ has[1] > 0)).any(
            axis=1
        )
        return both

    if not compares(np.ones((1, subjects))).all():
        raise NotEnoughDataError(
            "label has one class only"
            + ("" if strata is None else " in every stratum")
            + ": resampling needs both"
        )
    rng = np.random.default_rng(seed)
    chances = np.full(subjects, 1 / subjects)
    weights = rng.multinomial(subjects, chances, size=resamples).astype(np.float64)
    redrawn = 0
    while (bad := ~compares(weights)).any():
        redrawn += int(bad.sum())
        weights[bad] = rng.multinomial(subjects, chances, size=int(bad.sum()))
    return weights, redrawn


def resampled_auprc(
    response: Float[np.ndarray, " row"],
    label: Num[np.ndarray, " row"],
    subject: Int[np.ndarray, " row"],
    weights: Float[np.ndarray, "resample subject"],
) -> Float[np.ndarray, " resample"]:
    """Compute the average precision in every resample; equal responses form one step.

    Examples
    --------
    >>> response, label, subject = np.array([3.0, 2, 1]), np.array([0, 1, 0]), np.arange(3)
    >>> resampled_auprc(response, label, subject, np.array([[1.0, 1, 1], [0, 2, 1]]))
    array([0.5, 1. ])
    """
    order = np.argsort(-response, kind="stable")
    ends = np.flatnonzero(np.diff(response[order], append=-np.inf))
    drawn = weights[:, subject[order]]
    hits = np.cumsum(drawn * (label[order] == 1), axis=1)[:, ends]
    said = np.cumsum(drawn, axis=1)[:, ends]
    precision = hits / np.where(said > 0, said, 1)  # nobody yet: no hits either
    total = hits[:, -1]
    gained = np.diff(hits, axis=1, prepend=0)
    return np.asarray((gained * precision).sum(axis=1) / np.where(total > 0, total, np.nan))


def resampled_pearson(
    response: Float[np.ndarray, " row"],
    label: Float[np.ndarray, " row"],
    subject: Int[np.ndarray, " row"],
    weights: Float[np.ndarray, "resample subject"],
) -> Float[np.ndarray, " resample"]:
    """Compute Pearson's correlation in every resample; NaN where one variable is constant.

    Examples
    --------
    >>> response, label, subject = np.array([1.0, 2, 3]), np.array([0.0, 0, 1]), np.arange(3)
    >>> resampled_pearson(response, label, subject, np.ones((1, 3))).round(3)
    array([0.866])
    """
    subjects = weights.shape[1]
    x, y = response - response.mean(), label - label.mean()
    terms = (np.ones_like(x), x, y, x * x, y * y, x * y)
    sums = [weights @ np.bincount(subject, weights=t, minlength=subjects) for t in terms]
    n, sx, sy, sxx, syy, sxy = sums
    spread = (sxx - sx * sx / n) * (syy - sy * sy / n)
    tiny = 1e-12 * (n * np.abs(x).max() * np.abs(y).max()) ** 2  # rounding, not spread
    return np.asarray((sxy - sx * sy / n) / np.sqrt(np.where(spread > tiny, spread, np.nan)))


def resampled_f1(
    said: Bool[np.ndarray, " row"],
    label: Num[np.ndarray, " row"],
    subject: Int[np.ndarray, " row"],
    weights: Float[np.ndarray, "resample subject"],
) -> Float[np.ndarray, " resample"]:
    """Compute F1 = 2 TP / (2 TP + FP + FN) of given decisions in every resample.

    It is 0 where the label is present and never decided for, and NaN where it is neither.

    Examples
    --------
    >>> said, label = np.array([True, True, False]), np.array([1, 0, 0])
    >>> resampled_f1(said, label, np.arange(3), np.array([[1.0, 1, 1], [2, 1, 0]])).round(3)
    array([0.667, 0.8  ])
    """
    subjects = weights.shape[1]
    told, shown = said.astype(np.float64), (label == 1).astype(np.float64)
    hits = weights @ np.bincount(subject, weights=told * shown, minlength=subjects)
    both = weights @ np.bincount(subject, weights=told + shown, minlength=subjects)
    return np.asarray(2 * hits / np.where(both > 0, both, np.nan))
