"""How the training went."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Final

from facslens.colours import BLUE, GREY
from facslens.plot.curves import Series, lines
from facslens.plot.style import Drawing
from facslens.report.missing import Missing
from facslens.report.section import Drawn, Page, Section
from facslens.report.tables import count


@dataclass(frozen=True)
class Curve:
    """Loss and accuracy over the epochs of one part of the faces."""

    split: str
    epoch: tuple[float, ...]
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]


@dataclass(frozen=True)
class Training:
    """How the training went."""

    curves: tuple[Curve, ...]
    best_epoch: int | None
    epochs: int
    loss_top: float


#: The share of the losses that the axis of the curves has to hold: a first spike may leave it.
_SHOWN_LOSSES: Final = 0.98


def build_training(page: Page) -> Training | Missing:
    """Gather the curves of loss and accuracy."""
    tables = page.tables
    history = tables.training
    if history is None or history.empty:
        return tables.missing("The network has not been trained in this run", "train")
    curves = tuple(
        Curve(
            split=str(split),
            epoch=tuple(float(v) for v in own["epoch"]),
            loss=tuple(float(v) for v in own["loss"]),
            accuracy=tuple(float(v) for v in own["accuracy"]),
        )
        for split, own in history.sort_values("epoch").groupby("split", sort=True)
    )
    record = tables.model.get("training", {})
    top = float(history["loss"].quantile(_SHOWN_LOSSES))
    return Training(
        curves=curves,
        best_epoch=count(record, "best_epoch"),
        epochs=int(history["epoch"].max()),
        loss_top=top if math.isfinite(top) and top > 0 else 1.0,
    )


def draw(page: Page) -> Drawn:
    """Draw accuracy and loss."""
    found = page.of(build_training)
    if isinstance(found, Missing):
        return {}
    return {
        "training-accuracy": partial(_curves, found, "accuracy", "Accuracy", 1.0),
        "training-loss": partial(_curves, found, "loss", "Loss (nats)", found.loss_top),
    }


def _curves(found: Training, measure: str, title: str, top: float) -> Drawing:
    kept = found.best_epoch
    return lines(
        [
            Series(
                curve.split,
                getattr(curve, measure),
                BLUE if curve.split == "validation" else GREY,
            )
            for curve in found.curves
        ],
        title=title,
        x=found.curves[0].epoch,
        along="epoch",
        y_range=(0, top),
        at=("kept", math.nan if kept is None else kept),
    )


SECTION: Final = Section(
    order=101,
    anchor="training",
    heading="Training",
    template="training.html",
    build=build_training,
    figures=draw,
    part_of="network",
    downloads={"training.csv": "loss and accuracy by epoch"},
)
