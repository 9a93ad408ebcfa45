"""The names of a network's classes, in the words of facslens where it has some."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from facslens.action_units import tells_of_action_unit
from facslens.datasets.labels import EXPRESSIONS, expression_name
from facslens.errors import CallError
from facslens.names import listed

#: What a network that gives numbers instead of classes may call them.
DIMENSIONS: Final = ("valence", "arousal", "dominance")
#: Columns of tables in which classes are columns, too.
_TAKEN: Final = frozenset(
    {"input", "frame", "time", "face", "facescore", "expression", "predicted", "right", "image",
     "subject", "sequence", "split", "part", "note", "problem"}
)  # fmt: skip


def class_names(names: Sequence[str]) -> tuple[str, ...]:
    """Name a network's classes.

    Parameters
    ----------
    names
        In the order of the network's scores, in any spelling that datasets may have. A class that
        is no expression of facslens's keeps its own name, in lower case: nothing is known of its
        prototype.

    Raises
    ------
    CallError
        If there are none, or a name is empty, occurs twice, is nearly that of an expression, or is
        that of a column of the tables.

    Examples
    --------
    >>> class_names(["Happy", "SAD", "Calm"])
    ('happiness', 'sadness', 'calm')
    """
    found: list[str] = []
    for name in names:
        known = _known(name)
        if known in found:
            raise CallError(f"expressions names {known!r} twice: expected every class once")
        found.append(known)
    if not found:
        raise CallError("expressions is empty: expected the names of the network's classes")
    return tuple(found)


def _known(name: str) -> str:
    word = name.strip().lower()
    if (known := expression_name(word)) is not None:
        return known
    if not word or not word.isprintable() or "," in word:
        raise CallError(f"expressions names {name!r}: expected a word for a class")
    near = get_close_matches(word, EXPRESSIONS, n=1, cutoff=0.85)
    if near:
        raise CallError(f"expressions names {name!r}, which is nearly {near[0]!r}: write that")
    if word.startswith("label_") or word.isdecimal():
        raise CallError(
            f"expressions names {name!r}, which says nothing: expected words, such as "
            f"{listed(EXPRESSIONS[:3])}"
        )
    if word in _TAKEN or tells_of_action_unit(word):
        raise CallError(
            f"expressions names {name!r}, which is the name of a column of the tables: choose "
            f"another one"
        )
    return word
