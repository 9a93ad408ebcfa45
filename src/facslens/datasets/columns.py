"""Tables that other programs wrote: text cells, and action units in any known spelling."""

import io
import re
import warnings
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from facslens import action_units
from facslens.datasets.archive import MAX_TABLE_BYTES, is_file, read_bytes, state_of
from facslens.datasets.defects import Defect, Found, one_a_cause, tally
from facslens.datasets.text import decoded, separated
from facslens.names import listed

# pandas marks a second column of the same name so, which has to be noticed here.
_REPEATED: Final = re.compile(r"\.\d+$")
_DECIMAL: Final = re.compile(r"^\s*([+-]?\d+),(\d+)\s*$")
#: How OpenFace calls a column of an action unit.
_OPENFACE: Final = re.compile(r"AU\d\d_[rc]")
# Beside a column that ends in l this is the right side of the face, not OpenFace's intensity.
_RIGHT: Final = re.compile(r"r(\)?)$", re.IGNORECASE)
#: From this confidence on OpenFace itself takes what it tracked for a face.
CONFIDENT: Final = 0.725
#: What BP4D [zhang2014]_, the EmotioNet challenge [benitez2017]_ and Aff-Wild2 [kollias2019]_ write
#: for an action unit that nobody could code.
UNKNOWN: Final = {"bp4d": 9.0, "emotionet": 999.0, "affwild2": -1.0}
_GRADES: Final = {"A": "1", "B": "2", "C": "3", "D": "4", "E": "5"}


def read_csv(
    path: Path, defects: list[Defect], *, header: bool = True, only: Container[str] | None = None
) -> pd.DataFrame:
    """Read a CSV file as text, names and cells stripped of blanks; empty cells are missing.

    No word is taken for a missing value: somebody may be called ``NA``, ``None`` or ``null``.
    Cells are separated by commas, semicolons or tabs (see `facslens.datasets.text.separated`); with
    the latter two, numbers of action units may have a decimal comma. Blank rows are left out; the
    index of the others goes on counting them, for `row_name`.

    Parameters
    ----------
    path
        The file, in UTF-8 or UTF-16.
    defects
        Takes what is wrong; then the table is empty.
    header
        Whether the first line names the columns; they are numbered otherwise.
    only
        Columns that are wanted; by default, and where there is none of them, all are.
    """
    where = str(path)
    if not is_file(path):
        message = f"{path} {state_of(path)}: expected a CSV file"
        defects.append(Defect("missing path", where, message))
        return pd.DataFrame()
    try:
        table = _parsed(read_bytes(path, MAX_TABLE_BYTES), header, only)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        defects.append(Defect("unreadable", where, message))
        return pd.DataFrame()
    except (ValueError, OverflowError, MemoryError, pd.errors.ParserWarning) as error:
        reason, *_ = str(error).strip().splitlines() or [type(error).__name__]
        message = f"{path} is no readable CSV file in UTF-8: {reason}"
        defects.append(Defect("bad table", where, message))
        return pd.DataFrame()
    if table.empty:
        message = f"{path} has no rows: expected a header line and one row per entry"
        defects.append(Defect("bad table", where, message))
        return pd.DataFrame()
    names = pd.Index([str(name).strip() for name in table.columns])
    if names.has_duplicates:
        twice = names[names.duplicated()][0]
        message = f"{path} has two columns called {twice!r}: expected one"
        defects.append(Defect("bad table", where, message))
        return pd.DataFrame()
    table.columns = names
    stripped = {name: table[name].str.strip() for name in names}
    cells = pd.DataFrame(stripped).replace("", pd.NA).dropna(how="all")
    if cells.empty:
        message = f"{path} has no rows but blank ones: expected one row per entry"
        defects.append(Defect("bad table", where, message))
    return cells


def _parsed(content: bytes, header: bool, only: Container[str] | None) -> pd.DataFrame:
    """Parse the bytes of a table; rows are numbered from 0 as a spreadsheet would from 2."""
    separator, text, blank = separated(decoded(content))
    with warnings.catch_warnings():
        # Rows longer than the header would otherwise lose cells, or shift by one.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        table = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            dtype="string",
            index_col=False,
            header=0 if header else None,
            keep_default_na=False,
            skip_blank_lines=False,
            usecols=None if only is None else lambda name: str(name).strip() in only,
        )
    if only is not None and table.columns.empty:
        return _parsed(content, header, None)
    table.index += blank
    if separator != ",":  # then a comma may stand before decimals, where a column holds numbers
        for name in filter(_holds_numbers, table.columns):
            table[name] = table[name].replace(_DECIMAL, r"\1.\2", regex=True)
    return table


def _holds_numbers(name: object) -> bool:
    """Tell by its name whether a column holds numbers; elsewhere `1,2` is what somebody wrote."""
    column = str(name).strip()
    known = action_units.parse_column(_REPEATED.sub("", column))
    return known is not None or column in ("success", "confidence")


def numbers(cells: pd.Series) -> pd.Series:
    """Read text cells as float64; what is no number is NaN."""
    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return pd.Series(values, index=cells.index)


def row_name(index: int | np.integer, source: str) -> str:
    """Name a row as a spreadsheet numbers it: the header is row 1."""
    return f"row {index + 2} of {source}"


