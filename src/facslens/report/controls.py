"""The trained network's units beside controls, beside a stricter null, beside other AUs."""

import math
from typing import Final

import numpy as np
import pandas as pd

from facslens.action_units import ACTION_UNITS
from facslens.association.verdicts import Effect
from facslens.report.checks import (
    ConfoundRow,
    Confounds,
    Control,
    ControlCell,
    ControlRow,
    Controls,
    NullRow,
    Nulls,
)
from facslens.report.evidence import Estimate
from facslens.report.missing import Missing
from facslens.report.tables import Row, RunTables, count, number, records, text

#: What each control is called on the page, and what it stands for; in the order of columns.
TITLES: Final = {
    "untrained": ("untrained", "the same network before training"),
    "shuffled": ("shuffled", "trained on shuffled expressions"),
    "rotated": ("rotated", "random mixtures of the layer’s units"),
    "pixels": ("pixels", "brightness of one pixel"),
    "gradients": ("gradients", "one bin of a histogram of gradients"),
    "probe": ("probe", "linear, all units together: the ceiling"),
}
#: Level below which a max-T p accepts.
ALPHA: Final = 0.05
WITHIN: Final = "within_expression"


def build_controls(tables: RunTables) -> Controls | Missing:
    """Gather one row an action unit, one column a control."""
    table = tables.controls
    if table is None or table.empty:
        return tables.missing("The units have not been held against controls", "verify")
    layer = str(table["layer"].iloc[0])
    names = [n for n in TITLES if n in set(table["control"])]
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
    title, note = TITLES[name]
    seeds = int(table["seeds"].max())
    status = table["status"]
    return Control(
        name=name,
        title=title,
        note=f"{note}, mean of {seeds}" if seeds > 1 else note,
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
        name=name_of(au),
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


def control_effects(tables: RunTables, layer: str) -> dict[str, Effect]:
    """Give what each action unit's unit is ahead of untrained networks, where it was checked."""
    table = tables.controls
    if table is None:
        return {}
    rows = table[(table["control"] == "untrained") & (table["layer"] == layer)]
    return {
        text(row, "au"): Effect(
            number(row, "difference"), number(row, "difference_low"), number(row, "difference_high")
        )
        for row in records(rows.dropna(subset=["unit"]))
    }


def build_nulls(tables: RunTables) -> Nulls | Missing:
    """Count what is accepted and confirmed with the expression free, and with it fixed."""
    association, mapping = tables.association, tables.mapping
    if mapping is None or association is None or mapping.empty:
        return tables.missing("The units have not been held against the action units", "associate")
    layer = str(mapping["layer"].dropna().unique()[-1])
    tested = mapping[(mapping["rule"] == "tested") & (mapping["view"] == "au_to_unit")]
    best = tested[(tested["layer"] == layer) & (tested["rank"].fillna(1) == 1)]
    rows = [
        _null(association, best, layer, "free", "freely", "status"),
        _null(association, best, layer, WITHIN, "within one expression", "status_within"),
    ]
    return Nulls(layer, tuple(rows), _words(*rows))


def _null(
    association: pd.DataFrame, best: pd.DataFrame, layer: str, null: str, title: str, status: str
) -> NullRow:
    distance = best["distance"].dropna()
    rows = association[
        (association["layer"] == layer)
        & (association["null"] == null)
        & (association["distance"] == (distance.iloc[0] if len(distance) else "kl"))
    ].dropna(subset=["p_maxT"])
    found = best[status] if status in best else pd.Series("", index=best.index)
    return NullRow(
        title=title,
        tested=int(rows["au"].nunique()),
        accepted=int(rows.loc[rows["p_maxT"] < ALPHA, "au"].nunique()),
        asked=int(found.isin(("confirmed", "not confirmed")).sum()),
        confirmed=int((found == "confirmed").sum()),
    )


def _words(free: NullRow, within: NullRow) -> str:
    """Say what the expression explains, from the counts."""
    if not free.accepted or not within.tested:
        return ""
    if 2 * within.accepted < free.accepted:
        whose = "Most of what these units tell of action units is the expression’s"
    elif within.accepted < free.accepted:
        whose = "Some of what these units tell of action units is the expression’s"
    else:
        whose = "The expression does not account for what these units tell of action units"
    return (
        f"{whose}: {free.accepted} action units have a unit that passes the test when labels "
        f"move freely between faces, {within.accepted or 'none'} when they move only between "
        f"faces of one expression. On unseen people {free.confirmed} of {free.asked} hold; among "
        f"their faces of one expression {_asked(within)}."
    )


def _asked(within: NullRow) -> str:
    if within.asked == 0:
        return "there are too few to ask again for any"
    held = within.confirmed or "none"
    return f"{held} of the {within.asked} for which there are enough faces to ask"


def build_confounds(tables: RunTables) -> Confounds | Missing:
    """Name the action units that no unit could tell apart on these faces."""
    table = tables.confounds
    if table is None:
        return tables.missing("The action units have not been held against another", "associate")
    rows = tuple(
        ConfoundRow(
            au=text(row, "au"),
            name=name_of(text(row, "au")),
            closest=text(row, "closest"),
            phi=number(row, "phi"),
            n_differ=count(row, "n_differ"),
            explained=number(row, "explained"),
            inseparable=tuple(text(row, "inseparable").split()),
        )
        for row in records(table)
    )
    groups = {tuple(sorted({row.au, *row.inseparable})) for row in rows if row.inseparable}
    return Confounds(rows, tuple(sorted(groups)))


def name_of(au: str) -> str:
    """Give an action unit's name; empty where it has none."""
    return ACTION_UNITS[au].name if au in ACTION_UNITS else ""
