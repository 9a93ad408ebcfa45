"""The weights that a training begins with: drawn from a seed, or those of another model."""

import hashlib
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from facslens.errors import CallError
from facslens.models.card import PRETRAINED
from facslens.models.model import Model, build, load
from facslens.models.pretrained import load_pretrained

#: The last linear layer of every architecture here, one row a class.
HEAD: Final = "scores"


def load_named(
    model: Model | str | Path, argument: str = "model", labels: str | None = None
) -> Model:
    """Load a model, whichever way a call names it.

    Parameters
    ----------
    model
        A model, which is given back; the name of a network in the package (`PRETRAINED`); or the
        folder of a run, or of `facslens.models.model.save`. A `Path` is always a folder.
    argument
        What the call names the argument, for the error.
    labels
        Which head of a network in the package; None takes its first. Other models have one head.

    Raises
    ------
    CallError
        If it is none of these, or has no such head.
    ArtifactError
        If its weights are missing or damaged.
    """
    if isinstance(model, str) and model in PRETRAINED:
        return load_pretrained(model, labels or "ferplus")
    if labels is not None:
        raise CallError(
            f"labels is {labels!r}, but only the networks in the package have heads to choose from "
            f"({', '.join(PRETRAINED)}): leave it out"
        )
    if isinstance(model, Model):
        return model
    if isinstance(model, str | Path) and Path(model).is_dir():
        return load(Path(model))
    if isinstance(model, str | Path) and Path(model).suffix.lower() == ".onnx":
        raise CallError(
            f"{argument} is {str(model)!r}, an ONNX file, which PyTorch does not run: name the run "
            f"that it was exported from"
        )
    raise CallError(
        f"{argument} is {_shown(model)}: expected a network in the package "
        f"({', '.join(PRETRAINED)}), the folder of a run, or in Python a Model"
    )


def _shown(model: object) -> str:
    return "a Model" if isinstance(model, Model) else repr(str(model))


def architecture_of(model: str | None, init: Model | str | Path | None) -> str:
    """Find the architecture that a call asks for, which may leave out either argument.

    Parameters
    ----------
    model
        Name of an architecture; None means that of `init`, or the paper's.
    init
        As `load_named` takes it; None for weights drawn from a seed.

    Raises
    ------
    CallError
        If the two contradict each other.
    """
    if init is None:
        return model or "paper"
    begun = load_named(init, "init").architecture
    if model not in (None, begun):
        raise CallError(
            f"model is {model!r}, but init is {_shown(init)}, a network of the architecture "
            f"{begun!r}: name the same architecture, or leave model out"
        )
    return begun


def digest(model: Model) -> str:
    """Give the SHA-256 of a model's weights, the names of its classes included.

    Of a network that was trained elsewhere, what it makes of the weights is included, too: its
    input, its steps, and how its answer is read.
    """
    content = hashlib.sha256(repr((model.architecture, model.expressions)).encode())
    if model.opened:
        content.update(repr((model.input.name, model.scale)).encode())
        content.update(model.reading.digest(model.network).encode())
    for name, value in sorted(model.network.state_dict().items()):
        content.update(name.encode())
        content.update(value.detach().cpu().contiguous().numpy().tobytes())
    return content.hexdigest()


def initial(
    architecture: str,
    expressions: tuple[str, ...],
    size: int,
    seed: int,
    init: Model | None = None,
) -> Model:
    """Make the model that a training begins with.

    Parameters
    ----------
    architecture, expressions, size, seed
        As `facslens.models.model.build` takes them.
    init
        A model whose trunk is taken over as it is. The weights of the scores are taken over for
        the expressions that both models have, and drawn from the seed for the others. The model
        itself does not change. None draws all weights from the seed.

    Raises
    ------
    CallError
        If `init` is of another architecture, or its weights do not fit.

    Examples
    --------
    >>> old = build("paper", ("anger", "fear"), 48, seed=1)
    >>> new = initial("paper", ("fear", "sadness"), 48, 0, old)
    >>> bool((new.network.scores.weight[0] == old.network.scores.weight[1]).all())
    True
    """
    model = build(architecture, expressions, size, seed)
    if init is None:
        return model
    if init.architecture != architecture:
        raise CallError(
            f"init is of the architecture {init.architecture!r}: expected {architecture!r}, as "
            f"the network to be trained"
        )
    drawn, taken = model.network.state_dict(), init.network.state_dict()
    with torch.no_grad():
        weights = {
            name: _rows(value, taken[name], expressions, init.expressions)
            if name.startswith(f"{HEAD}.")
            else taken[name]
            for name, value in drawn.items()
        }
    model.network.load_state_dict(weights)
    return model


def _rows(
    drawn: Tensor, taken: Tensor, expressions: tuple[str, ...], known: tuple[str, ...]
) -> Tensor:
    """Replace the drawn rows of those expressions that the other model has."""
    rows = drawn.clone()
    for row, expression in enumerate(expressions):
        if expression in known:
            rows[row] = taken[known.index(expression)]
    return rows