def au_values(
    table: pd.DataFrame,
    source: str,
    defects: list[Defect],
    kind: str = "presence",
    unknown: tuple[float, ...] = (),
    kinds: Mapping[str, str] = MappingProxyType({}),
) -> pd.DataFrame:
    """Read the action-unit columns of a table of text.

    Parameters
    ----------
    table
        Text cells, as `read_csv` gives them.
    source
        The file's name, for messages.
    defects
        Takes cells outside their range (they become unknown), every action unit that has
        two columns, and as warnings the columns that tell of an action unit and are not read,
        and how many rows OpenFace is not sure of.
    kind
        What a column without a suffix holds, such as ``AU12``: one of
        `facslens.action_units.KINDS`, which also has the suffixes.
    unknown
        Numbers that stand for an unknown value; they are counted, as a warning.
    kinds
        What single columns without a suffix hold, where it is not `kind`.

    Returns
    -------
    DataFrame
        float32 columns ``AU12``, ``AU12_intensity``, ``AU12_probability``, rows as in
        `table`; unknown is NaN.

    Notes
    -----
    OpenFace writes action units of 0 where it has lost the face [baltrusaitis2018]_. Where a table
    has columns as it names them (``AU12_r``, ``AU12_c``), they are unknown in the rows whose
    ``success`` is not 1 or whose ``confidence`` is not `CONFIDENT` or more.
    """
    values: dict[str, pd.Series] = {}
    wrong: list[Found] = []
    signs = 0
    ignored: dict[str, list[str]] = defaultdict(list)
    names = {column.lower() for column in table.columns}
    tracked: set[str] = set()
    for column in table.columns:
        known = action_units.parse_column(_REPEATED.sub("", column), kinds.get(column, kind))
        right = _RIGHT.search(column) is not None and _RIGHT.sub(r"l\1", column).lower() in names
        if known is None or right:
            if right or action_units.is_of_one_side(column):
                ignored["are of one side of the face, or may be"].append(column)
            elif action_units.tells_of_action_unit(column):
                ignored["name no action unit, or several"].append(column)
            continue
        code, found = known
        name = value_name(code, found)
        if _OPENFACE.fullmatch(column):
            tracked.add(name)
        if name in values:
            message = (
                f"{source} has two columns for {name.replace('_', ' ')}: one of them is {column!r}"
            )
            defects.append(Defect("bad table", source, message))
            continue
        is_sign = numbers(table[column]).isin(unknown)
        signs += int(is_sign.sum())
        values[name] = kind_values(table[column].mask(is_sign), column, found, source, wrong)
    defects.extend(one_a_cause(wrong))
    if signs:
        written = listed([f"{sign:g}" for sign in unknown], "or")
        message = f"{signs} cells of action units in {source} are unknown, as asked ({written})"
        defects.append(Defect("left out", source, message, "warning"))
    for cause, columns in ignored.items():
        message = f"{source} has columns that {cause}, ignored: {tally(columns)}"
        defects.append(Defect("left out", source, message, "warning"))
    units = pd.DataFrame(values, index=table.index, dtype=np.float32)
    if tracked:
        own = sorted(tracked)
        units[own] = units[own].mask(_is_lost(table, source, defects))
    return units


def value_name(code: str, kind: str) -> str:
    """Name a column of a Faces table.

    Examples
    --------
    >>> value_name("AU12", "presence"), value_name("AU12", "intensity")
    ('AU12', 'AU12_intensity')
    """
    return code if kind == "presence" else f"{code}_{kind}"


def value_columns(
    columns: Iterable[str], kind: str = "presence", kinds: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Say which column of a table each column that `au_values` gives was read from.

    Examples
    --------
    >>> value_columns(["path", "AU 12", "AU06_r"])
    {'AU12': 'AU 12', 'AU06_intensity': 'AU06_r'}
    """
    read: dict[str, str] = {}
    for column in columns:
        known = action_units.parse_column(_REPEATED.sub("", column), kinds.get(column, kind))
        if known is not None:
            read.setdefault(value_name(*known), column)
    return read


def _is_lost(table: pd.DataFrame, source: str, defects: list[Defect]) -> pd.Series:
    """Mark the rows in which OpenFace is not sure to have seen a face, and report how many."""
    lost = pd.Series(False, index=table.index)
    if "success" in table.columns:
        lost |= numbers(table["success"]) != 1
    if "confidence" in table.columns:
        lost |= ~(numbers(table["confidence"]) >= CONFIDENT)
    if lost.any():
        message = (
            f"in {int(lost.sum())} of {len(table)} rows of {source} OpenFace lost the face "
            f"(success 0, or a confidence below {CONFIDENT}): their action units are unknown"
        )
        defects.append(Defect("left out", source, message, "warning"))
    return lost


def kind_values(
    cells: pd.Series, column: str, kind: str, source: str, wrong: list[Found]
) -> pd.Series:
    """Read the cells of one action unit; collect those outside the range of their kind."""
    scale = action_units.KINDS[kind]
    expected = ", ".join(filter(None, (scale.values, scale.letters))) + " or empty"
    graded = cells.str.upper().replace(_GRADES) if kind == "intensity" else cells
    values = numbers(graded)
    right = values.isin([0.0, 1.0]) if kind == "presence" else values.between(0, scale.high)
    refused = cells[cells.notna() & ~right]
    for index, cell in zip(refused.index, refused, strict=True):
        dataset = next((name for name, sign in UNKNOWN.items() if sign == values[index]), None)
        hint = " (kind= tells of probabilities or intensities)" if kind == "presence" else ""
        if dataset is not None:
            hint = f" (unknown={cell} where it means that, as in {dataset})"
        row = row_name(index, source)
        message = f"{row}: {column} is {cell!r}: expected {expected}{hint}"
        defect = Defect("bad value", row, message)
        wrong.append(Found((kind, dataset), repr(cell), defect))
    return values.where(right).astype(np.float32)
