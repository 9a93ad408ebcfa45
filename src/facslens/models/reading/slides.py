"""The geometry of steps that slide a kernel over maps: convolutions and poolings."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import fx

from facslens.models.reading.trace import argument, operation

Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Slide:
    """How a kernel slides over a map: in rows and in columns.

    Parameters
    ----------
    kernel
        Places that it covers, the gaps of a dilation left out.
    stride
        Places from one position to the next.
    padding
        Places before the map where it begins.
    dilation
        Places from one of the kernel's weights to the next.
    """

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    @property
    def extent(self) -> Pair:
        """Places that it covers, gaps included."""
        (high, wide), (down, across) = self.kernel, self.dilation
        return down * (high - 1) + 1, across * (wide - 1) + 1


def slide_of(node: fx.Node) -> Slide | None:
    """Give the geometry of a convolution or pooling; None for a transposed convolution."""
    if operation(node) in ("conv2d", "convolution"):
        return _convolution(node)
    kernel, stride = pair_of(argument(node, "kernel_size")), argument(node, "stride")
    even = operation(node) == "avg_pool2d"
    dilation = (1, 1) if even else pair_of(argument(node, "dilation"))
    padding = pair_of(argument(node, "padding"))
    return Slide(kernel, pair_of(stride) if stride else kernel, padding, dilation)


def _convolution(node: fx.Node) -> Slide | None:
    weights = node.args[1]
    assert isinstance(weights, fx.Node)
    if operation(node) == "convolution" and argument(node, "transposed"):
        return None
    kernel, dilation = pair_of(weights.meta["shape"][2:]), pair_of(argument(node, "dilation"))
    padding = argument(node, "padding")
    if padding == "same":  # the odd pixel lies behind, so the smaller half comes before
        padding = [d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)]
    padding = (0, 0) if padding == "valid" else pair_of(padding)
    return Slide(kernel, pair_of(argument(node, "stride")), padding, dilation)


def pair_of(value: Any) -> Pair:
    """Give rows and columns, where PyTorch takes one number for both."""
    if isinstance(value, int):
        return value, value
    numbers = [int(n) for n in value]
    return numbers[0], numbers[-1]
