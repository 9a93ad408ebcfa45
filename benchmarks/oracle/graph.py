"""A network described by hand: its steps in order, and which step is every convolution's map."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from benchmarks.oracle.steps.base import Step
from benchmarks.oracle.steps.linear import Add, Convolution, Linear, Scale, Transposed

#: The node of the image.
IMAGE = -1


@dataclass
class Graph:
    """The steps of a network; a node is the number of a step, or `IMAGE`.

    Parameters
    ----------
    state
        The network's parameters and buffers by name, in float64.
    """

    state: Mapping[str, Tensor]
    steps: list[tuple[Step, tuple[int, ...]]] = field(default_factory=list)
    #: Of every convolution the node that is its map.
    maps: dict[str, int] = field(default_factory=dict)
    #: The same of linear layers applied at every place or token, which need not count as layers.
    further: dict[str, int] = field(default_factory=dict)

    def add(self, step: Step, *inputs: int) -> int:
        """Append a step; give its node."""
        self.steps.append((step, inputs))
        return len(self.steps) - 1

    def convolution(
        self, x: int, name: str, *, stride: int = 1, padding: int = 0, dilation: int = 1
    ) -> int:
        """Append a convolution by the name of its parameters."""
        weight = self.state[f"{name}.weight"]
        bias = self.state.get(f"{name}.bias")
        return self.add(Convolution(weight, bias, stride, padding, dilation), x)

    def transposed(self, x: int, name: str, *, stride: int) -> int:
        """Append a transposed convolution; its output is its map."""
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return self.noted(self.add(Transposed(weight, bias, stride), x), name)

    def batch_norm(self, x: int, name: str, eps: float = 1e-5) -> int:
        """Append a batch normalisation with the statistics of the training."""
        part = {key: self.state[f"{name}.{key}"] for key in ("weight", "bias")}
        mean, variance = (self.state[f"{name}.running_{key}"] for key in ("mean", "var"))
        scale = part["weight"] / (variance + eps).sqrt()
        offset = part["bias"] - mean * scale
        return self.add(Scale(scale.view(1, -1, 1, 1), offset.view(1, -1, 1, 1)), x)

    def linear(self, x: int, name: str) -> int:
        """Append a fully connected layer."""
        return self.add(Linear(self.state[f"{name}.weight"], self.state.get(f"{name}.bias")), x)

    def pointwise(self, x: int, name: str) -> int:
        """Append a fully connected layer at each place: a convolution of 1×1, but no units."""
        weight = self.state[f"{name}.weight"][:, :, None, None]
        return self.add(Convolution(weight, self.state[f"{name}.bias"]), x)

    def noted(self, x: int, name: str) -> int:
        """Note a node as the map of a convolution."""
        self.maps[name] = x
        return x

    def layer(
        self,
        x: int,
        name: str,
        norm: str | None = None,
        then: Step | None = None,
        *,
        plus: int | None = None,
        stride: int = 1,
        padding: int = 0,
        eps: float = 1e-5,
    ) -> int:
        """Append a convolution, its batch normalisation, addition and nonlinearity: its map."""
        x = self.convolution(x, name, stride=stride, padding=padding)
        if norm is not None:
            x = self.batch_norm(x, norm, eps)
        if plus is not None:
            x = self.add(Add(), x, plus)
        if then is not None:
            x = self.add(then, x)
        return self.noted(x, name)

    def values(self, images: Tensor) -> list[Tensor]:
        """Give the value of every step for some images."""
        found: list[Tensor] = []
        for step, inputs in self.steps:
            found.append(step.forward(*(images if i == IMAGE else found[i] for i in inputs)))
        return found

    def down(
        self, images: Tensor, values: list[Tensor], node: int, start: Tensor, rule: str
    ) -> Tensor:
        """Take what arrives at a node down to the images, under a rule."""
        arriving = {node: start}
        for number in range(node, -1, -1):
            R = arriving.pop(number, None)
            if R is None:
                continue
            step, inputs = self.steps[number]
            given = [images if i == IMAGE else values[i] for i in inputs]
            for i, part in zip(inputs, step.down(R, rule, *given), strict=True):
                arriving[i] = arriving[i] + part if i in arriving else part
        return arriving.get(IMAGE, torch.zeros_like(images))

    def map_of(self, layer: str, values: list[Tensor]) -> Tensor:
        """Give a layer's maps (image, unit, row, column); tokens are one row."""
        value = values[{**self.maps, **self.further}[layer]]
        return value if value.ndim == 4 else value.transpose(1, 2).unsqueeze(2)

    def project(
        self, images: Tensor, values: list[Tensor], layer: str, units: list[int], rule: str
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Project one unit of a layer for each image, from a 1 at its maximum.

        Returns
        -------
        tuple of torch.Tensor
            Responses (image,), their places (image, 2) and the projections in input space. A
            response that is not above 0 has the place (−1, −1) and an all-zero projection.
        """
        maps = self.map_of(layer, values)
        chosen = torch.stack([maps[n, unit] for n, unit in enumerate(units)])
        response = chosen.flatten(1).amax(1)
        start = torch.zeros_like(maps)
        place = torch.full((len(maps), 2), -1)
        for n, unit in enumerate(units):
            if response[n] > 0:
                first = torch.nonzero(chosen[n] == response[n])[0]  # in row-major order
                place[n] = first
                start[n, unit, first[0], first[1]] = 1
        node = {**self.maps, **self.further}[layer]
        if values[node].ndim == 3:
            start = start.squeeze(2).transpose(1, 2)
        return response, place, self.down(images, values, node, start, rule)
