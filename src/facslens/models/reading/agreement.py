"""Compare the steps that were read with the network itself: nothing is wrong in silence."""

import contextlib
import itertools
import warnings
import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from facslens.errors import CallError
from facslens.models.reading.run import Steps
from facslens.models.reading.state import state_of
from facslens.models.reading.trace import Shape, evaluating

if TYPE_CHECKING:
    from facslens.models.reading.reading import Reading

#: Largest deviation between two passes, as a share of the largest value.
TOLERANCE: Final = 1e-5
#: The weights and the state, by shape of the images, with which a network has been compared.
_COMPARED: Final[weakref.WeakKeyDictionary[nn.Module, dict[Shape, tuple[object, ...]]]] = (
    weakref.WeakKeyDictionary()
)


def check_agreement(
    reading: "Reading", network: nn.Module, images: Float[Tensor, "image channel row column"]
) -> None:
    """Compare a network's answer, and the outputs of its layers, with those of its reading.

    Once for the same weights and settings: a later call does nothing.

    Parameters
    ----------
    reading
        Of the network.
    network
        In whose modules plain hooks listen for one pass.
    images
        On the network's device; the first two are used, or the only one and its mirror image.

    Raises
    ------
    CallError
        If the network answers NaN, or if a layer or the answer differs by more than `TOLERANCE`
        of its largest value from what the network itself gives, or from what it gives to one
        image alone.
    """
    weights = tuple((value.data_ptr(), value._version) for value in _held(network))
    version = (weights, state_of(network))
    compared = _COMPARED.setdefault(network, {})
    if len(images) == 0 or compared.get(reading.shape) == version:
        return
    some = images[:2].detach()
    some = torch.cat([some, some.flip(3)]) if len(some) == 1 else some
    single = reading.trace.batch is not None
    with torch.no_grad():
        answers, heard = _heard(network, reading, some[:1] if single else some)
        own = _read(reading, network, some[:1] if single else some)
        alone = own if single else _read(reading, network, some[:1])
    for name, (answer, steps) in _pairs(answers, heard, own):
        compare(answer, steps, f"{name} of the network itself and of its steps, as they were read")
    if len(answers) == 1 and not single:
        _check_rows(answers[0], len(some))
    for name, maps in own.items():
        if isinstance(maps, Tensor) and maps.ndim and len(maps) == len(some):
            compare(alone[name], maps[:1], f"{name} for a face alone and with another one")
    compared[reading.shape] = version


def _check_rows(answer: object, images: int) -> None:
    shape = tuple(answer.shape) if isinstance(answer, Tensor) else ()
    if shape[:1] != (images,):
        raise CallError(f"the network gives {shape} for {images} images: expected a row for each")


def _held(network: nn.Module) -> Iterator[Tensor]:
    return itertools.chain(network.parameters(), network.buffers())


def _heard(
    network: nn.Module, reading: "Reading", images: Tensor
) -> tuple[list[Any], dict[str, list[Tensor]]]:
    """Give a network's answer, and what hooks hear of its layers."""
    heard: dict[str, list[Tensor]] = {name: [] for name in reading.layers}
    with _hooks(network, heard), evaluating(network), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytree.tree_leaves(network(images.clone())), heard


@contextlib.contextmanager
def _hooks(network: nn.Module, heard: dict[str, list[Tensor]]) -> Iterator[None]:
    modules = dict(network.named_modules())

    def keep(values: list[Tensor]) -> Any:
        return lambda _module, _inputs, output: values.append(output.clone())

    # containers and attention give something else than what their weights make of it
    handles = [
        modules[name].register_forward_hook(keep(values))
        for name, values in heard.items()
        if name in modules and not list(modules[name].children())
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _read(reading: "Reading", network: nn.Module, images: Tensor) -> dict[str, Any]:
    """Give the results of the steps that apply weights, by layer, and the parts of the answer."""
    parts = [part for part in reading.trace.answers if isinstance(part, fx.Node)]
    wanted = [*(layer.weights for layer in reading.layers.values()), *parts]
    steps = Steps(reading.trace.graph, [reading.trace.images], wanted)
    names = [f"the output of {name!r}" for name in reading.layers]
    names += [f"part {place} of the answer" for place in range(len(parts))]
    found = steps([images], reading.tensors(network))
    return dict(zip(names, found, strict=True))


def _pairs(
    answers: Sequence[Any], heard: dict[str, list[Tensor]], own: dict[str, Any]
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for place, answer in enumerate(a for a in answers if isinstance(a, Tensor)):
        yield f"part {place} of the answer", (answer, own[f"part {place} of the answer"])
    for name, values in heard.items():
        if len(values) == 1:
            yield f"the output of {name!r}", (values[0], own[f"the output of {name!r}"])


def compare(first: Tensor, second: Tensor, what: str) -> None:
    """Compare two results of a network.

    Raises
    ------
    CallError
        If one holds NaN, or they differ by more than `TOLERANCE` of the largest value.
    """
    if not first.is_floating_point():
        return
    if first.isnan().any() or second.isnan().any():
        raise CallError("the network answers NaN: its weights or its input hold NaN")
    if first.shape != second.shape:
        raise CallError(f"{what} differ in shape: {tuple(first.shape)} and {tuple(second.shape)}")
    if not first.numel():
        return
    largest = float(torch.stack([first, second]).abs().max())
    apart = float((first - second).abs().max())
    if apart > TOLERANCE * largest:
        raise CallError(f"{what} differ by {apart / max(largest, apart):.2g} of the largest value")
