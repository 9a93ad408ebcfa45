"""Labels moved freely beside labels moved within one expression."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from facslens.report.choices import layer_names
from facslens.report.missing import Missing
from facslens.report.section import Page, Section
from facslens.runs.selection import first_units
from facslens.statistics import ALPHA


@dataclass(frozen=True)
class NullRow:
    """What is left of the findings when labels move in one way.

    Of ``tested`` action units so many have an ``accepted`` unit in discovery; of ``asked`` with
    enough unseen subjects so many are ``confirmed``.
    """

    title: str
    tested: int
    accepted: int
    asked: int
    confirmed: int


@dataclass(frozen=True)
class Nulls:
    """Labels moved freely beside labels moved within one expression only."""

    layer: str
    rows: tuple[NullRow, ...]
    words: str


WITHIN: Final = "within_expression"


def build_nulls(page: Page) -> Nulls | Missing:
    """Count what is accepted and confirmed with the expression free, and with it fixed."""
    tables = page.tables
    association, mapping = tables.association, tables.mapping
    if mapping is None or association is None or mapping.empty:
        return tables.missing("The units have not been compared with the action units", "associate")
    layer = layer_names(mapping)[-1]
    best = first_units(mapping, layer)
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
        whose = "Most of what these units detect is the expression"
    elif within.accepted < free.accepted:
        whose = "Some of what these units detect is the expression"
    else:
        whose = "The expression does not explain what these units detect"
    return (
        f"{whose}: {free.accepted} action units have a unit that passes the test when labels are "
        f"permuted freely, {within.accepted or 'none'} when they are permuted only among faces of "
        f"one expression. On unseen people, {free.confirmed} of {free.asked} are confirmed; within "
        f"one expression, {_asked(within)}."
    )


def _asked(within: NullRow) -> str:
    if within.asked == 0:
        return "there are too few faces to test any"
    if within.asked == 1:
        no = "" if within.confirmed else "not "
        return f"the only one that has enough faces to be tested is {no}confirmed"
    held = within.confirmed or "none"
    return f"{held} of the {within.asked} that have enough faces to be tested"


def tables(page: Page) -> Mapping[str, tuple[str, pd.DataFrame]]:
    """Give the counts as a table."""
    found = page.of(build_nulls)
    if isinstance(found, Missing):
        return {}
    return {
        "permuted.csv": (
            "what is found when labels move freely, and within one expression",
            pd.DataFrame(found.rows),
        )
    }


SECTION: Final = Section(
    order=40,
    anchor="nulls",
    heading="Do the units detect the action unit, or the expression?",
    template="nulls.html",
    build=build_nulls,
    tables=tables,
    part_of="evidence",
)
