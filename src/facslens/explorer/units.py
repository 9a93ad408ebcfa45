"""What the pages of some units show: exemplars, histograms, dose, rivals, groups, expressions."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Float

from facslens.association.distances.bins import BINS
from facslens.association.sample import make_sample
from facslens.explorer.explored import Explored
from facslens.explorer.script import short, shorts
from facslens.report.tables import Row, count, number, records, text
from facslens.runs.parts import FacesOfPart, confirmation, discovery

#: Units whose pages lie in one file.
BLOCK: Final = 64
#: Which columns of a table a page shows, by the name of its entry.
_DOSE: Final = ("grade", "change", "quartile_low", "quartile_high", "noise", "n_people")
_RIVALS: Final = ("other", "n_wins", "n_people", "p", "change", "change_other")
_GROUPS: Final = (
    "au", "group", "end_from", "end_to", "mean_from", "mean_to", "difference", "difference_low",
    "difference_high", "p_holm", "differs",
)  # fmt: skip
_CARRIES: Final = ("au", "expression", "rank", "attribution", "removed", "half")


def block(explored: Explored, layer: str, first: int) -> dict[str, Any]:
    """Gather the pages of the units of a layer from `first` on, `BLOCK` of them at most."""
    after = min(first + BLOCK, explored.units_of(layer))
    histograms = _histograms(explored, layer, first, after)
    experiment, mechanism = explored.experiment, explored.mechanism
    tables = {
        "exemplars": explored.exemplars,
        "mapping": explored.tables.mapping,
        "carriers": mechanism("carriers.csv"),
        "groups": mechanism("groups.csv"),
        **{name: experiment(f"{name}.csv") for name in ("caused", "dose", "rivals", "people")},
    }
    by_unit = {name: _by_unit(table, layer, first, after) for name, table in tables.items()}
    found = []
    for unit in range(first, after):
        explored.turns.pause()
        own = {name: known.get(unit) for name, known in by_unit.items()}
        found.append(
            {
                "status": explored.statuses[layer][unit],
                "exemplars": _exemplars(explored, layer, own["exemplars"]),
                "histogram": histograms[unit - first] if histograms else None,
                "mapped": _mapped(own["mapping"]),
                "chosen": _chosen(own),
                "groups": _groups(own["groups"]),
                "carries": rows_of(own["carriers"], _CARRIES),
            }
        )
    return {"units": found}


def _by_unit(
    table: pd.DataFrame | None, layer: str, first: int, after: int
) -> dict[int, pd.DataFrame]:
    """Give the rows of each unit of a layer from `first` up to `after`."""
    if table is None:
        return {}
    rows = table[(table["layer"] == layer) & table["unit"].between(first, after - 1)]
    # a column in which some rows have no unit is read as one of floats
    return {int(str(unit)): own for unit, own in rows.groupby(rows["unit"].astype(int))}


def rows_of(table: pd.DataFrame | None, columns: tuple[str, ...]) -> list[list[Any]]:
    """Give some columns of a table, row by row: texts, truth values, and numbers of four digits."""
    if table is None:
        return []
    return [[_cell(row, column) for column in columns] for row in records(table)]


def _cell(row: Row, column: str) -> Any:
    value = row.get(column)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    return text(row, column) if isinstance(value, str) else short(number(row, column))


def _exemplars(explored: Explored, layer: str, own: pd.DataFrame | None) -> list[dict[str, Any]]:
    if own is None:
        return []
    places = own[["row", "column"]].to_numpy()
    seen = explored.rectangles(layer, places)
    found = []
    for place, row in enumerate(records(own)):
        shown: dict[str, Any] = {
            "response": short(number(row, "response")),
            "box": list(seen[place]) if seen else None,
        }
        if explored.shows_faces:
            subject, split, expression = explored.people.get(str(row["image"]), ("", "", ""))
            shown |= {"face": count(row, "face"), "image": str(row["image"]), "subject": subject}
            shown |= {"split": split, "expression": expression}
        found.append(shown)
    return found


def _histograms(
    explored: Explored, layer: str, first: int, after: int
) -> list[dict[str, Any]] | None:
    """Count the sequences in each bin, with each action unit and without, in both parts.

    The bins are those of the report: equally wide over the unit's range in discovery, to whose end
    bins values of unseen people go.
    """
    faces, stored = explored.tables.faces, explored.tables.responses
    if faces is None or stored is None or not explored.observed_aus:
        return None
    neutral = bool(explored.tables.setting("associate", "neutral"))
    aus = [au for au in explored.observed_aus if au in faces.aus]
    responses = explored.responses(layer)[:, first:after]
    parts = [
        _sampled(responses, part, aus)
        for part in (discovery(faces, neutral), confirmation(faces, neutral))
    ]
    found: list[dict[str, Any]] = []
    for unit in range(after - first):
        explored.turns.pause()
        seen = parts[0][0][:, unit]
        if not len(seen) or seen.max() <= seen.min():
            found.append({})
            continue
        low, high = float(seen.min()), float(seen.max())
        edges = np.linspace(low, high, BINS + 1)
        own: dict[str, Any] = {"range": shorts([low, high])}
        for place, au in enumerate(aus):
            own[au] = [
                np.histogram(np.clip(values[:, unit][labels[:, place] == label], low, high), edges)[
                    0
                ].tolist()
                for values, labels in parts
                for label in (1, 0)
            ]
        found.append(own)
    return found


def _sampled(
    responses: Float[np.ndarray, "image unit"], part: FacesOfPart, aus: list[str]
) -> tuple[Float[np.ndarray, "sequence unit"], Float[np.ndarray, "sequence au"]]:
    if not part.rows.any():
        return np.empty((0, responses.shape[1])), np.empty((0, len(aus)))
    sample = make_sample(
        responses[part.rows], part.faces.presence(aus), sequence=part.faces.table["sequence"]
    )
    return sample.responses, sample.labels


def _mapped(own: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Give the action units that were accepted for a unit, and those whose first unit it is."""
    if own is None:
        return []
    rows = own[own["view"].isin(["au_to_unit", "unit_to_au"])].dropna(subset=["au"])
    return [
        {
            "rule": text(row, "rule"),
            "view": text(row, "view"),
            "rank": count(row, "rank"),
            "au": text(row, "au"),
            "distance": text(row, "distance"),
            "value": short(number(row, "value")),
            "null": short(number(row, "null_mean")),
            "auroc": short(number(row, "auroc")),
            "p": short(number(row, "p_maxT")),
            "within": short(number(row, "p_maxT_within")),
            "test": short(number(row, "auroc_test")),
            "low": short(number(row, "auroc_test_low")),
            "high": short(number(row, "auroc_test_high")),
            "status": text(row, "status"),
        }
        for row in records(rows)
    ]


def _chosen(own: Mapping[str, pd.DataFrame | None]) -> list[dict[str, Any]]:
    """Give what the experiment measured of a unit under the action units that it was chosen for."""
    caused = own["caused"]
    if caused is None:
        return []
    return [
        {
            "au": au,
            "dose": rows_of(_of(own["dose"], au), _DOSE),
            "people": _lines(_of(own["people"], au)),
            "rivals": rows_of(_of(own["rivals"], au), _RIVALS),
        }
        for au in caused["au"]
    ]


def _of(table: pd.DataFrame | None, au: str) -> pd.DataFrame | None:
    return None if table is None else table[table["au"] == au]


def _lines(people: pd.DataFrame | None) -> list[list[Any]]:
    """Give the change of each person at each grade: name, then pairs of a grade and a number."""
    if people is None:
        return []
    return [
        [
            str(person),
            *([str(g), short(float(v))] for g, v in zip(own["grade"], own["change"], strict=True)),
        ]
        for person, own in people.groupby("person", sort=False)
    ]


def _groups(own: pd.DataFrame | None) -> list[list[Any]]:
    return [] if own is None else rows_of(own[own["measure"] == "unit"], _GROUPS)
