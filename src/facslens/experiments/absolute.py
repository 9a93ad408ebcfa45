"""Whether a unit's response alone tells an action unit, with no face at rest to compare it with."""

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata

from facslens.experiments.trials import Trials
from facslens.statistics import RESAMPLES, percentiles


@dataclass(frozen=True)
class Interval:
    """A value over people, with a 95 % percentile interval."""

    value: float
    low: float
    high: float


def separation(trials: Trials, choosing: bool) -> Float[np.ndarray, "au unit"]:
    """Give the AUROC of each action unit's faces against rest and every rival, by every unit.

    Faces of all people and settings of one half are pooled; each rival has as many faces, so that
    this is the mean over rest and rivals. From mid-ranks, Hanley & McNeil 1982 [hanley1982]_.
    """
    rows = trials.blocks_of(choosing)
    faces = np.concatenate([trials.rest[rows][:, None], trials.full[rows]], axis=1)
    blocks, _, units = faces.shape
    against = trials.rivals | np.eye(len(trials.aus), dtype=bool)
    against = np.concatenate([np.ones((len(against), 1), dtype=bool), against], axis=1)
    found = np.empty((len(trials.aus), units))
    for field in np.unique(against, axis=0):  # one of all faces, and one for each opening
        ranks = rankdata(faces[:, field].reshape(-1, units), axis=0)
        ranks = ranks.reshape(blocks, field.sum(), units)
        for au in np.flatnonzero((against == field).all(axis=1)):
            own = ranks[:, field[: au + 1].sum()].sum(axis=0)
            others = blocks * (field.sum() - 1)
            found[au] = (own - blocks * (blocks + 1) / 2) / (blocks * others)
    return found


def concordance(trials: Trials, au: int, unit: int) -> Float[np.ndarray, "person person"]:
    """Give, for every two measuring people, how often the first one's face ranks higher.

    The first shows the action unit, the second is at rest or shows a rival; over all settings and
    rivals. The mean over people is `separation`.
    """
    rows = trials.blocks_of(choosing=False)
    shown = trials.full[rows, au, unit]
    others = np.concatenate(
        [trials.rest[rows, unit][:, None], trials.full[rows][:, trials.rivals[au], unit]], axis=1
    )
    higher = (np.sign(shown[:, None, None] - others[None]).mean(axis=2) + 1) / 2
    people, place = np.unique(trials.person[rows], return_inverse=True)
    members = (place[None] == np.arange(len(people))[:, None]).astype(float)
    members /= members.sum(axis=1, keepdims=True)
    found: Float[np.ndarray, "person person"] = members @ higher @ members.T
    return found


@functools.lru_cache(maxsize=8)
def resampled(people: int, seed: int) -> Int[np.ndarray, "resample person"]:
    """Draw people again and again: how often each is in each resample."""
    rng = np.random.default_rng(seed)
    counts: Int[np.ndarray, "resample person"]
    counts = rng.multinomial(people, np.full(people, 1 / people), size=RESAMPLES)
    counts.flags.writeable = False  # it is kept
    return counts


def over_people(
    table: Float[np.ndarray, "person person"], counts: Int[np.ndarray, "resample person"]
) -> Interval:
    """Average a table of every two people, with an interval over resampled people."""
    people = len(table)
    drawn = np.einsum("rp,pq,rq->r", counts, table, counts, optimize=True) / people**2
    low, high = percentiles(drawn)
    return Interval(float(table.mean()), float(low), float(high))
