"""What the first view needs: the run, its action units, and a row of numbers for every unit."""

from typing import Any, Final

import numpy as np
import pandas as pd

from facslens.action_units import ACTION_UNITS, PROTOTYPES, WHEN
from facslens.association.discovery.mapping import AU_TO_UNIT, UNIT_TO_AU, view_of
from facslens.experiments.analysis import sentence
from facslens.explorer.explored import Explored
from facslens.explorer.script import short, thousandths
from facslens.report.tables import Row, count, number, records, text
from facslens.runs.doubts import doubts
from facslens.runs.selection import first_units
from facslens.version import __version__

#: Marks a missing action unit in a column of numbers.
NONE: Final = -1


def overview(explored: Explored, further: dict[str, Any]) -> dict[str, Any]:
    """Gather what the first view of a run shows; `further` is added as it is."""
    tables = explored.tables
    info = tables.info
    faces = info.get("faces") or {}
    return {
        "run": {
            "name": explored.name,
            "made": str(info.get("created", ""))[:10],
            "version": __version__,
            "audit": tables.is_audit,
            "data": str(faces.get("name", "")),
            "images": faces.get("images"),
            "subjects": faces.get("subjects"),
            "synthetic": bool(faces.get("synthetic", False)),
            "faces": explored.shows_faces,
            "stale": list(tables.stale),
            "doubts": list(doubts(tables.record)),
        },
        "layers": [{"name": layer, "units": explored.units_of(layer)} for layer in explored.layers],
        "aus": [_described(explored, au) for au in explored.aus],
        "expressions": list(explored.expressions),
        "detectors": detectors(explored),
        "untrained": untrained(explored),
        "units": columns(explored),
        **further,
    }


def _described(explored: Explored, au: str) -> dict[str, Any]:
    known = ACTION_UNITS.get(au)
    coverage = explored.tables.coverage
    rows = [] if coverage is None else records(coverage[coverage["au"] == au])
    row: Row = rows[0] if rows else {}
    return {
        "au": au,
        "number": known.number if known else int("".join(c for c in au if c.isdigit()) or 0),
        "name": known.name if known else "",
        "muscles": known.muscles if known else "",
        "region": known.region if known else "",
        "when": WHEN.get(au, ""),
        "present": count(row, "n_present"),
        "absent": count(row, "n_absent"),
        "reason": text(row, "reason"),
        "prototypes": [name for name, members in PROTOTYPES.items() if au in members],
    }


def detectors(explored: Explored) -> list[dict[str, Any]]:
    """Give a row for each layer and action unit: the unit of each kind of evidence, if any."""
    mapping, verdicts = explored.tables.mapping, explored.tables.verdicts
    observed: dict[tuple[str, str], Row] = {}
    if mapping is not None:
        for row in records(first_units(mapping)):
            observed[str(row["layer"]), str(row["au"])] = row
    said = {} if verdicts is None else _by_pair(verdicts)
    caused = _by_pair(explored.experiment("caused.csv"))
    both = _by_pair(explored.experiment("convergence.csv"))
    found = []
    for layer in explored.layers:
        for place, au in enumerate(explored.aus):
            key = layer, au
            if key in observed or key in caused or key in said:
                found.append(
                    {"layer": explored.layers.index(layer), "au": place}
                    | _observed(observed.get(key, {}), said.get(key, {}))
                    | _caused(caused.get(key, {}))
                    | _both(both.get(key, {}))
                )
    return found


def _by_pair(table: pd.DataFrame | None) -> dict[tuple[str, str], Row]:
    if table is None:
        return {}
    return {(str(row["layer"]), str(row["au"])): row for row in records(table)}


def _observed(row: Row, said: Row) -> dict[str, Any]:
    return {
        "unit": count(row, "unit"),
        "status": text(said, "status") or text(row, "status"),
        "auroc": short(number(row, "auroc")),
        "test": short(number(row, "auroc_test")),
        "low": short(number(row, "auroc_test_low")),
        "high": short(number(row, "auroc_test_high")),
        "p": short(number(row, "p_maxT")),
        "said": text(said, "verdict"),
    }


def _caused(row: Row) -> dict[str, Any]:
    if not row:
        return {}
    return {
        "c_unit": count(row, "unit"),
        "c_verdict": text(row, "verdict"),
        "c_auroc": short(number(row, "auroc")),
        "c_low": short(number(row, "auroc_low")),
        "c_high": short(number(row, "auroc_high")),
        "c_wins": count(row, "n_wins"),
        "c_people": count(row, "n_people"),
        "c_rival": text(row, "rival"),
        "c_said": sentence(row),
    }


