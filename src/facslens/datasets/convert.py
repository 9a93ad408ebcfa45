"""Faces as tables of other programs: a matrix for NetFACS, a table like py-feat's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from facslens.action_units import ACTION_UNITS
from facslens.datasets.base import Faces
from facslens.datasets.labels import NEUTRAL
from facslens.errors import CallError, DataError

#: What a row of a matrix may stand for.
ROWS: Final = ("image", "sequence")
#: The expressions of py-feat, in its order [cheong2023pyfeat]_; contempt follows where it occurs.
_EMOTIONS: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", NEUTRAL)


@dataclass(frozen=True)
class Converted:
    """A table of another program.

    Parameters
    ----------
    table
        The table itself.
    beside
        What is known of its rows besides, row by row; None where the table has it.
    notes
        What was left out, one sentence each.
    """

    table: pd.DataFrame
    beside: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """A program that a table is written for.

    Parameters
    ----------
    summary
        What is written, in one line.
    convert
        From faces and what a row stands for to the table.
    rows
        What a row may stand for, the default first.
    """

    summary: str
    convert: Callable[[Faces, str], Converted]
    rows: tuple[str, ...]


def netfacs(faces: Faces, by: str = "image") -> Converted:
    """Give the presence of action units as NetFACS takes it: 0 and 1, and nothing unknown.

    Parameters
    ----------
    faces
        Faces with action units of known presence.
    by
        One of `ROWS`. An action unit is present in a sequence where one of its images shows it,
        and absent where all of them are known not to; otherwise it is unknown. An image without a
        sequence is one of its own.

    Returns
    -------
    Converted
        The names of the rows in the first column, called after `by`, then one column an action
        unit, called by its number; beside it subject and expression of every row, the latter
        missing where a sequence shows several. Rows in which an action unit is unknown are left
        out, and so are first action units of which nothing is known at all; both are counted.

    Raises
    ------
    DataError
        If no action unit, or no row without an unknown one, remains.

    Notes
    -----
    One row an event, one column an element, no missing value, no underscore in the name of a
    column [mielke2021]_.
    """
    table = faces.table
    aus = [au for au in faces.aus if table[au].notna().any()]
    if not aus:
        raise DataError(
            f"{faces.name} has no action unit of known presence: a matrix for NetFACS needs one"
        )
    name = table["image"] if by == "image" else table["sequence"].fillna(table["image"])
    groups = table.groupby(name.rename(by), sort=False)
    shown = groups[aus].max()
    known = shown.where((shown == 1) | groups[aus].count().eq(groups.size(), axis=0))
    info = groups[["subject"]].first()
    info["expression"] = groups["expression"].agg(_expression)
    complete = known.notna().all(axis=1)
    if not complete.any():
        raise DataError(
            f"in each of {len(known)} rows of {faces.name} an action unit is unknown, and NetFACS "
            f"takes no unknown value"
        )
    notes = []
    lost = [au for au in faces.aus if au not in aus]
    if lost:
        notes.append(f"nothing is known of {', '.join(lost)}: left out")
    if not complete.all():
        notes.append(
            f"{int((~complete).sum())} of {len(known)} rows have an unknown action unit, which "
            f"NetFACS does not take: left out"
        )
    notes += _kinds_left_out(faces)
    matrix = known[complete].astype(np.int8).rename(columns=lambda au: str(int(au[2:])))
    return Converted(matrix.reset_index(), info[complete].reset_index(), tuple(notes))


def fex(faces: Faces, by: str = "image") -> Converted:
    """Give faces as a table like py-feat's Fex, one row an image.

    Returns
    -------
    Converted
        Columns ``input`` (the image's name), ``frame``, the action units as in `Faces` (``AU12`` is
        a presence here, a probability in py-feat's own tables), py-feat's expressions as 0 and 1,
        missing where the expression is unknown, and ``expression``, ``subject``, ``sequence`` and
        ``split`` as they are.

    Notes
    -----
    py-feat takes every column with AU in its name for an action unit [cheong2023pyfeat]_. It
    writes probabilities; ours are codes. Without its column ``FaceScore`` nobody, facslens
    included, takes them for its own.
    """
    del by  # a row is an image
    table = faces.table
    aus = [column for column in table.columns if column.split("_")[0] in ACTION_UNITS]
    emotions = [*_EMOTIONS, *(e for e in faces.expressions if e not in _EMOTIONS)]
    known = table["expression"].notna()
    one_hot = {e: (table["expression"] == e).astype("Int64").where(known) for e in emotions}
    columns = {"input": table["image"], "frame": table["frame"]}
    columns |= {au: table[au] for au in aus} | one_hot
    columns |= {own: table[own] for own in ("expression", "subject", "sequence", "split")}
    return Converted(pd.DataFrame(columns))


#: One entry a program that faces can be written for.
TARGETS: Final[Mapping[str, Target]] = {
    "netfacs": Target("a matrix of 0 and 1 for NetFACS", netfacs, ROWS),
    "fex": Target("a table like py-feat's Fex", fex, ROWS[:1]),
}


def convert(faces: Faces, target: str, by: str | None = None) -> Converted:
    """Give faces as the table of another program.

    Parameters
    ----------
    faces
        Any faces.
    target
        One of `TARGETS`.
    by
        What a row stands for, one of `ROWS`; None for the target's default.

    Raises
    ------
    CallError
        If the target is not known, or its rows cannot stand for that.
    DataError
        If the faces have nothing to write.
    """
    if target not in TARGETS:
        raise CallError(f"--to is {target!r}: expected {' or '.join(TARGETS)}")
    rows = TARGETS[target].rows
    if by is not None and by not in rows:
        raise CallError(f"--by is {by!r}: expected {' or '.join(rows)} for {target}")
    return TARGETS[target].convert(faces, by or rows[0])


def _expression(shown: pd.Series) -> str | None:
    """Give the expression of a sequence: the one that is not neutral, if there is one only."""
    found = set(shown.dropna())
    if len(found) > 1:
        found.discard(NEUTRAL)
    return found.pop() if len(found) == 1 else None


def _kinds_left_out(faces: Faces) -> list[str]:
    """Count the columns that are no presence."""
    others = [c for c in faces.table.columns if c.startswith("AU") and c not in faces.aus]
    if not others:
        return []
    return [f"{len(others)} columns of intensities or probabilities are left out"]
