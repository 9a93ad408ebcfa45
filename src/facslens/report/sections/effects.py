"""What each action unit, switched alone, does to the expression that the network reads."""

import math
from dataclasses import dataclass
from typing import Final

import pandas as pd

from facslens.experiments.trials import FULL
from facslens.report.estimates import Estimate
from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Page, Section
from facslens.report.tables import Row, count, number, records, text


@dataclass(frozen=True)
class Effect:
    """A cell: the change of an expression's probability under an action unit."""

    expression: str
    change: float
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
class Effects:
    """The matrix at full intensity, its agreement with the prototypes, and it all in words."""

    expressions: tuple[str, ...]
    rows: tuple[EffectRow, ...]
    people: int
    agreement: Estimate | None
    words: tuple[str, ...]


#: Action units that a sentence names at most.
NAMED: Final = 3


def build_effects(page: Page) -> Effects | Missing:
    """Gather the effects of every action unit at full intensity."""
    table = page.tables.mechanism("effects.csv")
    if table is None or table.empty:
        return page.tables.missing(
            "What action units do to the expressions has not been measured", "mechanism"
        )
    full = table[table["grade"] == FULL]
    expressions = tuple(str(name) for name in full["expression"].unique())
    largest = float(full["probability"].abs().max())
    return Effects(
        expressions=expressions,
        rows=tuple(
            EffectRow(str(au), au_name(str(au)), tuple(_cell(row, largest) for row in records(own)))
            for au, own in full.groupby("au", sort=False)
        ),
        people=max(count(row, "n_people") or 0 for row in records(full)),
        agreement=_agreement(page),
        words=tuple(_words(name, full[full["expression"] == name]) for name in expressions),
    )


def _cell(row: Row, largest: float) -> Effect:
    change = number(row, "probability")
    return Effect(
        expression=text(row, "expression"),
        change=change,
        share=change / largest if largest else 0.0,
        logit=Estimate(number(row, "logit"), number(row, "logit_low"), number(row, "logit_high")),
        member=row["prototype"] is True,
        differs=row["differs"] is True,
    )


def _agreement(page: Page) -> Estimate | None:
    table = page.tables.mechanism("agreement.csv")
    for row in [] if table is None else records(table):
        found = Estimate(*(number(row, f"auroc{end}") for end in ("", "_low", "_high")))
        return None if math.isnan(found.value) else found
    return None


def _words(expression: str, own: pd.DataFrame) -> str:
    """Say what moves an expression, and which members of its prototype do not."""
    rises = own[own["logit_low"] > 0].sort_values("probability", ascending=False)
    named = [
        f"{text(row, 'au')} ({100 * number(row, 'probability'):+.0f} points)"
        for row in records(rises.head(NAMED))
    ]
    if named:
        more = f", and {len(rises) - len(named)} more" if len(rises) > len(named) else ""
        said = f"{expression} becomes more probable under {', '.join(named)}{more}"
    else:
        said = f"no single action unit makes {expression} more probable"
    silent = [text(row, "au") for row in records(own) if row["prototype"] is True
              and not number(row, "logit_low") > 0]  # fmt: skip
    if silent:
        said += f"; of its prototype {', '.join(silent)} alone {'do' if silent[1:] else 'does'} not"
    return said


SECTION: Final = Section(
    order=18,
    anchor="effects",
    heading="What does each action unit do to the expression?",
    title="Expressions",
    template="effects.html",
    build=build_effects,
    downloads={
        "mechanism/effects.csv": "what each action unit does to every expression, by grade",
        "mechanism/needed.csv": "which members of a prototype are needed, and which are enough",
    },
)
