"""Run a network's steps, and listen to the maps of its layers."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from facslens.models.reading.agreement import check_agreement
from facslens.models.reading.layers import Layer
from facslens.models.reading.run import Steps
from facslens.models.reading.trace import placed

if TYPE_CHECKING:
    from facslens.models.reading.reading import Reading


class Listener:
    """Runs a network's steps, compared with the network, and keeps what is read of its maps.

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
        reading: "Reading",
        network: nn.Module,
        layers: Sequence[str],
        read: Callable[[Tensor], Any],
    ) -> None:
        self._reading, self._network = reading, network
        self._trace, self._read, self._placed = reading.trace, read, placed(network)
        self._tensors = reading.tensors(network)
        self._layers = {name: reading.layers[name] for name in layers}
        wanted = [layer.maps for layer in self._layers.values()]
        answers = [part for part in self._trace.answers if isinstance(part, fx.Node)]
        self._steps = Steps(self._trace.graph, [self._trace.images], [*wanted, *answers])

    def __call__(
        self, images: Float[Tensor, "image channel row column"]
    ) -> tuple[dict[str, Any], Any]:
        """Give what was read, by layer, and the network's answer as the network gives it.

        Raises
        ------
        CallError
            As `facslens.models.reading.agreement.check_agreement` does.
        """
        count, images = len(self._layers), images.to(*self._placed)
        check_agreement(self._reading, self._network, images)
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
