"""Responses to paired faces, arranged by person, setting and action unit."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from facslens.errors import CallError, NotEnoughDataError

#: Grades of intensity, rising; units are chosen and tested at the last.
GRADES: Final = ("A", "B", "C", "D", "E")
FULL: Final = "E"
#: Degrees of one opening of lips and jaw. They are no rivals of one another.
OPENING: Final = ("AU25", "AU26", "AU27")
#: People without whom nothing is analysed.
MIN_PEOPLE: Final = 10


def is_rival(au: str, other: str) -> bool:
    """Tell whether the second action unit is a rival of the first.

    Examples
    --------
    >>> is_rival("AU25", "AU12"), is_rival("AU25", "AU27"), is_rival("AU25", "AU25")
    (True, False, False)
    """
    return au != other and not {au, other} <= set(OPENING)


@dataclass(frozen=True)
class Trials:
    """Responses of one layer to paired faces; NaN where a face was not drawn.

    A *block* is one person in one setting; within it faces differ in nothing but their action
    units.

    Parameters
    ----------
    aus
        The action units that were switched, in order.
    people
        Names of the people.
    person
        Number of each block's person.
    choosing
        Whether units are chosen on each person; on the others the chosen ones are measured.
    rest
        At rest; (block, unit).
    again
        A second picture at rest, with other noise and a slight shake; (block, unit).
    alone
        With one action unit at each of `GRADES`; (block, au, unit) each.
    left, right
        With one action unit at `FULL` on one side; (block, au, unit).
    """

    aus: tuple[str, ...]
    people: tuple[str, ...]
    person: Int[np.ndarray, " block"]
    choosing: Bool[np.ndarray, " person"]
    rest: Float[np.ndarray, "block unit"]
    again: Float[np.ndarray, "block unit"]
    alone: tuple[Float[np.ndarray, "block au unit"], ...]
    left: Float[np.ndarray, "block au unit"]
    right: Float[np.ndarray, "block au unit"]

    @property
    def full(self) -> Float[np.ndarray, "block au unit"]:
        """With one action unit at `FULL`."""
        found: Float[np.ndarray, "block au unit"] = self.alone[GRADES.index(FULL)]
        return found

    @property
    def rivals(self) -> Bool[np.ndarray, "au au"]:
        """Whether the second action unit is a rival of the first."""
        rivals: Bool[np.ndarray, "au au"] = np.array(
            [[is_rival(au, other) for other in self.aus] for au in self.aus]
        )
        return rivals

    def blocks_of(self, choosing: bool) -> Int[np.ndarray, " block"]:
        """Give the blocks of one half of the people."""
        rows: Int[np.ndarray, " block"] = np.flatnonzero(self.choosing[self.person] == choosing)
        return rows

    def by_person(
        self, values: Float[np.ndarray, "block ..."], choosing: bool
    ) -> Float[np.ndarray, "person ..."]:
        """Average over the settings of each person of one half; NaN where none was drawn."""
        people = np.flatnonzero(self.choosing == choosing)
        members = (self.person == people[:, None]).astype(np.float64)
        flat = values.reshape(len(values), -1)
        known = ~np.isnan(flat)
        counts = members @ known
        mean = np.full(counts.shape, np.nan)
        np.divide(members @ np.where(known, flat, 0.0), counts, out=mean, where=counts > 0)
        return mean.reshape(len(people), *values.shape[1:])


def arrange(
    table: pd.DataFrame, responses: Float[np.ndarray, "image unit"], choosing: str = "choosing"
) -> Trials:
    """Arrange responses by person, setting and action unit.

    Parameters
    ----------
    table
        One row an image: ``person``, ``setting``, ``half``, ``kind``, ``aus``, ``grade``,
        ``side``, as `facslens.datasets.stimuli.Stimuli` has them. Kinds other than ``rest``,
        ``again``, ``alone`` and ``side`` are left out.
    responses
        Of every row.
    choosing
        The half on which units are chosen.

    Raises
    ------
    CallError
        If lengths differ, or a response is not finite.
    NotEnoughDataError
        If there are fewer than `MIN_PEOPLE` people, a half has none, or a person in a setting
        lacks the face at rest or an action unit at `FULL`.
    """
    if len(table) != len(responses):
        raise CallError(f"responses has {len(responses)} rows: the table has {len(table)}")
    if not np.isfinite(responses).all():
        row = int(np.flatnonzero(~np.isfinite(responses).all(axis=1))[0])
        raise CallError(f"the response to image {row} is not finite")
    keys = pd.MultiIndex.from_frame(table[["person", "setting"]])
    block, names = pd.factorize(keys)
    people, person = np.unique([name for name, _ in names], return_inverse=True)
    if len(people) < MIN_PEOPLE:
        raise NotEnoughDataError(
            f"the stimuli show {len(people)} people: an experiment needs at least {MIN_PEOPLE}"
        )
    half = table.groupby("person")["half"].first().loc[people].to_numpy() == choosing
    if half.all() or not half.any():
        raise NotEnoughDataError(
            "the stimuli have one half only: units have to be chosen on some people and measured "
            "on others"
        )
    alone = table["kind"] == "alone"
    aus = tuple(sorted(set(table.loc[alone, "aus"])))
    column = {au: place for place, au in enumerate(aus)}
    blocks, units = len(names), responses.shape[1]

    def placed(rows: pd.Series, switched: bool = True) -> np.ndarray:
        """Put the responses of some rows in their places; all NaN costs no memory."""
        shape = (blocks, len(aus), units) if switched else (blocks, units)
        if not rows.any():
            return np.broadcast_to(np.nan, shape)
        found, numbers = np.full(shape, np.nan), np.flatnonzero(rows)
        if switched:
            columns = table["aus"].iloc[numbers].map(column).to_numpy()
            found[block[numbers], columns] = responses[numbers]
        else:
            found[block[numbers]] = responses[numbers]
        return found

    side = (table["kind"] == "side") & table["aus"].isin(aus)
    found = {
        "rest": placed(table["kind"] == "rest", switched=False),
        "again": placed(table["kind"] == "again", switched=False),
        "left": placed(side & (table["side"] == "left")),
        "right": placed(side & (table["side"] == "right")),
    }
    grades = tuple(placed(alone & (table["grade"] == grade)) for grade in GRADES)
    _check_whole(found["rest"], grades[GRADES.index(FULL)], names, aus)
    return Trials(aus, tuple(people), person, half, alone=grades, **found)


def _check_whole(
    rest: Float[np.ndarray, "block unit"],
    full: Float[np.ndarray, "block au unit"],
    names: pd.Index,
    aus: tuple[str, ...],
) -> None:
    if not aus:
        raise NotEnoughDataError("the stimuli switch no action unit alone")
    lacking = [("the face at rest", np.isnan(rest).any(axis=1))]
    lacking += [(f"{au} at {FULL}", np.isnan(full[:, j]).any(axis=1)) for j, au in enumerate(aus)]
    for what, absent in lacking:
        if absent.any():
            person, setting = names[int(np.flatnonzero(absent)[0])]
            raise NotEnoughDataError(f"the stimuli lack {what} for {person} in setting {setting}")
