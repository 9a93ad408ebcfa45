"""When detectors arose in the training, where networks along it were kept."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from facslens.colours import BLUE, GREY
from facslens.experiments.forming import by_epoch
from facslens.plot.curves import Series, lines
from facslens.plot.style import Drawing
from facslens.report.section import Drawn, Page, Section
from facslens.report.tables import records


@dataclass(frozen=True)
class Line:
    """What was found in one layer at each epoch; NaN where no unit answers."""

    layer: str
    accuracy: tuple[float, ...]
    wins: tuple[float, ...]
    auroc: tuple[float, ...]
    caused: tuple[int, ...]


@dataclass(frozen=True)
class Forming:
    """What was found along the training, layer by layer; the last layer comes last."""

    epochs: tuple[int, ...]
    lines: tuple[Line, ...]
    aus: int

    @property
    def layer(self) -> str:
        """The layer whose line stands out."""
        return self.lines[-1].layer

    @property
    def most(self) -> int:
        """The end of the axis of action units that are caused."""
        return max(1, *(n for line in self.lines for n in line.caused))


def build_forming(page: Page) -> Forming | None:
    """Gather the curves; None where no network along the training was looked at."""
    table = page.tables.experiment("forming.csv")
    if table is None or table.empty:
        return None
    rows = records(by_epoch(table))
    layers = dict.fromkeys(str(row["layer"]) for row in rows)
    own = {layer: [row for row in rows if row["layer"] == layer] for layer in layers}
    return Forming(
        epochs=tuple(dict.fromkeys(int(row["epoch"]) for row in rows)),
        lines=tuple(
            Line(
                layer=layer,
                accuracy=tuple(float(row["accuracy"]) for row in found),
                wins=tuple(float(row["wins"]) for row in found),
                auroc=tuple(float(row["auroc"]) for row in found),
                caused=tuple(int(row["caused"]) for row in found),
            )
            for layer, found in own.items()
        ),
        aus=int(rows[0]["aus"]),
    )


def draw(page: Page) -> Drawn:
    """Draw the four curves."""
    found = page.of(build_forming)
    if found is None:
        return {}
    return {
        f"forming-{measure}": partial(_along, found, measure, title, top)
        for measure, title, top in (
            ("accuracy", "Accuracy on validation", 1.0),
            ("wins", "Wins over the strongest rival", 1.0),
            ("auroc", "AUROC of the response alone", 1.0),
            ("caused", "Action units caused", float(found.most)),
        )
    }


def _along(found: Forming, measure: str, title: str, top: float) -> Drawing:
    return lines(
        [
            Series(
                line.layer if line.layer == found.layer else "",
                getattr(line, measure),
                BLUE if line.layer == found.layer else GREY,
            )
            for line in found.lines
        ],
        title=title,
        x=range(len(found.epochs)),
        ticks=[str(epoch) for epoch in found.epochs],
        along="epochs",
        y_range=(0, top),
    )


SECTION: Final = Section(
    order=102,
    anchor="forming",
    heading="",
    template="forming.html",
    build=build_forming,
    figures=draw,
    part_of="network",
    downloads={"experiment/forming.csv": "the experiment on networks along the training"},
)
