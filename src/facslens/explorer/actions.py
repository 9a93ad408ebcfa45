"""What the pages of action units and expressions show."""

from typing import Any, Final

import numpy as np
import pandas as pd

from facslens.action_units import PROTOTYPES
from facslens.datasets.splits import CONFIRMATION
from facslens.experiments.trials import FULL
from facslens.explorer.explored import TUNING, Explored
from facslens.explorer.script import thousandths
from facslens.explorer.units import rows_of
from facslens.report.tables import records, text

_EFFECT: Final = (
    "expression", "logit", "logit_low", "logit_high", "probability", "prototype", "differs",
)  # fmt: skip
_DOSE: Final = ("layer", "unit", "grade", "change", "quartile_low", "quartile_high", "noise")
_NEEDED: Final = (
    "au", "whole", "needed", "needed_low", "needed_high", "alone", "alone_low", "alone_high",
)  # fmt: skip
_MEDIATION: Final = ("layer", "expression", "effect", "n_units", "half_removed", "largest_unit")
_CARRIERS: Final = ("layer", "au", "unit", "rank", "removed", "half")
#: Carriers of an expression that its page lists for each action unit.
_CARRYING: Final = 5


def action_unit(explored: Explored, au: str) -> dict[str, Any]:
    """Gather the page of an action unit: every unit's numbers, the dose, and what it does."""
    place = explored.aus.index(au)
    dose = _where(explored.experiment("dose.csv"), "au", au)
    effects = _where(explored.mechanism("effects.csv"), "au", au)
    return {
        "layers": [
            {
                "observed": thousandths(explored.observed(layer)[:, place]),
                **{
                    column: thousandths(explored.tuned(layer, column)[:, place])
                    for column in TUNING
                },
            }
            for layer in explored.layers
        ],
        "dose": rows_of(dose, _DOSE),
        "effects": rows_of(_where(effects, "grade", FULL), _EFFECT),
        "mediation": rows_of(_where(explored.mechanism("mediation.csv"), "au", au), _MEDIATION),
        "drawn": explored.tables.drawn(au) is not None,
        "coded": _coded(explored, au),
    }


def _coded(explored: Explored, au: str) -> str:
    """Say who coded an action unit, in words that follow a comma; empty where nobody says it."""
    faces = explored.tables.faces
    coding = None if faces is None else faces.codings.get(au)
    return "" if coding is None else f"coded by {coding.words}"


def expressions(explored: Explored) -> dict[str, Any]:
    """Gather the pages of all expressions that the network tells apart."""
    words = explored.mechanism("words.csv")
    confused = _confused(explored)
    found = {}
    for expression in explored.expressions:
        said = _where(words, "expression", expression)
        effects = _where(explored.mechanism("effects.csv"), "expression", expression)
        carriers = _where(explored.mechanism("carriers.csv"), "expression", expression)
        if carriers is not None:
            carriers = carriers[carriers["rank"] <= _CARRYING]
        found[expression] = {
            "words": [] if said is None else [text(row, "sentence") for row in records(said)],
            "effects": rows_of(
                _where(effects, "grade", FULL), ("au", *(c for c in _EFFECT if c != "expression"))
            ),
            "needed": rows_of(
                _where(explored.mechanism("needed.csv"), "expression", expression), _NEEDED
            ),
            "carriers": rows_of(carriers, _CARRIERS),
            "prototype": list(PROTOTYPES.get(expression, ())),
            "read": confused.get(expression, {}),
        }
    return found


def _where(table: pd.DataFrame | None, column: str, value: str) -> pd.DataFrame | None:
    return None if table is None else table[table[column] == value]


def _confused(explored: Explored) -> dict[str, dict[str, int]]:
    """Count how the faces of unseen people are read, by the expression that they show."""
    table = explored.tables.predictions
    if table is None or "true" not in table:
        return {}
    unseen = table[table["split"].isin(CONFIRMATION)].dropna(subset=["true"])
    return {
        str(true): {str(name): int(number) for name, number in own.value_counts().items()}
        for true, own in unseen.groupby("true")["predicted"]
    }


def profile(explored: Explored, layer: str) -> dict[str, Any]:
    """Give every unit's numbers by action unit: on coded faces and in the experiment."""
    columns = {name: explored.tuned(layer, name) for name in ("auroc", "wins", "size")}
    return {
        "observed": thousandths(np.asarray(explored.observed(layer))),
        "separation": thousandths(columns["auroc"]),
        "wins": thousandths(columns["wins"]),
        "size": thousandths(columns["size"]),
    }
