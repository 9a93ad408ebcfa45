"""Every unit against every action unit: the heat map, and the paper's rule beside the test."""

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from facslens.plot.matrices import matrix
from facslens.plot.ordering import by_preference
from facslens.plot.style import Drawing
from facslens.report.choices import (
    accepted_pairs,
    deciding_distance,
    first_rows,
    layer_names,
    unit_counts,
)
from facslens.report.figures import heat_png
from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Drawn, Page, Section
from facslens.report.tables import RunTables, count


@dataclass(frozen=True)
class HeatCell:
    """One unit and action unit of the detailed heat map."""

    auroc: float
    distance: float
    null_mean: float
    p_max: float
    accepted: bool
    best: bool


@dataclass(frozen=True)
class HeatMap:
    """Signed AUROC − ½ of every unit and action unit of a layer, in discovery.

    ``overview`` has one row an action unit and one column a live unit, both in the order of
    ``aus`` and ``units``; ``detail`` has the units with an accepted pair only.
    """

    layer: str
    distance: str
    aus: tuple[str, ...]
    names: tuple[str, ...]
    units: tuple[int, ...]
    left_out: int
    overview: tuple[tuple[float, ...], ...]
    chosen: tuple[bool, ...]
    detail_units: tuple[int, ...]
    detail: tuple[tuple[HeatCell, ...], ...]
    limit: float


#: |AUROC − ½| at which the colours of a heat map are at their strongest.
LIMIT: Final = 0.5


def build_heatmaps(page: Page) -> tuple[HeatMap, ...] | Missing:
    """Give a heat map for each layer, the layer in focus first."""
    tables = page.tables
    association, mapping = tables.association, tables.mapping
    if association is None or association.empty:
        return tables.missing("The units have not been compared with the action units", "associate")
    free = association[association["null"] == "free"]
    return tuple(
        _heatmap(tables, free[free["layer"] == layer], mapping, layer)
        for layer in reversed(layer_names(free[free["distance"] == "auroc"]))
    )


def _heatmap(
    tables: RunTables, free: pd.DataFrame, mapping: pd.DataFrame | None, layer: str
) -> HeatMap:
    accepted = set() if mapping is None else accepted_pairs(mapping, layer)
    best = _firsts(mapping, layer)
    distance = deciding_distance(mapping)
    auroc = _matrix(free[free["distance"] == "auroc"], "value")
    auroc = auroc.dropna(how="all")
    order = by_preference(auroc)
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
        names=tuple(au_name(au) for au in aus),
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


def _firsts(mapping: pd.DataFrame | None, layer: str) -> set[tuple[int, str]]:
    """Give the first unit of each action unit that has one."""
    if mapping is None:
        return set()
    units = {au: count(row, "unit") for au, row in first_rows(mapping, layer).items()}
    return {(unit, au) for au, unit in units.items() if unit is not None}


def paint(page: Page) -> dict[str, bytes]:
    """Paint the overviews, one a layer."""
    heatmaps = page.of(build_heatmaps)
    if isinstance(heatmaps, Missing):
        return {}
    return {
        f"heatmaps/{n}.png": heat_png(
            np.asarray(one.overview, dtype=float).reshape(len(one.aus), len(one.units)), one.limit
        )
        for n, one in enumerate(heatmaps, start=1)
    }


def draw(page: Page) -> Drawn:
    """Draw the map of every layer."""
    heatmaps = page.of(build_heatmaps)
    if isinstance(heatmaps, Missing):
        return {}
    return {f"heatmap-{n}": partial(_draw, h) for n, h in enumerate(heatmaps, start=1) if h.units}


def _draw(one: HeatMap) -> Drawing:
    units, aus = one.units, one.aus
    dots = np.zeros((len(aus), len(units)), dtype=bool)
    for row, cells in enumerate(one.detail):
        for unit, cell in zip(one.detail_units, cells, strict=True):
            dots[row, units.index(unit)] = cell.accepted
    return matrix(
        np.asarray(one.overview, dtype=float).reshape(dots.shape),
        aus,
        [str(unit) for unit in units],
        title=f"{one.layer}: {len(units)} live units, AUROC in discovery",
        limit=one.limit,
        label="AUROC − ½",
        dots=dots,
        key=("accepted", "") if dots.any() else ("", ""),
    )


SECTION: Final = Section(
    order=80,
    anchor="heatmap",
    heading="Every unit against every action unit",
    title="All units",
    template="heatmap.html",
    build=build_heatmaps,
    figures=draw,
    downloads={"association.parquet": "every unit, action unit and distance"},
    files=paint,
)
