"""Read a network once, and run it so that the maps of its layers can be listened to."""

import hashlib
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor, fx, nn

from facslens.errors import CallError
from facslens.models.reading.any_reading import AnyReading, NamesLayers, ReadsItself
from facslens.models.reading.layers import find_layers
from facslens.models.reading.listener import Listener
from facslens.models.reading.state import State, state_of
from facslens.models.reading.trace import Shape, Trace, placed, trace
from facslens.models.reading.values import Values

#: By network: its readings, by the shape of the images and the state in which it was read.
_READ: Final[weakref.WeakKeyDictionary[nn.Module, dict[tuple[Shape, State], "Reading"]]] = (
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
    ) -> Listener:
        """Run a network so that something is read of the maps of some layers."""
        return Listener(self, network, layers, read)


def read_network(network: nn.Module, shape: Shape) -> AnyReading:
    """Read a network for images of a shape (channel, row, column); once for each of its states.

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
    readings, key = _READ.setdefault(network, {}), (shape, state_of(network))
    if key not in readings:
        found = trace(network, shape)
        values = Values(found.graph, Reading({}, shape, found).tensors(network))
        layers = find_layers(found.graph, values)
        if isinstance(network, NamesLayers):
            layers = {
                name: replace(layer, kind=network.kind)
                if name in network.names
                else replace(layer, aside=True)
                for name, layer in layers.items()
            }
        readings[key] = Reading(layers, shape, found)
    return readings[key]


def takes(network: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Tell on which device, and of which type, a network takes its images."""
    if isinstance(network, ReadsItself):
        return torch.device("cpu"), torch.float32
    return placed(network)


def read_alike(network: nn.Module, like: nn.Module) -> None:
    """Take over the readings of a network for a copy of it that has other weights."""
    readings = _READ.get(like, {}).items()
    same, own = state_of(like), state_of(network)
    _READ[network] = {(shape, own): one for (shape, state), one in readings if state == same}
