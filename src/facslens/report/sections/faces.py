"""The faces of a run: how many, of whom, showing what, and what was left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from facslens.action_units import ACTION_UNITS
from facslens.datasets.base import is_neutral
from facslens.datasets.labels import SPLITS
from facslens.datasets.splits import CONFIRMATION
from facslens.report.coded import Coded, build_coded
from facslens.report.missing import Missing
from facslens.report.section import Page, Section
from facslens.report.tables import Row, RunTables, count, records, text


@dataclass(frozen=True)
class SplitRow:
    """What one part of the faces holds."""

    split: str
    images: int
    subjects: int
    sequences: int
    by_expression: tuple[int, ...]


@dataclass(frozen=True)
class CoverageRow:
    """How often one action unit was seen, and whether that was enough."""

    au: str
    name: str
    n_present: int | None
    n_absent: int | None
    subjects_present: int | None
    subjects_absent: int | None
    n_test_present: int | None
    subjects_test_present: int | None
    eligible: bool
    reason: str


@dataclass(frozen=True)
class Dropped:
    """An image that could not be used."""

    image: str
    reason: str


@dataclass(frozen=True)
class Data:
    """The faces: how many, of whom, showing what."""

    expressions: tuple[str, ...]
    splits: tuple[SplitRow, ...]
    total: SplitRow
    unlabelled: int
    coverage: tuple[CoverageRow, ...] | Missing
    coded: Coded
    dropped: tuple[Dropped, ...]
    notes: tuple[str, ...]


def build_data(page: Page) -> Data | Missing:
    """Count the faces by part and expression, and the action units by how often they occur."""
    tables = page.tables
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
        coded=page.of(build_coded),
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
    own = own[(own[au] == 1) & ~is_neutral(own)]
    sequence = own["sequence"].fillna(own["image"])
    return int(sequence.nunique()), int(own["subject"].nunique())


def tables(page: Page) -> Mapping[str, tuple[str, pd.DataFrame]]:
    """Give the count of faces by part and expression as a table."""
    found = page.of(build_data)
    if isinstance(found, Missing):
        return {}
    rows = [
        {"part": s.split, "faces": s.images, "subjects": s.subjects, "sequences": s.sequences}
        | dict(zip(found.expressions, s.by_expression, strict=True))
        for s in (*found.splits, found.total)
    ]
    return {"parts.csv": ("faces by part and expression", pd.DataFrame(rows))}


SECTION: Final = Section(
    order=110,
    anchor="faces",
    heading="The faces",
    title="The faces",
    template="faces.html",
    build=build_data,
    tables=tables,
    downloads={"coverage.csv": "how often each action unit was seen"},
)
