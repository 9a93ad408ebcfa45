"""The only place with forward hooks: what every unit answers to every face, in one pass."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from facslens.errors import CallError
from facslens.responses.store import BatchResponses

#: Called with each batch's row offset and, by layer, its responses and locations.
Sink = Callable[[int, Mapping[str, BatchResponses]], None]


@contextlib.contextmanager
def capture(network: nn.Module, modules: Mapping[str, str]) -> Iterator[dict[str, Tensor]]:
    """Hold the output of chosen modules after each forward pass.

    Inside the block the network is in evaluation mode. On leaving it, after an exception
    too, every hook is gone and every module's train flag is what it was.

    Parameters
    ----------
    network
        Any network.
    modules
        Layer name to the name of the module to listen to, as
        `facslens.models.adapter.unit_layers` gives it.

    Yields
    ------
    dict
        Layer name to its map (image, unit, row, column) of the latest forward pass, still
        attached to the graph.
    """
    flags = {module: module.training for module in network.modules()}
    maps: dict[str, Tensor] = {}

    def keep(layer: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            maps[layer] = output

        return hook

    handles = [
        network.get_submodule(name).register_forward_hook(keep(layer))
        for layer, name in modules.items()
    ]
    network.eval()
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()
        for module, training in flags.items():
            module.training = training


def peak(maps: Float[Tensor, "image unit row column"]) -> BatchResponses:
    """Give the spatial maximum of every map, and where it lies.

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
    location[response == 0] = -1
    return BatchResponses(response, location, (rows, columns))


def record(
    network: nn.Module,
    batches: Iterable[Float[Tensor, "image channel row column"]],
    modules: Mapping[str, str],
    sink: Sink,
) -> int:
    """Record all units of the chosen layers over all batches, in one pass.

    Memory is bounded by the batch: each batch's responses go to `sink` and are forgotten.

    Parameters
    ----------
    network
        Any network; it is left as it was found.
    batches
        Faces as the network reads them.
    modules
        Layer name to the name of the module to listen to.
    sink
        Called once a batch.

    Returns
    -------
    int
        Number of images seen.
    """
    device = next(network.parameters()).device
    seen = 0
    with capture(network, modules) as maps, torch.inference_mode():
        for batch in batches:
            network(batch.to(device))
            sink(seen, {layer: peak(maps[layer]) for layer in modules})
            seen += len(batch)
    return seen
