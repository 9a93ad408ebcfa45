"""Where along the layers action units become readable, and where expressions do."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from facslens.colours import BLUE, GREY
from facslens.experiments.readable import KINDS, MEAN
from facslens.names import listed
from facslens.plot.curves import Series, lines
from facslens.plot.matrices import matrix
from facslens.plot.style import Drawing
from facslens.report.estimates import Estimate, estimate_of
from facslens.report.formats import decimal, interval
from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Drawn, Page, Section
from facslens.report.tables import Row, number, records, text


@dataclass(frozen=True)
class Panel:
    """One curve along the layers, its controls, and from which layer on it is readable.

    ``place`` counts layers from 1; NaN where nothing can be read.
    """

    what: str
    name: str
    floor: float
    values: tuple[Estimate, ...]
    control: tuple[float, ...]
    untrained: tuple[float, ...]
    layer: str
    place: float

    @property
    def value(self) -> tuple[float, ...]:
        """The values without their intervals."""
        return tuple(one.value for one in self.values)


@dataclass(frozen=True)
class Readable:
    """The panels of the means, of every action unit and of every expression; and in words."""

    layers: tuple[str, ...]
    people: int
    means: tuple[Panel, ...]
    aus: tuple[Panel, ...]
    expressions: tuple[Panel, ...]
    words: tuple[str, ...]


#: What the means are called.
MEANS: Final = {"au": "action units, mean AUROC", "expression": "expressions, share of the change"}


def build_readable(page: Page) -> Readable | Missing:
    """Gather the curves."""
    each, means, first = (
        page.tables.mechanism(f"readable{name}.csv") for name in ("", "_layers", "_from")
    )
    if each is None or means is None or first is None or each.empty:
        return page.tables.missing(
            "At which layer action units and expressions become readable has not been measured",
            "mechanism",
        )
    found = {(text(row, "kind"), text(row, "what")): row for row in records(first)}
    panels = {
        kind: tuple(
            _panel(kind, what, each[(each["kind"] == kind) & (each["what"] == what)], row)
            for (of, what), row in found.items()
            if of == kind and what != MEAN
        )
        for kind in KINDS
    }
    layers = tuple(str(layer) for layer in means["layer"].unique())
    return Readable(
        layers=layers,
        people=int(means["n_people"].iloc[0]),
        means=tuple(
            _panel(kind, MEANS[kind], means[means["kind"] == kind], found[kind, MEAN])
            for kind in KINDS
        ),
        aus=panels["au"],
        expressions=panels["expression"],
        words=tuple(filter(None, _words(layers, means, found, panels["au"]))),
    )


def _panel(kind: str, what: str, own: pd.DataFrame, first: Row) -> Panel:
    rows = records(own)
    return Panel(
        what=what,
        name=au_name(what),
        floor=KINDS[kind],
        values=tuple(
            Estimate(number(row, "value"), number(row, "low"), number(row, "high")) for row in rows
        ),
        control=tuple(number(row, "control") for row in rows),
        untrained=tuple(number(row, "untrained") for row in rows),
        layer=text(first, "layer"),
        place=number(first, "place"),
    )


def _words(
    layers: tuple[str, ...],
    means: pd.DataFrame,
    found: dict[tuple[str, str], Row],
    aus: tuple[Panel, ...],
) -> tuple[str, ...]:
    """Say from which layer on both are readable, which first and last, and beside what."""
    last = layers[-1]
    return (
        _when(found["au", MEAN], found["expression", MEAN], len(layers)),
        _extremes(aus),
        *(_beside(kind, means, found[kind, MEAN], last) for kind in KINDS),
    )


def _when(au: Row, expression: Row, layers: int) -> str:
    if not text(au, "layer") or not text(expression, "layer"):
        names = {"action units": au, "expressions": expression}
        silent = [name for name, row in names.items() if not text(row, "layer")]
        return f"No layer lets a linear probe read {listed(silent)}"
    said = (
        f"Action units are readable from {text(au, 'layer')} on, layer {number(au, 'place'):.0f} "
        f"of {layers}, expressions from {text(expression, 'layer')} on, layer "
        f"{number(expression, 'place'):.0f}"
    )
    later = estimate_of(expression, "later")
    if later.low == later.high == 0:
        return f"{said}: in the same layer (95 % interval over people: no layer between)"
    span = f"(layers between: {later.value:.0f}, 95 % interval {later.low:.0f} to {later.high:.0f})"
    if later.low > 0:
        return f"{said}: expressions come later {span}"
    if later.high < 0:
        return f"{said}: expressions come earlier {span}"
    return f"{said}; which of the two comes first is not decided {span}"


def _extremes(aus: tuple[Panel, ...]) -> str:
    known = [panel for panel in aus if not math.isnan(panel.place)]
    places = sorted({panel.place for panel in known})
    if not places[1:]:
        return ""
    ends = [
        (listed([p.what for p in known if p.place == place]),
         next(p.layer for p in known if p.place == place))
        for place in (places[0], places[-1])
    ]  # fmt: skip
    (early, first), (late, last) = ends
    return f"Earliest readable: {early}, from {first} on; last: {late}, from {last} on"


def _beside(kind: str, means: pd.DataFrame, first: Row, last: str) -> str:
    """Say how well the best layer and the last one are read, beside control tasks and untrained."""
    own = {text(row, "layer"): row for row in records(means[means["kind"] == kind])}
    best = text(first, "best_layer")
    if not best:
        return ""
    what = "Action units: AUROC" if kind == "au" else "Expressions: share of the change foretold"
    said = (
        f"{what} {_estimate(own[best])} in {best}, the best layer; "
        f"{decimal(number(own[best], 'control'))} in control tasks, "
        f"{decimal(number(own[best], 'untrained'))} in an untrained network"
    )
    return said if best == last else f"{said}; {_estimate(own[last])} in {last}, the last layer"


def _estimate(row: Row) -> str:
    found = Estimate(number(row, "value"), number(row, "low"), number(row, "high"))
    return f"{decimal(found.value)} {interval(found)}"


def draw(page: Page) -> Drawn:
    """Draw the means along the layers, and every action unit and expression as a map."""
    found = page.of(build_readable)
    if isinstance(found, Missing):
        return {}
    drawn: dict[str, Callable[[], Drawing]] = {
        f"readable-{kind}": partial(_depth, found, panel)
        for kind, panel in zip(KINDS, found.means, strict=False)
    }
    for kind, panels in (("aus", found.aus), ("expressions", found.expressions)):
        if panels:
            drawn[f"readable-each-{kind}"] = partial(_each, found, panels)
    return drawn


def _depth(found: Readable, panel: Panel) -> Drawing:
    return lines(
        [
            Series(
                "the network",
                panel.value,
                BLUE,
                low=[one.low for one in panel.values],
                high=[one.high for one in panel.values],
            ),
            Series("control tasks", panel.control, GREY, dashed=True),
            Series("untrained", panel.untrained, GREY),
        ],
        title=f"{panel.what[0].upper()}{panel.what[1:]}",
        x=range(len(found.layers)),
        ticks=found.layers,
        y_range=(panel.floor, 1),
        at=("readable from here", panel.place - 1),
    )


def _each(found: Readable, panels: tuple[Panel, ...]) -> Drawing:
    floor = panels[0].floor
    return matrix(
        np.array([panel.value for panel in panels], dtype=float) - floor,
        [panel.what for panel in panels],
        found.layers,
        title="Read by a linear probe, layer by layer",
        limit=1 - floor,
        label=f"above {floor:g}",
        boxes=np.array(
            [[place == panel.place - 1 for place in range(len(found.layers))] for panel in panels]
        ),
        key=("", "readable from here"),
    )


SECTION: Final = Section(
    order=21,
    anchor="readable",
    heading="At which layer do action units become readable, and at which expressions?",
    title="Layers",
    template="readable.html",
    build=build_readable,
    figures=draw,
    downloads={
        "mechanism/readable.csv": "what probes read in every layer: each AU and expression",
        "mechanism/readable_layers.csv": "what probes read in every layer: means",
        "mechanism/readable_from.csv": "from which layer on each AU and expression is readable",
    },
)
