"""What networks, and what is no network, answer to the stimuli: all of them in one pass."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from facslens.controls.pixels import hog
from facslens.datasets.stimuli import HALVES, Stimuli
from facslens.engines.engine import Engine, Seen
from facslens.engines.local import Local
from facslens.experiments.faces import Rows, compared
from facslens.models.model import Model
from facslens.models.reading.any_reading import Listens
from facslens.models.reading.reading import takes
from facslens.preprocess import normalise
from facslens.preprocess.input import Input
from facslens.responses.recorder import peak
from facslens.stages.kept import Kept

#: What faces, levels in [0, 1], are turned into: arrays by name, one row a face.
Reader = Callable[[Float[Tensor, "_face _channel _row _column"]], Mapping[str, np.ndarray]]
#: Which rows are shown to a reader, who it is, and at which size and in which colours.
Reading = tuple[Rows, Reader, Input]

#: Faces that are read at a time, by every reader: convolutions keep working memory for each size
#: of a batch.
_BATCH: Final = 64
#: From as many faces on a piece is read as a whole, wherever that is.
PIECE: Final = 1024
#: The name under which a network's output is kept beside the responses of its layers.
OUTPUT: Final = "(output)"


def read_faces(
    stimuli: Stimuli,
    readers: Sequence[Reading],
    progress: Callable[[int], None],
    engine: Engine | None = None,
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
    engine
        Where the readers read; None is here.

    Returns
    -------
    list of dict
        Of each reader its arrays, rows in the order of the stimuli.
    """
    found = [_Arrays(int(rows.sum())) for rows, _, _ in readers]
    _read(stimuli, readers, found, progress, engine)
    return [own.values for own in found]


def keep_faces(
    stimuli: Stimuli,
    readers: Sequence[Reading],
    progress: Callable[[int], None],
    engine: Engine | None,
    folder: Path,
) -> list[dict[str, Kept]]:
    """Do as `read_faces` does, and keep what is answered in files of a folder, as it comes."""
    found = [_Files(folder, f"{number}") for number in range(len(readers))]
    _read(stimuli, readers, found, progress, engine)
    return [own.values for own in found]


def _read(
    stimuli: Stimuli,
    readers: Sequence[Reading],
    found: Sequence["_Arrays | _Files"],
    progress: Callable[[int], None],
    engine: Engine | None,
) -> None:
    masks = [rows for rows, _, _ in readers]
    work = _ReadPiece(tuple((reader, into) for _, reader, into in readers))

    def seen(count: int) -> None:
        progress(sum(own.count for own in found) + count)

    for piece in (engine or Local()).map(work, _pieces(stimuli, masks), seen):
        for own, (count, values) in zip(found, piece, strict=True):
            own.add(count, values)
        seen(0)


@dataclass
class _Arrays:
    """What was answered to some faces: one array at once, for many small ones scatter memory."""

    whole: int
    count: int = 0
    values: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, count: int, values: Mapping[str, np.ndarray]) -> None:
        """Add what was answered to the next faces."""
        for name, own in values.items():
            if name not in self.values:
                self.values[name] = np.empty((self.whole, *own.shape[1:]), dtype=own.dtype)
            self.values[name][self.count : self.count + count] = own
        self.count += count


@dataclass
class _Files:
    """What was answered to some faces, in a file for each array."""

    folder: Path
    name: str
    count: int = 0
    values: dict[str, Kept] = field(default_factory=dict)

    def add(self, count: int, values: Mapping[str, np.ndarray]) -> None:
        """Add what was answered to the next faces."""
        for number, (name, own) in enumerate(values.items()):
            file = self.folder / f"{self.name}-{number}"  # names of layers may be no names of files
            self.values.setdefault(name, Kept(file)).add(own)
        self.count += count


@dataclass(frozen=True)
class _Block:
    """The faces of one person in one setting that some reader wants, and which each wants."""

    images: UInt8[np.ndarray, "face row column *rgb"]
    wanted: tuple[Bool[np.ndarray, " face"], ...]


