"""The trained network's units beside controls, beside a stricter null, beside other AUs."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from facslens.controls.table import CONTROLS
from facslens.report.estimates import Estimate
from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Page, Section
from facslens.report.tables import Row, RunTables, count, number, records, text


@dataclass(frozen=True)
class Control:
    """What the trained network's units are compared with, and the outcome over all AUs.

    ``ahead`` and ``behind`` count action units whose interval of the difference lies above or
    below 0, of ``asked`` that have one.
    """

    name: str
    title: str
    note: str
    mean: float
    ahead: int
    behind: int
    asked: int


@dataclass(frozen=True)
class ControlCell:
    """One control for one action unit: its AUROC, and what the trained unit is ahead of it."""

    auroc: float
    difference: Estimate
    verdict: str


@dataclass(frozen=True)
class ControlRow:
    """One action unit's best unit beside the controls; ``cells`` in the order of `Controls`."""

    au: str
    name: str
    unit: int
    accepted: bool
    test: Estimate
    cells: tuple[ControlCell, ...]


@dataclass(frozen=True)
class Controls:
    """All action units against all controls, on unseen subjects.

    ``learned`` are ahead of untrained networks, of ``asked`` that have an interval.
    """

    layer: str
    controls: tuple[Control, ...]
    rows: tuple[ControlRow, ...]
    mean: float
    learned: tuple[str, ...]
    asked: int


def build_controls(page: Page) -> Controls | Missing:
    """Gather one row an action unit, one column a control."""
    tables = page.tables
    table = tables.controls
    if table is None or table.empty:
        return tables.missing("The units have not been compared with controls", "verify")
    layer = str(table["layer"].iloc[0])
    names = [n for n in CONTROLS if n in set(table["control"])]
    by_au = {
        str(au): {str(row["control"]): row for row in records(own)}
        for au, own in table.groupby("au", sort=True)
    }
    rows = [_row(tables, layer, au, own, names) for au, own in by_au.items()]
    found = [row for row in rows if row is not None]
    trained = [row.test.value for row in found if not math.isnan(row.test.value)]
    untrained = table[table["control"] == "untrained"]
    return Controls(
        layer=layer,
        controls=tuple(_control(table[table["control"] == n], n) for n in names),
        rows=tuple(found),
        mean=float(np.mean(trained)) if trained else float("nan"),
        learned=tuple(str(a) for a in untrained.loc[untrained["status"] == "better", "au"]),
        asked=int(untrained["status"].isin(("better", "not better", "worse")).sum()),
    )


def _control(table: pd.DataFrame, name: str) -> Control:
    known = CONTROLS[name]
    seeds = int(table["seeds"].max())
    status = table["status"]
    return Control(
        name=name,
        title=known.title,
        note=f"{known.note}, mean of {seeds}" if seeds > 1 else known.note,
        mean=float(table.loc[table["unit"].notna(), "control_auroc_test"].mean()),
        ahead=int((status == "better").sum()),
        behind=int((status == "worse").sum()),
        asked=int(status.isin(("better", "not better", "worse")).sum()),
    )


def _row(
    tables: RunTables, layer: str, au: str, own: dict[str, Row], names: list[str]
) -> ControlRow | None:
    first = next(iter(own.values()))
    unit = count(first, "unit")
    if unit is None:
        return None
    low, high = _interval(tables.mapping, layer, unit, au)
    return ControlRow(
        au=au,
        name=au_name(au),
        unit=unit,
        accepted=text(first, "accepted") == "True",
        test=Estimate(number(first, "auroc_test"), low, high),
        cells=tuple(_cell(own.get(name, {})) for name in names),
    )


def _cell(row: Row) -> ControlCell:
    return ControlCell(
        auroc=number(row, "control_auroc_test"),
        difference=Estimate(*(number(row, f"difference{end}") for end in ("", "_low", "_high"))),
        verdict=text(row, "status").replace(" ", "-"),
    )


def _interval(mapping: pd.DataFrame | None, layer: str, unit: int, au: str) -> tuple[float, float]:
    """Give the interval of a pair's AUROC from the mapping; NaN where it is not there."""
    if mapping is None:
        return float("nan"), float("nan")
    rows = mapping[
        (mapping["layer"] == layer) & (mapping["unit"] == unit) & (mapping["au"] == au)
    ].dropna(subset=["auroc_test_low"])
    row = records(rows)[0] if len(rows) else {}
    return number(row, "auroc_test_low"), number(row, "auroc_test_high")


SECTION: Final = Section(
    order=42,
    anchor="controls",
    heading="Did the network learn them?",
    template="controls.html",
    build=build_controls,
    part_of="evidence",
    downloads={"verify/controls.csv": "best units beside untrained networks and other controls"},
)
