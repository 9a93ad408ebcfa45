"""Whether one detector beats others on the same people: a paired interval over subjects."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Num

from facslens.association.confirmation.bootstrap import Resampling
from facslens.association.coverage import MIN_SUBJECTS
from facslens.association.distances.concordance import resampled_concordance
from facslens.association.distances.table import distances
from facslens.errors import CallError
from facslens.statistics import LEVEL, RESAMPLES

Verdict = Literal["better", "not better", "worse", "not enough data", "none"]


@dataclass(frozen=True)
class Comparison:
    """A detector's AUROC beside the mean AUROC of others, on the same people.

    Parameters
    ----------
    auroc
        Of the detector; NaN where a class is missing or it is constant. Likewise below.
    low
        Lower end of its own percentile interval.
    others
        Mean AUROC of the others.
    others_low
        (other,): lower end of each one's own interval; NaN where it is not defined.
    difference, difference_low, difference_high
        ``auroc − others`` and its percentile interval.
    n_present, n_absent
        Rows with and without the label.
    n_others
        Others whose AUROC is defined; only these enter the mean.
    n_redrawn
        Resamples of one class only that were discarded and drawn again.
    verdict
        ``better`` where the interval of the difference lies above 0, ``worse`` where it lies
        below, else ``not better``; ``not enough data`` where too few subjects show the label;
        ``none`` where the detector, or every other, has no AUROC.
    """

    auroc: float
    low: float
    others: float
    others_low: Float[np.ndarray, " other"]
    difference: float
    difference_low: float
    difference_high: float
    n_present: int
    n_absent: int
    n_others: int
    n_redrawn: int
    verdict: Verdict


def compare(
    response: Float[np.ndarray, " row"],
    others: Float[np.ndarray, "row other"],
    label: Num[np.ndarray, " _label"],
    subject: Int[np.ndarray, " _subject"],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    min_subjects: int = MIN_SUBJECTS,
) -> Comparison:
    """Compare a detector with the mean of others on the same resamples of the subjects.

    Parameters
    ----------
    response
        (row,): the detector's response to each row; all NaN for no detector.
    others
        (row, other): those of the others, such as the best units of untrained networks.
    label
        1 present, 0 absent, NaN unknown.
    subject
        Number of each row's subject.
    seed, resamples, level
        Of the resampling of the subjects; see `Resampling`. The same seed, labels and subjects
        give the same resamples here and in `confirm`.
    min_subjects
        Subjects with the label, below which there is no interval.

    Raises
    ------
    CallError
        If the lengths disagree, or `resamples` or `level` is out of range.

    Notes
    -----
    Each resample draws subjects with all their rows and gives one difference between the
    detector and the others [efron1993]_. People who are hard to read are hard for both, so that
    the interval of the difference is narrower than two separate intervals suggest.

    References
    ----------
    [efron1993]_

    Examples
    --------
    The detector wins every comparison, the other half of them, whoever is drawn.

    >>> label = np.array([1, 0, 1, 0])
    >>> found = compare(
    ...     np.array([2.0, 1.0, 2.0, 1.0]),
    ...     np.array([[0.0], [1.0], [2.0], [1.0]]),
    ...     label,
    ...     np.array([0, 0, 1, 1]),
    ...     seed=0,
    ...     min_subjects=2,
    ... )
    >>> found.auroc, found.others, found.difference, found.verdict
    (1.0, 0.5, 0.5, 'not better')
    """
    if not len(response) == len(others) == len(label) == len(subject):
        raise CallError(
            f"response, others, label and subject have {len(response)}, {len(others)}, "
            f"{len(label)} and {len(subject)} rows: all need the same number"
        )
    resampling = Resampling(seed, resamples, level)
    known = ~np.isnan(label.astype(np.float64))
    label, subject = label[known], subject[known]
    columns = np.column_stack([response[known], others[known]]).astype(np.float64)
    present, absent = int((label == 1).sum()), int((label == 0).sum())
    auroc = np.full(columns.shape[1], np.nan)
    defined = ~np.isnan(columns).any(axis=0)
    if present and absent and defined.any():
        auroc[defined] = distances(columns[:, defined], label, "auroc")[0]
    defined = ~np.isnan(auroc)
    n_others = int(defined[1:].sum())
    low = np.full(columns.shape[1], np.nan)
    ends: tuple[float, ...] = (np.nan, np.nan)
    redrawn = 0
    enough = len(np.unique(subject[label == 1])) >= min_subjects and absent > 0
    if enough and defined.any():
        _, subject = np.unique(subject, return_inverse=True)
        weights, redrawn = resampling.weights(label, subject)
        draws = np.full((columns.shape[1], resamples), np.nan)
        for column in np.flatnonzero(defined):
            draws[column] = resampled_concordance(columns[:, column], label, subject, weights)
        low = resampling.interval(draws)[0]
        if defined[0] and n_others:
            ahead = draws[0] - draws[1:][defined[1:]].mean(axis=0)
            ends = tuple(float(end) for end in resampling.interval(ahead))
    mean = float(auroc[1:][defined[1:]].mean()) if n_others else float("nan")
    return Comparison(
        auroc=float(auroc[0]),
        low=float(low[0]),
        others=mean,
        others_low=low[1:],
        difference=float(auroc[0]) - mean,
        difference_low=ends[0],
        difference_high=ends[1],
        n_present=present,
        n_absent=absent,
        n_others=n_others,
        n_redrawn=redrawn,
        verdict=_verdict(bool(defined[0]) and n_others > 0, enough, ends[0], ends[1]),
    )


def _verdict(defined: bool, enough: bool, low: float, high: float) -> Verdict:
    if not enough:
        return "not enough data"
    if not defined:
        return "none"
    return "better" if low > 0 else "worse" if high < 0 else "not better"
