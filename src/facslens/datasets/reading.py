"""The result of reading a dataset: its rows, and the defects that were found."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from facslens.datasets.base import Faces, make_table
from facslens.errors import DataError
from facslens.names import one_line

Kind = Literal[
    "missing path",
    "empty folder",
    "unreadable",
    "bad name",
    "bad table",
    "missing column",
    "bad value",
    "duplicate name",
    "labels disagree",
    "left out",
    "bad image",
    "identical images",
    "missing expressions",
    "missing subjects",
    "few subjects",
    "few faces",
    "split",
]
Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Defect:
    """One thing that is wrong with a dataset.

    Parameters
    ----------
    kind
        The sort of defect, in one or two words.
    where
        The image, file, folder or part of the dataset that has it.
    message
        One sentence: the thing, what it is, what it should be.
    level
        An ``"error"`` found while reading stops `facslens.datasets.load.load`; a
        ``"warning"`` does not.
    """

    kind: Kind
    where: str
    message: str
    level: Level = "error"

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", one_line(self.where))
        object.__setattr__(self, "message", one_line(self.message))


@dataclass(frozen=True)
class Reading:
    """What could be read of a dataset; readers collect defects and continue.

    Parameters
    ----------
    name
        Short name of the dataset.
    rows
        One row per image, with the columns of a Faces table that the layout knows. Rows and values
        with a defect are left out or unknown here, so that the rest remains usable.
    defects
        What is wrong, in the order in which it was found.
    assume_independent
        Whether faces of unknown subjects are to be taken for different people.
    """

    name: str
    rows: pd.DataFrame
    defects: tuple[Defect, ...] = ()
    assume_independent: bool = False

    def faces(self, *, strict: bool = True) -> Faces:
        """Give the Faces table; its notes are the messages of the warnings.

        Parameters
        ----------
        strict
            False ignores errors and gives what could be read.

        Raises
        ------
        DataError
            If there is an error among the defects: the first, and how many more.
        """
        errors = [d for d in self.defects if d.level == "error"]
        if errors and strict:
            more = len(errors) - 1
            rest = f" (and {more} more: `facslens data check` lists them all)" if more else ""
            raise DataError(f"{self.name}: {errors[0].message}{rest}")
        rows = self.rows if len(self.rows) else pd.DataFrame({"image": [], "path": []})
        notes = tuple(d.message for d in self.defects if d.level == "warning")
        faces = Faces(make_table(rows), self.name, notes)
        return faces.assume_independent() if self.assume_independent else faces


def few(names: Iterable[str], at_most: int = 3) -> str:
    """List names for a message, the first few in full and the rest as a number.

    Examples
    --------
    >>> few(["a", "b"]), few("abcde")
    ('a, b', 'a, b, c and 2 more')
    """
    listed = [str(name) for name in names]
    rest = len(listed) - at_most
    return ", ".join(listed[:at_most]) + (f" and {rest} more" if rest > 0 else "")


def tally(codes: Iterable[str]) -> str:
    """List how often each code occurs, for a message.

    Examples
    --------
    >>> tally(["64", "61", "64"])
    '61 (1×), 64 (2×)'
    """
    return ", ".join(f"{code} ({count}×)" for code, count in sorted(Counter(codes).items()))
