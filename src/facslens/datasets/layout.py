"""What a dataset's layout is: how it is read, by which keys, and what it officially holds."""

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from facslens.datasets.labels import NUMBERINGS, UNKNOWN_LABEL, parse_labels
from facslens.datasets.reading import Reading
from facslens.names import listed


@dataclass(frozen=True)
class Key:
    """One key of a layout.

    Parameters
    ----------
    summary
        What its value means, and which values there are.
    parse
        The function that reads it from text.
    chooses
        Whether it says how many images are read, so that what the makers count no longer holds.
    """

    summary: str
    parse: Callable[[str], object] = str
    chooses: bool = False


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

    @property
    def told(self) -> str:
        """What they say, in words: how many of each the whole dataset has."""
        counts = {"images": self.images, "subjects": self.subjects, "sequences": self.sequences}
        known = [f"{count:,} {what}" for what, count in counts.items() if count is not None]
        each = ", ".join(f"{count:,} {name}" for name, count in self.expressions.items())
        parts = [listed(known)] if known else []
        parts += [f"images by expression: {each}"] if each else []
        return f"the whole dataset, read without keys, has {'; '.join(parts)}"


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
        What the whole dataset holds, as it is read where no key is given, so that a part of it is
        noticed.
    source
        Who describes the layout: keys of ``references.bib`` and addresses of public descriptions,
        separated by blanks. Empty for layouts of our own.
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

    def stated(self, keys: Iterable[Key]) -> Official | None:
        """Give what the whole holds where some keys are given; None where one of them chooses."""
        return None if any(key.chooses for key in keys) else self.official

    @property
    def provenance(self) -> str:
        """How well the layout is known, where somebody else describes it."""
        if self.seen:
            return "held against real files of a part of it"
        return "read as described there, and not held against the real files"


def folder_or_file(text: str) -> Path:
    """Read the path of a folder or file; ``~`` is the home folder."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path's own raises for ~nobody


def from_one(text: str) -> int:
    """Read a whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def above_0(text: str) -> float:
    """Read a number above 0."""
    number = float(text)
    if not 0 < number < math.inf:
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
