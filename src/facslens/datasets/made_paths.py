"""Paths of images that a table does not hold, but that its columns make up."""

import re
from pathlib import Path
from typing import Final

import pandas as pd

from facslens.datasets.columns import numbers
from facslens.datasets.defects import Defect, few

_FIELD: Final = re.compile(r"\{(?P<column>[^{}:]+)(?::0?(?P<width>\d{1,2})d?)?\}")


def is_pattern(path: str) -> bool:
    """Tell whether a path is made from columns.

    Examples
    --------
    >>> is_pattern("sub{Subject:02d}/{Filename}.jpg"), is_pattern("Filename")
    (True, False)
    """
    return _FIELD.search(path) is not None


def made_paths(cells: pd.DataFrame, pattern: str, file: Path, defects: list[Defect]) -> pd.Series:
    """Make the path of every row.

    Parameters
    ----------
    cells
        Text, as `facslens.datasets.columns.read_csv` gives it.
    pattern
        A path in which ``{Filename}`` stands for what the column of that name holds, in upper or
        lower case, and ``{Subject:03d}`` for a whole number, filled with zeros.
    file
        The table, for messages.
    defects
        Takes columns that the table lacks.

    Returns
    -------
    Series
        Paths; missing where a cell is empty, or is no whole number where one is needed.

    Examples
    --------
    >>> cells = pd.DataFrame({"Subject": ["1", "x"], "Filename": ["EP01", "EP02"]})
    >>> made = made_paths(cells, "sub{subject:02d}/{Filename}.jpg", Path("t.csv"), [])
    >>> made.tolist()
    ['sub01/EP01.jpg', <NA>]
    """
    by_name = {str(column).lower(): str(column) for column in reversed(cells.columns)}
    made = pd.Series("", index=cells.index, dtype="string")
    end = 0
    for field in _FIELD.finditer(pattern):
        column = by_name.get(field["column"].strip().lower())
        if column is None:
            message = (
                f"{file} lacks the column {field['column']!r}, which path={pattern} asks for: it "
                f"has {few(cells.columns, 8)}"
            )
            defects.append(Defect("missing column", str(file), message))
            return pd.Series(pd.NA, index=cells.index, dtype="string")
        values = cells[column].astype("string")
        if field["width"] is not None:
            whole = numbers(values)
            whole = whole.where((whole >= 0) & (whole < 2**53) & (whole % 1 == 0))
            values = whole.astype("Int64").astype("string").str.zfill(int(field["width"]))
        made = made + pattern[end : field.start()] + values
        end = field.end()
    return made + pattern[end:]
