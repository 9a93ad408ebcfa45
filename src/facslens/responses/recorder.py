"""Record the response of every unit to every face in one pass."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from facslens.errors import CallError, FacslensError
from facslens.models.reading.any_reading import Listens
from facslens.models.reading.reading import read_network, takes
from facslens.models.reading.trace import shape_of
from facslens.progress import say
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
    source = iter(batches)
    first = next(source, None)
    if first is None:
        return 0
    device, dtype = takes(network)
    reading = read_network(network, shape_of(first.to(device, dtype)))
    listener = reading.listener(network, reading.choose(layers), peak)
    return listen(network, listener, itertools.chain([first], source), sink)


def listen(
    network: nn.Module,
    listener: Listens,
    batches: Iterable[Float[Tensor, "_image channel row column"]],
    sink: Sink,
) -> int:
    """Record with a listener that gives the responses of some layers, as `record` does.

    Where the memory of the device is full, a batch is halved until it fits, and so are the ones
    after it.

    Raises
    ------
    CallError
        If the network answers for another number of images than it was given.
    FacslensError
        If the device has not enough memory for one image.
    """
    device, dtype = takes(network)
    seen, most = 0, 0
    for images in batches:
        most = most or len(images)
        waiting = list(torch.split(images, most))
        while waiting:
            batch = waiting.pop(0).to(device, dtype)
            try:
                with torch.inference_mode():
                    found, _answer = listener(batch)
            except torch.OutOfMemoryError as error:
                if len(batch) == 1:
                    raise FacslensError(
                        f"{device} has not enough memory for one image: use another device"
                    ) from error
                most = len(batch) // 2
                waiting[:0] = torch.split(batch, most)
                say(f"the memory of {device} is full: batches of {most} from here on")
                continue
            for layer, own in found.items():
                if len(own.response) != len(batch):
                    raise CallError(
                        f"{layer} answers for {len(own.response)} images where it was given "
                        f"{len(batch)}: it changes the axis of the images, and cannot be recorded"
                    )
            sink(seen, found)
            seen += len(batch)
    return seen
