"""Figures of what the functions of `facslens` give."""

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from facslens.action_units import named, parse
from facslens.association.discovery.mapping import AU_TO_UNIT, accepted_units, firsts
from facslens.association.discovery.result import Association
from facslens.colours import BLUE, GREY
from facslens.errors import CallError
from facslens.experiments.analysis import Findings
from facslens.experiments.trials import GRADES
from facslens.plot.curves import Series, lines
from facslens.plot.curves import dose as dose_chart
from facslens.plot.estimates import Mark, forest
from facslens.plot.matrices import matrix
from facslens.plot.ordering import by_preference
from facslens.plot.style import SOFT, Drawing, sheet, styled
from facslens.projection.windows import crop, to_grey
from facslens.runs.selection import of_rule

if TYPE_CHECKING:  # both need PyTorch, and tables can be drawn without it
    from facslens.projection.deconvnet import Projections
    from facslens.runs.record import RunRecord

#: Projections that stand in one row of a figure.
_ACROSS: Final = 6
#: Projections that a figure shows at most.
_SHOWN: Final = 36


def heatmap(association: "Association | RunRecord", layer: str | None = None) -> Drawing:
    """Draw the AUROC of every unit with every action unit, in discovery.

    Blue: the unit responds more when the action unit is present; vermilion: less. A dot marks a
    pair that passed the test. Units stand in the order of the action unit that they prefer.

    Parameters
    ----------
    association
        What `facslens.associate` gives, or a run.
    layer
        One of its layers; None takes the last.

    Raises
    ------
    CallError
        If there is no such layer.
    """
    found = association if isinstance(association, Association) else association.association
    effects = _of_layer(found.effects, layer, "association")
    auroc = effects.pivot_table(index="unit", columns="au", values="auroc", dropna=False)
    auroc = auroc.dropna(how="all")
    order, name = by_preference(auroc), str(effects["layer"].iloc[0])
    values = auroc.loc[order].to_numpy(dtype=float, na_value=np.nan).T - 0.5
    accepted = accepted_units(found.mapping(), name)
    dots = np.array([[unit in accepted.get(str(au), []) for unit in order] for au in auroc.columns])
    return matrix(
        values,
        [str(au) for au in auroc.columns],
        [str(unit) for unit in order],
        title=f"{name}: {len(order)} live units, AUROC in discovery",
        limit=0.5,
        label="AUROC − ½",
        dots=dots.reshape(values.shape),
        key=("accepted", ""),
    )


def units(found: "RunRecord | Association | pd.DataFrame", layer: str | None = None) -> Drawing:
    """Draw each action unit's first unit: AUROC on unseen people with its interval.

    Parameters
    ----------
    found
        A run, or a mapping. What `facslens.associate` gives has no unseen people; then the marks
        are those of discovery.
    layer
        One of its layers; None takes the last.

    Raises
    ------
    CallError
        If there is no such layer, or no action unit has a unit in it.
    """
    mapping = _mapping(found)
    mapping = _of_layer(mapping, layer, "mapping")
    rows = firsts(mapping, AU_TO_UNIT).dropna(subset=["unit"])
    name = str(mapping["layer"].iloc[0])
    if rows.empty:
        raise CallError(f"no action unit has a unit in {name}: there is nothing to draw")
    unseen = "auroc_test" in rows
    column = "auroc_test" if unseen else "auroc"
    rows = rows.sort_values(column, ascending=False, na_position="last")
    marks = [
        Mark(
            f"{named(str(row['au']))}, unit {row['unit']}",
            _interval(row, column),
            _number(row, "auroc") if unseen else math.nan,
            row.get("status", "confirmed") == "confirmed",
        )
        for row in rows.to_dict("records")
    ]
    low = min([0.4, *(math.floor(10 * v) / 10 for m in marks for v in m.value if v == v)])
    return forest(
        marks,
        title=f"AUROC of each action unit’s unit in {name}",
        value="unseen people, 95 % interval" if unseen else "discovery",
        beside="discovery" if unseen else "",
        low=low,
    )


def tuning(experiment: "Findings | RunRecord", layer: str | None = None) -> Drawing:
    """Draw how each action unit's unit answers to every action unit that was switched alone.

    Parameters
    ----------
    experiment
        What `facslens.experiment` gives, or a run.
    layer
        One of its layers; None takes the last.

    Raises
    ------
    CallError
        If there is no such layer.
    """
    caused = _of_layer(_table(experiment, "caused"), layer, "experiment")
    name = str(caused["layer"].iloc[0])
    rivals = _of_layer(_table(experiment, "rivals"), name, "experiment")
    aus = [str(au) for au in caused["au"]]
    pivoted = rivals.pivot_table(index="au", columns="other", values="change_other", dropna=False)
    pivoted = pivoted.reindex(index=aus, columns=aus)
    changes = pivoted.to_numpy(dtype=float, na_value=np.nan).copy()
    own = caused["change"].to_numpy(dtype=float, na_value=np.nan)
    np.fill_diagonal(changes, own)
    largest = np.nanmax(np.abs(np.nan_to_num(changes)), axis=1, keepdims=True)
    shares = np.divide(changes, largest, out=np.full_like(changes, np.nan), where=largest > 0)
    return tuning_chart(shares, aus, [str(v) for v in caused["verdict"]], name)


