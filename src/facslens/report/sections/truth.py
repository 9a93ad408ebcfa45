"""What is known for certain: planted filters, factorial faces, true places."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Page, Section
from facslens.report.tables import number, records, text


@dataclass(frozen=True)
class PlantedRow:
    """What became of the planted filters under one design, over the seeds."""

    design: str
    filters: int
    recovered: float
    aus: float
    blind: int
    seeds: int


@dataclass(frozen=True)
class FactorialRow:
    """One action unit on the factorial faces: the trained unit and the untrained ones."""

    au: str
    name: str
    unit: int
    accepted: bool
    confirmed: bool
    auroc: float
    untrained: float
    difference: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True)
class Truth:
    """What the checks against known action units and places found."""

    layer: str
    planted: tuple[PlantedRow, ...]
    rows: tuple[FactorialRow, ...]
    accepted: int
    confirmed: int
    untrained: float
    ahead: int
    places: int
    lift: float
    random: float


def build_truth(page: Page) -> Truth | Missing:
    """Gather the checks against faces whose action units and places are known."""
    tables = page.tables
    planted, factorial, place = tables.planted, tables.factorial, tables.true_place
    if planted is None or factorial is None or place is None or factorial.empty:
        return tables.missing(
            "The method has not been tested on faces whose action units are known",
            "verify --truth",
        )
    found = factorial.dropna(subset=["unit", "accepted"])
    accepted = found["accepted"].astype(bool)
    own, random = (place[place["kind"] == kind] for kind in ("mapped", "random"))
    return Truth(
        layer=str(factorial["layer"].iloc[0]),
        planted=tuple(_planted(design, rows) for design, rows in planted.groupby("design")),
        rows=_rows(found),
        accepted=int(accepted.sum()),
        confirmed=int(found["confirmed"].astype(bool).sum()),
        untrained=_a_seed(found),
        ahead=int((accepted & (found["status"] == "better")).sum()),
        places=len(own),
        lift=_mean(own["lift"]),
        random=_mean(random["lift"]),
    )


def _planted(design: object, rows: pd.DataFrame) -> PlantedRow:
    by_seed = rows.groupby("seed")["n_blind"].first()
    return PlantedRow(
        design=str(design),
        filters=int(rows["au"].nunique()),
        recovered=float(rows["recovered"].mean()),
        aus=float(rows["n_aus"].mean()),
        blind=int((by_seed > 0).sum()),
        seeds=len(by_seed),
    )


def _rows(found: pd.DataFrame) -> tuple[FactorialRow, ...]:
    return tuple(
        FactorialRow(
            au=text(row, "au"),
            name=au_name(text(row, "au")),
            unit=int(row["unit"]),
            accepted=bool(row["accepted"]),
            confirmed=bool(row["confirmed"]),
            auroc=number(row, "auroc_test"),
            untrained=number(row, "control_auroc_test"),
            difference=number(row, "difference"),
            low=number(row, "difference_low"),
            high=number(row, "difference_high"),
            verdict=text(row, "status"),
        )
        for row in records(found)
    )


def _a_seed(found: pd.DataFrame) -> float:
    """Give the action units that an untrained network has confirmed, a mean over its seeds."""
    seeds = found["seeds"].max()
    total = found["control_confirmed"].astype(float).sum()
    return float(total / seeds) if seeds else float("nan")


def _mean(values: pd.Series) -> float:
    defined = values.dropna()
    return float(np.mean(defined)) if len(defined) else float("nan")


SECTION: Final = Section(
    order=70,
    anchor="truth",
    heading="Is it true? A test on faces whose action units are known",
    title="Truth",
    template="truth.html",
    build=build_truth,
    downloads={
        "verify/planted.csv": "which of the filters planted to follow an action unit were found",
        "verify/factorial.csv": "mapped units on faces whose action units no expression explains",
        "verify/true_place.csv": "how much of a projection lies where the action unit truly is",
    },
)
