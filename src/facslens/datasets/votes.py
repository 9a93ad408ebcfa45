"""The ten votes that FER+ has for each face, and the expression that most of them agree on."""

from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float

from facslens.datasets.columns import numbers, row_name
from facslens.datasets.defects import Defect, Found
from facslens.datasets.labels import EXPRESSIONS

#: The columns of votes, in the order of FER+'s ``label.csv``; the last is "not a face".
VOTES: Final = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)


def majority(votes: Float[np.ndarray, "image vote"]) -> pd.Series:
    """Give each face the expression that more than half of its raters saw, or none.

    A count of one is regarded as a slip and set to zero; the winner needs more than half of the
    remaining votes and has to be an expression, neither "unknown" nor "not a face".

    Parameters
    ----------
    votes
        Counts in the order of `VOTES`.

    References
    ----------
    Barsoum et al. 2016, section 3 [barsoum2016]_: majority voting.

    Examples
    --------
    >>> split, clear = [5.0, 5, 0, 0, 0, 0, 0, 0, 0, 0], [0.0, 6, 3, 1, 0, 0, 0, 0, 0, 0]
    >>> majority(np.array([split, clear])).tolist()
    [<NA>, 'happiness']
    """
    counted = np.where(votes == 1, 0, votes)
    winner = counted.argmax(axis=1)
    clear = counted.max(axis=1) > counted.sum(axis=1) / 2
    names = np.array([v if v in EXPRESSIONS else None for v in VOTES], dtype=object)
    return pd.Series(np.where(clear, names[winner], None), dtype="string")


def read_counts(
    table: pd.DataFrame, lines: np.ndarray, source: str, refused: list[Found]
) -> tuple[pd.DataFrame, pd.Series]:
    """Read the votes of each row, and mark the rows that do not hold ten counts.

    Parameters
    ----------
    table
        Text cells: ``name`` and the `VOTES`.
    lines
        The number of each row, as `facslens.datasets.columns.row_name` takes it.
    source
        The file's name, for messages.
    refused
        Takes the rows that are wrong.

    Returns
    -------
    (DataFrame, Series)
        The `VOTES` as float64, and whether each row is wrong.
    """
    votes = table[list(VOTES)].apply(numbers)
    votes = votes.where(votes.ge(0) & votes.le(1e6))
    wrong = ~(votes.ge(0) & votes.eq(votes.round())).all(axis=1) | ~votes.sum(axis=1).gt(0)
    for index in np.flatnonzero(wrong):
        row = row_name(lines[index], source)
        message = f"{row} ({table['name'].iloc[index]}) does not hold ten counts of votes"
        refused.append(Found("votes", "", Defect("bad value", row, message)))
    return votes, wrong
