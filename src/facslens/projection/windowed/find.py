"""Find what each step before some maps does in windows, if all of them can be taken there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, fx
from torch.nn import functional

from facslens.models.reading.fields import Seen, fields_before
from facslens.models.reading.layers import Layer
from facslens.models.reading.run import Steps
from facslens.models.reading.slides import Pair, slide_of
from facslens.models.reading.steps import BATCH_NORMS, IDENTITIES, RESHAPES, is_pointwise
from facslens.models.reading.trace import Trace, argument, operation
from facslens.projection.passing import Passing
from facslens.projection.windowed.sliding import Averaging, Convolving, Largest
from facslens.projection.windowed.steps import (
    Adding,
    Joining,
    Local,
    Picking,
    Rectifying,
    Reshaping,
    Scaling,
    Step,
)

#: Steps that hold the same weights at every place, beside those of one value.
_SAME_WEIGHTS: Final = frozenset({"linear", "layer_norm", "native_layer_norm", "rms_norm"})


#: Steps that combine other axes than rows and columns, alike at every place.
_AT_A_PLACE: Final = frozenset(
    {"permute", "transpose", "softmax", "mean", "sum", "max", "var", "std", "linalg_vector_norm",
     "split", "split_with_sizes", "chunk", "narrow", "slice", "channel_shuffle", *_SAME_WEIGHTS}
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A step in windows, and the steps whose results it takes."""

    step: Step
    inputs: tuple[fx.Node, ...]


@dataclass(frozen=True)
class Way:
    """Steps in windows, in their order, and of all results the axes that are rows and columns."""

    steps: dict[fx.Node, Found]
    axes: dict[fx.Node, Pair]


def find_steps(
    trace: Trace, passing: Passing, tensors: Mapping[str, Tensor], layer: Layer
) -> Way | None:
    """Give what each step does in windows, in their order; None if one of them is not known there.

    Windows need to know which part of a map every place sees, and steps that compute each place
    alike: means over all places, values that hold a weight for every place, and sizes that are
    computed are none of these.
    """
    if trace.batch is not None:
        return None
    finder = _Finder(trace, passing, tensors, layer.maps)
    if not finder.has_places(layer.maps) or finder.axes(layer.maps) != layer.axes[2:]:
        return None
    found: dict[fx.Node, Found] = {}
    waiting = [layer.maps]
    while waiting:
        node = waiting.pop()
        if node in found or node is trace.images:
            continue
        one = finder.found(node)
        if one is None or not all(map(finder.has_places, one.inputs)):
            return None
        found[node] = one
        waiting.extend(one.inputs)
    steps = {node: found[node] for node in trace.graph.nodes if node in found}
    return Way(steps, {node: finder.axes(node) for node in (trace.images, *steps)})


