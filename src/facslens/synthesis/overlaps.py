"""Which action units of drawn faces overlap by construction, fixed before anything is measured.

A detector of one may answer to another because the two are drawn from the same face shapes. The
table stands beside results, and decides nothing afterwards.
"""

import itertools
from typing import Final

import numpy as np
import pandas as pd

from facslens import action_units
from facslens.synthesis.actions import AUS, EXCLUDED, OPENING, full
from facslens.synthesis.head import Head

#: Prototypes of EMFACS as tabled by Ekman, Friesen & Hager 2002 [ekman2002facs]_, p. 174, that
#: no drawn face can show. Another combination does not take their place.
_UNDRAWABLE: Final = (
    ("anger", "4+5+7+10+22+23+25"),
    ("anger", "4+5+7+10+22+23+26"),
    ("anger", "4+5+7+10+23+25"),
    ("anger", "4+5+7+10+23+26"),
    ("anger", "4+5+7+23+25"),
    ("anger", "4+5+7+23+26"),
    ("fear", "1+2+4+5+20+27"),
    ("sadness", "1+4+11"),
    ("sadness", "1+4+11+15"),
    ("sadness", "11+17"),
)

COLUMNS: Final = ("au", "other", "shapes", "alike", "one_opening", "excluded")


def overlap_table(head: Head) -> pd.DataFrame:
    """List every pair of action units and what the two share.

    Parameters
    ----------
    head
        The head that is drawn.

    Returns
    -------
    pandas.DataFrame
        One row a pair. ``shapes``: the face shapes that both use, separated by spaces; ``alike``:
        the cosine between the movements of all vertices at full intensity, −1 to 1;
        ``one_opening``: whether both are degrees of the mouth's opening; ``excluded``: whether no
        drawn face shows both.
    """
    moved = {}
    for au in AUS:
        rest = head.canonical
        moved[au] = (head.moved(rest, full(au)) - rest).ravel().astype(np.float64)
    rows = []
    for au, other in itertools.combinations(AUS, 2):
        first, second = moved[au], moved[other]
        cosine = np.sum(first * second) / np.sqrt(np.sum(first**2) * np.sum(second**2))
        both = sorted(_shapes(au) & _shapes(other))
        rows.append(
            {
                "au": au,
                "other": other,
                "shapes": " ".join(both),
                "alike": round(float(cosine), 3),
                "one_opening": {au, other} <= set(OPENING),
                "excluded": frozenset((au, other)) in EXCLUDED,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def undrawable_table() -> pd.DataFrame:
    """List the prototypes that cannot be drawn, and why.

    Returns
    -------
    pandas.DataFrame
        ``expression``; ``aus``, separated by blanks; ``reason``.
    """
    rows = []
    for expression, numbers in _UNDRAWABLE:
        aus = [action_units.parse(number) for number in numbers.split("+")]
        unknown = [au for au in aus if au not in AUS]
        pairs = [
            f"{au} and {other}"
            for au, other in itertools.combinations(aus, 2)
            if frozenset((au, other)) in EXCLUDED
        ]
        reason = (
            f"the head has no shape for {', '.join(unknown)}"
            if unknown
            else f"one face cannot show {', nor '.join(pairs)}"
        )
        rows.append({"expression": expression, "aus": " ".join(aus), "reason": reason})
    return pd.DataFrame(rows)


def _shapes(au: str) -> set[str]:
    return {name.removesuffix("Left").removesuffix("Right") for name in full(au)}
