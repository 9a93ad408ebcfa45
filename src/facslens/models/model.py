"""A trained network with what is needed to use it: its input, classes and architecture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as weights_to_bytes
from torch import Tensor, nn

from facslens.artifacts import Json, atomic, read_json, write_json
from facslens.datasets.labels import EXPRESSIONS
from facslens.errors import ArtifactError, CallError
from facslens.models.compact import CompactNetwork
from facslens.models.paper import PaperNetwork
from facslens.models.reading.any_reading import AnyReading
from facslens.models.reading.reading import read_network
from facslens.preprocess.input import Input, grey_contrast, noted_input

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
        Takes (image, channel, row, column) float32 as `facslens.preprocess.normalise.as_read`
        gives it, returns one score a class; in evaluation mode.
    architecture
        One of `ARCHITECTURES`, or any other name.
    input
        What it reads of a picture.
    expressions
        The expressions, in the order of the scores.
    training
        How it was trained: free entries for ``model.json``.
    scale
        How chances follow from the scores, one of `facslens.models.scale.SCALES`.
    opened
        Of a network that was trained elsewhere, how it was opened, for ``model.json``: see
        `facslens.models.opening.open.open_module`.
    """

    network: nn.Module
    architecture: str
    input: Input
    expressions: tuple[str, ...]
    training: Mapping[str, Any] = field(default_factory=dict)
    scale: str = "softmax"
    opened: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(p.numel() for p in self.network.parameters())

    def chances(self, scores: Float[Tensor, "image class"]) -> Float[Tensor, "image class"]:
        """Give the probability of each class.

        Raises
        ------
        CallError
            If the network's numbers are no scores of classes.
        """
        if self.scale == "none":
            raise CallError(
                f"the network gives numbers, {', '.join(self.expressions)}, and no scores of "
                f"classes: no expression follows from them"
            )
        return scores.sigmoid() if self.scale == "logistic" else scores.softmax(dim=1)

    @property
    def reading(self) -> AnyReading:
        """What the network computes: its layers, and the way to and from their maps.

        Raises
        ------
        CallError
            As `facslens.models.reading.reading.read_network` does.
        """
        return read_network(self.network, self.input.shape)

    @property
    def size(self) -> int:
        """Side in pixels of the square that the networks of facslens read.

        Raises
        ------
        CallError
            If the network reads no square.
        """
        if self.input.height != self.input.width:
            raise CallError(f"the network reads {self.input.name}: expected a square")
        return self.input.height


def build(architecture: str, expressions: tuple[str, ...], size: int, seed: int) -> Model:
    """Make an untrained model, its weights drawn from the seed.

    Weights are drawn as PyTorch draws them for each kind of layer.

    Raises
    ------
    CallError
        If the architecture is not known or does not read faces of that size, or if there are fewer
        than two expressions.
    """
    if architecture not in ARCHITECTURES:
        raise CallError(
            f"model is {architecture!r}: expected an architecture, {' or '.join(ARCHITECTURES)}"
        )
    reads = grey_contrast(size)
    if len(expressions) < 2:
        raise CallError(f"expressions is {list(expressions)}: expected two expressions or more")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ARCHITECTURES[architecture](classes=len(expressions), size=size)
    network.eval()
    nn.utils.convert_conv2d_weight_memory_format(network, torch.channels_last)
    return Model(network, architecture, reads, expressions)


def save(model: Model, folder: Path) -> None:
    """Write ``model.safetensors`` and ``model.json``.

    Parameters
    ----------
    model
        To be read again by `load`.
    folder
        It is made where there is none; other files in it stay.

    Raises
    ------
    CallError
        If the model is of another architecture than those here, or names expressions otherwise.
    ArtifactError
        If the disk is full or the folder cannot be written; what was there is untouched.
    """
    if model.architecture not in ARCHITECTURES:
        raise CallError(
            f"the model is of the architecture {model.architecture!r}, which could not be read "
            f"back: expected {' or '.join(ARCHITECTURES)}"
        )
    if fault := _fault_of(model.expressions):
        raise CallError(f"the model {fault}")
    write_weights(model.network.state_dict(), folder / "model.safetensors")
    write_json(folder / "model.json", describe(model))


