"""The tables and slides that a reader may want to go on with."""

import math
from dataclasses import dataclass
from typing import Final

import pandas as pd

from facslens.plot.style import KINDS
from facslens.report.section import Page
from facslens.report.slide import slide
from facslens.report.tables import RunTables
from facslens.spreadsheets import defused

#: A table of associations of more bytes than this is cut to the rows that matter most.
LARGE_TABLE: Final = 3_000_000


@dataclass(frozen=True)
class Download:
    """A file to download: its name below the report, what it holds, and its content.

    ``section`` is the anchor of the section that shows it; empty where none does.
    """

    href: str
    label: str
    rows: int
    content: bytes
    section: str = ""

    @property
    def name(self) -> str:
        """The name without its folder."""
        return self.href.rpartition("/")[2]

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.content)


def build_downloads(page: Page) -> tuple[Download, ...]:
    """Make every table that a section offers and the run has, and the slides."""
    tables = [
        _table(page.tables, name, label, section.anchor)
        for section in page.sections
        for name, label in section.downloads.items()
    ]
    tables += [_table(page.tables, name, "a further check") for name in page.further_checks()]
    shown = [
        _written(name, label, table, section.anchor)
        for section in page.sections
        if section.tables
        for name, (label, table) in section.tables(page).items()
    ]
    slides = [
        Download(f"slide.{kind}", "the finding as a slide, 16:9", 0, content)
        for kind in KINDS
        if (content := slide(page, kind)) is not None
    ]
    return (*(table for table in tables if table is not None), *shown, *slides)


def _table(tables: RunTables, name: str, label: str, section: str = "") -> Download | None:
    if name == "association.parquet":
        return _association(tables, label, section)
    table = tables.as_text(name)
    if table is None:
        return None
    # experiment and checks both have a controls.csv
    return _written(name.removeprefix("verify/").replace("/", "-"), label, table, section)


def _written(name: str, label: str, table: pd.DataFrame, section: str) -> Download:
    written = defused(table).to_csv(index=False).encode()
    return Download(f"data/{name}", label, len(table), written, section)


def _association(tables: RunTables, label: str, section: str) -> Download | None:
    """Write the associations as CSV: all rows, or of a large table those of one distance."""
    table = tables.association
    if table is None:
        return None
    written = _six_digits(table)
    if len(written) > LARGE_TABLE:
        chosen = tables.info["settings"].get("distance", "kl")
        table = table[table["distance"] == chosen]
        label = f"every unit and action unit; {chosen} only, the others are in association.parquet"
        written = _six_digits(table)
        if len(written) > LARGE_TABLE:
            table = table.nsmallest(math.floor(len(table) * LARGE_TABLE / len(written)), "p")
            label = f"{chosen} only, smallest p first; the rest is in association.parquet"
            written = _six_digits(table)
    return Download("data/association.csv", label, len(table), written, section)


def _six_digits(table: pd.DataFrame) -> bytes:
    return defused(table).to_csv(index=False, float_format="%.6g").encode()
