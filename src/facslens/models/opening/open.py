"""Open a PyTorch module as a model: its input, its classes, its answer."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, fx, nn

from facslens.errors import CallError
from facslens.models.model import ARCHITECTURES, Model
from facslens.models.opening.answering import answering, bare
from facslens.models.opening.class_names import class_names
from facslens.models.opening.held import check_held
from facslens.models.opening.output import KINDS, Output, find_output
from facslens.models.reading.reading import read_steps, takes
from facslens.models.reading.steps import MOVES
from facslens.models.reading.trace import Shape, evaluating, operation, placed
from facslens.preprocess.configs import timm_input
from facslens.preprocess.input import EXAMPLES, Input, parse_input
from facslens.preprocess.normalise import as_read

#: Pictures on which a network is tried: noise of these contrasts. The last is stronger than any
#: picture's, so that scores show that they are no chances.
_CONTRASTS: Final = (0.0, 0.5, 1.0, 20.0)
#: Attributes in which a network of timm says what it reads, the newer name first.
_OF_TIMM: Final = ("pretrained_cfg", "default_cfg")
#: Where a network came from that was handed over in Python.
IN_PYTHON: Final = "(given in Python)"


def open_module(
    network: object,
    *,
    reads: Input | str,
    expressions: Sequence[str],
    output: str | None = None,
    source: Mapping[str, Any] | None = None,
) -> Model:
    """Open a network that somebody else has made and trained.

    Parameters
    ----------
    network
        Takes pictures (image, channel, row, column). Its weights, flags and hooks stay as they
        are; the model holds the same weights.
    reads
        What it reads of a picture, or the name of that.
    expressions
        The names of its classes, as `facslens.models.opening.class_names.class_names` takes them.
    output
        As `facslens.models.opening.output.find_output` takes it.
    source
        Where it came from, for `Model.opened`: ``network``, a path or name, and ``files``, the
        SHA-256 of files by their paths; None for a network that was handed over in Python.

    Returns
    -------
    Model
        Its network answers scores (image, class). `Model.opened` has the entries of `source`,
        ``class``, the network's class; ``output``, the name of what of its answer is read;
        ``notes``, what was found out and not said.

    Raises
    ------
    CallError
        If it is no network, does not run on such pictures, has no weights, NaN among them,
        weights in half precision, or some in a plain list, does not fit the expressions, or cannot
        be read.
    """
    if not isinstance(network, nn.Module):
        raise CallError(
            f"network is {_shown(network)}: expected a torch.nn.Module, such as what a model's "
            f"constructor gives"
        )
    if isinstance(network, torch.jit.ScriptModule):
        raise CallError("network is TorchScript: expected the module that it was made of")
    into = parse_input(reads) if isinstance(reads, str) else reads
    names = class_names(expressions)
    kind = type(network)
    network = bare(network)
    _check_weights(network)
    check_held(network)
    _check_inputs(network)
    found = find_output(
        tried(network, into), output, names, lambda part: _last(network, part, into.shape)
    )
    architecture = kind.__name__
    model = Model(
        network if found.plain else answering(network, found.scores),
        f"own {architecture}" if architecture in ARCHITECTURES else architecture,
        into,
        names,
        scale=KINDS[found.numbers].scale,
        opened={
            **(source or {"network": IN_PYTHON, "files": {}}),
            "class": f"{kind.__module__}.{kind.__qualname__}",
            "output": found.name,
            "notes": list(found.notes),
        },
    )
    assert model.reading.layers is not None  # what cannot be read is refused here
    return model


def needed_input(reads: Input | str | None, network: object = None) -> Input | str:
    """Find what a network reads: what a call says, or what networks of timm say themselves.

    Raises
    ------
    CallError
        If neither says it.
    ArtifactError
        As `facslens.preprocess.configs.timm_input` does.
    """
    if reads is not None:
        return reads
    for name in _OF_TIMM:
        if isinstance(config := getattr(network, name, None), Mapping):
            return timm_input(config)
    raise CallError(f"input is missing: say what the network reads, as in {', '.join(EXAMPLES)}")


def needed_names(expressions: Sequence[str] | None) -> Sequence[str]:
    """Refuse a call that does not name a network's classes, which it names nowhere itself."""
    if expressions is None:
        raise CallError("expressions is missing: name the network's classes in their order")
    return expressions


def tried(network: nn.Module, into: Input) -> Any:
    """Give what a network answers to some noise; it is left as it was found.

    Raises
    ------
    CallError
        If it does not run.
    """
    device, dtype = takes(network)
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(len(_CONTRASTS), *into.shape, generator=generator)
    levels = 0.5 + (noise - 0.5) * torch.tensor(_CONTRASTS)[:, None, None, None]
    images = as_read(levels, into).to(device, dtype)
    state = {name: value.clone() for name, value in network.named_buffers()}
    with evaluating(network), torch.no_grad():
        try:
            return _answered(network, images, into.shape)
        finally:
            for name, value in network.named_buffers():
                if name in state:
                    value.copy_(state[name])


def _answered(network: nn.Module, images: Tensor, shape: Shape) -> Any:
    fault: Exception | None = None
    for some in (images, images[:1]):  # it may read one picture at a time
        try:
            return network(some.clone())
        except Exception as error:  # noqa: BLE001  anyone's network may fail in any way
            fault = fault or error
    assert fault is not None
    raise CallError(
        f"network does not run on images of shape {shape} (channel, row, column): "
        f"{first_line(fault)}"
    ) from fault


def _last(network: nn.Module, part: str, shape: Shape) -> str:
    """Name the operation that makes a part of a network's answer."""
    alone = answering(network, Output(part, "logits").scores)
    (node,) = read_steps(alone, shape).trace.answers
    while isinstance(node, fx.Node) and operation(node) in MOVES:
        node = node.args[0]
    return operation(node) if isinstance(node, fx.Node) else ""


def first_line(error: BaseException) -> str:
    """Give the first line of what an error says, or its name."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__


def _check_weights(network: nn.Module) -> None:
    weights = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    for name, value in weights.items():
        if nn.parameter.is_lazy(value):
            raise CallError(f"network has weights without a size, {name}: let it run once first")
    placed(network)
    for name, value in weights.items():
        if value.is_floating_point() and value.isnan().any():
            raise CallError(f"network has NaN among its weights, in {name}: train it again")


def _check_inputs(network: nn.Module) -> None:
    """Refuse a network that needs more than pictures, or none."""
    try:
        parameters = inspect.signature(network.forward).parameters.values()
    except (TypeError, ValueError):  # nothing is known of it
        return
    needed = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if len(needed) > 1:
        raise CallError(
            f"network needs {len(needed)} inputs ({', '.join(needed)}): expected one, the pictures"
        )


def _shown(network: object) -> str:
    return "a class" if isinstance(network, type) else f"a {type(network).__name__}"
