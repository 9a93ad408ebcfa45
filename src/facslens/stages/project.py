"""Project the exemplars of the mapped units back to pixels."""

from collections.abc import Hashable
from typing import Final

import numpy as np
import pandas as pd
from PIL import Image

from facslens.artifacts import atomic
from facslens.datasets.base import Faces
from facslens.models import model as models
from facslens.preprocess import normalise
from facslens.preprocess.normalise import to_picture
from facslens.progress import Report
from facslens.projection.deconvnet import Projections, project_units
from facslens.projection.windows import brightest, crop, to_grey
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.selection import mapped_units
from facslens.stages.projectable import can_project

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
        for layer, own in chosen.groupby("layer", sort=False):
            levels, of, projections = _project(model, faces, str(layer), own, settings.rule)
            field = model.reading.field(str(layer))
            for unit in own["unit"].unique():
                places = np.flatnonzero(own["unit"] == unit)
                projected = projections.image[places].sum(axis=1)
                limit = brightest(projected)
                pictured = zip(projected, levels[of[places]], strict=True)
                for row, (picture, face) in zip(
                    own.iloc[places].to_dict("records"), pictured, strict=True
                ):
                    stem = f"{layer}-{unit}-{row['rank']}"
                    seen = field.rectangle(row["row"], row["column"])
                    files = {
                        "projection": to_grey(crop(picture, seen), limit),
                        "face": to_picture(crop(face, seen, fill=1.0)),
                        "whole": to_picture(face),
                    }
                    for kind, grey in files.items():
                        Image.fromarray(grey).save(temporary / f"{stem}-{kind}.png")
                    window = dict(zip(("top", "left", "bottom", "right"), seen, strict=True))
                    names = {kind: f"{stem}-{kind}.png" for kind in files}
                    rows.append(dict(row) | window | names | {"rule": settings.rule})
                progress(len(rows), len(chosen), f"{layer} unit {unit}")
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(temporary / "index.csv", index=False)


def _project(
    model: models.Model, faces: Faces, layer: str, exemplars: pd.DataFrame, rule: str
) -> tuple[np.ndarray, np.ndarray, Projections]:
    """Levels (face, channel, row, column) of the faces, each exemplar's face, its projection."""
    images, of = np.unique(exemplars["image"], return_inverse=True)
    levels = normalise.read(list(faces.table.set_index("image").loc[images, "path"]), model.input)
    projections = project_units(
        model.network,
        normalise.as_read(levels, model.input),
        layer,
        exemplars["unit"].to_numpy(),
        exemplars[["row", "column"]].to_numpy(),
        rule=rule,
        image_of=of,
    )
    return levels.numpy(), of, projections
