"""What the expressions lose without the units of an action unit."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Page, Section
from facslens.report.tables import Row, number, records, text
from facslens.statistics import ALPHA


@dataclass(frozen=True)
class Loss:
    """What an expression loses, what it loses with similar units, p and q of that."""

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
    """Gather what each action unit's own expression loses, and with similar units."""
    tables = page.tables
    table = tables.ablation
    if table is None or table.empty or "q_score" not in table.columns:
        return tables.missing("The mapped units have not been ablated", "verify")
    rows, kept = (_rows(table, action) for action in ("ablate", "keep"))
    return Causes(
        layer=str(table["layer"].iloc[0]),
        rows=rows,
        kept=kept,
        sets=int(table["n_sets"].max()),
        score=sum(row.score.q < ALPHA for row in rows),
        accuracy=sum(row.accuracy.q < ALPHA for row in rows),
        level=ALPHA,
    )


def _rows(table: pd.DataFrame, action: str) -> tuple[CauseRow, ...]:
    own = table[
        table["related"]
        & (table["action"] == action)
        & (table["mode"] == MODE)
        & (table["status"] == "tested")
    ]
    return tuple(
        CauseRow(
            au=text(row, "au"),
            name=au_name(text(row, "au")),
            units=int(row["n_units"]),
            expression=text(row, "expression"),
            share=number(row, "share"),
            n_faces=int(row["n_faces"]),
            score=_loss(row, "score"),
            accuracy=_loss(row, "accuracy"),
        )
        for row in records(own)
    )


def _loss(row: Row, name: str) -> Loss:
    ends = (f"{name}_change", f"{name}_null_mean", f"p_{name}", f"q_{name}")
    return Loss(*(number(row, column) for column in ends))


SECTION: Final = Section(
    order=50,
    anchor="cause",
    heading="Does the network use them?",
    title="Cause",
    template="cause.html",
    build=build_causes,
    downloads={
        "verify/ablation.csv": "how expressions change when the units of an action unit are ablated"
    },
)
