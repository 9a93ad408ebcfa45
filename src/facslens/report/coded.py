"""Who coded the action units of a run, and what follows where a program did."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from facslens.datasets.coding import Coding, coders
from facslens.names import listed
from facslens.report.section import Page

#: What stands before the programs where they coded a part of what is asked for.
SOME: Final = "some of them "
_AGREES: Final = (
    "a unit that agrees with these codes may agree with the errors of the program, and not with "
    "the face."
)


@dataclass(frozen=True)
class Coder:
    """One coder, and the columns of action units that it coded.

    Parameters
    ----------
    words
        Who it is, in words that follow "coded by"; empty where nobody says it.
    automatic
        Whether it is a program that estimates them from the image.
    columns
        What it coded: ``AU12``, ``AU12 intensity``.
    """

    words: str
    automatic: bool
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Coded:
    """Who coded the action units of the faces.

    Parameters
    ----------
    coders
        Each with what it coded, in the order of the action units.
    expressions
        Who estimated the expressions, where a program did; else empty.
    asked
        Whether the run notes who coded; runs of before do not.
    """

    coders: tuple[Coder, ...] = ()
    expressions: str = ""
    asked: bool = False

    def programs(self, aus: Iterable[str]) -> str:
        """Name the programs that estimated the presence of some action units; empty for none.

        Examples
        --------
        >>> Coded((Coder("py-feat, a program", True, ("AU06", "AU12")),)).programs(["AU12"])
        'coded by py-feat, a program'
        """
        asked = set(aus)
        found = [c for c in self.coders if c.automatic and asked & set(c.columns)]
        if not found:
            return ""
        some = "" if asked <= {au for c in found for au in c.columns} else SOME
        return f"{some}coded by {listed([coder.words for coder in found])}"

    @property
    def unnamed(self) -> bool:
        """Whether there are codes, and nobody says of any of them who coded."""
        return self.asked and bool(self.coders) and not any(c.words for c in self.coders)

    @property
    def sentence(self) -> str:
        """Say who coded what; empty where nobody says anything of it."""
        if not any(coder.words for coder in self.coders):
            return ""
        if len(self.coders) == 1:
            return f"The action units were coded by {self.coders[0].words}."
        parts = [
            f"{listed(c.columns)} {'were' if len(c.columns) > 1 else 'was'} coded by "
            f"{c.words or 'somebody who is not named'}"
            for c in self.coders
        ]
        return f"{'; '.join(parts)}."

    @property
    def warning(self) -> str:
        """Say what follows where a program coded; empty where none did."""
        found = list(dict.fromkeys(c.words for c in self.coders if c.automatic))
        return f"Action units were coded by {listed(found)}: {_AGREES}" if found else ""

    @property
    def told(self) -> str:
        """Say who coded what, and what follows where a program did."""
        agrees = f" {_AGREES[0].upper()}{_AGREES[1:]}" if self.warning else ""
        return f"{self.sentence}{agrees}"


def build_coded(page: Page) -> Coded:
    """Gather who coded, from what the run keeps of its faces."""
    faces = page.tables.faces
    if faces is None:
        return Coded()
    columns = [column for column in faces.table.columns if column.startswith("AU")]
    expressions = faces.codings.get("expression")
    return Coded(
        tuple(_coder(coding, own) for coding, own in coders(faces.codings, columns)),
        "" if expressions is None else expressions.words,
        "codings" in page.tables.info.get("faces", {}),
    )


def _coder(coding: Coding | None, columns: Iterable[str]) -> Coder:
    named = tuple(column.replace("_", " ") for column in columns)
    if coding is None:
        return Coder("", False, named)
    return Coder(coding.words, coding.automatic, named)
