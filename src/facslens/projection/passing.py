"""What passes each step before some maps on the way down: a rule, an adjoint, a derivative."""

from collections.abc import Callable, Mapping
from typing import Final

from torch import Tensor, fx

from facslens.errors import CallError
from facslens.models.reading.layers import Layer
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
from facslens.models.reading.trace import Trace, argument, operation, where
from facslens.models.reading.values import Affine, Rectifier, Values
from facslens.projection.rules import Rule

#: Their adjoints pass to each of their inputs.
SUMS: Final = frozenset({"add", "sub", "rsub"})
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


class Passing:
    """Tells for each step before some maps what passes it on the way down.

    Parameters
    ----------
    trace
        The network's steps.
    tensors
        What the network holds, as `Reading.tensors` gives it.
    layer
        Whose maps are projected.

    Raises
    ------
    CallError
        If the way down is not known for a step before the maps, with its module and line; or for
        layers of other kinds than feature maps.

    Attributes
    ----------
    rectifiers
        By step: the value that it rectifies, and how.
    alike
        By step that is taken otherwise, with the same result: of which value, and how.
    needed
        All steps before the maps, in their order, and the maps.
    """

    def __init__(self, trace: Trace, tensors: Mapping[str, Tensor], layer: Layer) -> None:
        if len(layer.axes) == 3 or layer.kind == "channels-last":
            raise CallError(
                f"{layer.name!r} is a layer of {layer.kind}: the rules are defined for feature "
                f"maps, so use integrated gradients or occlusion there"
            )
        self.values = Values(trace.graph, tensors)
        self._noted: dict[str, list[str]] = {}
        self._inside: set[fx.Node] = set()  # steps of a function that is taken as a whole
        self.rectifiers: dict[fx.Node, tuple[fx.Node, Rectifier]] = {}
        self.alike: dict[fx.Node, tuple[fx.Node, Callable[[Tensor], Tensor]]] = {}
        met, waiting = {layer.maps}, [layer.maps]
        while waiting:
            node = waiting.pop()
            source = self._whole(node)
            if operation(node) in _ALIKE and node not in self.rectifiers:
                place, make = _ALIKE[operation(node)]
                one = node.args[place]
                assert isinstance(one, fx.Node)
                self.alike[node] = one, make(node)
            earlier = self.values.inputs(node) if source is None else [source]
            waiting.extend(n for n in earlier if n not in met)
            met.update(earlier)
        jumps = {node: (source, _itself_given) for node, (source, _) in self.rectifiers.items()}
        needed = Steps(trace.graph, [trace.images], [layer.maps], jumps | self.alike).needed
        self.needed = [node for node in trace.graph.nodes if node in needed]
        self._know()

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
        source = self.values.source(node)
        if source is None:
            return None
        function = self.values.function(node)
        several = len(self.values.inputs(node)) > 1
        if isinstance(function, Affine):
            return None
        if isinstance(function, Rectifier) and not self._is_sigmoid(function, source):
            self.rectifiers[node] = source, function
            return source
        if several and operation(node) in SUMS:
            return None  # a sum passes to each of its parts
        self._note("a function of one value" if several else operation(node), node)
        self._inside |= _between(source, node) | {node}
        return source

    def _is_sigmoid(self, function: Rectifier, source: fx.Node) -> bool:
        """Tell whether a clamp acts on a shifted value, as in ``relu6(x + 3)``: a hard sigmoid."""
        if not 0 < function.high < float("inf") or self.values.source(source) is None:
            return False
        shift = self.values.function(source)
        return isinstance(shift, Affine) and 0 < shift.offset < function.high

    def _note(self, kind: str, node: fx.Node) -> None:
        self._noted.setdefault(kind, []).append(where(node))

    def _know(self) -> None:
        """Note the other steps whose derivative passes, and refuse those that are not known."""
        known = self._inside | set(self.rectifiers)
        for node in self.needed:
            if node in known or node not in self.values.variable:
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
        name, inputs = operation(node), len(self.values.inputs(node))
        if node.op == "placeholder" or inputs == 0 or name in MOVES or name.startswith("sym_"):
            return ""
        if name in NORMS | MEETINGS or (name in BATCH_NORMS and _by_the_face(node)):
            return name
        if name in PRODUCTS:
            return "" if inputs == 1 else "product of two maps"
        if inputs > 1:
            return "" if name in SUMS else _OF_TWO.get(name)
        if name in LARGEST:
            return self._kind_of_largest(node)
        if name in CONVOLUTIONS | MEANS | BATCH_NORMS:
            return ""
        if not is_pointwise(node):
            return None
        linear = isinstance(self.values.function(node), Affine) or name in ("add", "sub", "mul")
        return "" if linear or (name == "div" and node.args[0] in self.values.variable) else name

    def _kind_of_largest(self, node: fx.Node) -> str | None:
        """Tell a pooling from the larger of two values, which may be a rectifier."""
        (source,) = self.values.inputs(node)
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


def _itself_given(value: Tensor) -> Tensor:
    return value


def _itself(node: fx.Node) -> Callable[[Tensor], Tensor]:
    """Let the way down pass where a training would stop, or through a copy of the same shape."""
    source = node.args[-1]
    assert isinstance(source, fx.Node)
    if source.meta["shape"] != node.meta["shape"]:
        raise CallError(
            f"the way down is not known for the step {where(node)}: no rule can be applied"
        )
    return _itself_given


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


def rectified(value: Tensor, rectifier: Rectifier) -> Tensor:
    """Rectify."""
    clamped = value.clamp(rectifier.low, rectifier.high)
    return clamped if rectifier.scale == 1 else clamped * rectifier.scale


def fires(value: Tensor, rectifier: Rectifier) -> Tensor:
    """Tell where a rectifier passes its input."""
    return (value > rectifier.low) & (value < rectifier.high)


def below(arriving: Tensor, firing: Tensor | None, rectifier: Rectifier, rule: Rule) -> Tensor:
    """Give what passes a rectifier on the way down.

    Parameters
    ----------
    arriving
        R, what arrives at it.
    firing
        Where it passes its input; None where the rule does not ask.
    """
    arriving = arriving if rectifier.scale == 1 else arriving * rectifier.scale
    # min(x, 0) is −max(−x, 0): the rule sees what arrives behind the second sign
    passed: Tensor = (
        -rule.through(-arriving, firing) if rectifier.high == 0 else rule.through(arriving, firing)
    )
    return passed
