"""Whether a unit's response alone tells an action unit, with no face at rest to compare it with."""

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from facslens.experiments.trials import Trials
from facslens.statistics import RESAMPLES, percentiles

#: Units that are ranked at a time, for ranks are eight times as large as what was recorded.
_STRIP: Final = 64


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
    found = np.empty((len(trials.aus), trials.rest.shape[1]))
    for first in range(0, found.shape[1], _STRIP):
        strip = slice(first, first + _STRIP)
        rest, full = trials.rest[rows, strip], trials.full[rows, :, strip]
        higher = _rank_sums(np.concatenate([full, rest[:, None]], axis=1))[:-1]
        for same in np.unique(~trials.rivals, axis=0):  # an action unit, and what is no rival of it
            higher[same] -= _rank_sums(full[:, same])  # what remains is how often it is higher
        found[:, strip] = higher
    blocks, others = len(rows), 1 + trials.rivals.sum(axis=1, keepdims=True)
    found /= blocks * blocks * others
    return found


def _rank_sums(
    faces: Float[np.ndarray, "block kind unit"],
) -> Float[np.ndarray, "kind unit"]:
    """Rank all faces by each unit, from 1, equal ones by their mean, and sum up over blocks."""
    blocks, kinds, units = faces.shape
    if kinds == 1:
        return np.full((1, units), blocks * (blocks + 1) / 2)
    values = faces.reshape(-1, units).T
    order = values.argsort(axis=1)
    values = np.take_along_axis(values, order, axis=1)
    begins = np.ones(values.shape, dtype=bool)  # whether a face is the first of equal ones
    np.not_equal(values[:, 1:], values[:, :-1], out=begins[:, 1:])
    first = np.flatnonzero(begins)
    equal = np.diff(first, append=values.size)
    ranks = np.repeat(first % values.shape[1] + (equal + 1) / 2, equal)
    kind = np.tile(np.arange(kinds), blocks)[order] + kinds * np.arange(units)[:, None]
    return np.bincount(kind.ravel(), ranks, kinds * units).reshape(units, kinds).T


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
    others = np.ascontiguousarray(others.T)[:, None]
    # as often as both: higher, and no lower
    higher = np.add.reduce(shown[:, None] > others, axis=0, dtype=np.float64)
    higher += np.add.reduce(shown[:, None] >= others, axis=0, dtype=np.float64)
    higher /= 2 * len(others)
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
    tables: Float[np.ndarray, "table person person"], counts: Int[np.ndarray, "resample person"]
) -> list[Interval]:
    """Average each table of every two people, with an interval over resampled people."""
    often = counts.astype(np.float64)
    drawn = np.empty((len(tables), len(counts)))
    for own, table in zip(drawn, tables, strict=True):  # all at once would leave the cache
        np.einsum("rp,rp->r", often @ table, often, out=own)
    ends = zip(tables.mean(axis=(1, 2)), *percentiles(drawn / counts.shape[1] ** 2), strict=True)
    return [Interval(*map(float, one)) for one in ends]
