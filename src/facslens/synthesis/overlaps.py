"""Which action units of drawn faces overlap by construction, fixed before anything is measured.

A detector of one may answer to another because the two are drawn from the same face shapes. The
table stands beside results, and decides nothing afterwards.
"""

import itertools
from typing import Final

import numpy as np
import pandas as pd

from facslens.synthesis.actions import AUS, EXCLUDED, OPENING, full
from facslens.synthesis.head import Head

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


def _shapes(au: str) -> set[str]:
    return {name.removesuffix("Left").removesuffix("Right") for name in full(au)}
