"""What a network and its controls answered to the stimuli, kept so that it is asked once."""

import functools
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from facslens.artifacts import atomic
from facslens.controls.baselines import untrained
from facslens.controls.pixels import plain_input
from facslens.datasets.stimuli import Stimuli
from facslens.directions.rotation import random_rotation
from facslens.engines.engine import Engine
from facslens.errors import ArtifactError
from facslens.experiments.control import Control
from facslens.experiments.faces import compared, needed
from facslens.experiments.trials import Arrangement, Strips, Trials
from facslens.models.directions import undirected
from facslens.models.model import Model
from facslens.progress import Report
from facslens.responses.recorder import peak
from facslens.stages.directions import directed_alike
from facslens.stages.kept import Lazy
from facslens.stages.stimulated import (
    OUTPUT,
    Reading,
    joined,
    keep_faces,
    responding,
    settle,
    total_change,
    without_network,
)

#: Random rotations of each layer.
ROTATIONS: Final = 3
_FIELDS: Final = ("n", "candidate", "tables", "wins")
#: What is raised on an archive that is damaged.
_DAMAGED: Final = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Answers:
    """What a network answered, and what its controls do on the same faces.

    Parameters
    ----------
    responses
        By layer, of the faces that `facslens.experiments.faces.needed` names; (image, unit). Those
        on the disk are read each time that a layer is asked for.
    controls
        By layer and name of the control; as the responses.
    logits
        The network's output for the same faces; (image, expression).
    """

    responses: Mapping[str, Float[np.ndarray, "image _unit"]]
    controls: Mapping[str, Mapping[str, Control]]
    logits: Float[np.ndarray, "image _expression"]

    def trials(self, stimuli: Stimuli) -> Mapping[str, Trials]:
        """Arrange the responses of each layer; only the one that is asked for is in memory."""
        arrangement = Arrangement.of(stimuli.table[needed(stimuli)])
        return Lazy(tuple(self.responses), lambda layer: arrangement.trials(self.responses[layer]))

    def write(self, file: Path) -> None:
        """Write them as a compressed NumPy archive, one layer after the other."""
        with (
            atomic(file) as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name, values in self._arrays():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, np.asarray(values), allow_pickle=False)

    def _arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        for layer, values in self.responses.items():
            yield f"responses/{layer}", values
        yield "logits", self.logits
        for layer, controls in self.controls.items():
            for name, control in controls.items():
                for field in _FIELDS:
                    yield f"{field}/{name}/{layer}", np.asarray(getattr(control, field))

    @classmethod
    def read(cls, file: Path) -> "Answers":
        """Open them; a layer is read when it is asked for, each time.

        Raises
        ------
        ArtifactError
            If the file is missing or damaged, or holds something else.
        """
        try:
            with zipfile.ZipFile(file) as archive:
                if damaged := archive.testzip():
                    raise ArtifactError(f"{file} holds no whole answers to the stimuli: {damaged}")
                keys = [name.removesuffix(".npy") for name in archive.namelist()]
            (logits,) = _stored(file, ["logits"])
        except _DAMAGED as error:
            raise ArtifactError(f"{file} holds no answers to the stimuli: {error}") from error
        layers = tuple(key.partition("/")[2] for key in keys if key.startswith("responses/"))
        controls: dict[str, list[str]] = {layer: [] for layer in layers}
        for key in keys:
            first, _, rest = key.partition("/")
            name, _, layer = rest.partition("/")
            if first == "n":
                lacking = [one for one in _FIELDS if f"{one}/{rest}" not in keys]
                if lacking or layer not in layers:
                    raise ArtifactError(f"{file} holds no whole answers to the stimuli: {rest}")
                controls[layer].append(name)

        def responses(layer: str) -> np.ndarray:
            (found,) = _stored(file, [f"responses/{layer}"])
            return found

        def controls_of(layer: str) -> dict[str, Control]:
            found = {}
            for name in controls[layer]:
                n, *own = _stored(file, [f"{field}/{name}/{layer}" for field in _FIELDS])
                found[name] = Control(int(n), *own)
            return found

        return cls(Lazy(layers, responses), Lazy(layers, controls_of), logits)


