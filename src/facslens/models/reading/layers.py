"""Find the layers of a network, and of every unit the map that the network means."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from jaxtyping import Float
from torch import Tensor, fx

from facslens.models.reading.steps import (
    BATCH_NORMS,
    CONVOLUTIONS,
    IDENTITIES,
    LARGEST,
    MEANS,
    MOVES,
    NORMS,
    RESHAPES,
    is_pointwise,
)
from facslens.models.reading.trace import argument, operation
from facslens.models.reading.values import Affine, Values

#: Which axes of a tensor are image, unit, row and column; without row for tokens.
Axes: TypeAlias = tuple[int, ...]

#: Steps that a single value goes through before it is one value again, at most.
_LONGEST: Final = 60
#: Operations that change no value beyond sums with weights, and no place.
_LINEAR: Final = frozenset({"add", "sub", "neg", "rsub", *IDENTITIES})
#: Their results are no maps.
_SIZES: Final = ("sym_size", "sym_numel", "sym_stride")


@dataclass(frozen=True)
class Layer:
    """One layer: units of one kind, each with a map.

    Parameters
    ----------
    name
        The name of the module, or the part of it, that holds the weights.
    kind
        ``convolution``, ``transposed convolution``, ``channels-last`` for a linear layer at every
        place, ``tokens`` for one at every token, or ``directions`` of another layer.
    units, rows, columns
        How many units it has, and the size of their maps; tokens are one row.
    weights
        The step that applies the weights.
    maps
        The step whose result holds the units' maps.
    axes
        Which axes of that result are image, unit, row and column; image, unit and token of tokens.
    shortcut
        Whether it lies in a shortcut, whose sum with a deeper layer is the deeper layer's.
    aside
        Whether the network says that other layers are looked at instead.
    """

    name: str
    kind: str
    units: int
    rows: int
    columns: int
    weights: fx.Node
    maps: fx.Node
    axes: Axes
    shortcut: bool
    aside: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        """Name the operations from the weights to the maps, as far as one leads to the next."""
        found, node = [], self.maps
        while node is not self.weights:
            name = operation(node)
            if name != "getitem":
                found.append("batch_norm" if name in BATCH_NORMS else name.removeprefix("native_"))
            earlier = [n for n in node.all_input_nodes if _leads(self.weights, n)]
            node = earlier[0]
        return tuple(reversed(found))

    def as_maps(self, result: Tensor) -> Float[Tensor, "image unit row column"]:
        """Bring the result of the step into the order image, unit, row, column."""
        if len(self.axes) == 3:
            return result.permute(self.axes).unsqueeze(2)
        return result if self.axes == (0, 1, 2, 3) else result.permute(self.axes)

    def as_result(self, maps: Float[Tensor, "image unit row column"]) -> Tensor:
        """Bring maps back into the order of the step's result."""
        if len(self.axes) == 3:
            maps = maps.squeeze(2)
        back = sorted(range(len(self.axes)), key=self.axes.__getitem__)
        return maps if back == sorted(back) else maps.permute(back)


def _leads(first: fx.Node, last: fx.Node) -> bool:
    waiting, met = [last], {last}
    while waiting:
        node = waiting.pop()
        if node is first:
            return True
        earlier = set(node.all_input_nodes) - met
        met |= earlier
        waiting.extend(earlier)
    return False


def find_layers(graph: fx.Graph, values: Values) -> dict[str, Layer]:
    """Find every layer that is applied once, in the order of the calls.

    A unit's map is what the network makes of it before other layers take it up: after its
    normalisation, its scaling, the addition of a shortcut, and one nonlinearity. It ends where
    something else is made of it: other channels, other places, a pooling.

    Notes
    -----
    The sum of two branches counts as the units of the one with more layers before it: the last of a
    residual block, not that of its shortcut, whose own units are taken before the sum. A layer that
    is called more than once has more than one map, and is left out.
    """
    finder = _Finder(graph, values)
    calls = [node for node in graph.nodes if node in values.variable and _kind(node)]
    named = [(node, _name(node)) for node in calls]
    often = Counter(name for _, name in named)
    paths = {node: finder.path(node) for node, name in named if often[name] == 1}
    owners: dict[fx.Node, fx.Node] = {}
    for node, path in paths.items():
        for place in path:
            if place.added:
                owners.setdefault(place.node, node)
    found = {}
    for node, name in named:
        if node in paths:
            kept, shortcut = [], False
            for place in paths[node]:
                shortcut = place.added and owners[place.node] is not node
                if shortcut:
                    break
                kept.append(place)
            found[name] = _layer(name, node, kept[-1], shortcut or paths[node][-1].given)
    return found


