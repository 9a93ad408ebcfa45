"""Whether an action unit is read, and moves the expression, as strongly in twins of other groups.

A twin is the same person with skin, age or sex changed and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from facslens.datasets.stimuli import TWINS
from facslens.errors import CallError, NotEnoughDataError
from facslens.experiments.absolute import resampled
from facslens.experiments.effects import centred
from facslens.experiments.paired import detectable, sign_flips
from facslens.experiments.specificity import holm
from facslens.experiments.trials import arrange
from facslens.statistics import ALPHA, percentiles

#: Columns of `groups`.
GROUPS: Final = (
    "layer", "group", "end_from", "end_to", "au", "measure", "unit", "expression", "n_people",
    "mean_from", "mean_to", "difference", "difference_low", "difference_high", "p", "p_holm",
    "detectable", "share", "share_low", "share_high", "detectable_share", "differs",
)  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """What is compared between twins: for each action unit one column of numbers of every face.

    Parameters
    ----------
    name
        ``unit``, ``expression`` or ``pixels``.
    values
        Of every face.
    column
        The column of each action unit; those without one are left out.
    layer
        The layer of the units; empty for none.
    expressions
        Names of the columns, where they are expressions.
    tested
        Whether a difference is tested, or only stands beside.
    """

    name: str
    values: Float[np.ndarray, "image _column"]
    column: Mapping[str, int]
    layer: str = ""
    expressions: Sequence[str] = ()
    tested: bool = True


def most_moved(
    table: pd.DataFrame,
    logits: Float[np.ndarray, "image expression"],
    expressions: Sequence[str],
) -> dict[str, int]:
    """Find the expression that each action unit moves most, up or down, in the choosing people.

    Parameters
    ----------
    table
        Rows as `facslens.experiments.trials.arrange` takes them.
    logits
        Of every row; any constant over expressions drops out.
    expressions
        Their names.

    Returns
    -------
    dict
        Of each action unit the number of the expression whose centred logit changes most from rest
        to full intensity, by size, on average over people; action units that move none are left
        out.
    """
    if logits.shape[1] != len(expressions):
        raise CallError(
            f"logits has {logits.shape[1]} columns: expected one for each of "
            f"{len(expressions)} expressions"
        )
    trials = arrange(table, centred(logits.astype(np.float64)))
    change = trials.by_person(trials.full - trials.rest[:, None], choosing=True).mean(axis=0)
    size = np.abs(change)
    return {au: int(size[a].argmax()) for a, au in enumerate(trials.aus) if size[a].max() > 0}


def at_rest(table: pd.DataFrame) -> Int[np.ndarray, " image"]:
    """Give for every face the row of the same person, group and setting at rest.

    Raises
    ------
    NotEnoughDataError
        If there is none.
    """
    key = pd.MultiIndex.from_frame(table[["person", "setting", "group"]])
    rest = np.flatnonzero(table["aus"] == "")
    rows: Int[np.ndarray, " image"] = rest[key[rest].get_indexer(key)]
    lacking = ~key.isin(key[rest])
    if lacking.any():
        person, setting, group = key[int(np.flatnonzero(lacking)[0])]
        twin = f" with another {group}" if group else ""
        raise NotEnoughDataError(
            f"the stimuli lack the face at rest of {person}{twin} in setting {setting}"
        )
    return rows


def groups(table: pd.DataFrame, measures: Sequence[Measure], seed: int = 0) -> pd.DataFrame:
    """Compare how strongly each action unit moves a measure at both ends of a group.

    Parameters
    ----------
    table
        One row a face: people at rest and with one action unit at full intensity, and their twins.
        ``person``, ``setting``, ``aus``; ``group``, empty for the person itself; ``end``, that of
        the group at which the twin is. The person itself stands for the other end.
    measures
        What is compared.
    seed
        Of the resamples.

    Returns
    -------
    pandas.DataFrame
        One row a measure, group and action unit. ``mean_from`` and ``mean_to`` are the mean changes
        from rest to full intensity over people at ``end_from`` and ``end_to``, and ``difference``
        is what it is more at the latter, with a 95 % interval over people. ``share`` is the
        difference as a share of the mean of both ends, above 0 where the action unit moves the
        measure more at ``end_to``; undefined where the interval of that mean includes 0. ``p`` is
        of `facslens.experiments.paired.sign_flips`, ``p_holm`` corrected over all tested rows of
        the table [holm1979]_. ``detectable`` is the smallest true difference that is found here
        with probability 0.8 at the level of Holm's first step, 0.05 over the number of tests,
        whatever else differs; ``differs`` says whether ``p_holm`` is below 0.05. Measures that are
        not tested have none of the four.

    Raises
    ------
    CallError
        If lengths differ, a number is not finite, or a group or end has another name.
    NotEnoughDataError
        If a face at rest is missing.

    References
    ----------
    [holm1979]_
    """
    _check(table, measures)
    rest = at_rest(table)
    rows: list[dict[str, object]] = []
    spreads: list[float] = []
    for measure in measures:
        for (group, au), pairs in _paired(table, rest, measure).items():
            row: dict[str, object] = {"layer": measure.layer or None, "group": group, "au": au}
            row |= dict(zip(("end_from", "end_to"), TWINS[group], strict=True))
            row |= {"measure": measure.name, "n_people": len(pairs)}
            column = measure.column[au]
            row["unit"] = column if measure.layer else None
            row["expression"] = measure.expressions[column] if measure.expressions else None
            difference = pairs[:, 1] - pairs[:, 0]
            row |= _sizes(pairs, seed)
            row["p"] = sign_flips(difference, seed) if measure.tested else np.nan
            rows.append(row)
            spreads.append(float(difference.std(ddof=1)) if len(pairs) > 1 else np.nan)
    found = _corrected(pd.DataFrame(rows, columns=list(GROUPS)), np.array(spreads, dtype=float))
    numbers = dict.fromkeys(GROUPS[GROUPS.index("mean_from") : -1], "float64")
    return found.astype({**numbers, "unit": "Int64", "n_people": "int64", "differs": "boolean"})


def _corrected(found: pd.DataFrame, spread: Float[np.ndarray, " row"]) -> pd.DataFrame:
    """Correct over the tested rows, and say which differ and what could have been found."""
    p = found["p"].to_numpy(dtype=float)
    tested = ~np.isnan(p)
    corrected, least = np.full(len(p), np.nan), np.full(len(p), np.nan)
    corrected[tested] = holm(p[tested])
    level = ALPHA / max(int(tested.sum()), 1)
    for row in np.flatnonzero(tested):
        least[row] = detectable(float(spread[row]), int(found["n_people"].iloc[row]), level)
    mean = found[["mean_from", "mean_to"]].mean(axis=1).abs().to_numpy(dtype=float)
    share = np.full(len(p), np.nan)
    np.divide(least, mean, out=share, where=found["share"].notna().to_numpy(dtype=bool))
    differs = pd.Series(corrected < ALPHA, index=found.index).astype("boolean").where(tested)
    return found.assign(p_holm=corrected, detectable=least, detectable_share=share, differs=differs)


def _check(table: pd.DataFrame, measures: Sequence[Measure]) -> None:
    for measure in measures:
        if len(measure.values) != len(table):
            raise CallError(
                f"{measure.name} has {len(measure.values)} rows: the table has {len(table)}"
            )
        if not np.isfinite(measure.values).all():
            row = int(np.flatnonzero(~np.isfinite(measure.values).all(axis=1))[0])
            raise CallError(f"{measure.name} of image {row} is not finite")
    twins = table.loc[table["group"] != "", ["group", "end"]].drop_duplicates()
    for group, end in twins.itertuples(index=False, name=None):
        if end not in TWINS.get(group, ()):
            known = ", ".join(f"{name} {' or '.join(ends)}" for name, ends in TWINS.items())
            raise CallError(f"the stimuli have twins of {group} {end}: expected {known}")


def _paired(
    table: pd.DataFrame, rest: Int[np.ndarray, " image"], measure: Measure
) -> dict[tuple[str, str], Float[np.ndarray, "person end"]]:
    """Give the change at both ends by group and action unit, over the settings of each person."""
    rows = np.flatnonzero(table["aus"].isin(list(measure.column)))
    shown = table.iloc[rows][["person", "setting", "aus", "group", "end"]]
    columns = shown["aus"].map(measure.column).to_numpy(dtype=np.int64)
    values = measure.values.astype(np.float64, copy=False)
    shown = shown.assign(change=values[rows, columns] - values[rest[rows], columns])
    own = shown[shown["group"] == ""].drop(columns=["group", "end"])
    twins = shown[shown["group"] != ""]
    both = twins.merge(own, on=["person", "setting", "aus"], suffixes=("_twin", "_own"))
    changes = both[["change_own", "change_twin"]].to_numpy()
    higher = [end == TWINS[group][1] for group, end in zip(both["group"], both["end"], strict=True)]
    # the person itself is at the end at which the twin is not
    ordered = np.where(np.array(higher, dtype=bool)[:, None], changes, changes[:, ::-1])
    both = both.assign(first=ordered[:, 0], second=ordered[:, 1])
    means = both.groupby(["group", "aus", "person"])[["first", "second"]].mean()
    found = {
        (str(group), str(au)): pairs.to_numpy()
        for (group, au), pairs in means.groupby(["group", "aus"])
    }
    return {key: found[key] for key in sorted(found, key=lambda k: (list(TWINS).index(k[0]), k[1]))}


def _sizes(pairs: Float[np.ndarray, "person end"], seed: int) -> dict[str, float]:
    """Average over people: both ends, their difference, and its share of their mean."""
    counts = resampled(len(pairs), seed)
    first, second = (counts @ pairs / len(pairs)).T
    found = dict(zip(("mean_from", "mean_to"), map(float, pairs.mean(axis=0)), strict=True))
    found["difference"] = found["mean_to"] - found["mean_from"]
    low, high = percentiles(second - first)
    found |= {"difference_low": float(low), "difference_high": float(high)}
    mean, drawn = (found["mean_from"] + found["mean_to"]) / 2, (first + second) / 2
    low, high = percentiles(drawn)
    if low <= 0 <= high:
        return found | dict.fromkeys(("share", "share_low", "share_high"), np.nan)
    found["share"] = found["difference"] / mean
    # a resample may have a mean of 0 even so
    shares = np.divide(second - first, drawn, out=np.full(len(drawn), np.nan), where=drawn != 0)
    low, high = percentiles(shares)
    return found | {"share_low": float(low), "share_high": float(high)}
