"""The network whose weights are in the package: one trunk, and a head for each labelling."""

from pathlib import Path
from typing import Final, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from torch import Tensor

from facslens.errors import ArtifactError, CallError
from facslens.models.card import FOLDER, read_card, read_checked
from facslens.models.model import Model, build

#: How the names of the faces begin that a network learned from: the training part of FER+.
LEARNED: Final = {"compact": "FER2013Train/"}


def load_pretrained(name: str = "compact", labels: str = "ferplus", folder: Path = FOLDER) -> Model:
    """Load a network of the package with one of its heads.

    Parameters
    ----------
    name
        One of `facslens.models.card.PRETRAINED`.
    labels
        ``ferplus``: eight expressions, as most of ten raters of FER+ saw them; ``fer2013``: the
        seven labels that FER2013 was published with. The two agree on 67 % of the faces on which
        most raters agree.
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
        raise CallError(f"labels is {labels!r}: expected one of {', '.join(heads)}")
    try:
        stored = read_tensors(read_checked(f"{name}.safetensors", folder))
    except SafetensorError as error:
        raise ArtifactError(f"{name}.safetensors is no readable weights file: {error}") from error
    first = sum(len(heads[head]) for head in list(heads)[: list(heads).index(labels)])
    rows = slice(first, first + len(heads[labels]))
    weights = {k: v.to(torch.float32) for k, v in stored.items()}
    model = build(name, tuple(heads[labels]), card["size"], seed=0)
    model.network.load_state_dict({**weights, **_head(weights, rows)})
    training = {"pretrained": card["name"], "images": LEARNED[name]}
    return Model(model.network, name, model.input, model.expressions, training)


def _head(weights: dict[str, Tensor], rows: slice) -> dict[str, Tensor]:
    return {f"scores.{kind}": weights[f"scores.{kind}"][rows] for kind in ("weight", "bias")}
