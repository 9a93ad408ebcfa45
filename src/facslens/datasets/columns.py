"""Tables that other programs wrote: text cells, and action units in any known spelling."""

import io
import re
import warnings
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from facslens import action_units
from facslens.datasets.archive import is_file, read_bytes
from facslens.datasets.reading import Defect, tally

# pandas marks a second column of the same name with .1, which has to be noticed here.
_AU_COLUMN: Final = re.compile(r"(AU[ _-]?\d{1,2})(?:_([a-z]+))?(?:\.\d+)?", re.IGNORECASE)
#: What may follow the number; OpenFace writes AU01_r for the intensity and AU01_c for the
#: presence [baltrusaitis2018]_.
_SUFFIXES: Final[dict[str, action_units.Kind]] = {
    "presence": "presence",
    "c": "presence",
    "intensity": "intensity",
    "r": "intensity",
    "probability": "probability",
}
_GRADES: Final = {"A": "1", "B": "2", "C": "3", "D": "4", "E": "5"}
_RANGES: Final[dict[action_units.Kind, tuple[float, float, str]]] = {
    "presence": (0, 1, "0, 1 or empty"),
    "intensity": (0, 5, "0 to 5, A to E or empty"),
    "probability": (0, 1, "0 to 1 or empty"),
}


def read_csv(path: Path, defects: list[Defect], *, header: bool = True) -> pd.DataFrame:
    """Read a CSV file as text, names and cells stripped of blanks, empty cells missing.

    Parameters
    ----------
    path
        The file, in UTF-8.
    defects
        Takes what is wrong; then the table is empty.
    header
        Whether the first line names the columns; they are numbered otherwise.
    """
    where = str(path)
    if not is_file(path):
        state = "is a folder" if path.exists() else "does not exist"
        defects.append(Defect("missing path", where, f"{path} {state}: expected a CSV file"))
        return pd.DataFrame()
    try:
        with warnings.catch_warnings():
            # Rows longer than the header would otherwise lose cells, or shift by one.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                io.BytesIO(read_bytes(path)),
                dtype="string",
                index_col=False,
                encoding="utf-8-sig",
                header=0 if header else None,
            )
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        reason = str(error).strip().splitlines()[0]
        message = f"{path} is no readable CSV file in UTF-8: {reason}"
        defects.append(Defect("bad table", where, message))
        return pd.DataFrame()
    if table.empty:
        message = f"{path} has no rows: expected a header line and one row an entry"
        defects.append(Defect("bad table", where, message))
        return pd.DataFrame()
    stripped = {str(name).strip(): cells.str.strip() for name, cells in table.items()}
    return pd.DataFrame(stripped).replace("", pd.NA)


def numbers(cells: pd.Series) -> pd.Series:
    """Read text cells as float64; what is no number is NaN."""
    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return pd.Series(values, index=cells.index)


def row_name(index: int | np.integer, source: str) -> str:
    """Name a row as a spreadsheet numbers it: the header is row 1."""
    return f"row {index + 2} of {source}"


def au_values(
    table: pd.DataFrame, source: str, defects: list[Defect], kind: action_units.Kind = "presence"
) -> pd.DataFrame:
    """Read the action-unit columns of a table of text.

    Parameters
    ----------
    table
        Text cells, rows numbered from 0.
    source
        The file's name, for messages.
    defects
        Takes every cell outside its range (it becomes unknown), every action unit that has
        two columns, and as a warning the columns that name no action unit of FACS.
    kind
        What a column without a suffix holds, such as ``AU12``. A suffix says it itself:
        ``_c`` or ``_presence``, ``_r`` or ``_intensity``, ``_probability``.

    Returns
    -------
    DataFrame
        float32 columns ``AU12``, ``AU12_intensity``, ``AU12_probability``, rows as in
        `table`; unknown is NaN.
    """
    values: dict[str, pd.Series] = {}
    ignored = []
    for column in table.columns:
        match = _AU_COLUMN.fullmatch(column)
        if match is None:
            continue
        suffix = match.group(2)
        found = _SUFFIXES.get(suffix.lower()) if suffix else kind
        if found is None or not action_units.is_action_unit(match.group(1)):
            ignored.append(column)
            continue
        code = action_units.parse(match.group(1))
        name = code if found == "presence" else f"{code}_{found}"
        if name in values:
            message = (
                f"{source} has two columns for {name.replace('_', ' ')}: one of them is {column!r}"
            )
            defects.append(Defect("bad table", source, message))
            continue
        values[name] = _values(table[column], column, found, source, defects)
    if ignored:
        message = f"{source} has columns that name no action unit, ignored: {tally(ignored)}"
        defects.append(Defect("left out", source, message, "warning"))
    return pd.DataFrame(values, index=table.index, dtype=np.float32)


def _values(
    cells: pd.Series, column: str, kind: action_units.Kind, source: str, defects: list[Defect]
) -> pd.Series:
    """Read the cells of one action unit; report those outside the range of their kind."""
    low, high, expected = _RANGES[kind]
    graded = cells.str.upper().replace(_GRADES) if kind == "intensity" else cells
    values = numbers(graded)
    right = values.isin([0.0, 1.0]) if kind == "presence" else values.between(low, high)
    hint = "" if kind != "presence" else " (kind= tells of probabilities or intensities)"
    for index in np.flatnonzero(cells.notna() & ~right):
        row, cell = row_name(index, source), cells.iloc[index]
        message = f"{row}: {column} is {cell!r}: expected {expected}{hint}"
        defects.append(Defect("bad value", row, message))
    return values.where(right).astype(np.float32)
