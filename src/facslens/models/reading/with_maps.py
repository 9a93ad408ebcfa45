"""A network that gives the maps of one of its layers beside its answer."""

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from facslens.errors import CallError
from facslens.models.reading.agreement import check_agreement
from facslens.models.reading.reading import read_steps
from facslens.models.reading.run import Steps
from facslens.models.reading.trace import Shape, placed


class WithMaps(nn.Module):
    """A network that gives the maps of a layer beside its answer.

    Parameters
    ----------
    network
        Gives one tensor.
    layer
        Name of the layer.
    shape
        Channels, rows and columns of the images.

    Raises
    ------
    CallError
        If there is no such layer, the network gives something else, or it does not answer as it was
        read.
    """

    def __init__(self, network: nn.Module, layer: str, shape: Shape) -> None:
        super().__init__()
        self.network = network
        self._reading = read_steps(network, shape)
        self._layer, trace = self._reading.one(layer), self._reading.trace
        device, dtype = placed(network)
        noise = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
        check_agreement(self._reading, network, noise.to(device, dtype))
        answers = [part for part in trace.answers if isinstance(part, fx.Node)]
        if len(answers) != 1:
            raise CallError(f"the network gives {len(answers)} tensors: needs scores alone")
        self._steps = Steps(trace.graph, [trace.images], [*answers, self._layer.maps])

    def forward(
        self, images: Float[Tensor, "image channel row column"]
    ) -> tuple[Tensor, Float[Tensor, "image unit map_row map_column"]]:
        """Give the answer and the maps."""
        answer, maps = self._steps([images], self._reading.tensors(self.network))
        return answer, self._layer.as_maps(maps)
