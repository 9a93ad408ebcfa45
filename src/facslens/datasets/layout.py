"""What a dataset's layout is: how it is read, by which keys, and what it officially holds."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from facslens.datasets.labels import NUMBERINGS, UNKNOWN_LABEL, parse_labels
from facslens.datasets.reading import Reading


@dataclass(frozen=True)
class Key:
    """One key of a layout: what its value means, and the function that reads it from text."""

    summary: str
    parse: Callable[[str], object] = str


@dataclass(frozen=True)
class Official:
    """What a dataset's makers say that it holds; None or nothing where they do not say it.

    Parameters
    ----------
    source
        Who says so: a key of ``references.bib``.
    images, subjects, sequences
        How many there are.
    expressions
        Images of each expression, by canonical name.
    """

    source: str
    images: int | None = None
    subjects: int | None = None
    sequences: int | None = None
    expressions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """One arrangement of a dataset's files on disk.

    Parameters
    ----------
    summary
        What it is, in one line.
    path
        What the path of its specification names.
    read
        Takes that path and the parsed keys.
    keys
        The keys that a specification may give, beside those of every layout.
    needs_path
        Whether a specification has to give a path.
    people
        Whose numbers the subjects have. Layouts with the same word here show the same people, so
        that nobody confirms in one what a network has learned from them in the other.
    official
        What the whole dataset holds, so that a part of it is noticed.
    source
        Who describes the layout: a key of ``references.bib``, or the address of a public
        description. Empty for layouts of our own.
    seen
        Whether it was held against the real files; others are read as their source describes them.
    """

    summary: str
    path: str
    read: Callable[..., Reading]
    keys: Mapping[str, Key] = field(default_factory=dict)
    needs_path: bool = True
    people: str = ""
    official: Official | None = None
    source: str = ""
    seen: bool = False


def folder_or_file(text: str) -> Path:
    """Read the path of a folder or file; ``~`` is the home folder."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path's own raises for ~nobody


def from_one(text: str) -> int:
    """Read a whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def one_of(*words: str) -> Callable[[str], str]:
    """Make a function that reads one of some words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return parse


def yes(text: str) -> bool:
    """Read yes or no."""
    return {"yes": True, "no": False}[text]


def numbers_or_names(named: Mapping[str, float]) -> Callable[[str], tuple[float, ...]]:
    """Make a function that reads finite numbers, or their names, separated by commas."""

    def parse(text: str) -> tuple[float, ...]:
        found = tuple(named[w] if w in named else float(w) for w in text.split(","))
        if not all(math.isfinite(number) for number in found):
            raise ValueError(text)
        return found

    return parse


#: The key that says what labels mean which are no expressions.
EXPRESSIONS_KEY: Final = Key(
    f"what other labels mean: {', '.join(NUMBERINGS)} for the numbers of these datasets, or pairs "
    f"such as 1:surprise,Freude:happiness,9:{UNKNOWN_LABEL}",
    parse_labels,
)
