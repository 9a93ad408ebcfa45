"""The part of the input that one location of a layer can see."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import index
from typing import Any, Final, SupportsIndex, TypeAlias

from torch import fx, nn
from torch.nn import functional

from facslens.errors import CallError
from facslens.models.adapter import read_calls

Pair: TypeAlias = tuple[int, int]
Rectangle: TypeAlias = tuple[int, int, int, int]

#: Modules and functions at which every location sees just itself.
_POINTWISE_MODULES = (
    nn.BatchNorm2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.Identity,
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.GELU,
    nn.SiLU,
    nn.Hardswish,
    nn.Sigmoid,
    nn.Tanh,
)
_POINTWISE_NAMES: Final = frozenset(
    {"add", "add_", "iadd", "relu", "relu_", "relu6", "leaky_relu", "gelu", "silu", "dropout"}
)
_POOL_FUNCTIONS: Final[dict[Any, Callable[..., nn.Module]]] = {
    functional.max_pool2d: nn.MaxPool2d,
    functional.avg_pool2d: nn.AvgPool2d,
}


@dataclass(frozen=True)
class ReceptiveField:
    """The rectangle of the input that each location of a layer can see.

    Location (row, column) sees ``size`` pixels that begin at ``offset + stride × location``,
    in either direction.

    Parameters
    ----------
    size
        Rows and columns that a location sees, in pixels.
    stride
        Pixels between the fields of neighbouring locations.
    offset
        First row and column that location (0, 0) sees; negative under padding.
    """

    size: Pair
    stride: Pair
    offset: Pair

    def rectangle(self, row: SupportsIndex, column: SupportsIndex) -> Rectangle:
        """Give the field of a location as top, left, bottom, right.

        Half-open, in pixels; it reaches beyond the image where the layer sees padding.

        Examples
        --------
        >>> ReceptiveField(size=(5, 5), stride=(2, 2), offset=(-2, -2)).rectangle(0, 3)
        (-2, 4, 3, 9)
        """
        # `index`: locations are stored as int16, and 16 bits don't hold all pixels
        top = self.offset[0] + self.stride[0] * index(row)
        left = self.offset[1] + self.stride[1] * index(column)
        return top, left, top + self.size[0], left + self.size[1]

    def window(
        self, row: SupportsIndex, column: SupportsIndex, height: int, width: int
    ) -> Rectangle:
        """Give the field of a location, clipped to an image of height × width pixels.

        Examples
        --------
        >>> ReceptiveField(size=(5, 5), stride=(2, 2), offset=(-2, -2)).window(0, 3, 8, 8)
        (0, 4, 3, 8)
        """
        top, left, bottom, right = self.rectangle(row, column)
        return max(top, 0), max(left, 0), min(bottom, height), min(right, width)


def receptive_field(network: nn.Module, layer: str) -> ReceptiveField:
    """Derive a layer's receptive field from the geometry of what comes before it.

    Below a location's field of `s` pixels and stride `t`, a further layer of kernel `k`,
    dilation `d`, stride `u` and padding `p` makes the size s + d(k−1)t, the stride tu and
    the offset lower by pt. Where branches meet, a location sees the smallest rectangle that
    holds all of them.

    Parameters
    ----------
    network
        A network of convolutions, max and average pooling, and pointwise steps, whose calls
        can be traced without running it.
    layer
        Name of a module of it, called once a pass: a convolution, say.

    Returns
    -------
    ReceptiveField

    Raises
    ------
    CallError
        If there is no such layer, if the network's calls can't be traced, or if what comes
        before the layer holds a step whose geometry isn't known here.

    Notes
    -----
    This is the region that *can* influence a location, whatever the weights. Convolutions have to
    be modules, and padding is by zeros or by repeated edges.

    References
    ----------
    Zeiler & Fergus 2014, section 2.1 [zeiler2014]_.

    Examples
    --------
    A second 3-pixel convolution behind a pooling by 2 sees 3 + 1 + 2·2 = 8 pixels:

    >>> network = nn.Sequential(nn.Conv2d(1, 1, 3), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3))
    >>> receptive_field(network, "2")
    ReceptiveField(size=(8, 8), stride=(2, 2), offset=(0, 0))
    """
    graph = read_calls(network)
    if graph is None:
        raise CallError(
            f"the receptive field of {layer!r} can't be derived: the order of the "
            "network's calls depends on its input"
        )
    modules = dict(network.named_modules())
    ends = [node for node in graph.nodes if node.op == "call_module" and node.target == layer]
    if len(ends) != 1:
        raise CallError(
            f"the layer {layer!r} is called {len(ends)} times: only one called once has a "
            f"receptive field"
        )
    fields: dict[fx.Node, ReceptiveField] = {}
    needed = _what_it_needs(ends[0])
    for node in graph.nodes:  # in the order of the calls: inputs come before their users
        if node in needed:
            fields[node] = _behind(node, modules, layer, [fields[n] for n in node.all_input_nodes])
    return fields[ends[0]]


def _what_it_needs(end: fx.Node) -> set[fx.Node]:
    needed: set[fx.Node] = set()
    waiting = [end]
    while waiting:
        node = waiting.pop()
        if node not in needed:
            needed.add(node)
            waiting.extend(node.all_input_nodes)
    return needed


def _behind(
    node: fx.Node, modules: dict[str, nn.Module], layer: str, inputs: list[ReceptiveField]
) -> ReceptiveField:
    """Give the field behind one call, from the fields of its inputs."""
    if node.op == "placeholder":
        return ReceptiveField(size=(1, 1), stride=(1, 1), offset=(0, 0))
    module = _as_module(node, modules)
    if isinstance(module, nn.Conv2d) and module.padding_mode in ("zeros", "replicate"):
        return _slide(inputs[0], module, _padding_before(module), _pair(module.dilation))
    if isinstance(module, nn.MaxPool2d):
        return _slide(inputs[0], module, _pair(module.padding), _pair(module.dilation))
    if isinstance(module, nn.AvgPool2d):
        return _slide(inputs[0], module, _pair(module.padding), (1, 1))
    pointwise = isinstance(module, _POINTWISE_MODULES) or _name(node) in _POINTWISE_NAMES
    if (pointwise or _stacks_channels(node)) and len({field.stride for field in inputs}) == 1:
        return _union(inputs)
    raise CallError(
        f"the receptive field of {layer!r} can't be derived: the geometry of "
        f"{node.target!r} before it isn't known"
    )


def _as_module(node: fx.Node, modules: dict[str, nn.Module]) -> nn.Module | None:
    """Give the module that a call stands for; for pooling functions, one of like geometry."""
    if node.op == "call_module":
        return modules[str(node.target)]
    pool = _POOL_FUNCTIONS.get(node.target)
    fixed = len(node.all_input_nodes) == 1  # else its kernel depends on what passes through
    return pool(*node.args[1:], **node.kwargs) if pool and fixed else None


def _name(node: fx.Node) -> str:
    if node.op == "call_method":
        return str(node.target)
    return getattr(node.target, "__name__", "") if node.op == "call_function" else ""


def _stacks_channels(node: fx.Node) -> bool:
    dimension = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
    return _name(node) in {"cat", "concat"} and dimension in (1, -3)


def _padding_before(module: nn.Conv2d) -> Pair:
    """Give a convolution's padding above the first row and left of the first column."""
    if module.padding == "valid":
        return 0, 0
    if module.padding == "same":
        kernel, dilation = _pair(module.kernel_size), _pair(module.dilation)
        # torch puts the odd pixel behind, so the smaller half comes before
        return dilation[0] * (kernel[0] - 1) // 2, dilation[1] * (kernel[1] - 1) // 2
    return _pair(module.padding)


