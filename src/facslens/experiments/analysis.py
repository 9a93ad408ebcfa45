"""The whole experiment on one layer: choose, measure, compare with controls, decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from facslens.experiments.absolute import concordance, over_people, resampled, separation
from facslens.experiments.control import Control
from facslens.experiments.dose import Dose, dose
from facslens.experiments.screen import screen
from facslens.experiments.specificity import (
    Choice,
    Smallest,
    changes,
    choose,
    energies,
    holm,
    sign_test,
    sizes,
    smallest,
    wins,
)
from facslens.experiments.trials import GRADES, Trials
from facslens.statistics import ALPHA

#: Controls that a caused action unit has to be ahead of.
DECIDING: Final = ("pixels", "gradients", "untrained")


#: Columns of the tables whose rows need a unit that answers; there may be none.
CAUSED: Final = (
    "layer", "au", "unit", "wins_choosing", "wins", "n_wins", "n_people", "rival", "p", "p_holm",
    "change", "size", "n_rising", "n_dose", "p_dose", "smallest_grade", "auroc_choosing", "auroc",
    "auroc_low", "auroc_high", "ahead", "behind", "p_screen", "n_aus", "verdict",
)  # fmt: skip
#: Texts of ``caused`` that may be empty.
TEXTS: Final = ("smallest_grade", "behind")
#: Columns of ``caused`` with whole numbers, some of which may be missing.
COUNTS: Final = ("unit", "n_wins", "n_people", "n_rising", "n_dose", "n_aus")
RIVALS: Final = (
    "layer", "au", "unit", "other", "rival", "n_wins", "n_people", "p", "change", "change_other",
    "size_other",
)  # fmt: skip
DOSE: Final = (
    "layer", "au", "unit", "grade", "n_people", "n_exceeds", "change", "quartile_low",
    "quartile_high", "noise",
)  # fmt: skip
OVERVIEW: Final = (
    "layer", "candidates", "n", "auroc", "wins", "n_aus", "n_caused", "n_ahead", "n_behind",
)  # fmt: skip
PEOPLE: Final = ("layer", "au", "unit", "person", "grade", "change")
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
) -> Findings:
    """Find which action units themselves move a unit of a layer.

    Units are chosen on the choosing people, by the smallest share of wins over the rivals; all
    that decides is measured on the others. An action unit is *caused* if, for its unit, (a) the
    change exceeds that under every rival (sign test over people, the largest p over rivals, Holm
    over action units), (b) the response rises with the intensity (sign test), and (c) the response
    alone separates the action unit's faces from those at rest and of all rivals, ahead of the best
    candidate of every control in `DECIDING` (paired percentile intervals over people).

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
    """
    measured = _measure(trials, seed, permutations)
    compared = _compare(trials, measured, controls, layer)
    rows: list[dict[str, Any]] = []
    rival_rows: list[dict[str, object]] = []
    dose_rows: list[dict[str, object]] = []
    people_rows: list[dict[str, object]] = []
    corrected = holm(measured.p)
    for j, au in enumerate(trials.aus):
        unit = int(measured.choice.unit[j])
        row: dict[str, Any] = {"layer": layer, "au": au, "unit": unit if unit >= 0 else None}
        if unit < 0:
            rows.append(row | {"verdict": "silent"})
            continue
        found = measured.doses[j]
        ahead = compared[(compared["au"] == au) & compared["control"].isin(DECIDING)]
        own = over_people(measured.tables[j], measured.counts)
        row |= {
            "wins_choosing": measured.choice.smallest.share[j, unit],
            "wins": measured.later.share[j, unit],
            "n_wins": int(measured.won[j]),
            "n_people": measured.people,
            "rival": trials.aus[measured.later.rival[j, unit]],
            "p": measured.p[j],
            "p_holm": corrected[j],
            "change": measured.change[:, j, unit].mean(),
            "size": measured.size[j, unit],
            "n_rising": found.rises,
            "n_dose": found.asked,
            "p_dose": found.p,
            "smallest_grade": found.smallest,
            "auroc_choosing": measured.separation[j, unit],
            "auroc": own.value,
            "auroc_low": own.low,
            "auroc_high": own.high,
            "ahead": bool((ahead["low"] > 0).all() and own.low > 0.5),
            "behind": " ".join(ahead.loc[~(ahead["low"] > 0), "control"]),
            "p_screen": measured.screened[j, unit],
            "n_aus": int(measured.moved[:, unit].sum()),
        }
        rows.append(row | {"verdict": _verdict(row)})
        rival_rows += _rival_rows(trials, measured, j, unit, layer)
        dose_rows += _dose_rows(found, layer, au, unit)
        people_rows += _people_rows(trials, found, layer, au, unit)
    whole = dict.fromkeys(COUNTS, "Int64")
    caused = pd.DataFrame(rows, columns=list(CAUSED)).astype({**whole, "ahead": "boolean"})
    return Findings(
        _tuning(trials, measured, layer),
        pd.DataFrame(rival_rows, columns=list(RIVALS)),
        pd.DataFrame(dose_rows, columns=list(DOSE)),
        pd.DataFrame(people_rows, columns=list(PEOPLE)),
        caused,
        compared,
        _overview(trials, measured, compared, caused, layer),
    )


def _verdict(row: Mapping[str, Any]) -> str:
    if row["p_holm"] >= ALPHA:
        return "rival"
    if row["p_dose"] >= ALPHA:
        return "dose"
    return "caused" if row["ahead"] else "controls"


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
    rival = row["rival"]
    return f"caused: changes more under {au} than under its strongest rival, {rival}, in {people}"


@dataclass(frozen=True)
class _Measured:
    """What is known of a layer before it is compared with controls."""

    choice: Choice
    change: Float[np.ndarray, "person au unit"]
    wins: Float[np.ndarray, "au rival unit"]
    later: Smallest
    won: Int[np.ndarray, " au"]
    p: Float[np.ndarray, " au"]
    people: int
    size: Float[np.ndarray, "au unit"]
    doses: list[Dose]
    separation: Float[np.ndarray, "au unit"]
    tables: list[Float[np.ndarray, "person person"]]
    counts: Int[np.ndarray, "resample person"]
    screened: Float[np.ndarray, "au unit"]
    moved: Int[np.ndarray, "au unit"]


def _measure(trials: Trials, seed: int, permutations: int) -> _Measured:
    energy = energies(trials)
    choice = choose(trials, energy)
    change = changes(trials, choosing=False)
    people = len(change)
    aus = range(len(trials.aus))
    units = np.maximum(choice.unit, 0)
    every = wins(change, energy)
    later = smallest(every, trials.rivals)
    won = np.rint(later.share[list(aus), units] * people).astype(np.int64)
    noise = trials.by_person(np.abs(trials.again - trials.rest), choosing=False)
    exceeds = (np.abs(change) > noise[:, None]).sum(axis=0)
    known = (~np.isnan(noise)).all(axis=1).sum()
    return _Measured(
        choice=choice,
        change=change,
        wins=every,
        later=later,
        won=won,
        p=np.where(choice.unit >= 0, sign_test(won, people), 1.0),
        people=people,
        size=sizes(change),
        doses=[dose(trials, j, int(units[j])) for j in aus],
        separation=separation(trials, choosing=True),
        tables=[concordance(trials, j, int(units[j])) for j in aus],
        counts=resampled(people, seed),
        screened=screen(trials, permutations, seed),
        moved=(sign_test(exceeds, int(known)) < ALPHA).astype(np.int64),
    )


def _compare(
    trials: Trials, measured: _Measured, controls: Mapping[str, Control], layer: str
) -> pd.DataFrame:
    """Compare the chosen units, and the best by separation alone, with those of each control."""
    rows = []
    best = measured.separation.argmax(axis=1)
    alone = [concordance(trials, j, int(best[j])) for j in range(len(trials.aus))]
    for name, control in controls.items():
        for j, au in enumerate(trials.aus):
            table = control.tables[j]
            row: dict[str, object] = {"layer": layer, "au": au, "control": name}
            row |= {"n": control.n, "candidate": control.candidate[j] if control.n == 1 else None}
            row |= {"auroc": float(table.mean()), "wins": float(control.wins[j])}
            for prefix, mine in (("", measured.tables[j]), ("best_", alone[j])):
                found = over_people(mine - table, measured.counts)
                row |= {f"{prefix}difference": found.value}
                row |= {f"{prefix}low": found.low, f"{prefix}high": found.high}
            rows.append(row)
    columns = ["layer", "au", "control", "n", "candidate", "auroc", "wins"]
    columns += [f"{p}{n}" for p in ("", "best_") for n in ("difference", "low", "high")]
    return pd.DataFrame(rows, columns=columns).astype({"candidate": "Int64"})


def _overview(
    trials: Trials, measured: _Measured, compared: pd.DataFrame, caused: pd.DataFrame, layer: str
) -> pd.DataFrame:
    """Put the units and every control side by side, in means over the action units."""
    aus = np.arange(len(trials.aus))
    won = measured.later.share[aus, np.maximum(measured.choice.unit, 0)]
    rows: list[dict[str, object]] = []
    for name, own in compared.groupby("control", sort=False):
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
        first = own
    units = {
        "layer": layer,
        "candidates": "units",
        "n": 1,
        "auroc": (first["auroc"] + first["best_difference"]).mean(),
        "wins": won.mean(),
        "n_aus": len(aus),
        "n_caused": int((caused["verdict"] == "caused").sum()),
    }
    whole = dict.fromkeys(("n_caused", "n_ahead", "n_behind"), "Int64")
    return pd.DataFrame([units, *rows], columns=list(OVERVIEW)).astype(whole)


def _rival_rows(
    trials: Trials, measured: _Measured, au: int, unit: int, layer: str
) -> list[dict[str, object]]:
    count = np.rint(measured.wins[au, :, unit] * measured.people).astype(np.int64)
    return [
        {
            "layer": layer,
            "au": trials.aus[au],
            "unit": unit,
            "other": trials.aus[other],
            "rival": bool(trials.rivals[au, other]),
            "n_wins": int(count[other]),
            "n_people": measured.people,
            "p": float(sign_test(np.asarray(count[other]), measured.people)),
            "change": float(measured.change[:, au, unit].mean()),
            "change_other": float(measured.change[:, other, unit].mean()),
            "size_other": float(measured.size[other, unit]),
        }
        for other in range(len(trials.aus))
        if other != au
    ]


def _dose_rows(found: Dose, layer: str, au: str, unit: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for k, grade in enumerate(GRADES):
        if found.people[k] == 0:
            continue
        known = found.change[k][~np.isnan(found.change[k])]
        low, high = np.quantile(known, [0.25, 0.75])
        rows.append(
            {
                "layer": layer,
                "au": au,
                "unit": unit,
                "grade": grade,
                "n_people": int(found.people[k]),
                "n_exceeds": int(found.exceeds[k]),
                "change": float(known.mean()),
                "quartile_low": float(low),
                "quartile_high": float(high),
                "noise": float(np.nanmean(found.noise)),
            }
        )
    return rows


def _people_rows(
    trials: Trials, found: Dose, layer: str, au: str, unit: int
) -> list[dict[str, object]]:
    names = [trials.people[n] for n in np.flatnonzero(~trials.choosing)]
    return [
        {
            "layer": layer,
            "au": au,
            "unit": unit,
            "person": name,
            "grade": grade,
            "change": float(found.change[k, place]),
        }
        for place, name in enumerate(names)
        for k, grade in enumerate(GRADES)
        if not np.isnan(found.change[k, place])
    ]


def _tuning(trials: Trials, measured: _Measured, layer: str) -> pd.DataFrame:
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
        "wins": later.share,
        "rival": names[later.rival],
        "auroc_choosing": measured.separation,
        "auroc": separation(trials, choosing=False),
        "moved": measured.moved.astype(bool),
        "p_screen": measured.screened,
        **{f"change_{side}": _mean(values) for side, values in sides.items()},
    }
    table = pd.DataFrame({name: values.T.ravel() for name, values in columns.items()})
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
