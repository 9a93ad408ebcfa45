"""Who coded the action units of a dataset: people, or a program that estimates them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Coding:
    """Where the values of an action unit come from.

    Parameters
    ----------
    by
        Such as ``FACS coders``, ``OpenFace 2``, ``the program that drew the faces``.
    automatic
        Whether a program estimated them from the image. What it says is an opinion about the image,
        and may be wrong in the same way as a network that learned from the same faces.
    rule
        How presence was made of what they gave, such as ``present from an intensity of 2 on``;
        empty where they gave it themselves.
    """

    by: str
    automatic: bool
    rule: str = ""

    @property
    def words(self) -> str:
        """Who it is, in words that follow "coded by".

        Examples
        --------
        >>> Coding("OpenFace 2", True).words
        'OpenFace 2, a program'
        >>> Coding("py-feat", True, "present from a probability of 0.5 on").words
        'py-feat, a program (present from a probability of 0.5 on)'
        """
        who = f"{self.by}, a program" if self.automatic else self.by
        return f"{who} ({self.rule})" if self.rule else who


#: People who code by the Facial Action Coding System.
PEOPLE: Final = Coding("FACS coders", automatic=False)
#: The program that drew the faces knows what it drew.
DRAWN: Final = Coding("the program that drew the faces", automatic=False)
#: The word that stands for `PEOPLE` in a specification.
_PEOPLE: Final = "people"


def parse_coding(text: str) -> Coding:
    """Read who coded: ``people``, or the name of a program.

    Raises
    ------
    ValueError
        If there is no name.

    Examples
    --------
    >>> parse_coding("people").words, parse_coding("Our CNN").words
    ('FACS coders', 'Our CNN, a program')
    """
    name = " ".join(text.split())
    if not name:
        raise ValueError(text)
    return PEOPLE if name.lower() == _PEOPLE else Coding(name, automatic=True)


def coders(
    codings: Mapping[str, Coding], columns: Iterable[str]
) -> tuple[tuple[Coding | None, tuple[str, ...]], ...]:
    """Say what each coder coded, in the order of the columns.

    Parameters
    ----------
    codings
        Who coded which column, as `facslens.datasets.base.Faces` has it.
    columns
        The columns to ask for.

    Returns
    -------
    tuple
        Each coder with its columns; None for those of whom nobody says who coded them.

    Examples
    --------
    >>> [(c and c.by, own) for c, own in coders({"AU12": PEOPLE}, ["AU06", "AU12"])]
    [(None, ('AU06',)), ('FACS coders', ('AU12',))]
    """
    own: dict[Coding | None, list[str]] = {}
    for column in columns:
        own.setdefault(codings.get(column), []).append(column)
    return tuple((coding, tuple(of)) for coding, of in own.items())


def entries(codings: Mapping[str, Coding]) -> dict[str, dict[str, Any]]:
    """Give codings as JSON holds them; `codings_of` reads them back.

    Examples
    --------
    >>> codings_of(entries({"AU12": PEOPLE})) == {"AU12": PEOPLE}
    True
    """
    return {
        column: {"by": coding.by, "automatic": coding.automatic}
        | ({"rule": coding.rule} if coding.rule else {})
        for column, coding in codings.items()
    }


def codings_of(written: object) -> dict[str, Coding]:
    """Read codings that `entries` gave; what is none is left out, and nobody is named for it."""
    if not isinstance(written, Mapping):
        return {}
    return {
        str(column): Coding(str(one["by"]), bool(one["automatic"]), str(one.get("rule", "")))
        for column, one in written.items()
        if isinstance(one, Mapping) and "by" in one and "automatic" in one
    }
