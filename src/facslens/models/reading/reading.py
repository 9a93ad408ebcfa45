"""Read a network once, and run it so that the maps of its layers can be listened to."""

import hashlib
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from facslens.errors import CallError
from facslens.models.reading.any_reading import AnyReading, ReadsItself
from facslens.models.reading.layers import Layer, find_layers
from facslens.models.reading.run import Steps
from facslens.models.reading.trace import Shape, Trace, placed, trace
from facslens.models.reading.values import Values

_READ: Final[weakref.WeakKeyDictionary[nn.Module, dict[Shape, "Reading"]]] = (
    weakref.WeakKeyDictionary()
)


@dataclass(frozen=True)
class Reading(AnyReading):
    """What a network computes in PyTorch, for images of one shape, and what follows from it.

    It holds no weights, so that it serves every network of the same architecture.

    Parameters
    ----------
    layers, shape
        As `AnyReading` has them.
    trace
        The steps.
    """

    trace: Trace

    def tensors(self, network: nn.Module) -> dict[str, Tensor]:
        """Give everything that the steps use by name: parameters, buffers and constants."""
        device, _ = placed(network)
        constants = {name: value.to(device) for name, value in self.trace.constants.items()}
        return {**dict(network.named_parameters()), **dict(network.named_buffers()), **constants}

    @property
    def graph(self) -> fx.Graph:
        """The steps."""
        return self.trace.graph

    def digest(self, network: nn.Module) -> str:
        """Give a SHA-256 of all steps, in their order, and of what they use but the weights.

        Equal for equal steps, whatever the code that they were read from; tensors that no
        ``state_dict`` holds are included.
        """
        content = hashlib.sha256(str(self.trace.graph).encode())
        kept = network.state_dict()
        for name, value in sorted(self.tensors(network).items()):
            if name not in kept:
                content.update(name.encode())
                content.update(value.detach().cpu().contiguous().numpy().tobytes())
        return content.hexdigest()

    def listener(
        self, network: nn.Module, layers: Sequence[str], read: Callable[[Tensor], Any]
    ) -> "Listener":
        """Run a network so that something is read of the maps of some layers."""
        return Listener(self, network, layers, read)


def read_network(network: nn.Module, shape: Shape) -> AnyReading:
    """Read a network for images of a shape (channel, row, column); once, for it is kept.

    Raises
    ------
    CallError
        As `read_steps` does, but for a network that tells its layers itself.

    Examples
    --------
    >>> network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.Tanh())
    >>> reading = read_network(network, (1, 8, 8))
    >>> reading.layers["0"].steps, reading.field("0").size
    (('group_norm', 'tanh'), (8, 8))
    """
    return network.read(shape) if isinstance(network, ReadsItself) else read_steps(network, shape)


def read_steps(network: nn.Module, shape: Shape) -> Reading:
    """Read a network of which every step is wanted, and not its layers alone.

    Raises
    ------
    CallError
        If PyTorch does not run the network, or as `facslens.models.reading.trace.trace` does.
    """
    if isinstance(network, ReadsItself):
        raise CallError(
            f"the network is {network.no_steps}: projecting, cutting and exporting it need the "
            f"PyTorch network"
        )
    readings = _READ.setdefault(network, {})
    if shape not in readings:
        found = trace(network, shape)
        values = Values(found.graph, Reading({}, shape, found).tensors(network))
        readings[shape] = Reading(find_layers(found.graph, values), shape, found)
    return readings[shape]


def takes(network: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Tell on which device, and of which type, a network takes its images."""
    if isinstance(network, ReadsItself):
        return torch.device("cpu"), torch.float32
    return placed(network)


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
        self._trace, self._read, self._placed = reading.trace, read, placed(network)
        self._tensors = reading.tensors(network)
        self._layers = {name: reading.layers[name] for name in layers}
        wanted = [layer.maps for layer in self._layers.values()]
        answers = [part for part in self._trace.answers if isinstance(part, fx.Node)]
        self._steps = Steps(self._trace.graph, [self._trace.images], [*wanted, *answers])

    def __call__(
        self, images: Float[Tensor, "image channel row column"]
    ) -> tuple[dict[str, Any], Any]:
        """Give what was read, by layer, and the network's answer as the network gives it."""
        count, images = len(self._layers), images.to(*self._placed)
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
