"""The part of the image that one place of a map can see."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import index
from typing import Final, SupportsIndex, TypeAlias

import numpy as np
from jaxtyping import Int
from torch import fx

from facslens.models.reading.slides import Pair, pair_of, slide_of
from facslens.models.reading.steps import BATCH_NORMS, is_pointwise
from facslens.models.reading.trace import Shape, argument, operation
from facslens.models.reading.values import Values

Rectangle: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True)
class ReceptiveField:
    """The rectangle of the image that each place of a map can see.

    Place (row, column) sees ``size`` pixels that begin at ``offset + stride × place``, in either
    direction; or the whole image, wherever it lies.

    Parameters
    ----------
    size
        Rows and columns that a place sees, in pixels.
    stride
        Pixels between neighbouring places.
    offset
        First row and column that place (0, 0) sees; negative under padding.
    whole
        Whether every place sees the whole image, of `size` pixels; then `stride` and `offset` say
        where a place lies in the image, not what it sees.
    """

    size: Pair
    stride: Pair
    offset: Pair
    whole: bool = False

    def rectangle(self, row: SupportsIndex, column: SupportsIndex) -> Rectangle:
        """Give the field of a place as top, left, bottom, right.

        Half-open, in pixels; it reaches beyond the image where the place sees padding.

        Examples
        --------
        >>> ReceptiveField(size=(5, 5), stride=(2, 2), offset=(-2, -2)).rectangle(0, 3)
        (-2, 4, 3, 9)
        """
        if self.whole:
            return 0, 0, *self.size
        # `index`: places are stored as int16, and 16 bits don't hold all pixels
        top = self.offset[0] + self.stride[0] * index(row)
        left = self.offset[1] + self.stride[1] * index(column)
        return top, left, top + self.size[0], left + self.size[1]

    def window(
        self, row: SupportsIndex, column: SupportsIndex, height: int, width: int
    ) -> Rectangle:
        """Give the field of a place, clipped to an image of height × width pixels.

        Examples
        --------
        >>> ReceptiveField(size=(5, 5), stride=(2, 2), offset=(-2, -2)).window(0, 3, 8, 8)
        (0, 4, 3, 8)
        """
        top, left, bottom, right = self.rectangle(row, column)
        return max(top, 0), max(left, 0), min(bottom, height), min(right, width)

    def centre(self, places: Int[np.ndarray, "*axes 2"]) -> Int[np.ndarray, "*axes 2"]:
        """Give the pixel in the middle of each place's field, or where the place lies.

        Examples
        --------
        >>> ReceptiveField(size=(5, 5), stride=(2, 2), offset=(-2, -2)).centre(np.array([0, 3]))
        array([0, 6])
        """
        extent = np.array(self.stride if self.whole else self.size)
        first = np.array(self.offset) + (extent - 1) // 2
        found: np.ndarray = first + places.astype(np.int64) * np.array(self.stride)
        return found


#: A field, and which axes of the tensor are its rows and columns; None sees the whole image.
Seen: TypeAlias = tuple[ReceptiveField, Pair] | None

_PIXEL: Final = ReceptiveField(size=(1, 1), stride=(1, 1), offset=(0, 0))


def receptive_field(graph: fx.Graph, values: Values, maps: fx.Node, image: Shape) -> ReceptiveField:
    """Derive the receptive field of a step's result from the geometry of the steps before it.

    Below a place's field of `s` pixels and stride `t`, a further kernel `k` of dilation `d`, stride
    `u` and padding `p` makes the size s + d(k−1)t, the stride tu and the offset lower by pt. Where
    branches meet, a place sees the smallest rectangle that holds all of them.

    Returns
    -------
    ReceptiveField
        The whole image where it is not regular, as behind means over all places, or where the
        geometry of a step is not known here.

    Notes
    -----
    This is the region that *can* influence a place, whatever the weights.

    References
    ----------
    Zeiler & Fergus 2014, section 2.1 [zeiler2014]_.
    """
    found = fields_before(graph, values, maps)[maps]
    if found is not None:
        return found[0]
    height, width = image[1:]
    shape = maps.meta["shape"]
    rows, columns = shape[2:] if len(shape) == 4 else (1, 1)
    stride = max(1, height // rows), max(1, width // columns)
    return ReceptiveField((height, width), stride, (0, 0), whole=True)


def fields_before(graph: fx.Graph, values: Values, last: fx.Node) -> dict[fx.Node, Seen]:
    """Give the field of every step up to one, and which axes of its result are places."""
    seen: dict[fx.Node, Seen] = {}
    for node in graph.nodes:
        if node.op == "placeholder":
            seen[node] = _PIXEL, (2, 3)
        elif node in values.variable:
            inputs = [n for n in values.inputs(node) if n in seen]
            seen[node] = _behind(node, inputs, seen) if inputs else None
        if node is last:
            break
    return seen


def _behind(node: fx.Node, inputs: list[fx.Node], seen: dict[fx.Node, Seen]) -> Seen:
    name = operation(node)
    before = [seen[n] for n in inputs]
    if any(one is None for one in before):
        return None
    if is_pointwise(node) or (name in ("cat", "concat") and not _along(node, before[0])):
        same = [n.meta["shape"] for n in inputs]
        spread = is_pointwise(node) and any(shape != node.meta["shape"] for shape in same)
        return None if spread else _union(before)
    handler = _HANDLERS.get(name)
    if handler is None and name in BATCH_NORMS:
        handler = _keep
    (first, *others) = before
    return None if handler is None or others else handler(node, first)


def _union(fields: list[Seen]) -> Seen:
    """Give the smallest field that holds all of some fields of equal stride."""
    known = [one for one in fields if one is not None]
    (first, axes) = known[0]
    if any(field.stride != first.stride or other != axes for field, other in known):
        return None

    def along(axis: int) -> tuple[int, int]:
        start = min(field.offset[axis] for field, _ in known)
        end = max(field.offset[axis] + field.size[axis] for field, _ in known)
        return end - start, start

    (height, top), (width, left) = along(0), along(1)
    return ReceptiveField((height, width), first.stride, (top, left)), axes


def _dimension(node: fx.Node, name: str = "dim") -> int:
    source = node.args[0]
    one = source[0] if isinstance(source, list | tuple) else source
    assert isinstance(one, fx.Node)
    return int(argument(node, name)) % len(one.meta["shape"])


def _along(node: fx.Node, seen: Seen) -> bool:
    """Tell whether a step works along the rows or columns."""
    assert seen is not None
    return _dimension(node) in seen[1]


def _keep(_node: fx.Node, seen: Seen) -> Seen:
    return seen


def _channels_only(node: fx.Node, seen: Seen) -> Seen:
    return None if _along(node, seen) else seen


def _slice(node: fx.Node, seen: Seen) -> Seen:
    if not _along(node, seen):
        return seen
    assert seen is not None
    field, axes = seen
    axis = axes.index(_dimension(node))
    start, step = argument(node, "start") or 0, argument(node, "step") or 1
    if not isinstance(start, int) or not isinstance(step, int) or start < 0:
        return None
    offset, stride = list(field.offset), list(field.stride)
    offset[axis] += start * stride[axis]
    stride[axis] *= step
    return replace(field, offset=pair_of(offset), stride=pair_of(stride)), axes


def _slide(node: fx.Node, seen: Seen) -> Seen:
    """Give the field behind a kernel that slides over a map."""
    assert seen is not None
    (field, axes), slide = seen, slide_of(node)
    if slide is None or axes != (2, 3):
        return None

    def along(axis: int) -> tuple[int, int, int]:
        step = field.stride[axis]
        return (
            field.size[axis] + (slide.extent[axis] - 1) * step,
            step * slide.stride[axis],
            field.offset[axis] - slide.padding[axis] * step,
        )

    (height, down, top), (width, across, left) = along(0), along(1)
    return ReceptiveField((height, width), (down, across), (top, left)), axes


def _pad(node: fx.Node, seen: Seen) -> Seen:
    """Give the field behind padding by constants or by repeated edges."""
    assert seen is not None
    field, axes = seen
    mode = argument(node, "mode") if operation(node) == "pad" else ""
    amounts = argument(node, "padding" if operation(node) == "replication_pad2d" else "pad")
    if mode not in ("", "constant", "replicate") or not all(isinstance(n, int) for n in amounts):
        return None
    last = len(node.meta["shape"]) - 1
    offset = list(field.offset)
    for place in range(0, len(amounts), 2):
        axis = last - place // 2
        if axis in axes:
            offset[axes.index(axis)] -= amounts[place] * field.stride[axes.index(axis)]
    return replace(field, offset=pair_of(offset)), axes


def _permute(node: fx.Node, seen: Seen) -> Seen:
    assert seen is not None
    field, axes = seen
    count = len(node.meta["shape"])
    order = list(range(count))
    if operation(node) == "permute":
        order = [d % count for d in argument(node, "dims")]
    else:
        a, b = (argument(node, d) % count for d in ("dim0", "dim1"))
        order[a], order[b] = order[b], order[a]
    return field, (order.index(axes[0]), order.index(axes[1]))


def _view(node: fx.Node, seen: Seen) -> Seen:
    """Keep the field where only what comes before rows and columns is arranged otherwise."""
    assert seen is not None
    (source,) = (n for n in node.all_input_nodes[:1])
    old, new = source.meta["shape"], node.meta["shape"]
    last = (len(old) - 2, len(old) - 1)
    if seen[1] != last or len(new) < 3 or old[-2:] != new[-2:]:
        return None
    return seen[0], (len(new) - 2, len(new) - 1)


def _last_axis(node: fx.Node, seen: Seen) -> Seen:
    """Keep the field where only the last axes are combined, and these are not places."""
    assert seen is not None
    combined = 1
    if operation(node) in ("layer_norm", "native_layer_norm", "rms_norm"):
        combined = len(argument(node, "normalized_shape"))
    first = len(node.args[0].meta["shape"]) - combined  # type: ignore[union-attr]
    return seen if max(seen[1]) < first else None


def _reduce(node: fx.Node, seen: Seen) -> Seen:
    """Keep the field where only other axes are reduced, and are kept as axes of one."""
    assert seen is not None
    try:
        axes, keeps = argument(node, "dim"), argument(node, "keepdim")
    except KeyError:
        return None
    axes = axes if isinstance(axes, list | tuple) else [axes]
    count = len(node.args[0].meta["shape"])  # type: ignore[union-attr]
    if not keeps or not axes or any(axis % count in seen[1] for axis in axes if axis is not None):
        return None
    return seen


_HANDLERS: Final[dict[str, Callable[[fx.Node, Seen], Seen]]] = {
    **dict.fromkeys(("conv2d", "convolution", "avg_pool2d"), _slide),
    **dict.fromkeys(("max_pool2d", "max_pool2d_with_indices"), _slide),
    "getitem": _keep,
    "channel_shuffle": _keep,
    "slice": _slice,
    **dict.fromkeys(("split", "split_with_sizes", "chunk", "narrow", "softmax"), _channels_only),
    **dict.fromkeys(("pad", "constant_pad_nd", "replication_pad2d"), _pad),
    **dict.fromkeys(("permute", "transpose"), _permute),
    **dict.fromkeys(("view", "reshape", "unflatten", "flatten", "_unsafe_view"), _view),
    **dict.fromkeys(("linear", "layer_norm", "native_layer_norm", "rms_norm"), _last_axis),
    **dict.fromkeys(("mean", "sum", "amax", "max", "var", "std", "linalg_vector_norm"), _reduce),
}