def _pair(value: int | str | tuple[int, ...]) -> Pair:
    """Give rows and columns, where torch takes one number for both."""
    return (value[0], value[1]) if isinstance(value, tuple) else (int(value), int(value))


def _slide(
    field: ReceptiveField,
    module: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d,
    padding: Pair,
    dilation: Pair,
) -> ReceptiveField:
    """Give the field behind a kernel that slides over a map."""
    kernel, stride = _pair(module.kernel_size), _pair(module.stride)

    def along(axis: int) -> tuple[int, int, int]:
        step = field.stride[axis]
        return (
            field.size[axis] + dilation[axis] * (kernel[axis] - 1) * step,
            step * stride[axis],
            field.offset[axis] - padding[axis] * step,
        )

    (height, down, top), (width, across, left) = along(0), along(1)
    return ReceptiveField((height, width), (down, across), (top, left))


def _union(fields: list[ReceptiveField]) -> ReceptiveField:
    """Give the smallest field that holds all of some fields of equal stride."""

    def along(axis: int) -> tuple[int, int]:
        start = min(field.offset[axis] for field in fields)
        end = max(field.offset[axis] + field.size[axis] for field in fields)
        return end - start, start

    (height, top), (width, left) = along(0), along(1)
    return ReceptiveField((height, width), fields[0].stride, (top, left))
