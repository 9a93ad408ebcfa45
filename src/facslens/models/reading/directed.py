"""A network in which directions of a layer are units: mixtures of its maps, at every place."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from facslens.errors import CallError
from facslens.models.reading.agreement import check_agreement
from facslens.models.reading.any_reading import NamesLayers
from facslens.models.reading.layers import Layer
from facslens.models.reading.reading import read_steps
from facslens.models.reading.run import Steps
from facslens.models.reading.trace import Shape, placed

#: Under which name the network itself stands in front of the names of its own layers.
CHANNELS = "channels"


@dataclass(frozen=True)
class Mixture:
    """Directions of a layer: what is read at a place of all units' maps.

    Parameters
    ----------
    weight
        Of each unit in each direction.
    offset
        What is added in each direction.
    names
        What each direction is called.
    """

    weight: Float[np.ndarray, "direction unit"]
    offset: Float[np.ndarray, " direction"]
    names: tuple[str, ...]


class Directed(NamesLayers):
    """A network that has further layers, whose units are directions of its own layers.

    Its answer is that of the network, rounding apart. Each direction's map is a mixture of the
    units' maps at every place, as a convolution of one pixel makes it; what becomes of the maps
    passes through these mixtures, so that a direction can be put to another value, and all that the
    other directions read stays as it is.

    Parameters
    ----------
    network
        Gives one tensor. It is used as it is, not copied.
    shape
        Channels, rows and columns of the images.
    mixtures
        By layer and by kind; the layers that they become are named ``LAYER:KIND``. The network's
        own layers have `CHANNELS` in front of their names.

    Raises
    ------
    CallError
        If there is no such layer, it has another number of units, the network gives something
        else, or its steps cannot be read.

    Notes
    -----
    Maps m become m + V⁺(d − Vm − b), where d = Vm + b are the maps of the directions and V⁺ is the
    pseudo-inverse of V, so that nothing changes. A direction that was fitted to a label is a
    concept activation vector [kim2018]_.

    References
    ----------
    [kim2018]_

    Examples
    --------
    >>> network = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.Flatten())
    >>> both = {"0": {"sum": Mixture(np.ones((1, 2)), np.zeros(1), ("sum",))}}
    >>> directed = Directed(network, (1, 3, 3), both)
    >>> image = torch.rand(2, 1, 3, 3)
    >>> torch.allclose(directed(image), network(image))
    True
    """

    kind = "directions"

    def __init__(
        self, network: nn.Module, shape: Shape, mixtures: Mapping[str, Mapping[str, Mixture]]
    ) -> None:
        super().__init__()
        self.add_module(CHANNELS, network)
        reading = read_steps(network, shape)
        device, dtype = placed(network)
        noise = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
        check_agreement(reading, network, noise.to(device, dtype))
        answers = [part for part in reading.trace.answers if isinstance(part, fx.Node)]
        if len(answers) != 1:
            raise CallError(f"the network gives {len(answers)} tensors: needs scores alone")
        self._reading, self._shape = reading, shape
        self.mixtures = {name: dict(kinds) for name, kinds in mixtures.items()}
        graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
        graph.graph_copy(reading.trace.graph, copies)
        for name, kinds in mixtures.items():
            layer = reading.one(name)
            turned = [self._unit(layer, kind, one, device, dtype) for kind, one in kinds.items()]
            _insert(graph, copies[layer.maps], _turning(layer, turned))
        self._steps = Steps(graph, [copies[reading.trace.images]], [copies[answers[0]]])

    @property
    def network(self) -> nn.Module:
        """The network itself."""
        return self.get_submodule(CHANNELS)

    def forward(self, images: Float[Tensor, "image channel row column"]) -> Tensor:
        """Give the network's answer."""
        (answer,) = self._steps([images], self._reading.tensors(self.network))
        found: Tensor = answer
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Name the layers of directions."""
        return tuple(f"{layer}:{kind}" for layer, kinds in self.mixtures.items() for kind in kinds)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Directed":
        """Copy the network, and let the copy's maps pass through the same mixtures."""
        network = copy.deepcopy(self.network, memo)
        copied = type(self)(network, self._shape, self.mixtures).eval()
        copied.load_state_dict(self.state_dict())  # directions may have been drawn anew
        return copied

    def _unit(
        self, layer: Layer, kind: str, mixture: Mixture, device: torch.device, dtype: torch.dtype
    ) -> nn.Conv2d:
        """Make the convolution of one kind of directions, and place it under its name."""
        count, units = mixture.weight.shape
        if units != layer.units:
            raise CallError(
                f"directions of {layer.name!r} mix {units} units: the layer has {layer.units}"
            )
        step = nn.Conv2d(units, count, 1)
        weight, offset, back = (
            torch.as_tensor(values, dtype=dtype, device=device)
            for values in (mixture.weight, mixture.offset, np.linalg.pinv(mixture.weight))
        )
        step.weight = nn.Parameter(weight[:, :, None, None])
        step.bias = nn.Parameter(offset)
        step.register_buffer("back", back, persistent=False)
        step.requires_grad_(False).eval()
        name = f"{layer.name}:{kind}"
        parent: nn.Module = self
        *path, last = name.split(".")
        for part in path:
            if part not in parent._modules:
                parent.add_module(part, nn.Module())
            parent = parent.get_submodule(part)
        parent.add_module(last, step)
        return step


def _insert(graph: fx.Graph, node: fx.Node, function: Callable[[Tensor], Tensor]) -> None:
    """Put a function between a step and all that follows it."""
    with graph.inserting_after(node):
        turned = graph.call_function(function, (node,))
    node.replace_all_uses_with(turned, delete_user_cb=lambda user: user is not turned)


def _turning(layer: Layer, steps: list[nn.Conv2d]) -> Callable[[Tensor], Tensor]:
    """Let maps pass through mixtures of them."""

    def turned(result: Tensor) -> Tensor:
        maps = layer.as_maps(result)
        found = maps
        for step in steps:
            assert step.bias is not None
            assert isinstance(step.back, Tensor)
            own = _mixed(maps, step.weight[:, :, 0, 0]) + step.bias[:, None, None]
            found = found + _mixed(step(maps) - own, step.back)
        return layer.as_result(found)

    return turned


def _mixed(maps: Tensor, weight: Tensor) -> Tensor:
    return (maps.movedim(1, -1) @ weight.T).movedim(-1, 1)
