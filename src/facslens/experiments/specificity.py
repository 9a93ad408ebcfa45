"""Whether a unit changes more under one action unit than under every other."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from facslens.experiments.trials import Trials


def energies(strips: Iterable[Trials]) -> Float[np.ndarray, " au"]:
    """Measure how much each action unit moves the whole layer, on the choosing people.

    Parameters
    ----------
    strips
        Responses of the layer, its units in one part or several.

    Returns
    -------
    numpy.ndarray
        Root mean square, over units and blocks, of the change from rest, each unit's in its
        standard deviation over all faces at rest and at full intensity.

    Notes
    -----
    A unit that follows no action unit but the extent of the change would win under the action unit
    that moves most of the face. Changes are therefore compared twice: as they are, and divided by
    this.
    """
    square, count = np.zeros(1), 0
    for trials in strips:
        rows = trials.blocks_of(choosing=True)
        rest, full = trials.rest[rows, None], trials.full[rows]
        every = np.concatenate([rest, full], axis=1)
        deviation = every.reshape(-1, every.shape[2]).std(axis=0)
        live = deviation > 0
        standard = (full[:, :, live] - rest[:, :, live]) / deviation[live]
        square = square + (standard**2).sum(axis=(0, 2))
        count += len(rows) * int(live.sum())
    energy: Float[np.ndarray, " au"] = np.sqrt(square / max(count, 1))
    return energy


def changes(trials: Trials, choosing: bool) -> Float[np.ndarray, "person au unit"]:
    """Give the change from rest at full intensity, averaged over each person's settings."""
    rows = trials.blocks_of(choosing)
    return trials.over_settings(trials.full[rows] - trials.rest[rows, None], choosing)


def wins(
    change: Float[np.ndarray, "person au unit"], energy: Float[np.ndarray, " au"]
) -> Float[np.ndarray, "au rival unit"]:
    """Give the share of people whose change under an action unit exceeds that under a rival.

    It has to be larger as it is, and also as a share of what the two action units move in the
    whole layer (`energies`). A tie is no win, so that a unit that seldom changes has few.

    Examples
    --------
    Two people, two action units, one unit; the second action unit moves the layer twice as much.

    >>> change = np.array([[[3.0], [2.0]], [[1.0], [1.5]]])
    >>> wins(change, np.array([1.0, 1.0]))[0, 1], wins(change, np.array([1.0, 2.0]))[0, 1]
    (array([0.5]), array([0.5]))
    >>> wins(change, np.array([1.0, 2.0]))[1, 0]
    array([0.])
    """
    share = change / np.where(energy > 0, energy, 1.0)[:, None]
    aus = range(change.shape[1])
    return np.stack(
        [((change[:, [au]] > change) & (share[:, [au]] > share)).mean(axis=0) for au in aus]
    )


@dataclass(frozen=True)
class Smallest:
    """The smallest share of wins over the rivals of each action unit.

    Parameters
    ----------
    share
        (au, unit).
    rival
        Number of the rival; (au, unit).
    """

    share: Float[np.ndarray, "au unit"]
    rival: Int[np.ndarray, "au unit"]


def smallest(
    won: Float[np.ndarray, "au rival unit"], rivals: Bool[np.ndarray, "au rival"]
) -> Smallest:
    """Find the rival that each unit, for each action unit, wins over least often."""
    among = np.where(rivals[:, :, None], won, np.inf)
    rival = among.argmin(axis=1)
    return Smallest(np.take_along_axis(among, rival[:, None], axis=1)[:, 0], rival)


@dataclass(frozen=True)
class Choice:
    """The unit chosen for each action unit.

    Parameters
    ----------
    unit
        Its number, −1 where no unit changes at all; (au,).
    rank
        Place of every unit in that choice, 1 for the chosen one; NaN for a unit that does not
        change at all; (au, unit).
    smallest
        Of every unit, on the choosing people.
    """

    unit: Int[np.ndarray, " au"]
    rank: Float[np.ndarray, "au unit"]
    smallest: Smallest


def choose(strips: Iterable[Trials], energy: Float[np.ndarray, " au"]) -> Choice:
    """Choose the unit whose smallest share of wins over the rivals is largest.

    Only the choosing people are looked at. Of several equal ones the one with the larger
    standardised change is taken, then the one with the smaller number.

    Parameters
    ----------
    strips
        Responses of the layer, its units in one part or several.
    energy
        Of the layer.
    """
    parts = []
    for trials in strips:
        change = changes(trials, choosing=True)
        won = smallest(wins(change, energy), trials.rivals)
        parts.append((won.share, won.rival, np.ptp(change, axis=(0, 1)) > 0, sizes(change)))
    share, rival, live, size = (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
    key = np.where(live, share, -1.0)
    order = np.lexsort((-np.nan_to_num(size), -key), axis=-1)
    rank = np.where(live, order.argsort(axis=-1) + 1.0, np.nan)
    unit = order[:, 0] if live.any() else np.full(len(order), -1)
    return Choice(unit, rank, Smallest(share, rival))


def sizes(change: Float[np.ndarray, "person ..."]) -> Float[np.ndarray, "..."]:
    """Standardise changes: their mean over people divided by their standard deviation.

    NaN where fewer than two people are known or all changes are equal.
    """
    known = (~np.isnan(change)).sum(axis=0)
    spread = np.full(change.shape[1:], np.nan)
    enough = known > 1
    if enough.any():
        centre = np.where(known > 0, np.nansum(change, axis=0) / np.maximum(known, 1), np.nan)
        square = np.nansum((change - centre) ** 2, axis=0)
        spread = np.sqrt(square / np.where(enough, known - 1, 1))
        flat = spread <= 1e-12 * np.nanmax(np.abs(change), axis=0, initial=0.0)
        spread = np.where(enough & ~flat, centre / np.where(flat, 1.0, spread), np.nan)
    return spread


def sign_test(
    wins: Int[np.ndarray, "..."], people: Int[np.ndarray, "..."] | int
) -> Float[np.ndarray, "..."]:
    """Give the p-value of so many people or more, where each falls either way alike.

    Ties have to be counted as losses. 1 where there is nobody.

    Examples
    --------
    >>> sign_test(np.array([5, 4]), 5).tolist()
    [0.03125, 0.1875]
    """
    return np.asarray(stats.binom.sf(np.asarray(wins) - 1, people, 0.5))


def holm(p: Float[np.ndarray, " test"]) -> Float[np.ndarray, " test"]:
    """Correct p-values for their number, after Holm 1979 [holm1979]_.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    scaled = p[order] * np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return corrected
