"""What networks, and what is no network, answer to the stimuli: all of them in one pass."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from facslens.controls.pixels import hog
from facslens.datasets.stimuli import HALVES, Stimuli
from facslens.experiments.combined import TOGETHER
from facslens.experiments.trials import FULL
from facslens.models.model import Model
from facslens.preprocess import normalise
from facslens.preprocess.input import Input
from facslens.responses.recorder import peak

#: Rows of the stimuli.
Rows = Bool[np.ndarray, " image"]
#: What faces, levels in [0, 1], are turned into: arrays by name, one row a face.
Reader = Callable[[Float[Tensor, "_face _channel _row _column"]], Mapping[str, np.ndarray]]
#: Which rows are shown to a reader, who it is, and at which size and in which colours.
Reading = tuple[Rows, Reader, Input]

#: Faces that are read at a time, by every reader: convolutions keep working memory for each size
#: of a batch.
_BATCH: Final = 64
#: The name under which a network's output is kept beside the responses of its layers.
OUTPUT: Final = "(output)"


def needed(stimuli: Stimuli) -> Rows:
    """Choose the faces that an experiment has to see.

    Of the choosing people those at rest and at full intensity; of the measuring people every
    single action unit at every grade, on both sides and on one, and the second face at rest. Of
    all people the prototypes of expressions, whole and without a member, and pairs, and each action
    unit alone at the grade of these.
    """
    table = stimuli.table
    beside = (table["kind"] == "alone") & (table["grade"] == TOGETHER)
    prototypes = table["kind"].isin(["together", "without", "pair"]) | beside
    measured = table["kind"].isin(["again", "alone", "side"]) & (table["half"] != HALVES[0])
    rows: Rows = compared(stimuli) | (prototypes | measured).to_numpy(dtype=bool)
    return rows


def compared(stimuli: Stimuli) -> Rows:
    """Choose the faces that controls have to see: those at rest and at full intensity."""
    table = stimuli.table
    alone = (table["kind"] == "alone") & (table["grade"] == FULL)
    rows: Rows = ((table["kind"] == "rest") | alone).to_numpy(dtype=bool)
    return rows


def read_faces(
    stimuli: Stimuli,
    readers: Sequence[Reading],
    progress: Callable[[int], None],
) -> list[dict[str, np.ndarray]]:
    """Show faces to several readers, each its own rows, and keep what they answer.

    Parameters
    ----------
    stimuli
        The faces; those of one person in one setting are decoded once, and for all readers.
    readers
        Rows of the stimuli, who reads them, `_BATCH` faces at a time, and what is read of a
        picture.
    progress
        Called with the number of faces read by all readers so far.

    Returns
    -------
    list of dict
        Of each reader its arrays, rows in the order of the stimuli.
    """
    found: list[dict[str, np.ndarray]] = [{} for _ in readers]
    read = [0] * len(readers)
    waiting = [torch.empty(0, *into.shape) for _, _, into in readers]

    def pass_on(number: int, least: int) -> None:
        """Let a reader read its waiting faces, as long as there are so many."""
        rows, reader, _ = readers[number]
        while len(waiting[number]) >= least:
            batch, waiting[number] = waiting[number][:_BATCH], waiting[number][_BATCH:]
            for name, values in reader(batch).items():
                # one array at once: many small ones between the maps would scatter the memory
                if name not in found[number]:
                    whole = (int(rows.sum()), *values.shape[1:])
                    found[number][name] = np.empty(whole, dtype=values.dtype)
                found[number][name][read[number] : read[number] + len(batch)] = values
            read[number] += len(batch)
            progress(sum(read))

    for _, first, after in stimuli.blocks:
        wanted = np.logical_or.reduce([rows[first:after] for rows, _, _ in readers])
        if not wanted.any():
            continue
        images = list(stimuli.pixels(first, after)[wanted])
        faces = {into: normalise.scaled(images, into) for into in {into for _, _, into in readers}}
        for number, (rows, _, into) in enumerate(readers):
            own = faces[into][torch.from_numpy(rows[first:after][wanted])]
            waiting[number] = torch.cat([waiting[number], own])
            pass_on(number, _BATCH)
    for number in range(len(readers)):
        pass_on(number, 1)
    return found


def joined(
    first: Rows,
    some: Float[np.ndarray, "_some column"],
    others: Float[np.ndarray, "_others column"],
) -> Float[np.ndarray, "_image column"]:
    """Put what was answered to some rows, and to the others, in the order of the rows."""
    found = np.empty((len(first), some.shape[1]), dtype=some.dtype)
    found[first], found[~first] = some, others
    return found


def as_read(faces: Float[Tensor, "_face _channel _row _column"], into: Input) -> Tensor:
    """Turn levels into what a network reads, in the order in which convolutions want it."""
    return normalise.as_read(faces, into).contiguous(memory_format=torch.channels_last)


def responding(
    model: Model, layers: Sequence[str], read: Callable[[Tensor], np.ndarray] | None = None
) -> Reader:
    """Make a reader of a network: its responses by layer, and its `OUTPUT`.

    Parameters
    ----------
    model
        The network.
    layers
        Names of layers.
    read
        What to keep of the maps; None keeps each unit's response.
    """
    keep = (lambda maps: peak(maps).response) if read is None else read
    chosen = model.reading.choose(layers) if layers else []
    listener = model.reading.listener(model.network, chosen, keep)

    def reader(faces: Tensor) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            found, output = listener(as_read(faces, model.input))
        return {**found, OUTPUT: output.numpy(force=True)}

    return reader


def without_network(faces: Float[Tensor, "face 1 _row _column"]) -> dict[str, np.ndarray]:
    """Give pixels and histograms of gradients as candidates.

    A pixel or bin counts as it is, and negated: it may turn dark where an action unit shows. The
    faces are to be scaled as `facslens.controls.pixels.plain_input` says.
    """
    bright = normalise.standardise(faces).flatten(1).numpy()
    bins = hog(faces[:, 0].double().numpy()).astype(np.float32)
    return {
        "pixels": np.concatenate([bright, -bright], axis=1),
        "gradients": np.concatenate([bins, -bins], axis=1),
    }


def total_change(
    stimuli: Stimuli, rows: Rows, pixels: Float[np.ndarray, "face _candidate"]
) -> Float[np.ndarray, "face 1"]:
    """Sum up how far the pixels of each face are from those of the same block's first one."""
    bright = pixels[:, : pixels.shape[1] // 2]
    total = np.empty((len(bright), 1), dtype=np.float32)
    stops = np.cumsum([rows[first:after].sum() for _, first, after in stimuli.blocks])
    for start, stop in zip([0, *stops[:-1]], stops, strict=True):
        own = bright[start:stop]
        total[start:stop] = np.abs(own - own[:1]).sum(axis=1, keepdims=True)
    return total


def settle(models: Sequence[Model], stimuli: Stimuli) -> None:
    """Set batch normalisation to the means over the choosing people's faces in one setting.

    The models read the same input.
    """
    norms = [
        [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        for network in (model.network for model in models)
    ]
    if not any(norms):
        return
    table = stimuli.table
    rows = compared(stimuli) & (table["half"] == HALVES[0]).to_numpy(dtype=bool)
    rows &= (table["setting"] == table["setting"].min()).to_numpy(dtype=bool)
    for model, layers in zip(models, norms, strict=True):
        model.network.eval()
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # cumulative
            layer.train()

    def reader(faces: Tensor) -> dict[str, np.ndarray]:
        for model in models:
            with torch.inference_mode():
                model.network(as_read(faces, model.input))
        return {}

    read_faces(stimuli, [(rows, reader, models[0].input)], lambda _read: None)
    for model in models:
        model.network.eval()
