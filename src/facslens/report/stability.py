"""Which mappings return in other runs of the same training."""

from facslens.report.checks import Stability, StabilityRow
from facslens.report.controls import name_of
from facslens.report.missing import Missing
from facslens.report.tables import RunTables, count, number, records, text


def build_stability(tables: RunTables) -> Stability | Missing:
    """Gather how often each action unit's detector returns."""
    table = tables.stability
    if table is None or table.empty:
        command = tables.missing("The run has not been held against runs of other seeds", "verify")
        return Missing(command.what, f"{command.command} --against RUN")
    rows = tuple(
        StabilityRow(
            au=text(row, "au"),
            name=name_of(text(row, "au")),
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
