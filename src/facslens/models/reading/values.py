"""Find the functions of one value in a graph, and tell which of them are rectifiers.

People write max(x, 0) in dozens of ways. What counts is not how it is written, but what it makes
of a number: steps that compute each value from one earlier value alone are taken together as a
function of that number, which is tried on numbers of all sizes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import torch
from torch import Tensor, fx

from facslens.models.reading.steps import is_pointwise
from facslens.models.reading.trace import operation

#: Largest number of values that are compared with each other to find that all are equal.
_COMPARED: Final = 1 << 22
#: Deviation from a rectifier, as a share of the number.
_TOLERANCE: Final = 1e-9
#: Makers of tensors of one number, by that number; None where it is their second argument.
_FILLED: Final = {
    "zeros": 0.0, "ones": 1.0, "full": None, "new_zeros": 0.0, "new_ones": 1.0,
}  # fmt: skip


@dataclass(frozen=True)
class Rectifier:
    """The function ``scale * clamp(x, low, high)``, of whose bounds one is 0.

    Parameters
    ----------
    scale
        Not 0.
    low, high
        It fires strictly between them: 0 and infinity for max(x, 0), 0 and 6 for ReLU6, minus
        infinity and 0 for min(x, 0).
    """

    scale: float
    low: float
    high: float


@dataclass(frozen=True)
class Affine:
    """The function ``slope * x + offset``."""

    slope: float
    offset: float


def recognised(function: Tensor, numbers: Tensor) -> Rectifier | Affine | None:
    """Tell what a function is by its values at some numbers, which include `probes`; else None.

    Examples
    --------
    >>> recognised((probes() + probes().abs()) / 2, probes())
    Rectifier(scale=1.0, low=0.0, high=inf)
    >>> recognised(2 - 3 * probes(), probes())
    Affine(slope=-3.0, offset=2.0)
    >>> recognised(probes().sigmoid(), probes()) is None
    True
    """
    if function.shape != numbers.shape or not function.isfinite().all():
        return None
    at = {n: float(function[i]) for i, n in enumerate(numbers.tolist()) if n in (-1.0, 0.0, 1.0)}
    slope, offset = at[1.0] - at[0.0], at[0.0]
    allowed = _TOLERANCE * (numbers.abs() + abs(offset)) * max(1.0, abs(slope))
    if ((function - slope * numbers - offset).abs() <= allowed).all():
        return Affine(slope, offset)
    if offset != 0:
        return None
    for sign in (1.0, -1.0):
        half = numbers * sign
        small = int((half - 1e-3).abs().argmin())
        scale = float(function[small]) / float(numbers[small])
        if scale == 0:
            continue
        top = float((function * sign / scale).max())
        top = float("inf") if top >= float(half.max()) else top
        low, high = (0.0, top) if sign > 0 else (-top, 0.0)
        meant = scale * numbers.clamp(low, high)
        if ((function - meant).abs() <= _TOLERANCE * abs(scale) * numbers.abs()).all():
            return Rectifier(_rounded(scale), _rounded(low), _rounded(high))
    return None


def probes() -> Tensor:
    """Give numbers of all sizes and both signs, and 0."""
    sizes = torch.cat([torch.logspace(-6, 6, 241).double(), torch.linspace(0, 16, 3201).double()])
    sizes = torch.cat([sizes, torch.tensor([1.0, 1e-3], dtype=torch.float64)])
    found: Tensor = torch.cat([-sizes, sizes]).unique()  # type: ignore[no-untyped-call]
    return found


def _rounded(number: float) -> float:
    """Give the number that is meant where rounding has changed the last digits."""
    return float(f"{number:.9g}")


class Values:
    """Which step of a graph is a function of which earlier value alone.

    Parameters
    ----------
    graph
        The steps.
    tensors
        What the network holds, by the names that the graph uses.
    """

    def __init__(self, graph: fx.Graph, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self._constants: dict[fx.Node, Tensor | None] = {}
        self._functions: dict[tuple[fx.Node, fx.Node], Rectifier | Affine | None] = {}
        self._sources: dict[fx.Node, tuple[fx.Node, ...]] = {}
        self.variable: set[fx.Node] = set()  # depends on the images
        for node in graph.nodes:
            if node.op == "placeholder" or any(n in self.variable for n in node.all_input_nodes):
                self.variable.add(node)
            if node in self.variable:
                self._sources[node] = self._own_sources(node)

    def inputs(self, node: fx.Node) -> list[fx.Node]:
        """Give the values of a face that a step takes; sizes are none."""
        return [
            n
            for n in node.all_input_nodes
            if n in self.variable and not operation(n).startswith("sym_") and not self._filled(n)
        ]

    def source(self, node: fx.Node) -> fx.Node | None:
        """Give the nearest earlier value of which a step is a function alone; None if none is."""
        sources = self._sources.get(node, ())
        return sources[1] if len(sources) > 1 else None

    def is_function_of(self, node: fx.Node, source: fx.Node) -> bool:
        """Tell whether a step computes each value from an earlier one at the same place alone."""
        return source in self._sources.get(node, ())

    def function(self, node: fx.Node, source: fx.Node | None = None) -> Rectifier | Affine | None:
        """Tell which function of a source, by default the nearest, a step is."""
        source = source or self.source(node)
        if source is None:
            return None
        if (node, source) not in self._functions:
            self._functions[node, source] = self._tried(node, source)
        return self._functions[node, source]

    def _tried(self, node: fx.Node, source: fx.Node) -> Rectifier | Affine | None:
        numbers = self._probes
        try:
            with torch.no_grad():
                found = self._evaluated(node, {source: numbers})
        except (RuntimeError, TypeError, ValueError, NotImplementedError):
            return None
        return recognised(found.double(), numbers) if isinstance(found, Tensor) else None

    @cached_property
    def _probes(self) -> Tensor:
        return probes()

    def _own_sources(self, node: fx.Node) -> tuple[fx.Node, ...]:
        if node.op != "call_function" or not is_pointwise(node):
            return (node,)
        own: list[tuple[fx.Node, ...]] = []
        for source in node.all_input_nodes:
            if source in self.variable and not self._filled(source):
                own.append(self._sources[source])
            elif self._number(source) is None:
                return (node,)
        if not own:
            return (node,)
        shared = set(own[0]).intersection(*own[1:])
        nearest = [n for n in own[0] if n in shared and n.meta["shape"] == node.meta["shape"]]
        return (node, *nearest)

    def _filled(self, node: fx.Node) -> bool:
        return operation(node) in _FILLED

    def _number(self, node: fx.Node) -> Tensor | None:
        """Give the number that all values of a constant are equal to; None if they differ."""
        if node not in self._constants:
            self._constants[node] = self._equal(node)
        return self._constants[node]

    def _equal(self, node: fx.Node) -> Tensor | None:
        if self._filled(node):
            filled = _FILLED[operation(node)]
            value = node.args[1] if filled is None else filled
            return torch.tensor(value).double() if isinstance(value, int | float) else None
        if node in self.variable:
            return None
        try:
            found = self._constant(node)
        except (RuntimeError, TypeError, KeyError):  # where the tensors are not at hand
            return None
        if not isinstance(found, Tensor) or not 0 < found.numel() <= _COMPARED:
            return None
        first = found.detach().flatten()[0]
        if not bool((found == first).all()):
            return None
        number = first.cpu()
        return number.double() if number.is_floating_point() else number

    def _constant(self, node: fx.Node) -> Any:
        if node.op == "get_attr":
            return self._tensors[str(node.target)]
        return self._called(node, {n: self._constant(n) for n in node.all_input_nodes})

    def _evaluated(self, node: fx.Node, known: dict[fx.Node, Any]) -> Any:
        if node not in known:
            number = self._number(node)
            if number is not None:
                known[node] = number
            else:
                for earlier in node.all_input_nodes:
                    self._evaluated(earlier, known)
                known[node] = self._called(node, known)
        return known[node]

    def _called(self, node: fx.Node, known: Mapping[fx.Node, Any]) -> Any:
        if node.op != "call_function":
            raise TypeError(f"{node} is no function")
        args = fx.node.map_arg(node.args, known.__getitem__)
        kwargs = fx.node.map_arg(node.kwargs, known.__getitem__)
        assert callable(node.target)
        return node.target(*args, **kwargs)
