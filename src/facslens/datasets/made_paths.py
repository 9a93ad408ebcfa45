"""Paths of images that a table does not hold, but that its columns make up."""

import re
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from facslens.datasets.columns import numbers
from facslens.datasets.defects import Defect, few

_FIELD: Final = re.compile(
    r"\{(?P<column>[^{}:]+?)(?P<shift>[+-]\d{1,9})?(?::0?(?P<width>\d{1,2})d?)?\}"
)
_ROW: Final = "row"
# A whole number as spreadsheets save it in a column with empty cells.
_WHOLE: Final = re.compile(r"^(\d+)\.0+$")
#: How such a path is written, for errors and help.
PATHS_HINT: Final = "such as {Subject:03d}/{Filename}.jpg, {frame+1:06d}.png or {row:04d}.png"


def is_pattern(path: str) -> bool:
    """Tell whether a path is made from columns.

    Examples
    --------
    >>> is_pattern("sub{Subject:02d}/{Filename}.jpg"), is_pattern("Filename")
    (True, False)
    """
    return _FIELD.search(path) is not None


def made_paths(
    cells: pd.DataFrame, pattern: str, file: Path, defects: list[Defect]
) -> pd.Series | None:
    """Make the path of every row.

    Parameters
    ----------
    cells
        Text, as `facslens.datasets.columns.read_csv` gives it.
    pattern
        A path in which ``{Filename}`` stands for what the column of that name holds, in upper or
        lower case, ``{Subject:03d}`` for a whole number, filled with zeros, and ``{frame+1}`` for
        another number than the table has. ``{row}`` is the number of the row, from 1, where no
        column is called so.
    file
        The table, for messages.
    defects
        Takes columns that the table lacks.

    Returns
    -------
    Series or None
        Paths; missing where a cell is empty, or is no whole number from 0 on where one is needed.
        None where a column is lacking.

    Examples
    --------
    >>> cells = pd.DataFrame({"Subject": ["1", "x"], "Filename": ["EP01", "EP02"]})
    >>> made = made_paths(cells, "sub{subject:02d}/{Filename}.jpg", Path("t.csv"), [])
    >>> made.tolist()
    ['sub01/EP01.jpg', <NA>]
    >>> made_paths(cells, "{row-1:03d}.jpg", Path("t.csv"), []).tolist()
    ['000.jpg', '001.jpg']
    """
    by_name = {str(column).lower(): str(column) for column in reversed(cells.columns)}
    made = pd.Series("", index=cells.index, dtype="string")
    end = 0
    for field in _FIELD.finditer(pattern):
        name, shift = field["column"].strip().lower(), field["shift"]
        if name + (shift or "") in by_name:  # a column may be called AU1+2
            name, shift = name + (shift or ""), None
        if name in by_name:
            values = cells[by_name[name]].astype("string")
        elif name == _ROW:
            counted = np.arange(1, len(cells) + 1).astype(str)
            values = pd.Series(counted, index=cells.index, dtype="string")
        else:
            message = (
                f"{file} lacks the column {field['column']!r}, which path={pattern} asks for: it "
                f"has {few(cells.columns, 8)}; {{row}} counts the rows"
            )
            defects.append(Defect("missing column", str(file), message))
            return None
        if field["width"] is not None or shift is not None:
            whole = numbers(values) + int(shift or 0)
            whole = whole.where((whole >= 0) & (whole < 2**53) & (whole % 1 == 0))
            values = whole.astype("Int64").astype("string").str.zfill(int(field["width"] or 1))
        else:
            values = values.str.replace(_WHOLE, r"\1", regex=True)
        made = made + pattern[end : field.start()] + values
        end = field.end()
    return made + pattern[end:]
