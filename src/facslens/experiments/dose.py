"""Whether a response rises with the intensity of an action unit, and from which grade on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from facslens.experiments.specificity import sign_test
from facslens.experiments.trials import GRADES, Trials
from facslens.statistics import ALPHA


@dataclass(frozen=True)
class Dose:
    """What intensity does to one unit, on the measuring people.

    Parameters
    ----------
    change
        Change from rest at each of `GRADES`, of each person; (grade, person), NaN where it was
        not drawn.
    noise
        Size of the change between two pictures at rest, of each person.
    exceeds
        Number of people in which the change exceeds the noise, at each grade.
    people
        Number of people that each grade was drawn of.
    rises
        Number of people whose response is mostly higher at the higher of two grades.
    asked
        Number of people of whom two grades or more were drawn.
    p
        Of a sign test that the response rises.
    smallest
        The smallest grade from which on the change exceeds the noise, at it and every higher one
        (sign test at 0.05 each); empty where there is none.
    """

    change: Float[np.ndarray, "grade person"]
    noise: Float[np.ndarray, " person"]
    exceeds: Int[np.ndarray, " grade"]
    people: Int[np.ndarray, " grade"]
    rises: int
    asked: int
    p: float
    smallest: str


def dose(trials: Trials, au: int, unit: int) -> Dose:
    """Measure one unit under one action unit, from A to E.

    Within a block every two grades above rest are compared; a person's response rises where, over
    all settings, more of these pairs rise than fall.

    Parameters
    ----------
    trials
        Responses.
    au, unit
        Numbers of the action unit and of the unit.
    """
    levels = np.stack([grade[:, au, unit] for grade in trials.alone])
    rest, again = trials.rest[:, unit], trials.again[:, unit]
    change = trials.by_person((levels - rest).T, choosing=False).T
    noise = trials.by_person(np.abs(again - rest), choosing=False)
    exceeds = (change > noise).sum(axis=1)
    people = (~np.isnan(change) & ~np.isnan(noise)).sum(axis=1)
    rises, asked = _rising(trials, levels)
    smallest = ""
    for grade, count, of in reversed(list(zip(GRADES, exceeds, people, strict=True))):
        if of == 0:
            continue
        if sign_test(np.array(count), int(of)) >= ALPHA:
            break
        smallest = grade
    p = float(sign_test(np.array(rises), asked)) if asked else 1.0
    return Dose(change, noise, exceeds, people, rises, asked, p, smallest)


def _rising(trials: Trials, levels: Float[np.ndarray, "grade block"]) -> tuple[int, int]:
    person = trials.by_person(trend(levels), choosing=False)
    return int((person > 0).sum()), int((~np.isnan(person)).sum())


def trend(levels: Float[np.ndarray, "grade column"]) -> Float[np.ndarray, " column"]:
    """Compare every two grades: how many more pairs rise than fall, as a share of all pairs.

    NaN where fewer than two grades are known.

    Examples
    --------
    >>> trend(np.array([[1.0, 3.0], [2.0, np.nan], [4.0, 1.0]])).tolist()
    [1.0, -1.0]
    """
    step = np.zeros(levels.shape[1])
    asked = np.zeros(levels.shape[1], dtype=np.int64)
    for low in range(len(levels)):
        for high in range(low + 1, len(levels)):
            known = ~np.isnan(levels[low]) & ~np.isnan(levels[high])
            step += np.where(known, np.sign(levels[high] - levels[low]), 0.0)
            asked += known
    mean = np.full(levels.shape[1], np.nan)
    np.divide(step, asked, out=mean, where=asked > 0)
    return mean