def tuning_chart(
    shares: np.ndarray[Any, np.dtype[np.float64]], aus: list[str], verdicts: list[str], layer: str
) -> Drawing:
    """Draw the matrix of a layer, one row a unit, in shares of its largest change."""
    rows = [
        f"{au}, {verdict}" if verdict == "caused" else au
        for au, verdict in zip(aus, verdicts, strict=True)
    ]
    return matrix(
        shares,
        rows,
        aus,
        title=f"Units of {layer} under every action unit",
        limit=1.0,
        label="share of the largest change",
        boxes=np.eye(len(aus), dtype=bool),
        key=("", "the unit’s own action unit"),
    )


def dose(experiment: "Findings | RunRecord", au: str | int, layer: str | None = None) -> Drawing:
    """Draw how the response of an action unit's unit rises with the intensity, on drawn faces.

    Parameters
    ----------
    experiment
        What `facslens.experiment` gives, or a run.
    au
        The action unit, in any spelling.
    layer
        One of its layers; None takes the last.

    Raises
    ------
    CallError
        If there is no such layer, or the action unit was not switched or moves no unit.
    """
    au = parse(str(au))
    caused = _of_layer(_table(experiment, "caused"), layer, "experiment")
    name = str(caused["layer"].iloc[0])
    tables = {
        table: own[own["au"] == au]
        for table in ("dose", "people", "rivals")
        for own in [_of_layer(_table(experiment, table), name, "experiment")]
    }
    row = caused[caused["au"] == au].to_dict("records")
    if not row or tables["dose"].empty:
        moved = ", ".join(str(one) for one in caused.dropna(subset=["unit"])["au"])
        raise CallError(f"au is {au}, of which no dose is known in {name}: expected one of {moved}")
    mean = _from_rest(tables["dose"])
    people = [_from_rest(own) for _, own in tables["people"].groupby("person")]
    rival = tables["rivals"][tables["rivals"]["other"] == row[0]["rival"]]["change_other"]
    return dose_chart(
        ("rest", *GRADES),
        mean[1],
        people,
        title=f"{named(au)}: {name} unit {row[0]['unit']}",
        places=mean[0],
        noise=float(tables["dose"]["noise"].iloc[0]),
        rival=(str(row[0]["rival"]), float(rival.iloc[0])) if len(rival) else ("", math.nan),
    )


def training(run: "RunRecord") -> Drawing:
    """Draw the accuracy by epoch on training and validation faces."""
    history = run.training.sort_values("epoch")
    parts = {str(part): own for part, own in history.groupby("split", sort=True)}
    kept = run.description.get("training", {}).get("best_epoch")
    return lines(
        [
            Series(part, list(own["accuracy"]), BLUE if part == "validation" else GREY)
            for part, own in parts.items()
        ],
        title="Accuracy by epoch",
        x=list(next(iter(parts.values()))["epoch"]),
        along="epoch",
        y_range=(0, 1),
        at=("kept", math.nan if kept is None else float(kept)),
    )


@styled
def projections(found: "Projections") -> Drawing:
    """Draw projections within what their responses see: grey is 0, white above, black below.

    All are equally bright relative to their own largest value. They illustrate: such pictures
    recover the edges of an image whatever the weights are [adebayo2018]_.

    Parameters
    ----------
    found
        What `facslens.project` gives. Of several channels the mean is shown; 36 at most.
    """
    shown = min(len(found.image), _SHOWN)
    across, down = min(shown, _ACROSS) or 1, max(-(-shown // _ACROSS), 1)
    figure, whole = sheet(1.35 * across, 1.65 * down, top=0.15)
    whole.set_axis_off()
    for place in range(shown):
        axes = figure.add_subplot(down, across, place + 1)
        axes.set_xticks([])
        axes.set_yticks([])
        if found.silent[place]:
            axes.text(0.5, 0.5, "silent", ha="center", va="center", color=SOFT)
            continue
        picture = crop(found.image[place].mean(axis=0), found.window[place])
        axes.imshow(to_grey(picture), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_title(f"response {found.response[place]:.2f}", size=8, weight="normal", pad=4)
    figure.subplots_adjust(left=0.02, right=0.98, top=1 - 0.35 / (1.65 * down), bottom=0.02)
    return figure


def _of_layer(table: pd.DataFrame, layer: str | None, what: str) -> pd.DataFrame:
    names = [str(name) for name in table["layer"].dropna().unique()]
    if not names:
        raise CallError(f"the {what} is empty: there is nothing to draw")
    if layer is not None and layer not in names:
        raise CallError(f"layer is {layer!r}, but the {what} holds {', '.join(names)}")
    return table[table["layer"] == (names[-1] if layer is None else layer)]


def _mapping(found: "RunRecord | Association | pd.DataFrame") -> pd.DataFrame:
    if isinstance(found, Association):
        return found.mapping()
    mapping = found if isinstance(found, pd.DataFrame) else found.mapping
    return of_rule(mapping) if "rule" in mapping else mapping


def _table(experiment: "Findings | RunRecord", name: str) -> pd.DataFrame:
    if not isinstance(experiment, Findings):
        return experiment.table(f"experiment/{name}.csv")
    table: pd.DataFrame = getattr(experiment, name)
    return table


def _from_rest(table: pd.DataFrame) -> tuple[list[int], list[float]]:
    points = {1 + GRADES.index(str(g)): float(c) for g, c in table[["grade", "change"]].to_numpy()}
    places = [0, *sorted(points)]
    return places, [0.0, *(points[place] for place in places[1:])]


def _number(row: dict[Any, Any], column: str) -> float:
    value = row.get(column)
    return math.nan if value is None or pd.isna(value) else float(value)


def _interval(row: dict[Any, Any], column: str) -> tuple[float, float, float]:
    value, low, high = (_number(row, f"{column}{end}") for end in ("", "_low", "_high"))
    return value, low, high
