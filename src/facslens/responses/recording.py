"""Record a model's units over a table of faces: responses, locations and exemplars at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from facslens.datasets.base import Faces
from facslens.models.model import Model
from facslens.preprocess import normalise
from facslens.progress import Report, silent
from facslens.responses.exemplars import DEFAULT_K, TopExemplars, subject_numbers
from facslens.responses.recorder import record
from facslens.responses.store import BatchResponses, Responses, ResponseWriter


@dataclass(frozen=True)
class Recording:
    """The result of `record_faces`.

    Parameters
    ----------
    responses
        Of every unit of the chosen layers to every face.
    exemplars
        Columns layer, unit, rank (from 1), image, response, row, column.
    """

    responses: Responses
    exemplars: pd.DataFrame


def record_faces(
    model: Model,
    faces: Faces,
    *,
    layers: list[str] | None = None,
    path: Path | None = None,
    exemplars: int = DEFAULT_K,
    batch_size: int = 64,
    progress: Report = silent,
) -> Recording:
    """Record all units of some layers over all faces, in one pass.

    Parameters
    ----------
    model
        Any model.
    faces
        Any faces.
    layers
        Names of convolution layers; None records all.
    path
        Folder of the Zarr store to write; None keeps the responses in memory.
    exemplars
        Largest responses kept for each unit, at most one per subject.
    batch_size
        Faces in one forward pass. Memory follows it and not the number of faces; it does
        not change the result beyond rounding.

    Returns
    -------
    Recording
        Rows in the order of the Faces table.
    """
    chosen = model.reading.choose(layers)
    images = faces.table["image"].to_numpy(dtype=object)
    subjects = subject_numbers(faces.table["subject"])
    writer = ResponseWriter(path, list(images))
    best = {layer: TopExemplars(exemplars) for layer in chosen}

    def sink(start: int, batch: Mapping[str, BatchResponses]) -> None:
        writer.add(batch)
        for layer, found in batch.items():
            rows = np.arange(start, start + len(found.response))
            best[layer].add(rows, subjects[rows], found.response, found.location)
        progress(int(rows[-1]) + 1, len(images), "")

    paths = list(faces.table["path"])
    record(model.network, normalise.batches(paths, model.input, batch_size), chosen, sink)
    tables = [top.table(layer, images) for layer, top in best.items()]
    return Recording(writer.close(), pd.concat(tables, ignore_index=True))
