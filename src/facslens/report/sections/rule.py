"""The tested mapping beside the paper's plain largest distance."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from facslens.report.choices import deciding_distance, first_rows, layer_names
from facslens.report.estimates import Estimate, estimate_of
from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Page, Section
from facslens.report.tables import Row, count, number
from facslens.statistics import ALPHA


@dataclass(frozen=True)
class ComparisonRow:
    """The tested unit and the paper's argmax for one action unit."""

    au: str
    name: str
    tested: int | None
    tested_auroc: float
    tested_test: Estimate
    argmax: int | None
    argmax_auroc: float
    argmax_test: Estimate
    value: float
    null_mean: float
    p_max: float
    n_present: int | None
    verdict: Literal["same", "suppressed", "chance", "other"]
    explanation: str


@dataclass(frozen=True)
class Comparison:
    """Tested mapping against the plain argmax of the distance, in one layer."""

    layer: str
    distance: str
    rows: tuple[ComparisonRow, ...]
    same: int
    suppressed: int
    chance: int
    other: int
    nulls: tuple[float, float]


Verdict = Literal["same", "suppressed", "chance", "other"]


def build_comparison(page: Page) -> Comparison | Missing:
    """Compare the tested mapping with the units of largest distance, per action unit."""
    tables = page.tables
    mapping = tables.mapping
    if mapping is None or not (mapping["rule"] == "distance").any():
        return tables.missing("The units of largest distance have not been computed", "associate")
    layer = layer_names(mapping)[-1]
    tested, argmax = (first_rows(mapping, layer, rule) for rule in ("tested", "distance"))
    rows = tuple(_compare(au, tested.get(au, {}), argmax[au]) for au in sorted(argmax))
    tally = {v: sum(r.verdict == v for r in rows) for v in ("same", "suppressed", "chance")}
    nulls = [r.null_mean for r in rows if not math.isnan(r.null_mean)]
    return Comparison(
        layer=layer,
        distance=deciding_distance(mapping),
        rows=rows,
        **tally,
        other=len(rows) - sum(tally.values()),
        nulls=(min(nulls), max(nulls)) if nulls else (float("nan"), float("nan")),
    )


def _compare(au: str, tested: Row, argmax: Row) -> ComparisonRow:
    unit, plain = count(tested, "unit"), count(argmax, "unit")
    auroc, p_max = number(argmax, "auroc"), number(argmax, "p_maxT")
    verdict, explanation = _verdict(unit, plain, auroc, p_max)
    return ComparisonRow(
        au=au,
        name=au_name(au),
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
        return "suppressed", "the unit of largest distance responds less when the AU is present"
    if p_max >= ALPHA:
        return "chance", "the largest distance does not pass the test"
    return "other", "another unit’s distance lies further above its permuted ones"


def tables(page: Page) -> Mapping[str, tuple[str, pd.DataFrame]]:
    """Give the comparison as a table."""
    found = page.of(build_comparison)
    if isinstance(found, Missing):
        return {}
    rows = [
        {
            "au": r.au,
            "tested_unit": r.tested,
            "tested_auroc_test": r.tested_test.value,
            "largest_unit": r.argmax,
            found.distance: r.value,
            "null_mean": r.null_mean,
            "p_maxT": r.p_max,
            "largest_auroc": r.argmax_auroc,
            "where_they_differ": r.explanation,
        }
        for r in found.rows
    ]
    table = pd.DataFrame(rows).astype({"tested_unit": "Int64", "largest_unit": "Int64"})
    return {"tested_or_largest.csv": ("the tested unit beside that of largest distance", table)}


SECTION: Final = Section(
    order=90,
    anchor="rule",
    heading="The tested unit beside the unit of largest distance",
    title="Tested or largest",
    template="rule.html",
    build=build_comparison,
    tables=tables,
)
