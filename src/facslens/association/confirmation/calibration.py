"""From a unit's response to the probability of an action unit, and how good that is.

A unit may detect an action unit although its response cannot be turned into a useful
probability. Whether it can is measured on people who were left out of the fit.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.special import expit

from facslens.association.confirmation.bootstrap import Resampling
from facslens.association.coverage import MIN_SUBJECTS
from facslens.errors import CallError
from facslens.statistics import LEVEL, RESAMPLES, calibration_bins

#: Bins of equal width of the calibration error.
BINS: Final = 10
#: Newton's steps at most, and the change of the curve's two numbers at which it ends.
_STEPS: Final = 100
_ENOUGH: Final = 1e-10


@dataclass(frozen=True)
class Curve:
    """A logistic curve: probability = 1 / (1 + exp(−(intercept + slope · response))).

    Parameters
    ----------
    intercept
        In logits. NaN where there is no curve, and so is the slope.
    slope
        In logits per unit of the response; above 0.
    """

    intercept: float
    slope: float

    def probability(self, response: Float[np.ndarray, "*face"]) -> Float[np.ndarray, "*face"]:
        """Give the probability for each response; NaN where there is no curve.

        Examples
        --------
        >>> Curve(intercept=-2.0, slope=1.0).probability(np.array([2.0, 2.0 + np.log(3)]))
        array([0.5 , 0.75])
        """
        return np.asarray(expit(self.intercept + self.slope * response))


#: Where no increasing curve fits.
NO_CURVE: Final = Curve(float("nan"), float("nan"))


@dataclass(frozen=True)
class Calibration:
    """A unit's curve for an action unit, and how well such curves predict people left out.

    Parameters
    ----------
    curve
        Fitted on everybody.
    brier
        Mean squared error of the probability of each sequence, by the curve of all other
        people; 0 to 1. NaN where nothing could be measured; likewise all below.
    brier_base
        The same error when the base rate is predicted instead: the share of the other people's
        sequences that show the AU.
    skill
        1 − brier / brier_base: 0 is no better than the base rate, 1 is perfect.
    skill_low, skill_high
        Percentile interval of it over subjects.
    error
        Expected calibration error of the probabilities; see
        `facslens.statistics.CalibrationBins`.
    n_present, n_absent
        Sequences with and without the AU.
    subjects, subjects_present
        All subjects, and those with the AU.
    n_flat
        Subjects for whom the others gave no increasing curve; the base rate was predicted.
    n_redrawn
        Resamples of one class only that were discarded and drawn again.
    """

    curve: Curve
    brier: float
    brier_base: float
    skill: float
    skill_low: float
    skill_high: float
    error: float
    n_present: int
    n_absent: int
    subjects: int
    subjects_present: int
    n_flat: int
    n_redrawn: int

    @property
    def holds(self) -> bool:
        """Whether the curve beats the base rate on people left out: its interval is above 0."""
        return self.skill_low > 0 and not np.isnan(self.curve.slope)


def fit_curve(response: Float[np.ndarray, " row"], label: Num[np.ndarray, " row"]) -> Curve:
    """Fit a logistic curve by Platt's scaling, every row counting once.

    Parameters
    ----------
    response
        Finite.
    label
        1 present, 0 absent.

    Returns
    -------
    Curve
        `NO_CURVE` where one class is missing, the responses are all equal, or the best curve
        does not rise: a unit that responds less when the AU is present does not detect it.

    Notes
    -----
    The targets are (n₁ + 1) / (n₁ + 2) and 1 / (n₀ + 2) instead of 1 and 0, so that the curve
    stays finite where the classes are apart [platt1999]_. The cross entropy is convex in both
    numbers; Newton's steps on the standardised response, each halved until it descends, find
    its one minimum.

    References
    ----------
    [platt1999]_

    Examples
    --------
    Six of ten have the AU where the response is 1, and four of ten where it is 0. Platt's
    targets for ten of each are 11/12 and 1/12.

    >>> label = np.array([1] * 6 + [0] * 4 + [1] * 4 + [0] * 6)
    >>> curve = fit_curve(np.repeat([1.0, 0.0], 10), label)
    >>> curve.probability(np.array([1.0, 0.0])).round(4)  # (6 · 11 + 4 · 1) / 120 and so on
    array([0.5833, 0.4167])
    """
    present = label == 1
    n1, n0 = int(present.sum()), int((~present).sum())
    spread = float(np.std(response)) if len(response) else 0.0
    if n1 == 0 or n0 == 0 or spread <= 1e-6 * float(np.abs(response).max()):
        return NO_CURVE
    centre = float(response.mean())
    x = (response - centre) / spread
    target = np.where(present, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
    design = np.column_stack([np.ones_like(x), x])
    numbers = np.array([np.log(target.mean() / (1 - target.mean())), 0.0])
    loss = _cross_entropy(design @ numbers, target)
    for _ in range(_STEPS):
        said = expit(design @ numbers)
        gradient = design.T @ (said - target)
        curvature = (design * (said * (1 - said))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-12 * np.eye(2), gradient)
        while (lower := _cross_entropy(design @ (numbers - step), target)) > loss:
            step /= 2
            if np.abs(step).max() < _ENOUGH:
                break  # only rounding is left
        else:
            numbers, loss = numbers - step, lower
        if np.abs(step).max() < _ENOUGH:
            break
    slope = float(numbers[1]) / spread
    if not numbers[1] > _ENOUGH:
        return NO_CURVE
    return Curve(float(numbers[0]) - slope * centre, slope)


def _cross_entropy(logit: Float[np.ndarray, " row"], target: Float[np.ndarray, " row"]) -> float:
    """Sum of −t log p − (1 − t) log(1 − p), without overflow."""
    return float((np.logaddexp(0, logit) - target * logit).sum())


def calibrate(
    response: Float[np.ndarray, " row"],
    label: Num[np.ndarray, " _label"],
    subject: Int[np.ndarray, " _subject"],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    min_subjects: int = MIN_SUBJECTS,
) -> Calibration:
    """Fit a unit's curve for an action unit, and measure it leaving out one subject at a time.

    Parameters
    ----------
    response
        One row a sequence, as `facslens.association.sample.make_sample` averages them, of
        subjects that neither the network nor the choice of the unit has seen.
    label
        1 present, 0 absent, NaN unknown: such rows play no part.
    subject
        Number of each row's subject.
    seed, resamples, level
        Of the resampling of the subjects; see `Resampling`.
    min_subjects
        Subjects with the AU, and subjects with a sequence without it, below which there is
        neither curve nor interval.

    Returns
    -------
    Calibration
        Without a curve, and with NaN for what is undefined, where there are too few subjects.

    Raises
    ------
    CallError
        If the lengths disagree, or `resamples` or `level` is out of range.

    Notes
    -----
    Where the other people give no increasing curve, their base rate is predicted, which adds
    nothing to the skill. The base rate with which the skill compares also leaves the person
    out. Curves are not fitted again in the resamples: the interval covers the choice of the
    people who are predicted, not of those who were fitted.

    References
    ----------
    [platt1999]_, [brier1950]_, [guo2017]_, [efron1993]_

    Examples
    --------
    Five people, each once with the AU and a response of 1 and once without and of 0. The four
    others' targets are 5/6 and 1/6, so every probability is off by 1/6; the base rate by 1/2.

    >>> response, label, subject = np.tile([1.0, 0], 5), np.tile([1, 0], 5), np.arange(10) // 2
    >>> found = calibrate(response, label, subject, seed=0)
    >>> round(found.brier * 36, 6), found.brier_base, round(found.skill, 4), found.holds
    (1.0, 0.25, 0.8889, True)
    """
    if not len(response) == len(label) == len(subject):
        raise CallError(
            f"response, label and subject have {len(response)}, {len(label)} and {len(subject)} "
            f"rows: all need the same number"
        )
    resampling = Resampling(seed, resamples, level)
    known = ~np.isnan(label.astype(np.float64))
    response, label = response[known], label[known].astype(np.float64)
    _, subject = np.unique(subject[known], return_inverse=True)
    by_class = [len(np.unique(subject[label == value])) for value in (1, 0)]
    counts = {
        "n_present": int((label == 1).sum()),
        "n_absent": int((label == 0).sum()),
        "subjects": len(np.unique(subject)),
        "subjects_present": by_class[0],
    }
    # with one subject of a class, leaving that one out leaves no class
    if min(by_class) < max(min_subjects, 2):
        nan = float("nan")
        return Calibration(NO_CURVE, nan, nan, nan, nan, nan, nan, **counts, n_flat=0, n_redrawn=0)
    said, base, n_flat = leave_one_out(response, label, subject)
    weights, redrawn = resampling.weights(label, subject)
    off, off_base = (np.bincount(subject, (p - label) ** 2) for p in (said, base))
    low, high = resampling.interval(1 - (weights @ off) / (weights @ off_base))
    return Calibration(
        curve=fit_curve(response, label),
        brier=float(off.sum()) / len(label),
        brier_base=float(off_base.sum()) / len(label),
        skill=1 - float(off.sum()) / float(off_base.sum()),
        skill_low=float(low),
        skill_high=float(high),
        error=calibration_bins(said, label, BINS).error,
        **counts,
        n_flat=n_flat,
        n_redrawn=redrawn,
    )


def leave_one_out(
    response: Float[np.ndarray, " row"],
    label: Num[np.ndarray, " row"],
    subject: Int[np.ndarray, " row"],
) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"], int]:
    """Predict each row's probability by the curve, and by the base rate, of all other subjects.

    Returns
    -------
    said, base
        0 to 1.
    flat
        Subjects for whom the others gave no increasing curve: the base rate was predicted.
    """
    said, base = np.empty(len(label)), np.empty(len(label))
    flat = 0
    for one in np.unique(subject):
        out = subject == one
        base[out] = said[out] = (label[~out] == 1).mean()
        curve = fit_curve(response[~out], label[~out])
        if curve is NO_CURVE:
            flat += 1
        else:
            said[out] = curve.probability(response[out])
    return said, base, flat