def describe(model: Model) -> Json:
    """Give the content of ``model.json``."""
    known: Json = {
        "architecture": model.architecture,
        "input": model.input.name,
        "expressions": list(model.expressions),
        "parameters": model.parameters,
        "training": dict(model.training),
    }
    if model.opened:
        known |= {"scale": model.scale, "opened": dict(model.opened)}
    return known


def write_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write weights alone, as safetensors; `read_weights` reads them."""
    plain = {name: value.cpu().contiguous() for name, value in weights.items()}
    with atomic(path) as temporary:
        temporary.write_bytes(weights_to_bytes(plain))  # save_file lets nobody else read it


def load(folder: Path, weights: str = "model.safetensors") -> Model:
    """Read a model that a run or `save` left.

    Parameters
    ----------
    folder
        It holds ``model.json``.
    weights
        Name of the file of weights in the folder.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged, if ``model.json`` describes no network, or if the weights
        do not fit it or hold a number that is not finite.
    """
    model = _described(read_json(folder / "model.json"), folder / "model.json")
    read_weights(model, folder / weights)
    return model


def read_weights(model: Model, path: Path) -> None:
    """Give a model the weights of a file.

    Raises
    ------
    ArtifactError
        If the file is missing or damaged, does not fit the model, or holds a number that is not
        finite.
    """
    try:
        found = load_file(path)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} does not exist") from error
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise ArtifactError(f"{path} is no readable weights file: {error}") from error
    _check(found, model, path)
    model.network.load_state_dict(found)


def _described(content: Json, path: Path) -> Model:
    """Build the network that ``model.json`` describes, its weights still drawn from a seed."""
    if isinstance(opened := content.get("opened"), dict):
        raise ArtifactError(
            f"{path} describes a network of somebody else's code, opened from "
            f"{opened.get('network')}: open it from there again"
        )
    expected: dict[str, tuple[type, str]] = {
        "architecture": (str, "a name"),
        "expressions": (list, "a list of names"),
    }
    for name, (kind, words) in expected.items():
        if name not in content:
            raise ArtifactError(f"{path} describes no network: it lacks {name!r}")
        if not isinstance(content[name], kind):
            raise ArtifactError(f"{path} describes no network: {name} has to be {words}")
    expressions, training = content["expressions"], content.get("training", {})
    if fault := _fault_of(expressions):
        raise ArtifactError(f"{path} {fault}")
    if not isinstance(training, dict):
        raise ArtifactError(f"{path} describes no network: training has to be an object")
    try:
        reads = noted_input(content)
        model = build(content["architecture"], tuple(expressions), reads.height, seed=0)
    except CallError as error:
        raise ArtifactError(f"{path} describes no network: {error}") from error
    if model.input != reads:
        raise ArtifactError(
            f"{path} describes no network: input is {reads.name!r}, which no "
            f"{model.architecture} network reads: expected {model.input.name!r}"
        )
    return replace(model, training=training)


def _fault_of(expressions: Sequence[Any]) -> str | None:
    """Say what is wrong with the names of a network's classes, if anything is."""
    for expression in expressions:
        if expression not in EXPRESSIONS:
            known = " ".join(EXPRESSIONS)
            return f"names the expression {expression!r}: expected some of {known}"
        if expressions.count(expression) > 1:
            return f"names the expression {expression!r} twice: expected once"
    return None


def _check(weights: Mapping[str, Tensor], model: Model, path: Path) -> None:
    """Find weights that are not those of the network: in name, shape, kind or value."""
    misfit = (
        f"{path} does not fit the {model.architecture} network with {len(model.expressions)} "
        f"expressions"
    )
    expected = model.network.state_dict()
    for name in sorted(set(weights) ^ set(expected)):
        raise ArtifactError(f"{misfit}: it {'lacks' if name in expected else 'also has'} {name}")
    for name, wanted in expected.items():
        found = weights[name]
        if found.shape != wanted.shape or found.dtype != wanted.dtype:
            raise ArtifactError(f"{misfit}: {name} is {_kind(found)}, expected {_kind(wanted)}")
        if not torch.isfinite(found).all():
            raise ArtifactError(f"{path} holds NaN or infinity in {name}: train the network again")


def _kind(value: Tensor) -> str:
    return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