@dataclass(frozen=True)
class _Place:
    """A step whose result is the map so far; whether it is a sum, or one that another owns."""

    node: fx.Node
    axes: Axes
    added: bool = False
    given: bool = False


class _Finder:
    def __init__(self, graph: fx.Graph, values: Values) -> None:
        self._values = values
        self._order = {node: place for place, node in enumerate(graph.nodes)}
        self._depths: dict[fx.Node, int] = {}  # layers on the longest way to a step
        for node in graph.nodes:
            before = max((self._depths[n] for n in node.all_input_nodes), default=0)
            self._depths[node] = before + bool(node in values.variable and _kind(node))

    def path(self, start: fx.Node) -> list[_Place]:
        """Follow a layer's maps, as long as they stay the maps of its units."""
        place = _Place(start, first_axes(start))
        found, bent = [place], False
        while following := self._next(place):
            place, bends = following
            # what comes behind a nonlinearity is part of it only if it scales or shifts, as in
            # (x + |x|) / 2
            before = found[-1].node
            if bent and (bends or not self._values.is_function_of(place.node, before)):
                break
            if place.given:
                found[-1] = replace(found[-1], given=True)
                break
            found.append(place)
            bent = bent or bends
        return found

    def _next(self, place: _Place) -> tuple[_Place, bool] | None:
        """Give the next step of a path, and whether it bends; None if the path ends before it."""
        node = place.node
        users = _users(node)
        if not users:
            return None
        if len(users) == 1:
            (user,) = users
            if operation(user) in ("permute", "transpose"):
                axes = _permuted(user, place.axes)
                return None if axes is None else (_Place(user, axes), False)
            others = [n for n in self._values.inputs(user) if n is not node]
            if others:
                return self._added(place, user, others)
        region = self._region(node)
        if region is None:
            return None
        end = region[-1]
        if end.meta["shape"] != node.meta["shape"] or end.op == "output":
            return None
        following = _Place(end, place.axes)
        if self._values.is_function_of(end, node):
            return following, not isinstance(self._values.function(end, node), Affine)
        names = {operation(n) for n in region}
        if names & (NORMS | MEANS | LARGEST):
            return following, False
        return following, self._bends(region)

    def _added(
        self, place: _Place, user: fx.Node, others: list[fx.Node]
    ) -> tuple[_Place, bool] | None:
        """Follow the addition of another branch, if it is one of the same shape."""
        node = place.node
        if operation(user) != "add" or user.meta["shape"] != node.meta["shape"]:
            return None
        deeper = any(self._depths[other] > self._depths[node] for other in others)
        return _Place(user, place.axes, added=True, given=deeper), False

    def _bends(self, region: list[fx.Node]) -> bool:
        """Tell whether a step of a region is no sum with weights."""
        return any(
            is_pointwise(n)
            and operation(n) not in _LINEAR
            and not (operation(n) in ("mul", "div") and len(self._values.inputs(n)) == 1)
            and not isinstance(self._values.function(n), Affine)
            for n in region
        )

    def _region(self, node: fx.Node) -> list[fx.Node] | None:
        """Give the steps behind a value until there is one value again; None if layers take it."""
        waiting = set(_users(node))
        inside: list[fx.Node] = []
        members = {node}
        while waiting and len(inside) < _LONGEST:
            step = min(waiting, key=self._order.__getitem__)
            waiting.remove(step)
            if step.op == "output" or any(
                n not in members for n in self._values.inputs(step) if n in self._values.variable
            ):
                return None
            inside.append(step)
            members.add(step)
            if not waiting and self._alone(step, members) and not self._regrouped(inside, node):
                return inside if self._light(inside) or self._gates(inside, node) else None
            waiting.update(_users(step))
        return None

    def _alone(self, step: fx.Node, members: set[fx.Node]) -> bool:
        """Tell whether nothing else of a region is still used behind it."""
        return isinstance(step.meta["shape"], tuple) and not any(
            user not in members for n in members if n is not step for user in _users(n)
        )

    def _regrouped(self, region: list[fx.Node], node: fx.Node) -> bool:
        """Tell whether a region has a map's values in their order, under another shape.

        Exporters write the normalisation of groups so, and then go back to the first shape.
        """
        return region[-1].meta["shape"] != node.meta["shape"] and all(
            is_pointwise(n) or operation(n) in RESHAPES | BATCH_NORMS | NORMS for n in region
        )

    def _light(self, region: list[fx.Node]) -> bool:
        known = BATCH_NORMS | NORMS | MOVES | frozenset({"mean", "sum", "amax", "max"})
        return all(is_pointwise(n) or operation(n) in known for n in region)

    def _gates(self, region: list[fx.Node], node: fx.Node) -> bool:
        """Tell whether a region multiplies maps by one number each, or each place by one."""
        end = region[-1]
        factors = [n for n in self._values.inputs(end) if n is not node]
        return (
            operation(end) == "mul"
            and node in self._values.inputs(end)
            and len(factors) == 1
            and factors[0].meta["shape"] != node.meta["shape"]
        )


