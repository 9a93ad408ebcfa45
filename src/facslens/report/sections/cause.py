"""What the expressions lose without the units of an action unit."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from facslens.association.discovery.correction import benjamini_hochberg
from facslens.association.verdicts import Cause
from facslens.datasets.splits import DISCOVERY
from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Page, Section
from facslens.report.tables import Row, RunTables, number, records, text
from facslens.statistics import ALPHA


@dataclass(frozen=True)
class Loss:
    """What an expression loses, what it loses with like units, p and q of that."""

    change: float
    others: float
    p: float
    q: float


@dataclass(frozen=True)
class CauseRow:
    """An action unit's units taken away (or kept alone): what its expression loses.

    ``share`` is how often that expression's sequences in discovery show the action unit.
    """

    au: str
    name: str
    units: int
    expression: str
    share: float
    n_faces: int
    score: Loss
    accuracy: Loss


@dataclass(frozen=True)
class Causes:
    """Ablation of every action unit's units; ``kept``: of all but them."""

    layer: str
    rows: tuple[CauseRow, ...]
    kept: tuple[CauseRow, ...]
    sets: int
    score: int
    accuracy: int
    level: float


#: How units are taken away in the table of the page; the other way is in the file.
MODE: Final = "zero"


def build_causes(page: Page) -> Causes | Missing:
    """Gather what each action unit's own expression loses, against like units."""
    tables = page.tables
    table = tables.ablation
    if table is None or table.empty:
        return tables.missing("The mapped units have not been taken away", "verify")
    rows, kept = (_rows(tables, table, action) for action in ("ablate", "keep"))
    return Causes(
        layer=str(table["layer"].iloc[0]),
        rows=rows,
        kept=kept,
        sets=int(table["n_sets"].max()),
        score=sum(row.score.q < ALPHA for row in rows),
        accuracy=sum(row.accuracy.q < ALPHA for row in rows),
        level=ALPHA,
    )


def causes_of(page: Page, layer: str) -> dict[str, Cause]:
    """Give each action unit's cause for its verdict, where the layer was checked."""
    found = page.of(build_causes)
    if isinstance(found, Missing) or found.layer != layer:
        return {}
    return {
        row.au: Cause(
            row.expression,
            row.units,
            row.score.change,
            row.score.others,
            row.score.q,
            -row.accuracy.change,
        )
        for row in found.rows
    }


def related_expressions(tables: RunTables) -> dict[str, tuple[str, float]]:
    """Give for each action unit the expression that shows it most often, and how often.

    Of the discovery subjects, one value a sequence; the labels alone choose it.
    """
    if tables.faces is None:
        return {}
    table = tables.faces.part(*DISCOVERY).table
    table = table[table["expression"].notna() & (table["expression"] != "neutral")]
    aus = list(tables.faces.aus)
    sequence = table["sequence"].fillna(table["image"])
    shown = table.groupby([sequence, "expression"])[aus].max().groupby("expression").mean()
    found = {}
    for au in aus:
        share = shown[au].dropna()
        if len(share) and share.max() > 0:
            found[au] = (str(share.idxmax()), float(share.max()))
    return found


def _rows(tables: RunTables, table: pd.DataFrame, action: str) -> tuple[CauseRow, ...]:
    related = related_expressions(tables)
    own = table[
        (table["action"] == action) & (table["mode"] == MODE) & (table["status"] == "tested")
    ]
    chosen = [
        row for row in records(own) if related.get(text(row, "au"), ("",))[0] == row["expression"]
    ]
    losses = {name: _losses(chosen, name) for name in ("score", "accuracy")}
    return tuple(
        CauseRow(
            au=text(row, "au"),
            name=au_name(text(row, "au")),
            units=int(row["n_units"]),
            expression=text(row, "expression"),
            share=related[text(row, "au")][1],
            n_faces=int(row["n_faces"]),
            score=score,
            accuracy=accuracy,
        )
        for row, score, accuracy in zip(chosen, losses["score"], losses["accuracy"], strict=True)
    )


def _losses(rows: list[Row], name: str) -> list[Loss]:
    """Read what was lost, its p corrected over these rows: one an action unit."""
    p = np.array([number(row, f"p_{name}") for row in rows], dtype=np.float64)
    return [
        Loss(number(row, f"{name}_change"), number(row, f"{name}_null_mean"), float(own), float(q))
        for row, own, q in zip(rows, p, benjamini_hochberg(p), strict=True)
    ]


SECTION: Final = Section(
    order=50,
    anchor="cause",
    heading="Does the network use them?",
    title="Cause",
    template="cause.html",
    build=build_causes,
    downloads={
        "verify/ablation.csv": "what every expression loses without the units of an action unit"
    },
)
