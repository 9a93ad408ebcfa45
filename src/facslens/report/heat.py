"""Every unit against every action unit: the heat map, and the paper's rule beside the test."""

import math
from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
import pandas as pd

from facslens.action_units import ACTION_UNITS
from facslens.report.evidence import Comparison, ComparisonRow, HeatCell, HeatMap
from facslens.report.findings import (
    THRESHOLD,
    accepted_pairs,
    estimate_of,
    layer_names,
    unit_counts,
)
from facslens.report.missing import Missing
from facslens.report.tables import Row, RunTables, count, number, records, text

#: |AUROC − ½| at which the colours of a heat map are at their strongest.
LIMIT: Final = 0.5

Verdict = Literal["same", "suppressed", "chance", "other"]


def build_heatmaps(tables: RunTables) -> tuple[HeatMap, ...] | Missing:
    """Give a heat map for each layer, the layer in focus first."""
    association, mapping = tables.association, tables.mapping
    if association is None or association.empty:
        return tables.missing("The units have not been held against the action units", "associate")
    free = association[association["null"] == "free"]
    return tuple(
        _heatmap(tables, free[free["layer"] == layer], mapping, layer)
        for layer in reversed(layer_names(free))
    )


def _heatmap(
    tables: RunTables, free: pd.DataFrame, mapping: pd.DataFrame | None, layer: str
) -> HeatMap:
    accepted = set() if mapping is None else accepted_pairs(mapping, layer)
    best = _best_pairs(mapping, layer)
    distance = _distance(mapping)
    auroc = _matrix(free[free["distance"] == "auroc"], "value")
    auroc = auroc.dropna(how="all")
    order = _by_preference(auroc)
    chosen = {unit for unit, _ in accepted}
    tested = free[free["distance"] == distance]
    value, null_mean, p_max = (_matrix(tested, c) for c in ("value", "null_mean", "p_maxT"))
    detail = [unit for unit in order if unit in chosen]

    def cell(unit: int, au: str) -> HeatCell:
        return HeatCell(
            auroc=_at(auroc, unit, au),
            distance=_at(value, unit, au),
            null_mean=_at(null_mean, unit, au),
            p_max=_at(p_max, unit, au),
            accepted=(unit, au) in accepted,
            best=(unit, au) in best,
        )

    aus = [str(au) for au in auroc.columns]
    total, _ = unit_counts(tables, layer)
    return HeatMap(
        layer=layer,
        distance=distance,
        aus=tuple(aus),
        names=tuple(_name(au) for au in aus),
        units=tuple(order),
        left_out=max(total - len(order), 0),
        overview=tuple(tuple(_at(auroc, unit, au) - 0.5 for unit in order) for au in aus),
        chosen=tuple(unit in chosen for unit in order),
        detail_units=tuple(detail),
        detail=tuple(tuple(cell(unit, au) for unit in detail) for au in aus),
        limit=LIMIT,
    )


def _matrix(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table.pivot_table(index="unit", columns="au", values=column, dropna=False)


def _at(matrix: pd.DataFrame, unit: int, au: str) -> float:
    if unit not in matrix.index or au not in matrix.columns:
        return float("nan")
    return float(matrix.loc[unit, au])  # type: ignore[arg-type]


def _by_preference(auroc: pd.DataFrame) -> list[int]:
    """Order units by the action unit of their largest AUROC, the largest first."""
    if auroc.empty:
        return []
    values = auroc.to_numpy(dtype=float, na_value=np.nan)
    filled = np.where(np.isnan(values), -np.inf, values)
    favourite, height = filled.argmax(axis=1), filled.max(axis=1)
    return [int(auroc.index[i]) for i in np.lexsort((-height, favourite))]


def _best_pairs(mapping: pd.DataFrame | None, layer: str) -> set[tuple[int, str]]:
    if mapping is None:
        return set()
    rows = mapping[
        (mapping["layer"] == layer)
        & (mapping["rule"] == "tested")
        & (mapping["view"] == "au_to_unit")
    ]
    rows = rows.dropna(subset=["unit", "au"]).sort_values("z", ascending=False, kind="stable")
    rows = rows.drop_duplicates("au")
    return {(int(u), str(a)) for u, a in zip(rows["unit"], rows["au"], strict=True)}


def _distance(mapping: pd.DataFrame | None) -> str:
    if mapping is None or "distance" not in mapping.columns:
        return "kl"
    known = mapping["distance"].dropna()
    return str(known.iloc[0]) if len(known) else "kl"


def _name(au: str) -> str:
    return ACTION_UNITS[au].name if au in ACTION_UNITS else ""


def build_comparison(tables: RunTables) -> Comparison | Missing:
    """Hold the tested mapping against the plain argmax of the distance, per action unit."""
    mapping = tables.mapping
    if mapping is None or not (mapping["rule"] == "distance").any():
        return tables.missing("The paper's plain argmax has not been computed", "associate")
    layer = layer_names(mapping)[-1]
    own = mapping[(mapping["layer"] == layer) & (mapping["view"] == "au_to_unit")]
    tested = _first_by_au(own[own["rule"] == "tested"], "z")
    argmax = _first_by_au(own[own["rule"] == "distance"], "value")
    rows = tuple(_compare(au, tested.get(au, {}), argmax[au]) for au in sorted(argmax))
    tally = {v: sum(r.verdict == v for r in rows) for v in ("same", "suppressed", "chance")}
    nulls = [r.null_mean for r in rows if not math.isnan(r.null_mean)]
    return Comparison(
        layer=layer,
        distance=_distance(mapping),
        rows=rows,
        **tally,
        other=len(rows) - sum(tally.values()),
        nulls=(min(nulls), max(nulls)) if nulls else (float("nan"), float("nan")),
    )


def _first_by_au(rows: pd.DataFrame, column: str) -> Mapping[str, Row]:
    rows = rows.sort_values(column, ascending=False, kind="stable", na_position="last")
    return {text(row, "au"): row for row in records(rows.drop_duplicates("au"))}


def _compare(au: str, tested: Row, argmax: Row) -> ComparisonRow:
    unit, plain = count(tested, "unit"), count(argmax, "unit")
    auroc, p_max = number(argmax, "auroc"), number(argmax, "p_maxT")
    verdict, explanation = _verdict(unit, plain, auroc, p_max)
    return ComparisonRow(
        au=au,
        name=_name(au),
        tested=unit,
        tested_auroc=number(tested, "auroc"),
        tested_test=estimate_of(tested),
        argmax=plain,
        argmax_auroc=auroc,
        argmax_test=estimate_of(argmax),
        value=number(argmax, "value"),
        null_mean=number(argmax, "null_mean"),
        p_max=p_max,
        n_present=count(argmax, "n_present"),
        verdict=verdict,
        explanation=explanation,
    )


def _verdict(
    unit: int | None, plain: int | None, auroc: float, p_max: float
) -> tuple[Verdict, str]:
    if unit is not None and unit == plain:
        return "same", "the same unit"
    if auroc <= 0.5:
        return "suppressed", "the largest distance is of a unit that responds less"
    if p_max >= THRESHOLD:
        return "chance", "the largest distance is not beyond chance"
    return "other", "another unit stands further above its own chance level"