def _stored(file: Path, keys: Sequence[str]) -> list[np.ndarray]:
    """Read some arrays of an archive."""
    # a damaged archive would stay open if NumPy opened it
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        return [stored[key] for key in keys]


def ask(
    model: Model,
    stimuli: Stimuli,
    layers: Sequence[str],
    others: int,
    seed: int,
    progress: Report,
    identity: Model | None = None,
    engine: Engine | None = None,
    folder: Path | None = None,
) -> Answers:
    """Show the stimuli to a network, to untrained ones and to what is no network, in one pass.

    Parameters
    ----------
    model
        The network.
    stimuli
        The faces.
    layers
        Names of convolution layers.
    others
        Number of untrained networks; 0 leaves the control out. Their batch normalisation is set on
        faces of the choosing people.
    seed
        Of untrained weights and rotations.
    progress
        Called with the number of faces read, by all networks.
    identity
        A network of the same architecture that has learned who is shown; None leaves the control
        of that name out.
    engine
        Where the faces are read; None is here.
    folder
        Keeps what every network answers, as it comes, until the answers have been written: a layer
        is put together, and its controls are measured, when it is asked for. None reads all of
        them into memory at the end.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as place:
            found = ask(
                model, stimuli, layers, others, seed, progress, identity, engine, Path(place)
            )
            return Answers(dict(found.responses), dict(found.controls), found.logits)
    random = [untrained(undirected(model), seed + 1 + number) for number in range(others)]
    settle(random, stimuli)
    random = [directed_alike(model, one, stimuli, seed) for one in random]
    identity = identity and directed_alike(model, identity, stimuli, seed)
    few, every = compared(stimuli), needed(stimuli)
    networks = [*random, *([identity] if identity else [])]
    total = int(every.sum()) + (len(networks) + 1) * int(few.sum())
    readers: list[Reading] = [
        (few, responding(model, layers, _Mixed(seed)), model.input),
        (every & ~few, responding(model, layers), model.input),
        (few, without_network, plain_input(model.input)),
    ]
    readers += [(few, responding(other, layers), other.input) for other in networks]
    read = keep_faces(stimuli, readers, lambda n: progress(n, total, "faces"), engine, folder)
    mixed, plain, bare, *answered = read
    part = Arrangement.of(stimuli.table[few])
    change = total_change(stimuli, few, bare["pixels"])
    shared = {
        name: Control.in_strips([Strips(part, values)])
        for name, values in (bare | {"total": change}).items()
    }

    def responses(layer: str) -> np.ndarray:
        first = (slice(None), 0) if layer != OUTPUT else (slice(None),)
        return joined(few[every], mixed[layer][first], plain[layer][:])

    def controls(layer: str) -> dict[str, Control]:
        found = dict(shared)
        if others:
            sets = [Strips(part, one[layer]) for one in answered[:others]]
            found["untrained"] = Control.in_strips(sets)
        mixtures = (mixed[layer][:, 1 + number] for number in range(ROTATIONS))
        found["rotated"] = Control.in_strips(Strips(part, one) for one in mixtures)
        if identity:
            found["identity"] = Control.in_strips([Strips(part, answered[others][layer])])
        return found

    return Answers(Lazy(tuple(layers), responses), Lazy(tuple(layers), controls), responses(OUTPUT))


@dataclass(frozen=True)
class _Mixed:
    """Reads each unit's response, and the maxima of random mixtures of the maps.

    Gives (image, 1 + rotation, unit).
    """

    seed: int

    def __call__(self, maps: Tensor) -> Float[np.ndarray, "image _reading unit"]:
        read = [torch.from_numpy(peak(maps).response)]
        for number in range(ROTATIONS):
            mixture = torch.from_numpy(_rotation(maps.shape[1], self.seed + number)).to(maps)
            mixed = functional.conv2d(maps, mixture[:, :, None, None])
            read.append(mixed.amax(dim=(2, 3)).float().cpu())
        return torch.stack(read, dim=1).numpy()


_rotation = functools.lru_cache(maxsize=None)(random_rotation)
