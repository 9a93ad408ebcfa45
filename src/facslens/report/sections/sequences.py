"""Which action units move the expression within coded sequences, from neutral to peak."""

from dataclasses import dataclass
from typing import Final

from facslens.report.estimates import Estimate, estimate_of
from facslens.report.names import au_name
from facslens.report.section import Page, Section
from facslens.report.tables import Row, count, number, records, text


@dataclass(frozen=True)
class Moved:
    """An action unit and an expression whose score it moves in coded sequences."""

    au: str
    name: str
    expression: str
    present: int
    change: Estimate
    partial: Estimate
    drawn: Estimate
    same: str


@dataclass(frozen=True)
class Sequences:
    """The cells in which a change is shown, and how many agree with the drawn faces."""

    rows: tuple[Moved, ...]
    cells: int
    subjects: int
    ridge: bool
    both: int
    same: int


def build_sequences(page: Page) -> Sequences | None:
    """Gather what is shown; None where no sequence begins at rest."""
    table = page.tables.mechanism("sequences.csv")
    if table is None or table.empty:
        return None
    every = records(table)
    return Sequences(
        rows=tuple(_row(row) for row in every if _shown(row)),
        cells=len(every),
        subjects=max(count(row, "n_subjects") or 0 for row in every),
        ridge=any(number(row, "ridge") > 0 for row in every),
        both=sum(row["same"] in (True, False) for row in every),
        same=sum(row["same"] is True for row in every),
    )


def _shown(row: Row) -> bool:
    return number(row, "partial_low") > 0 or number(row, "partial_high") < 0


def _row(row: Row) -> Moved:
    same = row["same"]
    return Moved(
        au=text(row, "au"),
        name=au_name(text(row, "au")),
        expression=text(row, "expression"),
        present=count(row, "n_present") or 0,
        change=estimate_of(row, "change"),
        partial=estimate_of(row, "partial"),
        drawn=estimate_of(row, "drawn"),
        same="same sign" if same is True else "other sign" if same is False else "",
    )


SECTION: Final = Section(
    order=182,
    anchor="sequences",
    heading="",
    part_of="effects",
    template="sequences.html",
    build=build_sequences,
    downloads={"mechanism/sequences.csv": "the expression from neutral to peak, by action unit"},
)
