"""The faces of a run: how many, of whom, showing what, and what was left out."""

import pandas as pd

from facslens.action_units import ACTION_UNITS
from facslens.datasets.base import SPLITS
from facslens.datasets.splits import CONFIRMATION
from facslens.report.missing import Missing
from facslens.report.tables import Row, RunTables, count, records, text
from facslens.report.view import CoverageRow, Data, Dropped, SplitRow


def build_data(tables: RunTables) -> Data | Missing:
    """Count the faces by part and expression, and the action units by how often they occur."""
    faces = tables.faces
    if faces is None:
        return tables.missing("The faces have not been read", "run --resume --out")
    about = tables.info.get("faces", {})
    splits = [s for s in SPLITS if (faces.table["split"] == s).any()]
    return Data(
        expressions=faces.expressions,
        splits=tuple(
            _split(s, faces.table[faces.table["split"] == s], faces.expressions) for s in splits
        ),
        total=_split("all", faces.table, faces.expressions),
        unlabelled=int(faces.table["expression"].isna().sum()),
        coverage=_coverage(tables),
        dropped=tuple(
            Dropped(text(row, "image"), text(row, "reason")) for row in about.get("dropped") or []
        ),
        notes=tuple(str(note) for note in about.get("notes") or []),
    )


def _split(name: str, table: pd.DataFrame, expressions: tuple[str, ...]) -> SplitRow:
    return SplitRow(
        split=name,
        images=len(table),
        subjects=int(table["subject"].nunique()),
        sequences=int(table["sequence"].nunique()),
        by_expression=tuple(int((table["expression"] == e).sum()) for e in expressions),
    )


def _coverage(tables: RunTables) -> tuple[CoverageRow, ...] | Missing:
    if tables.coverage is None:
        return tables.missing("The action units have not been counted", "associate")
    return tuple(_coverage_row(tables, row) for row in records(tables.coverage))


def _coverage_row(tables: RunTables, row: Row) -> CoverageRow:
    au = text(row, "au")
    test = _present_in_test(tables, au)
    return CoverageRow(
        au=au,
        name=text(row, "name") or (ACTION_UNITS[au].name if au in ACTION_UNITS else ""),
        n_present=count(row, "n_present"),
        n_absent=count(row, "n_absent"),
        subjects_present=count(row, "subjects_present"),
        subjects_absent=count(row, "subjects_absent"),
        n_test_present=test[0],
        subjects_test_present=test[1],
        eligible=text(row, "eligible").lower() in ("true", "1", "1.0", "yes"),
        reason=text(row, "reason"),
    )


def _present_in_test(tables: RunTables, au: str) -> tuple[int | None, int | None]:
    """Count the test sequences and subjects that show an action unit, neutral faces left out."""
    faces = tables.faces
    if faces is None or au not in faces.aus:
        return None, None
    own = faces.part(*CONFIRMATION).table
    own = own[(own[au] == 1) & (own["expression"].fillna("") != "neutral")]
    sequence = own["sequence"].fillna(own["image"])
    return int(sequence.nunique()), int(own["subject"].nunique())
