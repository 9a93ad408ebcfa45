"""Responses to paired faces, arranged by person, setting and action unit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol, runtime_checkable

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

    @cached_property
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
        return self.over_settings(values[self.blocks_of(choosing)], choosing)

    def over_settings(
        self, values: Float[np.ndarray, "own_block ..."], choosing: bool
    ) -> Float[np.ndarray, "person ..."]:
        """Average as `by_person` does, where only the blocks of that half are given."""
        people = np.flatnonzero(self.choosing == choosing)
        own = self.person[self.blocks_of(choosing)]
        members = (own == people[:, None]).astype(np.float64)
        flat = values.reshape(len(values), -1)
        unknown = np.isnan(flat)
        if unknown.any():
            counts = members @ ~unknown
            mean = np.full(counts.shape, np.nan)
            np.divide(members @ np.where(unknown, 0.0, flat), counts, out=mean, where=counts > 0)
        else:
            mean = members @ flat / members.sum(axis=1, keepdims=True)
        return mean.reshape(len(people), *values.shape[1:])


@dataclass(frozen=True)
class Arrangement:
    """Where responses to paired faces belong, by person, setting and action unit.

    Parameters
    ----------
    aus, people, person, choosing
        As `Trials` has them.
    rows
        How many responses there are.
    places
        By the name of a part of `Trials`, which responses it has, and their places in it.
    """

    aus: tuple[str, ...]
    people: tuple[str, ...]
    person: Int[np.ndarray, " block"]
    choosing: Bool[np.ndarray, " person"]
    rows: int
    places: Mapping[str, tuple[Int[np.ndarray, " image"], Int[np.ndarray, " image"]]]

    @classmethod
    def of(cls, table: pd.DataFrame, choosing: str = "choosing") -> "Arrangement":
        """Find the places of the rows of a table; see `arrange`."""
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
                "the stimuli have one half only: units have to be chosen on some people and "
                "measured on others"
            )
        kind = table["kind"].to_numpy()
        aus = tuple(sorted(set(table["aus"][kind == "alone"])))
        if not aus:
            raise NotEnoughDataError("the stimuli switch no action unit alone")
        column = table["aus"].map({au: place for place, au in enumerate(aus)}).to_numpy()
        switched = pd.notna(column)
        cell = block * len(aus) + np.where(switched, column, 0).astype(np.int64)
        known = {name: (np.flatnonzero(kind == name), block) for name in ("rest", "again")}
        for name, of, column_name in (
            *((side, "side", "side") for side in ("left", "right")),
            *((grade, "alone", "grade") for grade in GRADES),
        ):
            own = (kind == of) & switched & (table[column_name] == name).to_numpy()
            known[name] = np.flatnonzero(own), cell
        places = {name: (rows, where[rows]) for name, (rows, where) in known.items()}
        _check_whole(places, names, aus)
        return cls(aus, tuple(people), person, half, len(table), places)

    def trials(self, responses: Float[np.ndarray, "image unit"]) -> Trials:
        """Put the responses of some units in their places; see `arrange`."""
        if self.rows != len(responses):
            raise CallError(f"responses has {len(responses)} rows: the table has {self.rows}")
        if not np.isfinite(responses).all():
            row = int(np.flatnonzero(~np.isfinite(responses).all(axis=1))[0])
            raise CallError(f"the response to image {row} is not finite")
        blocks, units = len(self.person), responses.shape[1]

        def placed(name: str, *cells: int) -> np.ndarray:
            """Put them in a part; all NaN costs no memory."""
            rows, where = self.places[name]
            if not len(rows):
                return np.broadcast_to(np.nan, (*cells, units))
            found = np.full((math.prod(cells), units), np.nan)
            found[where] = responses[rows]
            return found.reshape(*cells, units)

        return Trials(
            self.aus,
            self.people,
            self.person,
            self.choosing,
            rest=placed("rest", blocks),
            again=placed("again", blocks),
            alone=tuple(placed(grade, blocks, len(self.aus)) for grade in GRADES),
            left=placed("left", blocks, len(self.aus)),
            right=placed("right", blocks, len(self.aus)),
        )


#: Units or candidates that `Strips` puts in their places at a time.
STRIP: Final = 512


@runtime_checkable
class Columns(Protocol):
    """An array (image, unit) of which columns can be read, in memory or elsewhere."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole."""
        ...

    def __getitem__(self, key: tuple[slice, slice], /) -> np.ndarray:
        """Read some columns."""
        ...


@dataclass(frozen=True)
class Strips(Sequence[Trials]):
    """The responses of many units, arranged some units at a time, each time that they are read.

    Parameters
    ----------
    arrangement
        Where they belong.
    responses
        Of every row; (image, unit).
    """

    arrangement: Arrangement
    responses: Columns

    def __len__(self) -> int:
        return -(-self.responses.shape[1] // STRIP)

    def __getitem__(self, number: Any) -> Any:
        first = range(0, self.responses.shape[1], STRIP)[number]
        return self.arrangement.trials(self.responses[:, first : first + STRIP])


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
    return Arrangement.of(table, choosing).trials(responses)


def _check_whole(
    places: Mapping[str, tuple[Int[np.ndarray, " image"], Int[np.ndarray, " image"]]],
    names: pd.Index,
    aus: tuple[str, ...],
) -> None:
    present = np.zeros((len(names), 1 + len(aus)), dtype=bool)
    present[places["rest"][1], 0] = True
    present[:, 1:].flat[places[FULL][1]] = True
    if not present.all():
        kind = int(np.flatnonzero(~present.all(axis=0))[0])
        person, setting = names[int(np.flatnonzero(~present[:, kind])[0])]
        what = f"{aus[kind - 1]} at {FULL}" if kind else "the face at rest"
        raise NotEnoughDataError(f"the stimuli lack {what} for {person} in setting {setting}")
