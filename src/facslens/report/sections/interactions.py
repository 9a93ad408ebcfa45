"""Whether action units do more together than the sum of what each does alone."""

from dataclasses import dataclass
from typing import Final

from facslens.experiments.interactions import UNKNOWN
from facslens.report.estimates import Estimate, estimate_of
from facslens.report.names import au_name
from facslens.report.section import Page, Section
from facslens.report.tables import Row, count, number, records, text


@dataclass(frozen=True)
class Beyond:
    """A cell: what some action units add to an expression beyond the sum of each alone."""

    expression: str
    beyond: Estimate
    shown: bool
    together: float
    sum_alone: float
    interaction: Estimate


@dataclass(frozen=True)
class Together:
    """A row: some action units, and every expression."""

    aus: tuple[str, ...]
    names: tuple[str, ...]
    cells: tuple[Beyond, ...]


@dataclass(frozen=True)
class Interactions:
    """Every set that was drawn."""

    expressions: tuple[str, ...]
    rows: tuple[Together, ...]
    people: int
    largest: float


def build_interactions(page: Page) -> Interactions | None:
    """Gather the sets; None where none was drawn."""
    table = page.tables.mechanism("interactions.csv")
    if table is None or table.empty:
        return None
    rows = []
    for aus, own in table.groupby("aus", sort=False):
        codes = tuple(str(aus).split())
        cells = tuple(map(_cell, records(own)))
        rows.append(Together(codes, tuple(map(au_name, codes)), cells))
    return Interactions(
        expressions=tuple(str(name) for name in table["expression"].unique()),
        rows=tuple(rows),
        people=max(count(row, "n_people") or 0 for row in records(table)),
        largest=max((abs(c.beyond.value) for row in rows for c in row.cells), default=0.0) or 1.0,
    )


def _cell(row: Row) -> Beyond:
    return Beyond(
        expression=text(row, "expression"),
        beyond=estimate_of(row, "beyond"),
        shown=text(row, "more") != UNKNOWN,
        together=number(row, "together"),
        sum_alone=number(row, "sum_alone"),
        interaction=estimate_of(row, "interaction"),
    )


SECTION: Final = Section(
    order=181,
    anchor="interactions",
    heading="",
    part_of="effects",
    template="interactions.html",
    build=build_interactions,
    downloads={"mechanism/interactions.csv": "action units together, beside the sum of each alone"},
)
