"""Record the response of every unit to every face in one pass, by forward hooks."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from facslens.errors import CallError
from facslens.responses.store import BatchResponses

#: What is kept of a map.
Read = TypeVar("Read")

#: Called with each batch's row offset and, by layer, its responses and locations.
Sink = Callable[[int, Mapping[str, BatchResponses]], None]


@contextlib.contextmanager
def listen(
    network: nn.Module, modules: Mapping[str, str], read: Callable[[Tensor], Read]
) -> Iterator[dict[str, Read]]:
    """Apply a function to the output of chosen modules in each forward pass, and hold the results.

    Inside the block the network is in evaluation mode. On leaving it, after an exception
    too, every hook is gone and every module's train flag is what it was.

    Parameters
    ----------
    network
        Any network.
    modules
        Layer name to the name of the module to listen to, as
        `facslens.models.adapter.unit_layers` gives it.
    read
        What to keep of a map (image, unit, row, column); it is called at once, before a
        later step can change the map in place.

    Yields
    ------
    dict
        Layer name to what was read in the latest forward pass.

    Raises
    ------
    CallError
        In a forward pass that calls one of the modules twice, because its units then have two
        maps.
    """
    flags = {module: module.training for module in network.modules()}
    found: dict[str, Read] = {}

    def keep(layer: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            if layer in found:
                raise CallError(
                    f"{modules[layer]!r} is called twice in one pass, so the units of {layer!r} "
                    f"have two maps: give each layer a nonlinearity of its own"
                )
            found[layer] = read(output)

        return hook

    handles = [network.register_forward_pre_hook(lambda _module, _inputs: found.clear())]
    handles += [
        network.get_submodule(name).register_forward_hook(keep(layer))
        for layer, name in modules.items()
    ]
    network.eval()
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
        for module, training in flags.items():
            module.training = training


def capture(
    network: nn.Module, modules: Mapping[str, str]
) -> contextlib.AbstractContextManager[dict[str, Tensor]]:
    """Hold whole maps, attached to the autograd graph; otherwise like `listen`.

    They are copies: a later step in place, such as the addition of a shortcut, is not seen.
    """
    return listen(network, modules, Tensor.clone)


def peak(maps: Float[Tensor, "image unit row column"]) -> BatchResponses:
    """Measure the spatial maximum of every map, and its location.

    Raises
    ------
    CallError
        If a map holds NaN, or is wider or higher than 32,767.

    Examples
    --------
    >>> found = peak(torch.tensor([[[[0.0, 2.0], [2.0, 1.0]]]]))
    >>> found.response.item(), found.location.tolist()
    (2.0, [[[0, 1]]])
    """
    rows, columns = maps.shape[2:]
    if max(rows, columns) > np.iinfo(np.int16).max:
        raise CallError(f"a map of {rows}×{columns} is larger than 32,767 in a direction")
    values, indices = functional.adaptive_max_pool2d(maps, 1, return_indices=True)
    response = values.flatten(1).float().numpy(force=True)
    flat = indices.flatten(1).numpy(force=True)
    if np.isnan(response).any():
        raise CallError("the network answers NaN: its weights or its input hold NaN")
    location = np.stack([flat // columns, flat % columns], axis=-1).astype(np.int16)
    location[response <= 0] = -1
    return BatchResponses(response, location, (rows, columns))


def record(
    network: nn.Module,
    batches: Iterable[Float[Tensor, "_image channel row column"]],
    modules: Mapping[str, str],
    sink: Sink,
) -> int:
    """Record all units of the chosen layers over all batches, in one pass.

    Memory is bounded by the batch: each batch's responses are passed to `sink` and not kept.

    Parameters
    ----------
    network
        Any network; it is left as it was found.
    batches
        Faces as the network reads them.
    modules
        Layer name to the name of the module to listen to.
    sink
        Called once per batch.

    Returns
    -------
    int
        Number of images seen.
    """
    device = next(network.parameters()).device
    seen = 0
    with listen(network, modules, peak) as found, torch.inference_mode():
        for batch in batches:
            network(batch.to(device))
            sink(seen, {layer: found[layer] for layer in modules})
            seen += len(batch)
    return seen