class _Finder:
    def __init__(
        self, trace: Trace, passing: Passing, tensors: Mapping[str, Tensor], maps: fx.Node
    ) -> None:
        self._passing, self._tensors, self._graph = passing, tensors, trace.graph
        self._values = passing.values
        self._seen: Mapping[fx.Node, Seen] = fields_before(trace.graph, self._values, maps)

    def has_places(self, node: fx.Node) -> bool:
        """Tell whether it is known where the values of a step's result lie."""
        shape = node.meta["shape"]
        known = self._seen.get(node) is not None and shape is not None and shape[0] is None
        return known and all(isinstance(size, int) for size in shape[1:])

    def axes(self, node: fx.Node) -> Pair:
        """Tell which axes of a step's result are rows and columns."""
        seen = self._seen[node]
        assert seen is not None
        return seen[1]

    def found(self, node: fx.Node) -> Found | None:
        """Give what a step does in windows."""
        if node in self._passing.rectifiers:
            source, rectifier = self._passing.rectifiers[node]
            return Found(Rectifying(rectifier), (source,))
        if node in self._passing.alike:
            source, function = self._passing.alike[node]
            if not self.has_places(source):
                return None
            return Found(Local(function, [self.axes(source)], self.axes(node)), (source,))
        name = operation(node)
        if name == "getitem":
            return self._part(node)
        inputs = tuple(self._values.inputs(node))
        if not self._alone(node, inputs) and name not in RESHAPES:
            return None
        if not inputs or not all(map(self.has_places, inputs)):
            return None
        if name in _MAKERS or name in BATCH_NORMS:
            step = _MAKERS.get(name, _Finder._scaling)(self, node)
            return step if isinstance(step, Found) or step is None else Found(step, inputs)
        if name in RESHAPES:
            step = self._reshaping(node)
        elif name in IDENTITIES:
            step = Reshaping(*[self._units(node)] * 2)
        else:
            step = self._local(node, lambda result: result)
        return None if step is None else Found(step, inputs)

    def _part(self, node: fx.Node) -> Found | None:
        """Take one of several results."""
        source, place = node.args
        assert isinstance(source, fx.Node)
        if operation(source) in ("max_pool2d_with_indices", *BATCH_NORMS):
            return self.found(source) if place == 0 else None
        inputs = tuple(self._values.inputs(source))
        if not inputs or not all(map(self.has_places, inputs)) or not self._alone(source, inputs):
            return None
        step = self._local(source, lambda results: results[place], self.axes(node))
        return None if step is None else Found(step, inputs)

    def _alone(self, node: fx.Node, inputs: tuple[fx.Node, ...]) -> bool:
        """Tell whether a step takes nothing but values at places, and what the network holds."""
        return all(n in inputs or n not in self._values.variable for n in node.all_input_nodes)

    def _constants(self, node: fx.Node) -> dict[fx.Node, Any]:
        """Give what a step takes of the network itself."""
        wanted = [n for n in node.all_input_nodes if n not in self._values.variable]
        with torch.no_grad():
            found = Steps(self._graph, [], wanted)([], self._tensors)
        return dict(zip(wanted, found, strict=True))

    def _units(self, node: fx.Node) -> list[int]:
        """Give the sizes of a result's axes behind image, row and column."""
        shape, places = node.meta["shape"], self.axes(node)
        return [size for axis, size in enumerate(shape) if axis and axis not in places]

    def _local(
        self, node: fx.Node, part: Callable[[Any], Tensor], after: Pair | None = None
    ) -> Step | None:
        """Take a step as it is, if it does the same at every place."""
        inputs = self._values.inputs(node)
        constants = self._constants(node)
        after = self.axes(node) if after is None else after
        if not is_pointwise(node) and operation(node) not in _AT_A_PLACE:
            return None
        if is_pointwise(node) and operation(node) != "prelu":
            count = len(node.meta["shape"])
            for value in constants.values():
                if any(value.ndim >= count - a and value.shape[a - count] != 1 for a in after):
                    return None
        elif constants and operation(node) not in _SAME_WEIGHTS | {"prelu"}:
            return None

        def function(*values: Tensor) -> Tensor:
            known = constants | dict(zip(inputs, values, strict=True))
            args = fx.node.map_arg(node.args, known.__getitem__)
            kwargs = fx.node.map_arg(node.kwargs, known.__getitem__)
            assert callable(node.target)
            return part(node.target(*args, **kwargs))

        return Local(function, [self.axes(n) for n in inputs], after)

    def _reshaping(self, node: fx.Node) -> Step | None:
        (source,) = self._values.inputs(node)
        shape = source.meta["shape"]
        if self.axes(source) != (len(shape) - 2, len(shape) - 1):
            return None
        return Reshaping(self._units(source), self._units(node))

    def _is_plain(self, node: fx.Node) -> bool:
        """Tell whether a result's axes are image, unit, row and column."""
        return len(node.meta["shape"]) == 4 and self.axes(node) == (2, 3)

    def _scaling(self, node: fx.Node) -> Step | None:
        (source,) = self._values.inputs(node)
        name = operation(node)
        by_batch = not name.endswith("no_training") and bool(argument(node, "training"))
        if by_batch or not self._is_plain(source):
            return None
        constants = self._constants(node)

        def held(argument_name: str) -> Any:
            value = argument(node, argument_name)
            return constants[value] if isinstance(value, fx.Node) else value

        mean, variance = held("running_mean"), held("running_var")
        weight, bias = held("weight"), held("bias")
        scale = (variance + held("eps")).rsqrt()
        scale = scale if weight is None else scale * weight
        shift = -mean * scale
        return Scaling(scale, shift if bias is None else shift + bias)

    def _convolving(self, node: fx.Node) -> Step | None:
        (source, *others) = self._values.inputs(node)
        slide = slide_of(node)
        if slide is None or others or not self._is_plain(source):
            return None
        constants = self._constants(node)
        weights, bias = constants[node.args[1]], argument(node, "bias")  # type: ignore[index]
        bias = None if bias is None else constants[bias]
        return Convolving(slide, weights, bias, int(argument(node, "groups")))

    def _largest(self, node: fx.Node) -> Step | None:
        (source,) = self._values.inputs(node)
        slide = slide_of(node)
        return Largest(slide) if slide is not None and self._is_plain(source) else None

    def _averaging(self, node: fx.Node) -> Step | None:
        (source,) = self._values.inputs(node)
        slide = slide_of(node)
        if slide is None or not self._is_plain(source):
            return None
        some = next(iter(self._tensors.values()))
        ones = some.new_ones(1, 1, *source.meta["shape"][2:])
        args = list(node.args[1:])
        mean = functional.avg_pool2d(ones, *args, **node.kwargs)  # type: ignore[arg-type]
        sums = functional.avg_pool2d(
            ones, slide.kernel, slide.stride, slide.padding,
            bool(argument(node, "ceil_mode")), True, 1,
        )  # fmt: skip
        return Averaging(slide, (mean / sums)[0])

    def _adding(self, node: fx.Node) -> Step | None:
        first, second = node.args[0], node.args[1]
        if len(self._values.inputs(node)) < 2 or node.kwargs.get("alpha", 1) != 1:
            return self._local(node, lambda result: result)
        assert isinstance(first, fx.Node)
        assert isinstance(second, fx.Node)
        factors = {"add": (1.0, 1.0), "sub": (1.0, -1.0), "rsub": (-1.0, 1.0)}[operation(node)]
        return Adding(factors)

    def _joining(self, node: fx.Node) -> Found | None:
        parts, place = node.args[0], argument(node, "dim") % len(node.meta["shape"])
        assert isinstance(parts, list | tuple)
        nodes = [n for n in parts if isinstance(n, fx.Node) and n in self._values.variable]
        places = self.axes(node)
        if place in (0, *places) or len(nodes) < len(parts):
            return None
        axis = 2 + place - sum(p < place for p in places)
        return Found(Joining(axis, [n.meta["shape"][place] for n in nodes]), tuple(nodes))

    def _padding(self, node: fx.Node) -> Step | None:
        mode = argument(node, "mode") if operation(node) == "pad" else "constant"
        amounts, count = argument(node, "pad"), len(node.meta["shape"])
        before = {count - 1 - n // 2: amounts[n] for n in range(0, len(amounts), 2)}
        after = {count - 1 - n // 2: amounts[n + 1] for n in range(0, len(amounts), 2)}
        top, left = (before.pop(axis, 0) for axis in self.axes(node))
        for axis in self.axes(node):
            after.pop(axis, None)
        if mode != "constant" or any((*before.values(), *after.values())):
            return None
        return Picking((-top, -left), fill=float(argument(node, "value") or 0))

    def _picking(self, node: fx.Node) -> Step | None:
        (source,) = self._values.inputs(node)
        dim = argument(node, "dim") % len(source.meta["shape"])
        if dim not in self.axes(source):
            return self._local(node, lambda result: result)
        start, stride = [0, 0], [1, 1]
        axis = self.axes(source).index(dim)
        start[axis], stride[axis] = argument(node, "start") or 0, argument(node, "step") or 1
        return Picking((start[0], start[1]), (stride[0], stride[1]))


#: Steps that are not taken place by place, or are taken faster in another way.
_MAKERS: Final[dict[str, Callable[[_Finder, fx.Node], Step | Found | None]]] = {
    **dict.fromkeys(("conv2d", "convolution"), _Finder._convolving),
    **dict.fromkeys(("max_pool2d", "max_pool2d_with_indices"), _Finder._largest),
    "avg_pool2d": _Finder._averaging,
    **dict.fromkeys(("add", "sub", "rsub"), _Finder._adding),
    **dict.fromkeys(("cat", "concat"), _Finder._joining),
    **dict.fromkeys(("pad", "constant_pad_nd"), _Finder._padding),
    "slice": _Finder._picking,
}
