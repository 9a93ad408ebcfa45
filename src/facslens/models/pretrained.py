"""The network whose weights are in the package: one trunk, and a head for each labelling."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from torch import Tensor

from facslens.errors import ArtifactError, CallError
from facslens.models.model import Model, build

#: Networks in the package.
PRETRAINED: Final = ("compact",)
#: Where their weights and cards are.
FOLDER: Final = Path(str(files("facslens.models") / "weights"))


def read_card(name: str = "compact", folder: Path = FOLDER) -> dict[str, Any]:
    """Read what is known of a network in the package: labels, recipe, accuracy, hashes.

    Raises
    ------
    CallError
        If there is no such network.
    ArtifactError
        If its card is missing or damaged.
    """
    if name not in PRETRAINED:
        raise CallError(f"{name!r} is no network in the package: it has {', '.join(PRETRAINED)}")
    path = folder / f"{name}.json"
    try:
        return cast(dict[str, Any], json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} is no readable model card: install facslens again") from error


def read_checked(file: str, folder: Path = FOLDER) -> bytes:
    """Read a file of weights whose hash stands in the card of its network.

    Raises
    ------
    ArtifactError
        If it is missing, or not one byte of it differs from what was published.
    """
    path = folder / file
    expected = read_card(path.stem, folder)["sha256"][file]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise ArtifactError(
            f"{path} is not the file that was published (its SHA-256 differs): "
            f"install facslens again"
        )
    return content


def load_pretrained(name: str = "compact", labels: str = "ferplus", folder: Path = FOLDER) -> Model:
    """Load a network of the package with one of its heads.

    Parameters
    ----------
    name
        One of `PRETRAINED`.
    labels
        ``ferplus``: eight expressions, as most of ten raters of FER+ saw them; ``fer2013``: the
        seven labels that FER2013 was published with. They agree on 64 % of the faces.
    folder
        Where the weights are.

    Raises
    ------
    CallError
        If there is no such network or labelling.
    ArtifactError
        If the weights are not those that were published.
    """
    card = read_card(name, folder)
    heads = cast(dict[str, list[str]], card["labels"])
    if labels not in heads:
        raise CallError(f"labels {labels!r} are not known: {name} has {', '.join(heads)}")
    try:
        stored = read_tensors(read_checked(f"{name}.safetensors", folder))
    except SafetensorError as error:
        raise ArtifactError(f"{name}.safetensors is no readable weights file: {error}") from error
    first = sum(len(heads[head]) for head in list(heads)[: list(heads).index(labels)])
    rows = slice(first, first + len(heads[labels]))
    weights = {k: v.to(torch.float32) for k, v in stored.items()}
    model = build(name, tuple(heads[labels]), card["size"], seed=0)
    model.network.load_state_dict({**weights, **_head(weights, rows)})
    return Model(model.network, name, model.size, model.expressions, {"pretrained": card["name"]})


def _head(weights: dict[str, Tensor], rows: slice) -> dict[str, Tensor]:
    return {f"scores.{kind}": weights[f"scores.{kind}"][rows] for kind in ("weight", "bias")}
