"""Whether units of a layer pass: compared with rivals, by dose, ahead of controls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from facslens.errors import CallError
from facslens.experiments.absolute import concordance, over_people, resampled, separation
from facslens.experiments.control import Control
from facslens.experiments.dose import Dose, dose
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
#: The verdict where all is as for a caused action unit, but one of these was not there to be
#: compared with: some networks have no untrained twin.
UNCOMPARED: Final = "uncompared"


#: Columns of the tables whose rows need a unit that answers; there may be none.
CAUSED: Final = (
    "layer", "au", "unit", "wins_choosing", "wins", "n_wins", "n_people", "rival", "p", "p_holm",
    "change", "size", "n_rising", "n_dose", "p_dose", "smallest_grade", "auroc_choosing", "auroc",
    "auroc_low", "auroc_high", "ahead", "behind", "p_screen", "n_aus", "verdict",
)  # fmt: skip
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
PEOPLE: Final = ("layer", "au", "unit", "person", "grade", "change")


def can_decide(people: int, aus: int) -> bool:
    """Tell whether so many measuring people suffice for any action unit to be caused.

    Each decides once whether a change exceeds that under a rival, so that few of them cannot reach
    a small p, corrected over the action units, even where all agree.

    Examples
    --------
    >>> can_decide(8, 23), can_decide(9, 23)
    (False, True)
    """
    p = sign_test(np.array([people]), people)
    return bool((holm(np.repeat(p, aus)) < ALPHA).all())


@dataclass(frozen=True)
class Measured:
    """What is known of a layer, whichever of its units are asked about.

    Parameters
    ----------
    choice
        The unit chosen for each action unit, on the choosing people.
    change
        From rest to full intensity; this and all that follows on the measuring people.
    wins, later
        Share of people in whom a unit changes more under an action unit than under another, and
        the smallest over the rivals.
    people
        How many.
    size
        Standardised change.
    separation
        AUROC of the response alone, on the choosing people.
    counts
        How often each person is in each resample.
    moved
        Whether an action unit changes a unit more than two pictures at rest differ.
    """

    choice: Choice
    change: Float[np.ndarray, "person au unit"]
    wins: Float[np.ndarray, "au rival unit"]
    later: Smallest
    people: int
    size: Float[np.ndarray, "au unit"]
    separation: Float[np.ndarray, "au unit"]
    counts: Int[np.ndarray, "resample person"]
    moved: Bool[np.ndarray, "au unit"]


def measure(trials: Trials, seed: int) -> Measured:
    """Measure every unit of a layer under every action unit."""
    energy = energies([trials])
    change = changes(trials, choosing=False)
    every = wins(change, energy)
    noise = trials.by_person(np.abs(trials.again - trials.rest), choosing=False)
    exceeds = (np.abs(change) > noise[:, None]).sum(axis=0)
    known = (~np.isnan(noise)).all(axis=1).sum()
    return Measured(
        choice=choose([trials], energy),
        change=change,
        wins=every,
        later=smallest(every, trials.rivals),
        people=len(change),
        size=sizes(change),
        separation=separation(trials, choosing=True),
        counts=resampled(len(change), seed),
        moved=sign_test(exceeds, int(known)) < ALPHA,
    )


@dataclass(frozen=True)
class Decision:
    """What became of one unit for each action unit.

    Parameters
    ----------
    caused
        One row an action unit, with the columns of `CAUSED` but ``p_screen``.
    rivals, dose, people, controls
        As in `facslens.experiments.analysis.Findings`.
    """

    caused: pd.DataFrame
    rivals: pd.DataFrame
    dose: pd.DataFrame
    people: pd.DataFrame
    controls: pd.DataFrame


def decide(
    trials: Trials,
    measured: Measured,
    controls: Mapping[str, Control],
    units: Int[np.ndarray, " au"],
    layer: str,
) -> Decision:
    """Decide on the measuring people whether each action unit is caused in the unit given for it.

    Parameters
    ----------
    trials
        Responses of the layer.
    measured
        What `measure` says of them.
    controls
        By name, what other candidates do on the same faces. Without one of `DECIDING` no action
        unit is caused, but `UNCOMPARED` at best.
    units
        Number of the unit for each action unit, chosen without the measuring people; −1 for none.
        p is corrected over all action units, with p = 1 where there is none.
    layer
        Its name, for the tables.

    Raises
    ------
    CallError
        If the layer has no such unit.
    """
    unknown = units[(units < -1) | (units >= trials.rest.shape[1])]
    if len(unknown):
        raise CallError(
            f"units names unit {unknown[0]}: {layer} has units 0 to {trials.rest.shape[1] - 1}"
        )
    given = units >= 0
    aus = np.arange(len(trials.aus))
    people = measured.people
    won = np.rint(measured.later.share[aus, units] * people).astype(np.int64)
    p = np.where(given, sign_test(won, people), 1.0)
    corrected = holm(p)
    nothing = np.full((people, people), np.nan)
    tables = np.stack(
        [
            concordance(trials, j, unit) if unit >= 0 else nothing
            for j, unit in enumerate(units.tolist())
        ]
    )
    separated = over_people(tables, measured.counts)
    compared = _compare(trials, measured, tables, controls, layer)
    deciding = compared[compared["control"].isin(DECIDING)]
    rows: list[dict[str, Any]] = []
    rival_rows: list[dict[str, object]] = []
    dose_rows: list[dict[str, object]] = []
    people_rows: list[dict[str, object]] = []
    for j, au in enumerate(trials.aus):
        unit = int(units[j])
        row: dict[str, Any] = {"layer": layer, "au": au, "unit": unit if unit >= 0 else None}
        if unit < 0:
            rows.append(row | {"verdict": "silent"})
            continue
        found = dose(trials, j, unit)
        ahead = deciding[deciding["au"] == au]
        own = separated[j]
        row |= {
            "wins_choosing": measured.choice.smallest.share[j, unit],
            "wins": measured.later.share[j, unit],
            "n_wins": int(won[j]),
            "n_people": people,
            "rival": trials.aus[measured.later.rival[j, unit]],
            "p": p[j],
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
            "n_aus": int(measured.moved[:, unit].sum()),
        }
        rows.append(row | {"verdict": _verdict(row, set(DECIDING) <= set(controls))})
        rival_rows += _rival_rows(trials, measured, j, unit, layer)
        dose_rows += _dose_rows(found, layer, au, unit)
        people_rows += _people_rows(trials, found, layer, au, unit)
    columns = [column for column in CAUSED if column != "p_screen"]
    whole = dict.fromkeys(COUNTS, "Int64")
    return Decision(
        pd.DataFrame(rows, columns=columns).astype({**whole, "ahead": "boolean"}),
        pd.DataFrame(rival_rows, columns=list(RIVALS)),
        pd.DataFrame(dose_rows, columns=list(DOSE)),
        pd.DataFrame(people_rows, columns=list(PEOPLE)),
        compared,
    )


def _verdict(row: Mapping[str, Any], compared: bool) -> str:
    if row["p_holm"] >= ALPHA:
        return "rival"
    if row["p_dose"] >= ALPHA:
        return "dose"
    if not row["ahead"]:
        return "controls"
    return "caused" if compared else UNCOMPARED


def _compare(
    trials: Trials,
    measured: Measured,
    tables: Float[np.ndarray, "au person person"],
    controls: Mapping[str, Control],
    layer: str,
) -> pd.DataFrame:
    """Compare the given units, and the best by separation alone, with those of each control."""
    rows = []
    best = measured.separation.argmax(axis=1)
    alone = np.stack([concordance(trials, j, int(best[j])) for j in range(len(trials.aus))])
    for name, control in controls.items():
        ahead = {
            prefix: over_people(mine - control.tables, measured.counts)
            for prefix, mine in (("", tables), ("best_", alone))
        }
        for j, au in enumerate(trials.aus):
            row: dict[str, object] = {"layer": layer, "au": au, "control": name}
            row |= {"n": control.n, "candidate": control.candidate[j] if control.n == 1 else None}
            row |= {"auroc": float(control.tables[j].mean()), "wins": float(control.wins[j])}
            for prefix, found in ahead.items():
                row |= {f"{prefix}difference": found[j].value}
                row |= {f"{prefix}low": found[j].low, f"{prefix}high": found[j].high}
            rows.append(row)
    columns = ["layer", "au", "control", "n", "candidate", "auroc", "wins"]
    columns += [f"{p}{n}" for p in ("", "best_") for n in ("difference", "low", "high")]
    return pd.DataFrame(rows, columns=columns).astype({"candidate": "Int64"})


def _rival_rows(
    trials: Trials, measured: Measured, au: int, unit: int, layer: str
) -> list[dict[str, object]]:
    count = np.rint(measured.wins[au, :, unit] * measured.people).astype(np.int64)
    p = sign_test(count, measured.people)
    change = measured.change[:, :, unit].mean(axis=0)
    return [
        {
            "layer": layer,
            "au": trials.aus[au],
            "unit": unit,
            "other": trials.aus[other],
            "rival": bool(trials.rivals[au, other]),
            "n_wins": int(count[other]),
            "n_people": measured.people,
            "p": float(p[other]),
            "change": float(change[au]),
            "change_other": float(change[other]),
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
