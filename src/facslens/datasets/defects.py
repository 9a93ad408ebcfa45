"""What is wrong with a dataset, and how a message lists it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
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
    "bad image",
    "doubtful image",
    "no crop",
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
