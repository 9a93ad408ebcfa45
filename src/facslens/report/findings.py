"""What was found: for each action unit its best unit, with the evidence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from facslens.action_units import ACTION_UNITS
from facslens.association.verdicts import SENTENCES
from facslens.datasets.splits import CONFIRMATION
from facslens.report.choices import accepted_pairs, first_rows, layer_names, unit_counts
from facslens.report.coded import build_coded
from facslens.report.estimates import Estimate, estimate_of
from facslens.report.exemplars import Exemplar, exemplars_of
from facslens.report.histograms import Histogram, histogram_of
from facslens.report.missing import Missing
from facslens.report.section import Page
from facslens.report.tables import (
    Row,
    RunTables,
    count,
    number,
    records,
    text,
)
from facslens.statistics import ALPHA

Status = Literal["confirmed", "not confirmed", "none", "not enough data"]


@dataclass(frozen=True)
class LayerUnit:
    """The unit that another layer offers for the same action unit."""

    layer: str
    unit: int | None
    status: Status
    test: Estimate


@dataclass(frozen=True)
class Finding:
    """One action unit: its best unit, if any, and the evidence."""

    au: str
    name: str
    muscles: str
    status: Status
    reason: str
    coded: str
    layer: str
    unit: int | None
    auroc: float
    test: Estimate
    auprc: float
    pearson: float
    distance: str
    value: float
    null_mean: float
    p_max: float
    p_within: float
    beyond_expression: bool | None
    n_present: int | None
    n_absent: int | None
    n_test_present: int | None
    n_test_absent: int | None
    sentences: tuple[str, ...]
    within: Estimate
    n_within: int | None
    partial: Estimate
    units_accepted: int
    shared_with: tuple[str, ...]
    histogram: Histogram | None
    exemplars: tuple[Exemplar, ...]
    others: tuple[LayerUnit, ...]


@dataclass(frozen=True)
class LayerCount:
    """How many action units found a unit in one layer."""

    layer: str
    units: int
    live: int
    accepted: int
    confirmed: int


@dataclass(frozen=True)
class Findings:
    """All action units against the layer in focus, and the count in every layer."""

    layer: str
    distance: str
    cards: tuple[Finding, ...]
    axis: tuple[float, float]
    ticks: tuple[float, ...]
    layers: tuple[LayerCount, ...]
    tested_aus: int
    accepted: int
    confirmed: int
    confirmed_units: int
    beyond_expression: int | None
    within_expression: bool
    mean_test: float
    mean_test_aus: int
    test_subjects: int
    rule: str
    whole: bool
    pictures: Missing | None
    coded: str


_ORDER: Final[tuple[Status, ...]] = ("confirmed", "not confirmed", "not enough data", "none")


def build_findings(page: Page) -> Findings | Missing:
    """Gather one card for each action unit against the last recorded layer."""
    tables = page.tables
    mapping = tables.mapping
    if mapping is None or mapping.empty:
        return tables.missing("The units have not been compared with the action units", "associate")
    layers = layer_names(mapping)
    focus = layers[-1]
    best = {(layer, au): row for layer in layers for au, row in first_rows(mapping, layer).items()}
    aus = _all_aus(tables, [au for layer, au in best if layer == focus])
    told = _sentences(tables, focus)
    coded = page.of(build_coded)
    cards = [
        _card(tables, au, focus, layers, best, told.get(au, ()), coded.programs([au])) for au in aus
    ]
    cards.sort(key=_rank)
    held = [c.test.value for c in cards if c.unit is not None and not math.isnan(c.test.value)]
    beyond = [c.beyond_expression for c in cards if c.status == "confirmed"]
    low, ticks = _axis([e for c in cards for e in (c.auroc, c.test.low, c.test.value)])
    return Findings(
        layer=focus,
        distance=next((c.distance for c in cards if c.distance), ""),
        cards=tuple(cards),
        axis=(low, 1.0),
        ticks=ticks,
        layers=tuple(_count(tables, layer, best) for layer in layers),
        tested_aus=sum(layer == focus for layer, _ in best),
        accepted=sum(c.unit is not None for c in cards),
        confirmed=sum(c.status == "confirmed" for c in cards),
        confirmed_units=len({c.unit for c in cards if c.status == "confirmed"}),
        beyond_expression=None if all(b is None for b in beyond) else sum(map(bool, beyond)),
        within_expression=any(not math.isnan(c.p_within) for c in cards),
        mean_test=float(np.mean(held)) if held else float("nan"),
        mean_test_aus=len(held),
        test_subjects=_subjects(tables, CONFIRMATION),
        rule=next((e.rule for c in cards for e in c.exemplars), ""),
        whole=any(e.whole for c in cards for e in c.exemplars),
        pictures=_no_pictures(tables, cards),
        coded=coded.programs(au for layer, au in best if layer == focus),
    )


def _no_pictures(tables: RunTables, cards: Sequence[Finding]) -> Missing | None:
    """Say why there is no picture; None where there are some, or no unit to show."""
    if tables.projections is None:
        return tables.missing("The exemplars have not been projected back to pixels", "project")
    if any(c.unit is not None for c in cards) and not any(c.exemplars for c in cards):
        return tables.missing("The pictures of these units are not there", "project")
    return None


def _sentences(tables: RunTables, layer: str) -> dict[str, tuple[str, ...]]:
    """Give each action unit's verdict, with what `facslens verify` has to add."""
    table = tables.verdicts
    if table is None:
        return {}
    return {
        text(row, "au"): tuple(filter(None, (text(row, column) for column in SENTENCES)))
        for row in records(table[table["layer"] == layer])
    }


