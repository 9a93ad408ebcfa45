"""Whether action units do more together than the sum of what each does alone."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from facslens.experiments.interactions import UNKNOWN
from facslens.plot.matrices import matrix
from facslens.report.estimates import Estimate, estimate_of
from facslens.report.formats import signed
from facslens.report.names import au_name
from facslens.report.section import Drawn, Page, Section
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


def draw(page: Page) -> Drawn:
    """Draw the matrix; a difference that is not shown has no colour."""
    found = page.of(build_interactions)
    if found is None:
        return {}
    beyond = np.array([[c.beyond.value if c.shown else 0.0 for c in r.cells] for r in found.rows])
    return {
        "interactions": lambda: matrix(
            beyond,
            [" ".join(row.aus) for row in found.rows],
            found.expressions,
            title="Together, beyond the sum of each alone",
            limit=max(float(np.abs(beyond).max(initial=0.0)), 0.01),
            label="change of the score",
            written=lambda value: signed(value, 1) if value else "",
        )
    }


SECTION: Final = Section(
    order=181,
    anchor="interactions",
    heading="",
    part_of="effects",
    template="interactions.html",
    build=build_interactions,
    figures=draw,
    downloads={"mechanism/interactions.csv": "action units together, beside the sum of each alone"},
)
