"""The small network into which a normalisation or a nonlinearity is put to see whether it is read.

conv–norm–f–maxpool–conv–norm–f–conv–norm–f, f being the same three times.
"""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmarks.oracle.architectures.table import prepare
from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.base import Step
from benchmarks.oracle.steps.pooling import MaxPool

WIDTH, HALVE = 8, MaxPool(2, 2)

#: Appends a named convolution or normalisation to a graph.
Named = Callable[[Graph, int, str], int]
#: Appends a nonlinearity: the node that is the map, and that from which the network goes on.
Nonlinearity = Callable[[Graph, int], tuple[int, int]]


class Small(nn.Module):
    """The network; f makes `gives` channels of `WIDTH`, and `between` stands for max pooling."""

    def __init__(
        self,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        convolution: Callable[[int, int], nn.Module] | None = None,
        gives: int = WIDTH,
        between: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        convolution = convolution or (lambda inp, out: nn.Conv2d(inp, out, 3, padding=1))
        self.conv1, self.norm1 = convolution(3, WIDTH), norm(WIDTH)
        self.conv2, self.norm2 = convolution(gives, WIDTH), norm(WIDTH)
        self.conv3, self.norm3 = convolution(gives, WIDTH), norm(WIDTH)
        self.between = between or (lambda x: F.max_pool2d(x, 2))
        self.f: Callable[[Tensor], Tensor] = F.relu

    def forward(self, x: Tensor) -> Tensor:
        """Give the last maps."""
        x = self.between(self.f(self.norm1(self.conv1(x))))
        x = self.f(self.norm2(self.conv2(x)))
        return self.f(self.norm3(self.conv3(x)))


def with_nonlinearity(network: Small, f: Callable[[Tensor], Tensor]) -> nn.Module:
    """Fill a network with weights and put f into it, whose own parameters stay what they are."""
    network = prepare(network, seed=3)
    if isinstance(f, nn.Module):
        f = f.double().eval()
    network.f = f
    return network


def once(step: Step) -> Nonlinearity:
    """Take one step for the nonlinearity; its value is the map."""

    def append(g: Graph, x: int) -> tuple[int, int]:
        node = g.add(step, x)
        return node, node

    return append


def describe_small(
    f: Nonlinearity,
    norm: Named = Graph.batch_norm,
    convolution: Named = lambda g, x, name: g.convolution(x, name, padding=1),
    last: str = "",
    between: Step = HALVE,
) -> Callable[[Graph], None]:
    """Give the description of the network with some parts in their places.

    `last` is the last convolution's name within what stands for a convolution.
    """

    def describe(g: Graph) -> None:
        x = IMAGE
        for number in (1, 2, 3):
            name = f"conv{number}"
            x = norm(g, convolution(g, x, name), f"norm{number}")
            g.maps[name + last], x = f(g, x)
            if number == 1:
                x = g.add(between, x)

    return describe
