"""Record the response of every unit to every face in one pass."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from facslens.errors import CallError
from facslens.models.reading.reading import read_network, takes
from facslens.models.reading.trace import shape_of
from facslens.responses.store import BatchResponses

#: Called with each batch's row offset and, by layer, its responses and locations.
Sink = Callable[[int, Mapping[str, BatchResponses]], None]


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
    layers: Sequence[str] | None,
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
    layers
        Names or patterns of layers; None for all but those of shortcuts.
    sink
        Called once per batch.

    Returns
    -------
    int
        Number of images seen.

    Raises
    ------
    CallError
        If the network cannot be read, or does not answer as it was read.
    """
    device, dtype = takes(network)
    seen, listener = 0, None
    for images in batches:
        batch = images.to(device, dtype)
        if listener is None:
            reading = read_network(network, shape_of(batch))
            listener = reading.listener(network, reading.choose(layers), peak)
        with torch.inference_mode():
            found, _answer = listener(batch)
        sink(seen, found)
        seen += len(batch)
    return seen
