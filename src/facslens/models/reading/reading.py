"""Read a network once, and run it so that the maps of its layers can be listened to."""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from facslens.errors import CallError
from facslens.models.reading.fields import ReceptiveField, receptive_field
from facslens.models.reading.layers import Layer, find_layers
from facslens.models.reading.run import Steps
from facslens.models.reading.trace import Shape, Trace, placed, trace
from facslens.models.reading.values import Values

_READ: Final[weakref.WeakKeyDictionary[nn.Module, dict[Shape, "Reading"]]] = (
    weakref.WeakKeyDictionary()
)


@dataclass(frozen=True)
class Reading:
    """What a network computes, for images of one shape, and what follows from it.

    It holds no weights, so that it serves every network of the same architecture.

    Parameters
    ----------
    trace
        The steps.
    layers
        By name, in the order of the calls.
    shape
        Channels, rows and columns of the images.
    """

    trace: Trace
    layers: dict[str, Layer]
    shape: Shape

    def tensors(self, network: nn.Module) -> dict[str, Tensor]:
        """Give everything that the steps use by name: parameters, buffers and constants."""
        device, _ = placed(network)
        constants = {name: value.to(device) for name, value in self.trace.constants.items()}
        return {**dict(network.named_parameters()), **dict(network.named_buffers()), **constants}

    def field(self, layer: str) -> ReceptiveField:
        """Give the receptive field of a layer's maps."""
        if layer not in self._fields:
            maps, values = self.layers[layer].maps, Values(self.trace.graph, {})
            self._fields[layer] = receptive_field(self.trace.graph, values, maps, self.shape)
        return self._fields[layer]

    @cached_property
    def _fields(self) -> dict[str, ReceptiveField]:
        return {}

    def listener(
        self, network: nn.Module, layers: Sequence[str], read: Callable[[Tensor], Any]
    ) -> "Listener":
        """Run a network so that something is read of the maps of some layers."""
        return Listener(self, network, layers, read)

    def choose(self, names: Sequence[str] | None) -> list[str]:
        """Choose layers by name or pattern, such as ``layer4.*``; in the order of the calls.

        Without names these are all layers but those of shortcuts.

        Raises
        ------
        CallError
            If the network has no layer, or none of a given name.
        """
        if not self.layers:
            raise CallError(
                "the network has no layer with feature maps: no convolution, and no linear layer "
                "that is applied at every place"
            )
        if names is None:
            return [name for name, layer in self.layers.items() if not layer.shortcut]
        chosen: set[str] = set()
        for name in names:
            found = [one for one in self.layers if one == name or fnmatchcase(one, name)]
            if not found:
                near = get_close_matches(name, self.layers, n=3, cutoff=0.5) or self.layers
                raise CallError(f"the network has no layer {name!r}: it has {', '.join(near)}")
            chosen.update(found)
        return [name for name in self.layers if name in chosen]


def read_network(network: nn.Module, shape: Shape) -> Reading:
    """Read a network for images of a shape (channel, row, column); once, for it is kept.

    Raises
    ------
    CallError
        As `facslens.models.reading.trace.trace` does.

    Examples
    --------
    >>> network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.Tanh())
    >>> reading = read_network(network, (1, 8, 8))
    >>> reading.layers["0"].steps, reading.field("0").size
    (('group_norm', 'tanh'), (8, 8))
    """
    readings = _READ.setdefault(network, {})
    if shape not in readings:
        found = trace(network, shape)
        values = Values(found.graph, Reading(found, {}, shape).tensors(network))
        readings[shape] = Reading(found, find_layers(found.graph, values), shape)
    return readings[shape]


def read_alike(network: nn.Module, like: nn.Module) -> None:
    """Take over the readings of a network for a copy of it that has other weights."""
    _READ[network] = dict(_READ.get(like, {}))


class Listener:
    """Runs a network's steps, and keeps what is read of its layers' maps.

    Parameters
    ----------
    reading
        Of the network, or of one of the same architecture.
    network
        Whose weights are used.
    layers
        Names of the layers.
    read
        What to keep of a layer's maps (image, unit, row, column). It is called as soon as they are
        computed, after which they are given up.
    """

    def __init__(
        self,
        reading: Reading,
        network: nn.Module,
        layers: Sequence[str],
        read: Callable[[Tensor], Any],
    ) -> None:
        self._trace, self._read = reading.trace, read
        self._tensors = reading.tensors(network)
        self._layers = {name: reading.layers[name] for name in layers}
        wanted = [layer.maps for layer in self._layers.values()]
        answers = [part for part in self._trace.answers if isinstance(part, fx.Node)]
        self._steps = Steps(self._trace.graph, [self._trace.images], [*wanted, *answers])

    def __call__(
        self, images: Float[Tensor, "image channel row column"]
    ) -> tuple[dict[str, Any], Any]:
        """Give what was read, by layer, and the network's answer as the network gives it."""
        count = len(self._layers)
        if self._trace.batch is None:
            found = self._pass(images, self._read)
            read, parts = found[:count], found[count:]
        else:  # a network that reads one image at a time
            single = [self._pass(image, _same) for image in torch.split(images, 1)]
            joined = [_joined(values) for values in zip(*single, strict=True)]
            read, parts = [self._read(maps) for maps in joined[:count]], joined[count:]
        return dict(zip(self._layers, read, strict=True)), self._answer(iter(parts))

    def _pass(self, images: Tensor, read: Callable[[Tensor], Any]) -> list[Any]:
        def reading(layer: Layer) -> Callable[[Tensor], Any]:
            return lambda result: read(layer.as_maps(result))

        reads = {layer.maps: reading(layer) for layer in self._layers.values()}
        return self._steps([images], self._tensors, reads)

    def _answer(self, parts: Any) -> Any:
        whole = [next(parts) if isinstance(a, fx.Node) else a for a in self._trace.answers]
        return pytree.tree_unflatten(whole, self._trace.outputs)


def _same(maps: Tensor) -> Tensor:
    return maps


def _joined(values: Sequence[Any]) -> Any:
    return torch.cat(list(values)) if isinstance(values[0], Tensor) else values[0]
