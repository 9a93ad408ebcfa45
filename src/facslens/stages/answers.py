"""What a network and its controls answered to the stimuli, kept so that it is asked once."""

import functools
import zipfile
from collections.abc import Mapping, Sequence
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
from facslens.experiments.trials import Trials, arrange
from facslens.models.directions import undirected
from facslens.models.model import Model
from facslens.progress import Report
from facslens.responses.recorder import peak
from facslens.stages.directions import directed_alike
from facslens.stages.stimulated import (
    OUTPUT,
    Reading,
    compared,
    joined,
    needed,
    read_faces,
    responding,
    settle,
    total_change,
    without_network,
)

#: Random rotations of each layer.
ROTATIONS: Final = 3
_FIELDS: Final = ("n", "candidate", "tables", "wins")


@dataclass(frozen=True)
class Answers:
    """What a network answered, and what its controls do on the same faces.

    Parameters
    ----------
    responses
        By layer, of the faces that `facslens.stages.stimulated.needed` names; (image, unit).
    controls
        By layer and name of the control.
    logits
        The network's output for the same faces; (image, expression).
    """

    responses: Mapping[str, Float[np.ndarray, "image _unit"]]
    controls: Mapping[str, Mapping[str, Control]]
    logits: Float[np.ndarray, "image _expression"]

    def trials(self, stimuli: Stimuli, layer: str) -> Trials:
        """Arrange the responses of a layer."""
        return arrange(stimuli.table[needed(stimuli)], self.responses[layer])

    def write(self, file: Path) -> None:
        """Write them as a compressed NumPy archive."""
        arrays = {f"responses/{layer}": values for layer, values in self.responses.items()}
        arrays["logits"] = self.logits
        for layer, controls in self.controls.items():
            for name, control in controls.items():
                for field in _FIELDS:
                    arrays[f"{field}/{name}/{layer}"] = np.asarray(getattr(control, field))
        with atomic(file) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)

    @classmethod
    def read(cls, file: Path) -> "Answers":
        """Read them.

        Raises
        ------
        ArtifactError
            If the file is missing, or holds something else.
        """
        responses: dict[str, np.ndarray] = {}
        controls: dict[str, dict[str, Control]] = {}
        try:
            # a damaged archive would stay open if NumPy opened it
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                logits = stored["logits"]
                for key in stored.files:
                    first, _, rest = key.partition("/")
                    if first == "responses":
                        responses[rest] = stored[key]
                    elif first == "n":
                        name, _, layer = rest.partition("/")
                        own = [stored[f"{field}/{rest}"] for field in _FIELDS]
                        controls.setdefault(layer, {})[name] = Control(int(own[0]), *own[1:])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ArtifactError(f"{file} holds no answers to the stimuli: {error}") from error
        return cls(responses, controls, logits)


def ask(
    model: Model,
    stimuli: Stimuli,
    layers: Sequence[str],
    others: int,
    seed: int,
    progress: Report,
    identity: Model | None = None,
    engine: Engine | None = None,
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
    """
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
    found = read_faces(stimuli, readers, lambda n: progress(n, total, "faces"), engine)
    mixed, plain, bare, *answered = found
    part = stimuli.table[few]
    bare["total"] = total_change(stimuli, few, bare["pixels"])
    shared = {name: Control.of([arrange(part, values)]) for name, values in bare.items()}
    responses, controls = {}, {}
    for layer in layers:
        responses[layer] = joined(few[every], mixed[layer][:, 0], plain[layer])
        mixtures = np.moveaxis(mixed[layer][:, 1:], 1, 0)
        controls[layer] = dict(shared)
        if others:
            sets = [arrange(part, one[layer]) for one in answered[:others]]
            controls[layer]["untrained"] = Control.of(sets)
        controls[layer]["rotated"] = Control.of([arrange(part, one) for one in mixtures])
        if identity:
            controls[layer]["identity"] = Control.of([arrange(part, answered[others][layer])])
    return Answers(responses, controls, joined(few[every], mixed[OUTPUT], plain[OUTPUT]))


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