def _all_aus(tables: RunTables, mapped: Sequence[str]) -> list[str]:
    coverage = tables.coverage
    more = [] if coverage is None else [str(au) for au in coverage["au"]]
    return sorted({*mapped, *more} - {""})


def _card(
    tables: RunTables,
    au: str,
    focus: str,
    layers: Sequence[str],
    best: dict[tuple[str, str], Row],
    told: tuple[str, ...],
    coded: str,
) -> Finding:
    row = best.get((focus, au), {})
    unit = count(row, "unit")
    mapping = tables.mapping
    assert mapping is not None
    known = ACTION_UNITS.get(au)
    p_within = _within(tables.association, focus, unit, au, text(row, "distance"))
    return Finding(
        au=au,
        name=known.name if known else "",
        muscles=known.muscles if known else "",
        status=_status(row),
        reason=_reason(tables, row, au, focus),
        coded=coded,
        layer=focus,
        unit=unit,
        auroc=number(row, "auroc"),
        test=estimate_of(row),
        auprc=number(row, "auprc"),
        pearson=number(row, "pearson"),
        distance=text(row, "distance"),
        value=number(row, "value"),
        null_mean=number(row, "null_mean"),
        p_max=number(row, "p_maxT"),
        p_within=p_within,
        beyond_expression=None if math.isnan(p_within) else p_within < ALPHA,
        n_present=count(row, "n_present"),
        n_absent=count(row, "n_absent"),
        n_test_present=count(row, "n_test_present"),
        n_test_absent=count(row, "n_test_absent"),
        shared_with=tuple(
            other
            for (layer, other), found in sorted(best.items())
            if layer == focus and other != au and unit is not None and count(found, "unit") == unit
        ),
        sentences=told,
        within=estimate_of(row, "auroc_within_test"),
        n_within=count(row, "n_within_test"),
        partial=estimate_of(row, "partial_test"),
        units_accepted=sum(a == au for _, a in accepted_pairs(mapping, focus)),
        histogram=None if unit is None else histogram_of(tables, focus, unit, au),
        exemplars=() if unit is None else exemplars_of(tables, focus, unit),
        others=tuple(_other(layer, best.get((layer, au), {})) for layer in layers[:-1]),
    )


def _status(row: Row) -> Status:
    found = text(row, "status")
    for status in _ORDER:
        if found == status:
            return status
    return "not enough data" if not row else "none"


def _reason(tables: RunTables, row: Row, au: str, layer: str) -> str:
    if not row:
        coverage = tables.coverage
        own = [] if coverage is None else records(coverage[coverage["au"] == au])
        return (text(own[0], "reason") if own else "") or "too few faces show it"
    status = _status(row)
    if status == "none":
        return f"no unit of {layer} passed the test"
    if status == "not confirmed":
        return "on unseen subjects the interval does not lie above ½"
    if status == "not enough data":
        return "too few unseen subjects show it"
    return ""


def _other(layer: str, row: Row) -> LayerUnit:
    return LayerUnit(layer, count(row, "unit"), _status(row), estimate_of(row))


def _within(
    association: pd.DataFrame | None, layer: str, unit: int | None, au: str, distance: str
) -> float:
    """Give max-T p of a pair under the null within expression; NaN where it was not run."""
    if association is None or unit is None:
        return float("nan")
    row = association[
        (association["layer"] == layer)
        & (association["unit"] == unit)
        & (association["au"] == au)
        & (association["null"] == "within_expression")
        & (association["distance"] == distance)
    ]
    return number(records(row)[0], "p_maxT") if len(row) else float("nan")


def _rank(card: Finding) -> tuple[int, bool, float, str]:
    value = card.test.value if not math.isnan(card.test.value) else card.auroc
    missing = math.isnan(value)
    return _ORDER.index(card.status), card.unit is None, 0.0 if missing else -value, card.au


def _axis(values: Sequence[float]) -> tuple[float, tuple[float, ...]]:
    finite = [v for v in values if not math.isnan(v)]
    low = min([0.4, *(math.floor(v * 10) / 10 for v in finite)])
    return low, tuple(t for t in (0.0, 0.25, 0.5, 0.75, 1.0) if t >= low)


def _count(tables: RunTables, layer: str, best: dict[tuple[str, str], Row]) -> LayerCount:
    rows = [row for (name, _), row in best.items() if name == layer]
    total, live = unit_counts(tables, layer)
    return LayerCount(
        layer=layer,
        units=total,
        live=live,
        accepted=sum(count(row, "unit") is not None for row in rows),
        confirmed=sum(_status(row) == "confirmed" for row in rows),
    )


def _subjects(tables: RunTables, splits: Sequence[str]) -> int:
    if tables.faces is None:
        return 0
    return int(tables.faces.part(*splits).table["subject"].nunique())
