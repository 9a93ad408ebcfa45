"""The three parts of FER2013: what columns and folders call them, and the faces that two hold."""

from typing import Final

import pandas as pd

#: Which folder of FER+ is which part.
PARTS: Final = {
    "FER2013Train": "train",
    "FER2013Valid": "validation",
    "FER2013Test": "test",
}
#: The folder of FER+ for each part as FER2013's column Usage calls it.
USAGES: Final = dict(zip(("Training", "PublicTest", "PrivateTest"), PARTS, strict=True))


def later_copies(digests: pd.Series, splits: pd.Series) -> pd.Series:
    """Mark the faces whose digest occurs in a later part too."""
    order = splits.map({name: i for i, name in enumerate(PARTS.values())})
    return digests.notna() & (order < order.groupby(digests).transform("max"))


def copies_note(count: int) -> str:
    """Say how many copies were left out.

    Examples
    --------
    >>> copies_note(2)
    '2 copies of faces that another part holds are left out'
    """
    return f"{count} copies of faces that another part holds are left out"
