"""A table in which somebody says which columns of another table are which action units."""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from facslens import action_units
from facslens.datasets.columns import kind_values, read_csv, row_name, value_name
from facslens.datasets.defects import Defect, Found, few, one_a_cause
from facslens.errors import CallError
from facslens.names import listed

#: How several columns become one action unit: nobody's standard, so that somebody has to say it.
JOINS: Final = ("max", "mean", "min")
_COLUMNS: Final = ("column", "au", "kind")


def translated(
    table: pd.DataFrame, file: Path, source: str, defects: list[Defect]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read the columns of a table that a translation names; no other is read.

    Parameters
    ----------
    table
        Text cells, as `facslens.datasets.columns.read_csv` gives them.
    file
        The translation: a CSV file with the columns ``column`` (its name in the table), ``au`` (in
        any known spelling), ``kind`` (one of `facslens.action_units.KINDS`), and where several
        columns are of one action unit ``join``, one of `JOINS`.
    source
        The table's name, for messages.
    defects
        Takes what is wrong with both.

    Returns
    -------
    (DataFrame, dict)
        The columns of action units as `facslens.datasets.columns.au_values` gives them, and the
        column of the table that each was read from, the first of several. Where one of several
        columns is unknown, so is the action unit.
    """
    rows = read_csv(file, defects)
    lacking = [column for column in _COLUMNS if column not in rows.columns]
    if lacking:
        if not rows.empty:
            message = (
                f"{file} lacks the column {lacking[0]!r}: expected {listed(_COLUMNS)}, and join "
                f"where several columns are of one action unit"
            )
            defects.append(Defect("missing column", str(file), message))
        return pd.DataFrame(index=table.index), {}
    wrong: list[Found] = []
    parts: dict[str, dict[str, str]] = defaultdict(dict)
    joins: dict[str, set[str]] = defaultdict(set)
    for index, row in zip(rows.index, rows.to_dict("records"), strict=True):
        where = row_name(index, file.name)
        name = _value(row, table, source, where, wrong)
        if name is not None:
            parts[name][str(row["column"])] = name.partition("_")[2] or "presence"
            if not pd.isna(row.get("join", pd.NA)):
                joins[name].add(str(row["join"]))
    defects.extend(one_a_cause(wrong))
    cells: list[Found] = []
    values, written = {}, {}
    for name, columns in parts.items():
        read = [kind_values(table[c], c, kind, source, cells) for c, kind in columns.items()]
        join = joins[name]
        if len(read) > 1 and (len(join) != 1 or not join <= set(JOINS)):
            message = (
                f"{file.name} has {len(read)} columns for {name.replace('_', ' ')} "
                f"({few(columns)}): say in the column join how they become one, by "
                f"{listed(JOINS, 'or')}"
            )
            defects.append(Defect("bad table", file.name, message))
            continue
        joined = pd.concat(read, axis=1)
        if len(read) > 1:
            values[name] = joined.agg(next(iter(join)), axis=1).where(joined.notna().all(axis=1))
        else:
            values[name] = read[0]
        written[name] = next(iter(columns))
    defects.extend(one_a_cause(cells))
    return pd.DataFrame(values, index=table.index).astype("float32"), written


def _value(
    row: Mapping[Hashable, Any], table: pd.DataFrame, source: str, where: str, wrong: list[Found]
) -> str | None:
    """Name the column of a Faces table that a row is about; None where it is wrong."""
    column, au, kind = (row[name] for name in _COLUMNS)
    code = None
    if not pd.isna(au):
        try:
            code = action_units.parse(str(au))
        except CallError:
            code = None
    if pd.isna(column) or column not in table.columns:
        message = f"{where}: {source} has no column {column!r}"
        cause, value = "column", repr(column)
    elif code is None:
        message = f"{where}: {au!r} is no action unit: expected one such as AU12"
        cause, value = "au", repr(au)
    elif kind not in action_units.KINDS:
        expected = listed(list(action_units.KINDS), "or")
        message = f"{where}: {kind!r} is no kind: expected {expected}"
        cause, value = "kind", repr(kind)
    else:
        return value_name(code, str(kind))
    wrong.append(Found(cause, value, Defect("bad value", where, message)))
    return None
