"""The way from a layer's maps down to the image, under a projection rule."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, fx

from facslens.errors import CallError
from facslens.models.reading.layers import Layer
from facslens.models.reading.reading import Reading
from facslens.models.reading.run import Steps
from facslens.models.reading.steps import (
    BATCH_NORMS,
    CONVOLUTIONS,
    LARGEST,
    MEANS,
    MEETINGS,
    MOVES,
    NORMS,
    PRODUCTS,
    is_pointwise,
)
from facslens.models.reading.trace import argument, operation, where
from facslens.models.reading.values import Affine, Rectifier, Values
from facslens.projection.rules import Rule

#: Their adjoints pass to each of their inputs.
_SUMS: Final = frozenset({"add", "sub", "rsub"})
#: Functions of two values of the face, whose derivatives pass with a note.
_OF_TWO: Final = {
    "mul": "product of two maps",
    "div": "quotient of two maps",
    "maximum": "larger of two maps",
    "minimum": "smaller of two maps",
    "max": "larger of two maps",
    "min": "smaller of two maps",
    "where": "choice between two maps",
}


class WayDown:
    """A network's steps up to the maps of one layer, made so that a rule acts on the way back.

    Parameters
    ----------
    reading
        Of the network, or of one of the same architecture.
    tensors
        What the network holds, as `Reading.tensors` gives it.
    layer
        Whose maps are projected.
    rule
        What rectifiers pass.

    Raises
    ------
    CallError
        If the way down is not known for a step before the maps, with its module and line.

    Attributes
    ----------
    notes
        For which kinds of steps no rule is defined, so that their derivative passes.
    """

    def __init__(
        self, reading: Reading, tensors: Mapping[str, Tensor], layer: Layer, rule: Rule
    ) -> None:
        if len(layer.axes) == 3 or layer.kind == "channels-last":
            raise CallError(
                f"{layer.name!r} is a layer of {layer.kind}: the rules are defined for feature "
                f"maps, so use integrated gradients or occlusion there"
            )
        trace = reading.trace
        self._layer, self._single = layer, trace.batch is not None
        self._tensors = {name: value.detach() for name, value in tensors.items()}
        passing = _Passing(Values(trace.graph, tensors), layer.maps)
        replaced = {
            node: (source, _rectifying(rectifier, rule))
            for node, (source, rectifier) in passing.rectifiers.items()
        }
        for node in passing.met:
            if operation(node) in _ALIKE:
                place, make = _ALIKE[operation(node)]
                source = node.args[place]
                assert isinstance(source, fx.Node)
                replaced.setdefault(node, (source, make(node)))
        self._steps = Steps(trace.graph, [trace.images], [layer.maps], replaced)
        passing.know([node for node in trace.graph.nodes if node in self._steps.needed])
        self.notes = passing.notes

    def maps(
        self, images: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image unit map_row map_column"]:
        """Compute the maps, so that a backward pass from them follows the rule."""
        batches = torch.split(images, 1) if self._single else [images]
        found = [self._steps([batch], self._tensors)[0] for batch in batches]
        return self._layer.as_maps(torch.cat(found) if len(found) > 1 else found[0])


class _Passing:
    """Tells for each step before some maps what passes it on the way down."""

    def __init__(self, values: Values, maps: fx.Node) -> None:
        self._values = values
        self._noted: dict[str, list[str]] = {}
        self._inside: set[fx.Node] = set()  # steps of a function that is taken as a whole
        self.rectifiers: dict[fx.Node, tuple[fx.Node, Rectifier]] = {}
        self.met = {maps}
        waiting = [maps]
        while waiting:
            node = waiting.pop()
            source = self._whole(node)
            earlier = values.inputs(node) if source is None else [source]
            waiting.extend(n for n in earlier if n not in self.met)
            self.met.update(earlier)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say for which steps the derivative passes."""
        return tuple(
            f"{kind}: its derivative passes ({len(places)} "
            f"{'step' if len(places) == 1 else 'steps'}, the last is {places[0]})"
            for kind, places in self._noted.items()
        )

    def _whole(self, node: fx.Node) -> fx.Node | None:
        """Give the value of which a step is to be taken as one function; None if of its inputs."""
        source = self._values.source(node)
        if source is None:
            return None
        function = self._values.function(node)
        several = len(self._values.inputs(node)) > 1
        if isinstance(function, Affine):
            return None
        if isinstance(function, Rectifier) and not self._is_sigmoid(function, source):
            self.rectifiers[node] = source, function
            return source
        if several and operation(node) in _SUMS:
            return None  # a sum passes to each of its parts
        self._note("a function of one value" if several else operation(node), node)
        self._inside |= _between(source, node) | {node}
        return source

    def _is_sigmoid(self, function: Rectifier, source: fx.Node) -> bool:
        """Tell whether a clamp acts on a shifted value, as in ``relu6(x + 3)``: a hard sigmoid."""
        if not 0 < function.high < float("inf") or self._values.source(source) is None:
            return False
        shift = self._values.function(source)
        return isinstance(shift, Affine) and 0 < shift.offset < function.high

    def _note(self, kind: str, node: fx.Node) -> None:
        self._noted.setdefault(kind, []).append(where(node))

    def know(self, needed: Sequence[fx.Node]) -> None:
        """Note the other steps whose derivative passes, and refuse those that are not known."""
        known = self._inside | set(self.rectifiers)
        for node in needed:
            if node in known or node not in self._values.variable:
                continue
            kind = self._kind(node)
            if kind is None:
                raise CallError(
                    f"the way down is not known for the step {where(node)}: no rule can be applied"
                )
            if kind:
                self._note(kind, node)

    def _kind(self, node: fx.Node) -> str | None:
        """Name a step whose derivative is to be noted; empty if its adjoint passes, else None."""
        name, inputs = operation(node), len(self._values.inputs(node))
        if node.op == "placeholder" or inputs == 0 or name in MOVES or name.startswith("sym_"):
            return ""
        if name in NORMS | MEETINGS or (name in BATCH_NORMS and _by_the_face(node)):
            return name
        if name in PRODUCTS:
            return "" if inputs == 1 else "product of two maps"
        if inputs > 1:
            return "" if name in _SUMS else _OF_TWO.get(name)
        if name in LARGEST:
            return self._kind_of_largest(node)
        if name in CONVOLUTIONS | MEANS | BATCH_NORMS:
            return ""
        if not is_pointwise(node):
            return None
        linear = isinstance(self._values.function(node), Affine) or name in ("add", "sub", "mul")
        return "" if linear or (name == "div" and node.args[0] in self._values.variable) else name

    def _kind_of_largest(self, node: fx.Node) -> str | None:
        """Tell a pooling from the larger of two values, which may be a rectifier."""
        (source,) = self._values.inputs(node)
        return None if operation(source) == "stack" else ""


