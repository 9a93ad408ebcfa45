"""Record a model's units over a table of faces: responses, locations and exemplars at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from facslens.datasets.archive import Carried, carried
from facslens.datasets.base import Faces
from facslens.engines.engine import Engine, Seen
from facslens.engines.local import Local
from facslens.models.model import Model
from facslens.preprocess import normalise
from facslens.progress import Report, silent
from facslens.responses.exemplars import DEFAULT_K, TopExemplars, subject_numbers
from facslens.responses.recorder import listen, peak
from facslens.responses.store import BatchResponses, Responses, shards
from facslens.responses.writer import ResponseWriter


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
    order: str = "",
    exemplars: int = DEFAULT_K,
    batch_size: int = 64,
    engine: Engine | None = None,
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
    order
        What is recorded, such as a hash of the network and the faces. A recording into `path` that
        was interrupted goes on after the last whole shard if it is of the same order.
    exemplars
        Largest responses kept for each unit, at most one per subject.
    batch_size
        Faces in one forward pass. Memory follows it and the size of a shard, and not the number of
        faces; it does not change the result beyond rounding.
    engine
        Where shards are recorded; None records them here.

    Returns
    -------
    Recording
        Rows in the order of the Faces table.
    """
    chosen = model.reading.choose(layers)
    images = faces.table["image"].to_numpy(dtype=object)
    subjects = subject_numbers(faces.table["subject"])
    paths = faces.table["path"]
    engine = engine or Local()
    writer = ResponseWriter(path, list(images), order)
    best = {layer: TopExemplars(exemplars) for layer in chosen}

    def keep(rows: slice, found: Mapping[str, BatchResponses]) -> None:
        numbers = np.arange(rows.start, rows.stop)
        for layer, own in found.items():
            best[layer].add(numbers, subjects[rows], own.response, own.location)

    whole = shards(len(images))
    kept = [rows for rows in whole if rows.stop <= writer.written]
    for rows in kept:
        keep(rows, writer.read(rows))
    left = whole[len(kept) :]
    items = ([carried(p) if engine.far else p for p in paths[rows]] for rows in left)
    work = RecordShard(model, tuple(chosen), batch_size, 0 if engine.far else None)

    def seen(count: int) -> None:
        progress(writer.written + count, len(images), "")

    for rows, found in zip(left, engine.map(work, items, seen), strict=True):
        writer.add(found)
        keep(rows, found)
        progress(writer.written, len(images), "")
    tables = [top.table(layer, images) for layer, top in best.items()]
    return Recording(writer.close(), pd.concat(tables, ignore_index=True))


@dataclass(frozen=True)
class RecordShard:
    """Records one shard; sent to wherever shards are recorded.

    Parameters
    ----------
    model, layers, batch_size
        As `record_faces` takes them.
    ahead
        Processes that read faces ahead, see `facslens.preprocess.ahead.batches`.
    """

    model: Model
    layers: tuple[str, ...]
    batch_size: int
    ahead: int | None = None

    def __call__(self, paths: Sequence[str | Carried], seen: Seen) -> dict[str, BatchResponses]:
        """Record the faces of a shard, named by their files."""
        network, found = self.model.network, dict[str, BatchResponses]()

        def sink(start: int, batch: Mapping[str, BatchResponses]) -> None:
            rows = slice(start, start + len(next(iter(batch.values())).response))
            for layer, own in batch.items():
                if layer not in found:
                    found[layer] = _room(own, len(paths))
                found[layer].response[rows] = own.response
                found[layer].location[rows] = own.location
            seen(rows.stop)

        listener = self.model.reading.listener(network, list(self.layers), peak)
        read = normalise.batches(paths, self.model.input, self.batch_size, self.ahead)
        listen(network, listener, read, sink)
        return found


def _room(batch: BatchResponses, count: int) -> BatchResponses:
    """Make room for the responses of a shard, of whose first batch these are."""
    shape = (count, batch.response.shape[1])
    return BatchResponses(np.empty(shape, np.float32), np.empty((*shape, 2), np.int16), batch.shape)