def _pieces(stimuli: Stimuli, masks: Sequence[Rows]) -> Iterator[list[_Block]]:
    """Divide the faces that are wanted into pieces of whole blocks."""
    piece: list[_Block] = []
    for _, first, after in stimuli.blocks:
        own = [rows[first:after] for rows in masks]
        wanted = np.logical_or.reduce(own)
        if not wanted.any():
            continue
        images = stimuli.pixels(first, after)[wanted]
        piece.append(_Block(images, tuple(rows[wanted] for rows in own)))
        if sum(len(block.images) for block in piece) >= PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


@dataclass(frozen=True)
class _ReadPiece:
    """Lets readers read the faces of a piece; sent to wherever they are read."""

    readers: tuple[tuple[Reader, Input], ...]

    def __call__(self, piece: list[_Block], seen: Seen) -> list[tuple[int, dict[str, np.ndarray]]]:
        """Give, of each reader, how many faces it read, and its arrays."""
        found = [
            _Arrays(sum(int(block.wanted[n].sum()) for block in piece))
            for n in range(len(self.readers))
        ]
        waiting = [torch.empty(0, *into.shape) for _, into in self.readers]

        def pass_on(number: int, least: int) -> None:
            """Let a reader read its waiting faces, as long as there are so many."""
            while len(waiting[number]) >= least:
                batch, waiting[number] = waiting[number][:_BATCH], waiting[number][_BATCH:]
                found[number].add(len(batch), self.readers[number][0](batch))
                seen(sum(own.count for own in found))

        for block in piece:
            images, inputs = list(block.images), {into for _, into in self.readers}
            faces = {into: normalise.scaled(images, into) for into in inputs}
            for number, (_, into) in enumerate(self.readers):
                own = faces[into][torch.from_numpy(block.wanted[number])]
                waiting[number] = torch.cat([waiting[number], own])
                pass_on(number, _BATCH)
        for number in range(len(self.readers)):
            pass_on(number, 1)
        return [(own.count, own.values) for own in found]


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


@dataclass(frozen=True)
class Responding:
    """Reads what a network answers: its responses by layer, and its `OUTPUT`.

    Parameters
    ----------
    model
        The network.
    layers
        Names of layers.
    keep
        What to keep of the maps of a layer, one row a face.
    """

    model: Model
    layers: tuple[str, ...]
    keep: Callable[[Tensor], np.ndarray]

    def __call__(
        self, faces: Float[Tensor, "_face _channel _row _column"]
    ) -> dict[str, np.ndarray]:
        """Read faces."""
        with torch.inference_mode():
            found, output = self._listener(as_read(faces, self.model.input))
        return {**found, OUTPUT: output.numpy(force=True)}

    def __getstate__(self) -> dict[str, object]:
        """Leave out the listener, which another process makes for itself."""
        return {name: value for name, value in vars(self).items() if name != "_listener"}

    @cached_property
    def _listener(self) -> Listens:
        chosen = self.model.reading.choose(self.layers) if self.layers else []
        return self.model.reading.listener(self.model.network, chosen, self.keep)


def responding(
    model: Model, layers: Sequence[str], keep: Callable[[Tensor], np.ndarray] | None = None
) -> Responding:
    """Make a reader of a network, which keeps each unit's response unless told otherwise."""
    return Responding(model, tuple(layers), keep or _response)


def _response(maps: Tensor) -> Float[np.ndarray, "face unit"]:
    return peak(maps).response


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


def total_change(stimuli: Stimuli, rows: Rows, pixels: Kept) -> Float[np.ndarray, "face 1"]:
    """Sum up how far the pixels of each face are from those of the same block's first one."""
    half = pixels.shape[1] // 2  # the others are the same, negated
    total = np.empty((len(pixels), 1), dtype=np.float32)
    stops = np.cumsum([rows[first:after].sum() for _, first, after in stimuli.blocks])
    for start, stop in zip([0, *stops[:-1]], stops, strict=True):
        own = pixels[start:stop, :half]
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
                model.network(as_read(faces, model.input).to(*takes(model.network)))
        return {}

    read_faces(stimuli, [(rows, reader, models[0].input)], lambda _read: None)
    for model in models:
        model.network.eval()
