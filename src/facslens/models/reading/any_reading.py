"""What was read of a network, whatever runs it: its layers, and a way to listen to them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, TypeAlias

from torch import Tensor, fx, nn

from facslens.errors import CallError
from facslens.models.reading.fields import ReceptiveField, receptive_field
from facslens.models.reading.layers import Layer
from facslens.models.reading.trace import Shape
from facslens.models.reading.values import Values

#: Runs a network on images (image, channel, row, column), and gives what was read of the maps, by
#: layer, and the network's answer as the network gives it.
Listens: TypeAlias = Callable[[Tensor], tuple[dict[str, Any], Any]]


@dataclass(frozen=True)
class AnyReading(ABC):
    """The layers of a network, for images of one shape.

    Parameters
    ----------
    layers
        By name, in the order of the calls.
    shape
        Channels, rows and columns of the images.
    """

    layers: dict[str, Layer]
    shape: Shape

    @property
    @abstractmethod
    def graph(self) -> fx.Graph:
        """The steps, as `facslens.models.reading.trace.Trace.graph` has them."""

    @abstractmethod
    def listener(
        self, network: nn.Module, layers: Sequence[str], read: Callable[[Tensor], Any]
    ) -> Listens:
        """Run a network so that something is read of the maps of some layers.

        Parameters
        ----------
        network
            Of which this is a reading.
        layers
            Names of the layers.
        read
            What to keep of a layer's maps (image, unit, row, column).
        """

    @abstractmethod
    def digest(self, network: nn.Module) -> str:
        """Give a SHA-256 of all that the network computes with but what its ``state_dict`` holds.

        Parameters
        ----------
        network
            Of which this is a reading.
        """

    def field(self, layer: str) -> ReceptiveField:
        """Give the receptive field of a layer's maps."""
        if layer not in self._fields:
            maps, values = self.layers[layer].maps, Values(self.graph, {})
            self._fields[layer] = receptive_field(self.graph, values, maps, self.shape)
        return self._fields[layer]

    @cached_property
    def _fields(self) -> dict[str, ReceptiveField]:
        return {}

    def choose(self, names: Sequence[str] | None) -> list[str]:
        """Choose layers by name or pattern, such as ``layer4.*``; in the order of the calls.

        Without names these are all layers but those of shortcuts and those that are put aside.

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
            return [
                name for name, layer in self.layers.items() if not (layer.shortcut or layer.aside)
            ]
        return layers_named(list(self.layers), names)

    def one(self, name: str) -> Layer:
        """Give the layer of a name, or the only one that fits a pattern.

        Raises
        ------
        CallError
            As `choose` does, or if several fit.
        """
        found = self.choose([name])
        if len(found) > 1:
            raise CallError(f"layer is {name!r}, which fits {', '.join(found)}: name one of them")
        return self.layers[found[0]]


def layers_named(every: Sequence[str], names: Sequence[str]) -> list[str]:
    """Choose some of a network's layers by name or pattern, in their order.

    Raises
    ------
    CallError
        If there is none of a given name; the nearest names are given.

    Examples
    --------
    >>> layers_named(["stem", "block1.conv1", "block1.conv2"], ["block1.*"])
    ['block1.conv1', 'block1.conv2']
    """
    chosen: set[str] = set()
    for name in names:
        found = [one for one in every if one == name or fnmatchcase(one, name)]
        if not found:
            near = get_close_matches(name, every, n=3, cutoff=0.5) or every
            raise CallError(f"the network has no layer {name!r}: it has {', '.join(near)}")
        chosen.update(found)
    return [name for name in every if name in chosen]


class NamesLayers(nn.Module, ABC):
    """A network that says which of its layers are looked at where none is named.

    Attributes
    ----------
    kind
        Of these layers.
    """

    kind: str

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Name these layers."""


class ReadsItself(nn.Module, ABC):
    """A network that something else than PyTorch runs, which tells its layers itself.

    It takes and gives float32 on the CPU, and has no parameters.
    """

    @abstractmethod
    def read(self, shape: Shape) -> AnyReading:
        """Give what is known of its layers.

        Raises
        ------
        CallError
            If it takes no images of that shape.
        """

    @property
    @abstractmethod
    def no_steps(self) -> str:
        """Say what it is, so that its steps cannot be taken one by one in PyTorch."""