def _users(node: fx.Node) -> list[fx.Node]:
    return [user for user in node.users if not operation(user).startswith(_SIZES)]


def _kind(node: fx.Node) -> str:
    """Name the kind of a layer; empty for other steps."""
    name, shape = operation(node), node.meta.get("shape")
    if shape is None or len(shape) not in (3, 4) or _image_axis(node) is None:
        return ""
    if name in CONVOLUTIONS and len(shape) == 4:
        turned = name == "conv_transpose2d" or (name == "convolution" and node.args[6])
        return "transposed convolution" if turned else "convolution"
    if name == "linear":
        return "channels-last" if len(shape) == 4 else "tokens"
    return ""


def _name(node: fx.Node) -> str:
    """Name a layer after its weights, or after the module that applies them."""
    weights = node.args[1]
    if isinstance(weights, fx.Node) and weights.op == "get_attr":
        name = str(weights.target)
        for ending in (".weight", "_weight"):
            if name.endswith(ending) and name != ending:
                return name.removesuffix(ending)
    return node.meta["module"] or node.name


def _image_axis(node: fx.Node) -> int | None:
    """Tell which axis of a layer's first result has the images; None if none has them alone.

    Tokens may come before images; parts of a face may be taken as if they were faces.
    """
    (images,) = node.graph.find_nodes(op="placeholder")
    count, shape = images.meta["shape"][0], node.meta["shape"]
    axes = (0, 1) if len(shape) == 3 else (0,)
    return next((axis for axis in axes if shape[axis] == count), None)


def first_axes(node: fx.Node) -> Axes:
    """Tell which axes of a layer's first result are image, unit, row and column."""
    kind = _kind(node)
    if kind == "tokens" and _image_axis(node) == 1:
        return 1, 2, 0
    return {"channels-last": (0, 3, 1, 2), "tokens": (0, 2, 1)}.get(kind, (0, 1, 2, 3))


def _permuted(node: fx.Node, axes: Axes) -> Axes | None:
    """Give where the axes are behind a permutation; None if images are mixed with others."""
    order = list(range(len(axes)))
    if operation(node) == "permute":
        order = [d % len(axes) for d in argument(node, "dims")]
    else:
        a, b = (argument(node, d) % len(axes) for d in ("dim0", "dim1"))
        order[a], order[b] = order[b], order[a]
    moved = tuple(order.index(axis) for axis in axes)
    return moved if moved[0] == 0 else None


def _layer(name: str, node: fx.Node, place: _Place, shortcut: bool) -> Layer:
    shape = place.node.meta["shape"]
    sizes = [shape[axis] for axis in place.axes]
    units, *extent = sizes[1:]
    rows, columns = extent if len(extent) == 2 else (1, extent[0])
    return Layer(name, _kind(node), units, rows, columns, node, place.node, place.axes, shortcut)
