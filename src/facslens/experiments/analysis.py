"""The whole experiment on one layer: choose, measure, compare with controls, decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Float

from facslens.experiments.absolute import separation
from facslens.experiments.control import Control
from facslens.experiments.decision import CAUSED, COUNTS, UNCOMPARED, Measured, decide, measure
from facslens.experiments.screen import screen
from facslens.experiments.shown import findings_html
from facslens.experiments.specificity import changes, sizes
from facslens.experiments.trials import Trials

OVERVIEW: Final = (
    "layer", "candidates", "n", "auroc", "wins", "n_aus", "n_caused", "n_ahead", "n_behind",
)  # fmt: skip
#: Texts of ``caused`` that may be empty.
TEXTS: Final = ("smallest_grade", "behind")
#: Types of columns that the text of a CSV file does not give.
TYPES: Final[dict[str, str]] = {
    **dict.fromkeys((*COUNTS, "candidate", "n_caused", "n_ahead", "n_behind"), "Int64"),
    **dict.fromkeys(("layer", "au", "person", *TEXTS), "str"),
    "ahead": "boolean",
}


@dataclass(frozen=True)
class Findings:
    """The tables of an experiment; every value says on which half it was measured.

    Parameters
    ----------
    tuning
        One row a layer, unit and action unit.
    rivals
        One row a layer, action unit and other action unit, for the chosen units.
    dose
        One row a layer, action unit and grade, for the chosen units.
    people
        One row a layer, action unit, measuring person and grade that was drawn, for the chosen
        units.
    caused
        One row a layer and action unit: the chosen unit and the verdict.
    controls
        One row a layer, action unit and control.
    overview
        One row a layer and kind of candidates, ``units`` of the network or a control: means over
        the action units of the AUROC of the best by separation and of the wins of the best by
        wins; and in how many action units the network's best by separation is ahead of or behind
        the control's, by the paired interval over people.
    """

    tuning: pd.DataFrame
    rivals: pd.DataFrame
    dose: pd.DataFrame
    people: pd.DataFrame
    caused: pd.DataFrame
    controls: pd.DataFrame
    overview: pd.DataFrame

    def _repr_html_(self) -> str:
        """Show which action units are caused in a notebook."""
        return findings_html(self)

    @classmethod
    def joined(cls, parts: Sequence["Findings"]) -> "Findings":
        """Join the findings of several layers."""
        return cls(
            *(
                pd.concat([getattr(part, name) for part in parts], ignore_index=True)
                for name in cls.__dataclass_fields__
            )
        )


def analyse(
    trials: Trials,
    controls: Mapping[str, Control],
    *,
    layer: str,
    permutations: int = 1000,
    seed: int = 0,
    fitted: bool = False,
) -> Findings:
    """Find which action units themselves move a unit of a layer.

    Units are chosen on the choosing people, by the smallest share of wins over the rivals; all
    that decides is measured on the others. An action unit is *caused* if, for its unit, (a) the
    change exceeds that under every rival (sign test over people, the largest p over rivals, Holm
    over action units), (b) the response rises with the intensity (sign test), and (c) the response
    alone separates the action unit's faces from those at rest and of all rivals, ahead of the best
    candidate of every control in `facslens.experiments.decision.DECIDING` (paired percentile
    intervals over people). Where such a control is missing the verdict is not *caused* but
    *uncompared*.

    Parameters
    ----------
    trials
        Responses of the layer.
    controls
        By name, what other candidates do on the same faces.
    layer
        Its name, for the tables.
    permutations
        Of the screening test.
    seed
        Of permutations and resamples.
    fitted
        Whether the candidates were fitted to the action units of the choosing people, so that a
        permutation of these tests nothing: ``p_screen`` is missing then.
    """
    measured = measure(trials, seed)
    units = measured.choice.unit
    decided = decide(trials, measured, controls, units, layer)
    none = np.full((len(trials.aus), trials.rest.shape[1]), np.nan)
    screened = none if fitted else screen(trials, permutations, seed)
    own = screened[np.arange(len(units)), units]
    caused = decided.caused.assign(p_screen=np.where(units >= 0, own, np.nan))[list(CAUSED)]
    return Findings(
        _tuning(trials, measured, screened, layer),
        decided.rivals,
        decided.dose,
        decided.people,
        caused,
        decided.controls,
        _overview(measured, decided.controls, caused, layer),
    )


def sentence(row: Mapping[Any, Any]) -> str:
    """Say in plain words what became of an action unit, from its row of ``caused``.

    Examples
    --------
    >>> row = {"au": "AU06", "verdict": "rival", "n_wins": 12, "n_people": 30, "rival": "AU07"}
    >>> sentence(row)
    'no unit of its own: its best one changes more under AU06 than under AU07 in 12 of 30 people'
    """
    au, verdict = row["au"], row["verdict"]
    if verdict == "silent":
        return "no unit of the layer changes under any action unit"
    people = f"{row['n_wins']} of {row['n_people']} people"
    if verdict == "rival":
        return (
            f"no unit of its own: its best one changes more under {au} than under "
            f"{row['rival']} in {people}"
        )
    if verdict == "dose":
        return (
            f"changes more under {au} than under any other action unit, but rises with its "
            f"intensity in {row['n_rising']} of {row['n_dose']} people"
        )
    if verdict == "controls":
        behind = row["behind"].replace(" ", " and ") or "chance"
        return (
            f"changes more under {au} than under any other action unit, but its response alone "
            f"is not ahead of {behind}"
        )
    won = f"changes more under {au} than under its strongest rival, {row['rival']}, in {people}"
    if verdict == UNCOMPARED:
        return (
            f"{won}, and passes every other test, but there is no untrained network to compare it "
            f"with"
        )
    return f"caused: {won}"


def _overview(
    measured: Measured, compared: pd.DataFrame, caused: pd.DataFrame, layer: str
) -> pd.DataFrame:
    """Put the units and every control side by side, in means over the action units."""
    aus = np.arange(len(caused))
    won = measured.later.share[aus, np.maximum(measured.choice.unit, 0)]
    rows: list[dict[str, object]] = []
    best = np.nan
    for name, own in compared.groupby("control", sort=False):
        best = (own["auroc"] + own["best_difference"]).mean()
        rows.append(
            {
                "layer": layer,
                "candidates": name,
                "n": own["n"].iloc[0],
                "auroc": own["auroc"].mean(),
                "wins": own["wins"].mean(),
                "n_aus": len(aus),
                "n_ahead": int((own["best_low"] > 0).sum()),
                "n_behind": int((own["best_high"] < 0).sum()),
            }
        )
    units = {
        "layer": layer,
        "candidates": "units",
        "n": 1,
        "auroc": best,
        "wins": won.mean(),
        "n_aus": len(aus),
        "n_caused": int((caused["verdict"] == "caused").sum()),
    }
    whole = dict.fromkeys(("n_caused", "n_ahead", "n_behind"), "Int64")
    return pd.DataFrame([units, *rows], columns=list(OVERVIEW)).astype(whole)


def _tuning(
    trials: Trials, measured: Measured, screened: Float[np.ndarray, "au unit"], layer: str
) -> pd.DataFrame:
    chosen = changes(trials, choosing=True)
    later = measured.later
    first = measured.choice.smallest
    names = np.array(trials.aus, dtype=object)
    aus, units = measured.size.shape
    sides = {
        side: trials.by_person(values - trials.rest[:, None], choosing=False)
        for side, values in (("left", trials.left), ("right", trials.right))
    }
    columns: dict[str, np.ndarray] = {
        "change_choosing": chosen.mean(axis=0),
        "change": measured.change.mean(axis=0),
        "size_choosing": sizes(chosen),
        "size": measured.size,
        "wins_choosing": first.share,
        "rival_choosing": names[first.rival],
        "rank_choosing": measured.choice.rank,
        "wins": later.share,
        "rival": names[later.rival],
        "auroc_choosing": measured.separation,
        "auroc": separation(trials, choosing=False),
        "moved": measured.moved,
        "p_screen": screened,
        **{f"change_{side}": _mean(values) for side, values in sides.items()},
    }
    table = pd.DataFrame({name: values.T.ravel() for name, values in columns.items()})
    table = table.astype({"rank_choosing": "Int64"})
    table.insert(0, "layer", layer)
    table.insert(1, "unit", np.repeat(np.arange(units), aus))
    table.insert(2, "au", np.tile(names, units))
    return table


def _mean(values: Float[np.ndarray, "person ..."]) -> Float[np.ndarray, "..."]:
    """Average over people; NaN where nobody is known."""
    known = (~np.isnan(values)).sum(axis=0)
    mean = np.full(values.shape[1:], np.nan)
    np.divide(np.nansum(values, axis=0), known, out=mean, where=known > 0)
    return mean
