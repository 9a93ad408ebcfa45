"""What each action unit, switched alone, does to the expression that the network reads."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from facslens.action_units import ACTION_UNITS
from facslens.experiments.trials import FULL
from facslens.plot.matrices import matrix
from facslens.report.estimates import Estimate, estimate_of
from facslens.report.formats import signed
from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Drawn, Page, Section
from facslens.report.tables import Row, count, records, text


@dataclass(frozen=True)
class Effect:
    """A cell: the change of an expression's probability under an action unit.

    ``shown`` says that its interval does not hold 0; ``share`` is the change as a share of the
    largest one, by size.
    """

    expression: str
    change: Estimate
    shown: bool
    share: float
    logit: Estimate
    member: bool
    differs: bool


@dataclass(frozen=True)
class EffectRow:
    """An action unit and what it does to every expression."""

    au: str
    name: str
    cells: tuple[Effect, ...]


@dataclass(frozen=True)
class Part:
    """The action units of one part of the face."""

    name: str
    rows: tuple[EffectRow, ...]


@dataclass(frozen=True)
class Paragraph:
    """What the network has learned of one expression, in sentences."""

    expression: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Effects:
    """The matrix at full intensity, its agreement with the prototypes, and it all in words."""

    expressions: tuple[str, ...]
    parts: tuple[Part, ...]
    people: int
    prototypes: bool
    agreement: Estimate | None
    words: tuple[Paragraph, ...]


#: The parts of the face from top to bottom, with the regions of FACS in each.
PARTS: Final = {
    "brows": ("brows",),
    "eyes": ("eyes",),
    "nose and cheeks": ("nose", "cheeks"),
    "mouth": ("mouth",),
    "chin and jaw": ("chin", "jaw", "neck"),
}


def build_effects(page: Page) -> Effects | Missing:
    """Gather the effects of every action unit at full intensity."""
    table = page.tables.mechanism("effects.csv")
    if table is None or table.empty:
        return page.tables.missing(
            "What action units do to the expressions has not been measured", "mechanism"
        )
    full = table[table["grade"] == FULL]
    expressions = tuple(str(name) for name in full["expression"].unique())
    return Effects(
        expressions=expressions,
        parts=_parts(full),
        people=max(count(row, "n_people") or 0 for row in records(full)),
        prototypes=bool(full["prototype"].notna().any()),
        agreement=_agreement(page),
        words=_words(page, expressions),
    )


def _parts(full: pd.DataFrame) -> tuple[Part, ...]:
    largest = float(full["probability"].abs().max())
    rows = [
        EffectRow(str(au), au_name(str(au)), tuple(_cell(row, largest) for row in records(own)))
        for au, own in full.groupby("au", sort=False)
    ]
    found = [
        Part(name, tuple(row for row in rows if ACTION_UNITS[row.au].region in regions))
        for name, regions in PARTS.items()
    ]
    return tuple(part for part in found if part.rows)


def _cell(row: Row, largest: float) -> Effect:
    change = estimate_of(row, "probability")
    return Effect(
        expression=text(row, "expression"),
        change=change,
        shown=change.low > 0 or change.high < 0,
        share=change.value / largest if largest else 0.0,
        logit=estimate_of(row, "logit"),
        member=row["prototype"] is True,
        differs=row["differs"] is True,
    )


def _agreement(page: Page) -> Estimate | None:
    table = page.tables.mechanism("agreement.csv")
    for row in [] if table is None else records(table):
        found = estimate_of(row, "auroc")
        return None if math.isnan(found.value) else found
    return None


def _words(page: Page, expressions: tuple[str, ...]) -> tuple[Paragraph, ...]:
    table = page.tables.mechanism("words.csv")
    if table is None:
        return ()
    return tuple(
        Paragraph(name, tuple(text(row, "sentence") for row in own))
        for name in expressions
        if (own := records(table[table["expression"] == name]))
    )


def draw(page: Page) -> Drawn:
    """Draw the matrix at full intensity; a change that is not shown has no colour."""
    found = page.of(build_effects)
    if isinstance(found, Missing):
        return {}
    rows = [row for part in found.parts for row in part.rows]
    points = np.array(
        [[100 * c.change.value if c.shown else 0.0 for c in row.cells] for row in rows]
    )
    return {
        "effects": lambda: matrix(
            points,
            [f"{row.au} {row.name}" for row in rows],
            found.expressions,
            title="What each action unit adds to an expression",
            limit=max(float(np.abs(points).max(initial=0.0)), 1.0),
            label="points of probability",
            boxes=np.array([[c.member for c in row.cells] for row in rows]),
            written=lambda value: signed(value, 0) if value else "",
            key=("", "prototype" if found.prototypes else ""),
        )
    }


SECTION: Final = Section(
    order=18,
    anchor="effects",
    heading="What does each action unit do to the expression?",
    title="Expressions",
    template="effects.html",
    build=build_effects,
    figures=draw,
    downloads={
        "mechanism/effects.csv": "what each action unit does to every expression, by grade",
        "mechanism/needed.csv": "which members of a prototype are needed, and which are enough",
        "mechanism/words.csv": "what the network has learned of each expression, in sentences",
    },
)
