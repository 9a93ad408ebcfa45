"""The experiment: how each action unit's unit answers to every one that is switched alone."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from facslens.experiments.decision import UNCOMPARED
from facslens.plot.results import tuning_chart
from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Drawn, Page, Section
from facslens.report.tables import Row, count, number, records, text


@dataclass(frozen=True)
class Answer:
    """A cell: the mean change of the row's unit under the column's action unit.

    ``share`` is the change as a share of the largest one of the row, by size.
    """

    au: str
    change: float
    share: float
    own: bool
    rival: bool


@dataclass(frozen=True)
class Tuned:
    """A row: an action unit, its unit, and what the unit answers to all that were switched."""

    au: str
    name: str
    unit: int | None
    verdict: str
    badge: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Candidates:
    """The units or a control: means over the action units."""

    name: str
    n: int
    auroc: float
    wins: float
    caused: int | None
    ahead: int | None
    behind: int | None


@dataclass(frozen=True)
class LayerOf:
    """How many action units are caused in one layer, and its candidates side by side."""

    layer: str
    caused: tuple[str, ...]
    uncompared: tuple[str, ...]
    candidates: tuple[Candidates, ...]


@dataclass(frozen=True)
class Experiment:
    """The matrix of the last layer, and every layer's count.

    ``uncompared`` are caused but for a comparison that could not be made, with untrained networks.
    """

    layer: str
    people: int
    rows: tuple[Tuned, ...]
    caused: tuple[str, ...]
    uncompared: tuple[str, ...]
    compared: bool
    layers: tuple[LayerOf, ...]


#: The verdicts of `facslens.experiments.analysis`, as badges.
BADGES: Final = {
    "caused": "caused",
    "rival": "not its own",
    "dose": "does not rise",
    "controls": "not ahead of controls",
    "silent": "silent",
    UNCOMPARED: "not compared",
}
#: What candidates are called on the page.
CANDIDATES: Final = {
    "units": "units of the network",
    "pixels": "pixels",
    "gradients": "histograms of gradients",
    "total": "total change of the picture",
    "untrained": "untrained networks",
    "rotated": "random mixtures of the units",
    "identity": "the network trained on who is shown",
}


def build_experiment(page: Page) -> Experiment | Missing:
    """Gather the matrix and the candidates."""
    caused = page.tables.experiment("caused.csv")
    rivals, overview = (page.tables.experiment(f"{name}.csv") for name in ("rivals", "overview"))
    if caused is None or rivals is None or overview is None or caused.empty:
        return page.tables.missing(
            "No action unit has been switched by itself on drawn faces", "experiment"
        )
    layers = [str(layer) for layer in caused["layer"].unique()]
    last = caused[caused["layer"] == layers[-1]]
    others = rivals[rivals["layer"] == layers[-1]]
    return Experiment(
        layer=layers[-1],
        people=max((count(row, "n_people") or 0 for row in records(last)), default=0),
        rows=tuple(_row(row, others, list(last["au"])) for row in records(last)),
        caused=_of_verdict(last, "caused"),
        uncompared=_of_verdict(last, UNCOMPARED),
        compared="untrained" in set(overview["candidates"]),
        layers=tuple(
            LayerOf(
                layer,
                _of_verdict(caused[caused["layer"] == layer], "caused"),
                _of_verdict(caused[caused["layer"] == layer], UNCOMPARED),
                tuple(map(_candidates, records(overview[overview["layer"] == layer]))),
            )
            for layer in reversed(layers)
        ),
    )


def _of_verdict(table: pd.DataFrame, verdict: str) -> tuple[str, ...]:
    return tuple(str(au) for au in table.loc[table["verdict"] == verdict, "au"])


def _row(row: Row, rivals: pd.DataFrame, aus: list[str]) -> Tuned:
    au = text(row, "au")
    own = rivals[rivals["au"] == au]
    changes = {text(r, "other"): number(r, "change_other") for r in records(own)}
    if count(row, "unit") is not None:
        changes[au] = number(row, "change")
    largest = max((abs(change) for change in changes.values()), default=0.0)
    return Tuned(
        au=au,
        name=au_name(au),
        unit=count(row, "unit"),
        verdict=text(row, "verdict"),
        badge=BADGES.get(text(row, "verdict"), text(row, "verdict")),
        answers=tuple(
            Answer(
                au=other,
                change=changes.get(other, float("nan")),
                share=changes.get(other, 0.0) / largest if largest else 0.0,
                own=other == au,
                rival=other == text(row, "rival"),
            )
            for other in aus
        ),
    )


def _candidates(row: Row) -> Candidates:
    return Candidates(
        name=CANDIDATES.get(text(row, "candidates"), text(row, "candidates")),
        n=count(row, "n") or 0,
        auroc=number(row, "auroc"),
        wins=number(row, "wins"),
        caused=count(row, "n_caused"),
        ahead=count(row, "n_ahead"),
        behind=count(row, "n_behind"),
    )


def draw(page: Page) -> Drawn:
    """Draw the matrix."""
    found = page.of(build_experiment)
    if isinstance(found, Missing):
        return {}
    shares = [[a.share if a.change == a.change else np.nan for a in r.answers] for r in found.rows]
    return {
        "experiment": lambda: tuning_chart(
            np.asarray(shares, dtype=float),
            [row.au for row in found.rows],
            [row.badge for row in found.rows],
            found.layer,
        )
    }


SECTION: Final = Section(
    order=15,
    anchor="experiment",
    heading="Does the action unit itself move its unit?",
    title="Experiment",
    template="experiment.html",
    build=build_experiment,
    figures=draw,
    downloads={
        "experiment/caused.csv": "the experiment: each action unit's unit and the verdict",
        "experiment/rivals.csv": "the experiment: each unit under every other action unit",
        "experiment/dose.csv": "the experiment: change from rest at every grade",
        "experiment/overview.csv": "the experiment: units and controls side by side",
        "experiment/controls.csv": "the experiment: every control for every action unit",
    },
)
