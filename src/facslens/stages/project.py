"""Project the exemplars of the mapped units back to pixels."""

from collections.abc import Hashable
from typing import Final

import numpy as np
import pandas as pd
import torch
from PIL import Image

from facslens.artifacts import atomic
from facslens.datasets.base import Faces
from facslens.models import model as models
from facslens.models.receptive_field import receptive_field
from facslens.preprocess import normalise
from facslens.progress import Report
from facslens.projection.deconvnet import Projections, project_units
from facslens.projection.windows import brightest, crop, to_grey
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.selection import mapped_units
from facslens.stages.layer_table import can_project

#: Columns of ``projections/index.csv``.
COLUMNS: Final = (
    "layer", "unit", "rank", "image", "rule", "response",
    "top", "left", "bottom", "right", "projection", "face", "whole",
)  # fmt: skip


def run_project(run: Run, progress: Report) -> None:
    """Write ``projections/``: three pictures for every exemplar of every mapped unit, and an index.

    A unit is mapped if it is the first unit of an action unit, by the test or by the largest
    distance. The pictures of a layer have the size of its receptive field, in pixels of the
    network's input. Layers of an audited network in which the rule is refused have none.
    """
    record = RunRecord(run)
    settings, model, faces = record.settings, record.model, record.faces
    chosen = record.exemplars.merge(mapped_units(record.mapping), on=["layer", "unit"])
    layers = [layer for layer in chosen["layer"].unique() if can_project(record, layer)]
    chosen = chosen[chosen["layer"].isin(layers)]
    with run.stage("project", rule=settings.rule), atomic(run / "projections") as temporary:
        temporary.mkdir()
        rows: list[dict[Hashable, object]] = []
        for (layer, unit), some in chosen.groupby(["layer", "unit"], sort=False):
            pixels, projections = _project(model, faces, str(layer), some, settings.rule)
            field = receptive_field(model.network, str(layer))
            limit = brightest(projections.image)
            for place, row in enumerate(some.to_dict("records")):
                stem = f"{layer}-{unit}-{row['rank']}"
                seen = field.rectangle(row["row"], row["column"])
                files = {
                    "projection": to_grey(crop(projections.image[place, 0], seen), limit),
                    "face": crop(pixels[place, 0], seen, fill=255.0),
                    "whole": pixels[place, 0],
                }
                for kind, picture in files.items():
                    Image.fromarray(picture).save(temporary / f"{stem}-{kind}.png")
                window = dict(zip(("top", "left", "bottom", "right"), seen, strict=True))
                names = {kind: f"{stem}-{kind}.png" for kind in files}
                rows.append(dict(row) | window | names | {"rule": settings.rule})
            progress(len(rows), len(chosen), f"{layer} unit {unit}")
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(temporary / "index.csv", index=False)


def _project(
    model: models.Model, faces: Faces, layer: str, exemplars: pd.DataFrame, rule: str
) -> tuple[np.ndarray, Projections]:
    """Grey levels (projection, 1, row, column) uint8 of the exemplars, and their projections."""
    paths = faces.table.set_index("image").loc[exemplars["image"], "path"]
    levels = normalise.read(list(paths), model.size)
    projections = project_units(
        model.network,
        normalise.standardise(levels),
        layer,
        exemplars["unit"].to_numpy(),
        exemplars[["row", "column"]].to_numpy(),
        rule=rule,
    )
    pixels: np.ndarray = torch.round(levels * 255).to(torch.uint8).numpy()
    return pixels, projections
