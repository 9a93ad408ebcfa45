"""How well the network reads expressions: its training and its confusions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from facslens.plot.matrices import matrix
from facslens.report.missing import Missing
from facslens.report.section import Drawn, Page, Section
from facslens.report.tables import RunTables, number
from facslens.training.predictions import accuracy, confusion, per_class


@dataclass(frozen=True)
class ClassScore:
    """How well one expression was recognised."""

    expression: str
    n: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Confusion:
    """Counts of true (row) and predicted (column) expressions on one part of the faces."""

    split: str
    expressions: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    fractions: tuple[tuple[float, ...], ...]
    scores: tuple[ClassScore, ...]
    accuracy: float
    correct: int
    n: int
    subjects: int
    macro_f1: float
    baseline: float


def build_confusion(page: Page) -> Confusion | Missing:
    """Count true against predicted expressions on the test faces."""
    tables = page.tables
    predictions = tables.predictions
    stage = "record" if tables.is_audit else "train"
    if predictions is None:
        return tables.missing("The network has not been tested on the test faces", stage)
    # nobody in an audit was trained on here
    own = predictions if tables.is_audit else predictions[predictions["split"] == "test"]
    own = own.dropna(subset=["true"])
    if own.empty:
        return tables.missing("No test face has a known expression", stage)
    listed = [str(e) for e in tables.model.get("expressions", [])]
    found = set(own["true"]) | set(own["predicted"])
    names = listed if found <= set(listed) else sorted(found)
    counts = confusion(own, names)
    scores = per_class(counts)
    total = counts.sum(axis=1)
    return Confusion(
        split="all" if tables.is_audit else "test",
        expressions=tuple(names),
        counts=tuple(tuple(int(v) for v in row) for row in counts.to_numpy()),
        fractions=tuple(
            tuple(float(v) / float(n) if n else float("nan") for v in row)
            for row, n in zip(counts.to_numpy(), total, strict=True)
        ),
        scores=tuple(
            ClassScore(
                expression=str(name),
                n=int(row["count"]),
                precision=number(row, "precision"),
                recall=number(row, "recall"),
                f1=number(row, "f1"),
            )
            for name, row in scores.to_dict("index").items()
        ),
        accuracy=accuracy(own),
        correct=int((own["true"] == own["predicted"]).sum()),
        n=len(own),
        subjects=_subjects(tables, own),
        macro_f1=float(scores["f1"].mean()),
        baseline=float(total.max() / len(own)),
    )


def _subjects(tables: RunTables, predictions: pd.DataFrame) -> int:
    if tables.faces is None:
        return 0
    table = tables.faces.table
    return int(table.loc[table["image"].isin(predictions["image"]), "subject"].nunique())


def draw(page: Page) -> Drawn:
    """Draw the confusions, as shares of the true expression; errors are vermilion."""
    found = page.of(build_confusion)
    if isinstance(found, Missing):
        return {}
    shares = np.asarray(found.fractions, dtype=float)
    sign = 2 * np.eye(len(shares)) - 1
    return {
        "confusion": lambda: matrix(
            np.where(shares > 0, sign * shares, np.nan),
            found.expressions,
            found.expressions,
            title="True expression in rows, named in columns",
            limit=1.0,
            label="right or wrong, share of the row",
            written=lambda share: f"{100 * abs(share):.0f}",
            cell=0.3,
        )
    }


def tables(page: Page) -> Mapping[str, tuple[str, pd.DataFrame]]:
    """Give the confusions and the scores as tables."""
    found = page.of(build_confusion)
    if isinstance(found, Missing):
        return {}
    counts = pd.DataFrame(found.counts, columns=list(found.expressions))
    counts.insert(0, "true", list(found.expressions))
    return {
        "confusion.csv": ("true expressions in rows, named ones in columns", counts),
        "expressions.csv": ("how well each expression is recognised", pd.DataFrame(found.scores)),
    }


SECTION: Final = Section(
    order=100,
    anchor="network",
    heading="How well the network recognises expressions",
    title="The network",
    template="network.html",
    build=build_confusion,
    tables=tables,
    figures=draw,
)
