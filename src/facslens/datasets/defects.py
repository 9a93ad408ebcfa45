"""What is wrong with a dataset, and how a message lists it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

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
    "mixed codes",
    "bad image",
    "doubtful image",
    "no crop",
    "identical images",
    "near duplicates",
    "not as published",
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
class Found:
    """A defect with its cause, of which there may be many.

    Parameters
    ----------
    cause
        What defects of one cause have in common.
    value
        What is wrong in this one: a cell, a name.
    defect
        The defect, as it is reported where it is the only one.
    """

    cause: object
    value: str
    defect: Defect


def one_a_cause(found: Iterable[Found]) -> list[Defect]:
    """Give the first defect of every cause; its message says how many more there are.

    Examples
    --------
    >>> nine, x = (Defect("bad value", "row", f"{cell} is no number") for cell in "9x")
    >>> cells = [Found("cell", "9", nine), Found("cell", "x", x), Found("cell", "9", nine)]
    >>> [defect.message for defect in one_a_cause(cells)]
    ['9 is no number; 2 more like it: x (1×), 9 (1×)']
    """
    causes: dict[object, list[Found]] = {}
    for one in found:
        causes.setdefault(one.cause, []).append(one)
    defects = []
    for first, *others in causes.values():
        message = first.defect.message
        if others:
            message += f"; {len(others)} more like it"
        if any(other.value != first.value for other in others):
            counts = Counter(other.value for other in others).most_common()
            message += f": {few((f'{value} ({count}×)' for value, count in counts), 8)}"
        defects.append(replace(first.defect, message=message))
    return defects


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
