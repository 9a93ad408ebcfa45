"""How much of an action unit's effect on an expression passes through which units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from facslens.experiments.absolute import Interval, resampled
from facslens.statistics import ALPHA, percentiles, resampled_p

#: Units that the table of carriers lists at least.
LISTED: Final = 20
#: With the action unit, maps are put back to rest; at rest, maps are put as with it.
WAYS: Final = ("removed", "restored")
_ENDS: Final = ("", "_low", "_high")
_SHARES: Final = tuple(
    f"{kind}{way}{end}" for kind in ("", "random_") for way in WAYS for end in _ENDS
)
#: Columns with whole numbers, some of which may be missing.
HALVES: Final = tuple(f"half_{kind}{way}" for kind in ("", "random_") for way in WAYS)
#: Columns of each table, one row a layer, action unit, expression, and
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    # nothing else
    "mediation": (
        "layer", "au", "expression", "n_people", "n_units", "effect", "effect_low", "effect_high",
        "all_removed", "all_restored", "round", "largest", "largest_unit", *HALVES,
    ),
    # number of units
    "curves": ("layer", "au", "expression", "n_people", "k", *_SHARES),
    # nothing else: the action unit's own units
    "detectors": (
        "layer", "au", "expression", "n_people", "units", "shown_as", "n_units", "effect", *_SHARES,
        "p_removed",
    ),
    # neither action unit nor expression: the mean over action units
    "realised": (
        "layer", "n_aus", "n_people", "share", "share_low", "share_high", "random", "difference",
        "difference_low", "difference_high", "n_ahead",
    ),
    # unit
    "carriers": (
        "layer", "au", "expression", "rank", "unit", "attribution", "removed", "half", "row",
        "column",
    ),
}  # fmt: skip


def share(
    part: Float[np.ndarray, " person"], whole: Float[np.ndarray, " person"], seed: int
) -> Interval:
    """Give the ratio of two means over people, with a 95 % interval over resampled people.

    Examples
    --------
    >>> share(np.array([1.0, 2.0]), np.array([2.0, 4.0]), seed=0)
    Interval(value=0.5, low=0.5, high=0.5)
    """
    counts = resampled(len(whole), seed)
    total, drawn = float(whole.sum()), counts @ whole
    if total == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    ratios = np.divide(counts @ part, drawn, out=np.full(len(counts), np.nan), where=drawn != 0)
    low, high = percentiles(ratios)
    return Interval(float(part.sum() / total), float(low), float(high))


def half(counts: Sequence[int], shares: Sequence[float]) -> int | None:
    """Give the smallest number of units that carry at least half; None where none does.

    Examples
    --------
    >>> half((1, 2, 5), (0.1, 0.6, 0.4)), half((1, 2), (0.1, float("nan")))
    (2, None)
    """
    return next((k for k, value in zip(counts, shares, strict=True) if value >= 0.5), None)


def centre(
    square: Float[np.ndarray, "unit row column"],
) -> Float[np.ndarray, "unit 2"]:
    """Give the place of each unit's squared change, as shares of the face's height and width.

    It is the centre of the largest value and its neighbours: an action unit changes both halves of
    a face, and a centre of all of it would lie between them. NaN where nothing changes. What the
    padding of convolutions shifts is left out of account.

    Examples
    --------
    >>> centre(np.array([[[0.0, 0.0, 0.0, 9.0], [0.0, 0.0, 0.0, 3.0]]])).tolist()
    [[0.375, 0.875]]
    """
    units, rows, columns = square.shape
    row, column = np.divmod(square.reshape(units, -1).argmax(axis=1), columns)
    down, across = np.arange(rows), np.arange(columns)
    near = (np.abs(down - row[:, None]) <= 1)[:, :, None]
    near = near & (np.abs(across - column[:, None]) <= 1)[:, None]
    own = np.where(near, square, 0.0)
    sums = np.stack(
        [own.sum(axis=2) @ ((down + 0.5) / rows), own.sum(axis=1) @ ((across + 0.5) / columns)],
        axis=1,
    )
    total = own.sum(axis=(1, 2))[:, None]
    found = np.full(sums.shape, np.nan)
    np.divide(sums, total, out=found, where=total > 0)
    return found


def mean_over_people(values: Float[np.ndarray, " person"], seed: int) -> Interval:
    """Average over people, with a 95 % interval over resampled people."""
    low, high = percentiles(resampled(len(values), seed) @ values / len(values))
    return Interval(float(values.mean()), float(low), float(high))


@dataclass(frozen=True)
class Way:
    """The shares of one effect that pass through sets of units, in one of `WAYS`.

    Parameters
    ----------
    own
        Of each given set, with an interval over people.
    random
        Of random sets whose change is as large, one for each given set: the mean, and the 2.5th
        and 97.5th percentile over sets.
    p
        Of each given set: how many random sets carry as much, one-sided [phipson2010]_.
    """

    own: tuple[Interval, ...]
    random: tuple[Interval, ...]
    p: tuple[float, ...]

    @classmethod
    def of(
        cls,
        parts: Float[np.ndarray, "set person"],
        whole: Float[np.ndarray, " person"],
        random: Float[np.ndarray, "order set"],
        seed: int,
    ) -> "Way":
        """Take the shares from changes.

        Parameters
        ----------
        parts, whole
            Change of the expression's centred logit through each given set, and the whole one.
        random
            Shares of random sets of equal size.
        seed
            Of the resamples.
        """
        own = tuple(share(part, whole, seed) for part in parts)
        low, high = percentiles(random.T)
        ends = zip(random.mean(axis=0), low, high, strict=True)
        reached = (random >= np.array([one.value for one in own]) - 1e-9).sum(axis=0)
        return cls(
            own,
            tuple(Interval(*map(float, one)) for one in ends),
            tuple(map(float, resampled_p(reached, len(random)))),
        )

    def columns(self, way: str, place: int) -> dict[str, float]:
        """Give the columns of one given set."""
        found: dict[str, float] = {}
        for kind, intervals in (("", self.own), ("random_", self.random)):
            one = intervals[place]
            values = (one.value, one.low, one.high)
            found |= {f"{kind}{way}{end}": v for end, v in zip(_ENDS, values, strict=True)}
        return found


def curve_rows(counts: Sequence[int], ways: Mapping[str, Way]) -> list[dict[str, Any]]:
    """Give a row for each number of units; the first one, 0, changes nothing."""
    none = dict.fromkeys(_SHARES, 0.0)
    rows = [{"k": 0, **none}]
    for place, k in enumerate(counts):
        row: dict[str, Any] = {"k": k}
        for way, found in ways.items():
            row |= found.columns(way, place)
        rows.append(row)
    return rows


def summary_row(
    effect: Interval,
    counts: Sequence[int],
    ways: Mapping[str, Way],
    alone: Float[np.ndarray, " unit"],
) -> dict[str, Any]:
    """Give what one effect is, how much of it goes round the layer, and how many units carry half.

    ``round`` is 1 less what is removed with all units; it is 0 where the layer is a cut of the
    network.
    """
    row: dict[str, Any] = {
        "n_units": len(alone),
        "effect": effect.value,
        "effect_low": effect.low,
        "effect_high": effect.high,
    }
    for way, found in ways.items():
        row[f"all_{way}"] = found.own[-1].value
        for kind, intervals in (("", found.own), ("random_", found.random)):
            row[f"half_{kind}{way}"] = half(counts, [one.value for one in intervals])
    most = int(alone.argmax())
    return row | {
        "round": 1 - row["all_removed"], "largest": float(alone[most]), "largest_unit": most
    }  # fmt: skip


def carrier_rows(
    order: Int[np.ndarray, " unit"],
    attribution: Float[np.ndarray, " unit"],
    alone: Float[np.ndarray, " unit"],
    carry: int | None,
    places: Float[np.ndarray, "unit 2"],
) -> list[dict[str, Any]]:
    """Give a row for each of the first units, `LISTED` at least, and all that carry half.

    Parameters
    ----------
    order
        Of the units.
    attribution, alone
        Share of the effect of each unit: by gradient times change, and as its removal alone gives
        it.
    carry
        How many units carry half; None where none do.
    places
        Row and column of each unit on the face, as `centre` gives them.
    """
    return [
        {
            "rank": rank,
            "unit": int(unit),
            "attribution": float(attribution[unit]),
            "removed": float(alone[unit]),
            "half": carry is not None and rank <= carry,
            "row": float(places[unit, 0]),
            "column": float(places[unit, 1]),
        }
        for rank, unit in enumerate(order[: max(LISTED, carry or 0)], start=1)
    ]


def detector_row(own: pd.DataFrame, effect: Interval, ways: Mapping[str, Way]) -> dict[str, Any]:
    """Give the share of an effect that passes through an action unit's own units.

    Parameters
    ----------
    own
        unit, and ``shown_as``: caused, observed.
    effect, ways
        The effect, and the shares of one given set.
    """
    shown = sorted({name for names in own["shown_as"] for name in names.split(", ")})
    row: dict[str, Any] = {
        "units": " ".join(map(str, own["unit"])),
        "shown_as": ", ".join(shown),
        "n_units": len(own),
        "effect": effect.value,
        "p_removed": ways["removed"].p[0],
    }
    for way, found in ways.items():
        row |= found.columns(way, 0)
    return row


@dataclass(frozen=True)
class Through:
    """What passes through an action unit's own units, of the expression that it raises most.

    Parameters
    ----------
    own, random, whole
        Change of the centred logit of each person: through its units, through random sets whose
        change is as large (their mean), and the whole one.
    p
        How many random sets carry as much.
    """

    own: Float[np.ndarray, " person"]
    random: Float[np.ndarray, " person"]
    whole: Float[np.ndarray, " person"]
    p: float


def realised_row(through: Sequence[Through], seed: int) -> dict[str, Any]:
    """Average over action units the share that passes through their own units.

    This is the paper's claim that detectors of action units realise the recognition of
    expressions, as a number.

    Parameters
    ----------
    through
        One an action unit that has units of its own; of the same people.
    seed
        Of the resamples.

    Returns
    -------
    dict
        The mean share with a 95 % interval over people, that of random sets, the difference with
        its interval, and in how many action units at most 1 in 20 random sets carries as much.
    """
    counts = np.concatenate([np.ones((1, len(through[0].whole)), dtype=int),
                             resampled(len(through[0].whole), seed)])  # fmt: skip
    own, random = (
        np.mean([(counts @ getattr(t, name)) / (counts @ t.whole) for t in through], axis=0)
        for name in ("own", "random")
    )
    row: dict[str, Any] = {
        "n_aus": len(through),
        "n_people": counts.shape[1],
        "random": float(random[0]),
        "n_ahead": sum(t.p <= ALPHA for t in through),
    }
    for name, values in (("share", own), ("difference", own - random)):
        low, high = percentiles(values[1:])
        row |= {name: float(values[0]), f"{name}_low": float(low), f"{name}_high": float(high)}
    return row