def _by_the_face(node: fx.Node) -> bool:
    """Tell whether a batch normalisation takes statistics of what it is given, a face alone."""
    return not operation(node).endswith("no_training") and bool(argument(node, "training"))


def _between(first: fx.Node, last: fx.Node) -> set[fx.Node]:
    """Give the steps between two, neither of them included."""
    waiting, met = [last], {first, last}
    while waiting:
        earlier = [n for n in waiting.pop().all_input_nodes if n not in met]
        waiting.extend(earlier)
        met.update(earlier)
    return met - {first, last}


def _rectifying(rectifier: Rectifier, rule: Rule) -> Callable[[Tensor], Tensor]:
    def rectified(value: Tensor) -> Tensor:
        found: Tensor = _Rectified.apply(value, rectifier, rule)  # type: ignore[no-untyped-call]
        return found

    return rectified


def _largest(node: fx.Node) -> Callable[[Tensor], Tensor]:
    """Take the first of the largest values, where PyTorch's derivative is shared on a tie."""
    keep = argument(node, "keepdim")

    def largest(value: Tensor) -> Tensor:
        axes = [d % value.ndim for d in argument(node, "dim") or range(value.ndim)]
        others = [d for d in range(value.ndim) if d not in axes]
        found: Tensor = value.permute(*others, *axes).flatten(len(others)).max(-1).values
        if keep:
            for axis in sorted(axes):
                found = found.unsqueeze(axis)
        return found

    return largest


def _itself(node: fx.Node) -> Callable[[Tensor], Tensor]:
    """Let the way down pass where a training would stop, or through a copy of the same shape."""
    source = node.args[-1]
    assert isinstance(source, fx.Node)
    if source.meta["shape"] != node.meta["shape"]:
        raise CallError(
            f"the way down is not known for the step {where(node)}: no rule can be applied"
        )
    return lambda value: value


def _hard_sigmoid(_node: fx.Node) -> Callable[[Tensor], Tensor]:
    """Take a hard sigmoid's derivative in full precision, where PyTorch's 1/6 is a float32."""
    return lambda value: (value / 6 + 0.5).clamp(0, 1)


#: Steps that are taken otherwise, with the same result: which input they need, and how.
_ALIKE: Final = {
    "amax": (0, _largest),
    "detach": (0, _itself),
    "copy": (1, _itself),
    "hardsigmoid": (0, _hard_sigmoid),
}


class _Rectified(torch.autograd.Function):
    """Rectifies, so that a backward pass follows a rule."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, rectifier: Rectifier, rule: Rule) -> Tensor:
        ctx.save_for_backward((value > rectifier.low) & (value < rectifier.high))
        ctx.rectifier, ctx.rule = rectifier, rule
        clamped = value.clamp(rectifier.low, rectifier.high)
        return clamped if rectifier.scale == 1 else clamped * rectifier.scale

    @staticmethod
    def backward(ctx: Any, arriving: Tensor) -> tuple[Tensor, None, None]:
        (fires,) = ctx.saved_tensors
        arriving = arriving * ctx.rectifier.scale
        # min(x, 0) is −max(−x, 0): the rule sees what arrives behind the second sign
        if ctx.rectifier.high == 0:
            return -ctx.rule.through(-arriving, fires), None, None
        return ctx.rule.through(arriving, fires), None, None
