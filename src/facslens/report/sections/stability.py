"""Which mappings return in other runs of the same training."""

from dataclasses import dataclass
from typing import Final

from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Page, Section
from facslens.report.tables import count, number, records, text


@dataclass(frozen=True)
class StabilityRow:
    """How often an action unit's detector returns in other runs."""

    au: str
    name: str
    runs: int
    accepted: int
    pairs: int
    returned_au: float
    returned_unit: float
    correlation: float


@dataclass(frozen=True)
class Stability:
    """Which mappings return in other runs of the same training."""

    layer: str
    rows: tuple[StabilityRow, ...]
    everywhere: int
    runs: int
    chance: float


def build_stability(page: Page) -> Stability | Missing:
    """Gather how often each action unit's detector returns."""
    tables = page.tables
    table = tables.stability
    if tables.is_audit and table is None:  # nobody knows other runs of its training
        return Missing()
    if table is None or table.empty:
        command = tables.missing("The run has not been compared with runs of other seeds", "verify")
        return Missing(command.what, f"{command.command} --against RUN")
    rows = tuple(
        StabilityRow(
            au=text(row, "au"),
            name=au_name(text(row, "au")),
            runs=count(row, "runs") or 0,
            accepted=count(row, "accepted") or 0,
            pairs=count(row, "pairs") or 0,
            returned_au=number(row, "returned_au"),
            returned_unit=number(row, "returned_unit"),
            correlation=number(row, "correlation"),
        )
        for row in records(table)
    )
    runs = max(row.runs for row in rows)
    return Stability(
        layer=str(table["layer"].iloc[0]),
        rows=tuple(row for row in rows if row.accepted),
        everywhere=sum(row.accepted == runs for row in rows),
        runs=runs,
        chance=float(table["chance"].iloc[0]),
    )


SECTION: Final = Section(
    order=44,
    anchor="stability",
    heading="Do other training runs find the same?",
    template="stability.html",
    build=build_stability,
    part_of="evidence",
    downloads={"verify/stability.csv": "which detectors other training runs find again"},
)
