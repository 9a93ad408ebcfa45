"""Whether a network reads expressions at all, whatever their frequencies."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from facslens.statistics import RESAMPLES, percentiles
from facslens.training.intervals import Interval

#: So many people have to be shown before anything is said.
MIN_GROUPS: Final = 5


@dataclass(frozen=True)
class Recognition:
    """How often expressions are recognised, beside who guesses.

    Parameters
    ----------
    faces
        How many faces count: those whose expression is known and one of the network's.
    left_out
        How many faces of known expression show none of the network's.
    groups
        How many people, or sequences where people are unknown.
    classes
        How many expressions are shown.
    accuracy
        Share of faces that are named rightly, with the percentile interval over groups.
    recall
        The mean of that share over the expressions, with the percentile interval over groups.
    """

    faces: int
    left_out: int
    groups: int
    classes: int
    accuracy: Interval
    recall: Interval

    @property
    def chance(self) -> float:
        """The highest mean recall that guessing can expect, see `recognition`."""
        return 1 / self.classes if self.classes else float("nan")

    @property
    def beyond_chance(self) -> bool | None:
        """Whether the interval of the mean recall lies above chance; None where nobody can say."""
        if self.groups < MIN_GROUPS or self.classes < 2:
            return None
        return bool(self.recall.low > self.chance)


def recognition(
    predictions: pd.DataFrame,
    groups: pd.Series,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Recognition:
    """Measure how often expressions are recognised, and compare it with guessing.

    Parameters
    ----------
    predictions
        As `facslens.training.predictions.predict` gives them.
    groups
        Who is shown in each of them: faces of one person are not independent.
    resamples, seed
        Of the groups.

    Notes
    -----
    Accuracy is no test: who always names the commonest expression may have a high one, and a
    network that reads well may fall short of it where one expression prevails. The mean recall over
    the k expressions shown is: who names expressions without looking at the face, with whatever
    probabilities q, has the recall q of each, and these add up to 1 or less, so that no guess
    expects a mean above 1/k. In a resample without an expression the mean is that of the others.

    Examples
    --------
    Whoever always says fear is right in nine of ten faces, and has a mean recall of ½:

    >>> table = pd.DataFrame({"true": ["fear"] * 9 + ["anger"], "fear": 0.9, "anger": 0.1})
    >>> found = recognition(table.assign(predicted="fear"), pd.Series(range(10)))
    >>> found.accuracy.value, found.recall.value, found.beyond_chance
    (0.9, 0.5, False)
    """
    known = predictions["true"].notna().to_numpy(dtype=bool)
    own = known & predictions["true"].isin(predictions.columns).to_numpy(dtype=bool)
    table = predictions[own]
    right = (table["true"] == table["predicted"]).to_numpy(dtype=bool)
    person, people = pd.factorize(groups[own])
    expression, expressions = pd.factorize(table["true"])
    shape = (len(people), len(expressions))
    shown, hits = np.zeros(shape), np.zeros(shape)
    np.add.at(shown, (person, expression), 1)
    np.add.at(hits, (person, expression), right)
    # everybody once, and then each resample
    counts = np.vstack([np.ones((1, len(people))), _drawn(len(people), resamples, seed)])
    accuracy = _share((counts @ hits).sum(axis=1), (counts @ shown).sum(axis=1))
    recall = _mean(_share(counts @ hits, counts @ shown))
    left_out = int((known & ~own).sum())
    return Recognition(len(table), left_out, *shape, _interval(accuracy), _interval(recall))


def _drawn(groups: int, resamples: int, seed: int) -> np.ndarray:
    """Count how often each group is in each resample."""
    if groups == 0:
        return np.zeros((resamples, 0))
    rng = np.random.default_rng(seed)
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=resamples).astype(float)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def _mean(recalls: np.ndarray) -> np.ndarray:
    """Average over the expressions that are shown."""
    known = ~np.isnan(recalls)
    return _share(np.where(known, recalls, 0).sum(axis=1), known.sum(axis=1))


def _interval(values: np.ndarray) -> Interval:
    low, high = percentiles(values[1:])
    return Interval(float(values[0]), float(low), float(high))
