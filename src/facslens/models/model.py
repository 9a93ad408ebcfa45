"""A trained network with what is needed to use it: its size, classes and architecture."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from facslens.artifacts import atomic, read_json, write_json
from facslens.errors import ArtifactError, CallError
from facslens.models.compact import CompactNetwork
from facslens.models.paper import PaperNetwork

#: Architectures by name: number of classes and side of the input in, a network out.
ARCHITECTURES: Final[dict[str, type[nn.Module]]] = {
    "paper": PaperNetwork,
    "compact": CompactNetwork,
}


@dataclass(frozen=True)
class Model:
    """A network that reads faces.

    Parameters
    ----------
    network
        Takes (image, 1, size, size) float32 as `facslens.preprocess.normalise` gives it,
        returns one score a class; in evaluation mode.
    architecture
        One of `ARCHITECTURES`.
    size
        Side of its square grey input in pixels.
    expressions
        The expressions, in the order of the scores.
    training
        How it was trained: free entries for ``model.json``.
    """

    network: nn.Module
    architecture: str
    size: int
    expressions: tuple[str, ...]
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(p.numel() for p in self.network.parameters())


def build(architecture: str, expressions: tuple[str, ...], size: int, seed: int) -> Model:
    """Make an untrained model, its weights drawn from the seed.

    Weights are drawn as PyTorch draws them for each kind of layer.

    Raises
    ------
    CallError
        If the architecture is not known, or there are fewer than two expressions.
    """
    if architecture not in ARCHITECTURES:
        raise CallError(
            f"--model {architecture!r} is no known network: expected {', '.join(ARCHITECTURES)}"
        )
    if len(expressions) < 2:
        raise CallError(
            f"a network needs two expressions or more to tell apart, not {len(expressions)}"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ARCHITECTURES[architecture](classes=len(expressions), size=size)
    network.eval()
    nn.utils.convert_conv2d_weight_memory_format(network, torch.channels_last)
    return Model(network, architecture, size, expressions)


def save(model: Model, folder: Path) -> None:
    """Write ``model.safetensors`` and ``model.json``.

    Raises
    ------
    ArtifactError
        If the disk is full or the folder cannot be written; what was there is untouched.
    """
    weights = {k: v.contiguous() for k, v in model.network.state_dict().items()}
    path = folder / "model.safetensors"
    with atomic(path) as temporary:
        try:
            save_file(weights, temporary)
        except SafetensorError as error:
            reason = str(error).removeprefix("Error while serializing: ")
            raise ArtifactError(f"{path} cannot be written: {reason}") from error
    write_json(
        folder / "model.json",
        {
            "architecture": model.architecture,
            "size": model.size,
            "expressions": list(model.expressions),
            "parameters": model.parameters,
            "training": dict(model.training),
        },
    )


def load(folder: Path) -> Model:
    """Read the model that a run left.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged, if the weights do not fit the architecture, or hold
        a number that is not finite.
    """
    path = folder / "model.safetensors"
    description = read_json(folder / "model.json")
    try:
        model = build(
            description["architecture"],
            tuple(description["expressions"]),
            description["size"],
            seed=0,
        )
    except (KeyError, CallError) as error:
        raise ArtifactError(f"{folder / 'model.json'} describes no network: {error}") from error
    try:
        weights = load_file(path)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} does not exist") from error
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise ArtifactError(f"{path} is no readable weights file: {error}") from error
    for name, value in weights.items():
        if not torch.isfinite(value).all():
            raise ArtifactError(f"{path} holds NaN or infinity in {name}: train the network again")
    try:
        model.network.load_state_dict(weights)
    except RuntimeError as error:
        raise ArtifactError(
            f"{path} does not fit the {model.architecture} network with "
            f"{len(model.expressions)} expressions: {str(error).splitlines()[-1].strip()}"
        ) from error
    return Model(
        model.network,
        model.architecture,
        model.size,
        model.expressions,
        description.get("training", {}),
    )
