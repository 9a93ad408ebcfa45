"""FER+ as published: a table of votes, row by row for the CSV file of FER2013."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from facslens.datasets.columns import read_csv, row_name
from facslens.datasets.defects import Defect, Found, one_a_cause
from facslens.datasets.fer2013 import csv_in, read_rows
from facslens.datasets.parts import PARTS, USAGES
from facslens.datasets.votes import VOTES, read_counts
from facslens.names import printable

#: The table of FER+, beside which the one of FER2013 lies.
TABLE: Final = "fer2013new.csv"
_COLUMNS: Final = {"Usage": "usage", "Image name": "name"}


def read_pair(root: Path, defects: list[Defect]) -> pd.DataFrame:
    """Read the votes of every face from ``fer2013new.csv``, and the faces from ``fer2013.csv``.

    FER+ publishes one row of votes for each row of FER2013, in the same order. Rows without the
    name of an image are no face, by all votes, and left out; so are later rows that have a name
    again (there are four). What remains is what FER+ lists for each part, and what is read from the
    folders that its tool makes.

    Parameters
    ----------
    root
        The folder that holds both.
    defects
        Takes what is wrong: a table is missing, they have different numbers of rows, or their rows
        disagree on the part.

    Returns
    -------
    DataFrame
        As `facslens.datasets.ferplus.read_votes` gives it, with a ``digest`` of the grey levels.
    """
    pixels = csv_in(root)
    if pixels is None:
        message = f"{root} holds {TABLE} but no fer2013.csv, which has the faces: put it beside"
        if root.is_file():
            message = f"{root} is an archive with {TABLE}: unpack it, with fer2013.csv beside"
        defects.append(Defect("missing path", str(root), message))
        return pd.DataFrame()
    table = read_csv(root / TABLE, defects)
    table = table.rename(columns=_COLUMNS)
    missing = [name for name in ("usage", "name", *VOTES) if name not in table.columns]
    if missing and len(table):
        message = f"{TABLE} lacks the column {missing[0]!r}: expected Usage, Image name and votes"
        defects.append(Defect("missing column", TABLE, message))
    faces = read_rows(pixels.absolute(), defects)
    if missing or table.empty or faces.empty:
        return pd.DataFrame()
    last, theirs = int(faces["row"].max()), int(table.index.max())
    if last != theirs and not any(defect.level == "error" for defect in defects):
        message = (
            f"{TABLE} has {theirs + 1} rows and {pixels.name} has {last + 1}: expected one for "
            f"each, in the same order"
        )
        defects.append(Defect("labels disagree", TABLE, message))
        return pd.DataFrame()
    return _joined(table, faces, pixels.name, defects)


def _joined(
    table: pd.DataFrame, faces: pd.DataFrame, pixels: str, defects: list[Defect]
) -> pd.DataFrame:
    """Give every face the votes in the row of the same number."""
    both = table.join(faces.set_index("row"), how="inner")
    lines = both.index.to_numpy()
    both = both.reset_index(drop=True)
    refused: list[Found] = []
    votes, wrong = read_counts(both, lines, TABLE, refused)
    others = (both["usage"].map(USAGES) != both["part"]).fillna(True)
    for index in np.flatnonzero(others):
        row = row_name(lines[index], TABLE)
        message = (
            f"{row} says {both['usage'].iloc[index]}, the same row of {pixels} is of "
            f"{both['part'].iloc[index]}: expected the same rows in the same order"
        )
        refused.append(Found("usage", "", Defect("labels disagree", row, message)))
    defects.extend(one_a_cause(refused))
    nameless = both["name"].isna()
    again = both["name"].notna() & both["name"].duplicated()
    for left, why in (
        (nameless, "without the name of an image, no face by their votes"),
        (again, "that name the image of an earlier row"),
    ):
        if left.any():
            message = f"rows of {TABLE} {why}, are left out: {int(left.sum())} of {len(both)}"
            defects.append(Defect("left out", TABLE, message, "warning"))
    rows = both[["path", "split", "digest"]].join(votes)
    rows["fer2013"] = both["expression"].astype("string")
    names = zip(both["part"], both["name"], strict=True)
    rows.insert(0, "image", [printable(f"{part}/{name}") for part, name in names])
    rows["order"] = rows["split"].map({name: number for number, name in enumerate(PARTS.values())})
    rows = rows[~(wrong | others | nameless | again)].sort_values(["order", "image"])
    return rows.drop(columns="order").reset_index(drop=True)