def _both(row: Row) -> dict[str, Any]:
    if not row:
        return {}
    joint = count(row, "unit_joint")
    return {"b_unit": joint, "b_verdict": text(row, "verdict"), "b_said": text(row, "sentence")}


def untrained(explored: Explored) -> list[dict[str, Any]]:
    """Give what untrained networks reach: a row for each layer and action unit, by evidence."""
    found = []
    for kind, table, column in (
        ("caused", explored.experiment("controls.csv"), "auroc"),
        ("observed", explored.tables.controls, "control_auroc_test"),
    ):
        if table is None:
            continue
        for row in records(table[table["control"] == "untrained"]):
            layer, au = str(row["layer"]), str(row["au"])
            if layer in explored.layers and au in explored.aus:
                place = {"layer": explored.layers.index(layer), "au": explored.aus.index(au)}
                found.append({"kind": kind, **place, "auroc": short(number(row, column))})
    return found


def columns(explored: Explored) -> dict[str, Any]:
    """Give the columns of the list of units, all layers after each other.

    ``observed`` is the action unit of a unit's largest AUROC on coded faces, ``caused`` the one
    under which it changes more than under any other in most drawn people, then of largest AUROC;
    ``mapped`` is the first one that was accepted. Numbers of `Explored.aus`; `NONE` where there is
    none. AUROC, wins and p are in thousandths.
    """
    parts = [_of_layer(explored, layer) for layer in explored.layers]
    return {name: [value for part in parts for value in part[name]] for name in _COLUMNS}


_COLUMNS: Final = (
    "status", "observed", "auroc", "margin", "caused", "separation", "wins", "mapped",
    "p", "test",
)  # fmt: skip


def _of_layer(explored: Explored, layer: str) -> dict[str, list[Any]]:
    units = explored.units_of(layer)
    observed = explored.observed(layer)
    at, auroc = _largest(observed)
    rest = observed.copy()
    rest[np.arange(units)[at >= 0], at[at >= 0]] = np.nan
    second = _largest(rest)[1]
    wins, separation = explored.tuned(layer, "wins"), explored.tuned(layer, "auroc")
    # wins come in steps of one person; a smaller step decides between equal ones
    own, _ = _largest(wins + 1e-6 * np.nan_to_num(separation))
    mapped = np.full(units, NONE)
    p, test = np.full(units, np.nan), np.full(units, np.nan)
    mapping = explored.tables.mapping
    if mapping is not None:
        chosen = mapping[(mapping["rule"] == "tested") & (mapping["layer"] == layer)]
        chosen = chosen.dropna(subset=["unit"])
        for row in records(view_of(chosen, UNIT_TO_AU).sort_values("rank")[::-1]):
            if au := text(row, "au"):
                unit = int(row["unit"])
                mapped[unit], p[unit] = explored.aus.index(au), number(row, "p_maxT")
                test[unit] = number(row, "auroc_test")
        for row in records(view_of(chosen, AU_TO_UNIT)):
            unit, au = int(row["unit"]), text(row, "au")
            if mapped[unit] >= 0 and au == explored.aus[mapped[unit]]:
                test[unit] = number(row, "auroc_test")
    return {
        "status": [0 if status == "live" else 1 for status in explored.statuses[layer]],
        "observed": at.tolist(),
        "auroc": thousandths(auroc),
        "margin": thousandths(auroc - second),
        "caused": own.tolist(),
        "separation": thousandths(_taken(separation, own)),
        "wins": thousandths(_taken(wins, own)),
        "mapped": mapped.tolist(),
        "p": thousandths(p),
        "test": thousandths(test),
    }


def _largest(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the column of each row's largest value, `NONE` where none is known, and that value."""
    if values.shape[1] == 0:
        return np.full(len(values), NONE), np.full(len(values), np.nan)
    at = np.where(np.isnan(values), -np.inf, values).argmax(axis=1)
    found = values[np.arange(len(values)), at]
    return np.where(np.isnan(found), NONE, at), found


def _taken(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Give each row's value in a column of its own; NaN for `NONE`."""
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    found = values[np.arange(len(values)), np.maximum(at, 0)]
    return np.where(at >= 0, found, np.nan)
