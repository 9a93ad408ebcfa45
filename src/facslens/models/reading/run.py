"""Take some steps of a network's graph: from the images, or from values in its middle."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, fx

#: By step: reads the step's result as soon as it is there.
Reads = Mapping[fx.Node, Callable[[Any], Any]]
#: By step: the step whose result it needs instead of its own, and what it makes of that.
Replaced = Mapping[fx.Node, tuple[fx.Node, Callable[[Any], Any]]]


class Steps:
    """The steps that lead from some values to others.

    Parameters
    ----------
    graph
        All steps, in their order.
    given
        Steps whose results are given.
    wanted
        Steps whose results are wanted.
    replaced
        Steps that are taken in another way.
    """

    def __init__(
        self,
        graph: fx.Graph,
        given: Sequence[fx.Node],
        wanted: Sequence[fx.Node],
        replaced: Replaced | None = None,
    ) -> None:
        self.given, self.wanted, self.replaced = tuple(given), tuple(wanted), replaced or {}
        self.needed = self._needed()
        self._taken = [n for n in graph.nodes if n in self.needed and n not in self.given]
        # a result is given up behind the last step that needs it
        last: dict[fx.Node, fx.Node] = {}
        for node in self._taken:
            last.update(dict.fromkeys([node, *self._inputs(node)], node))
        self._last: dict[fx.Node, list[fx.Node]] = {}
        for value, node in last.items():
            self._last.setdefault(node, []).append(value)

    def __call__(
        self,
        values: Sequence[Any],
        tensors: Mapping[str, Tensor],
        reads: Reads | None = None,
    ) -> list[Any]:
        """Take the steps.

        Parameters
        ----------
        values
            Of the given steps, in their order.
        tensors
            What the network holds, by name.
        reads
            What is kept of wanted results in their place; the results themselves are given up like
            all others.
        """
        reads = reads or {}
        kept = {node for node in self.wanted if node not in reads}
        known: dict[fx.Node, Any] = dict(zip(self.given, values, strict=True))
        found = {node: reads[node](known[node]) for node in self.given if node in reads}
        for node in self._taken:
            if node.op == "get_attr":
                known[node] = tensors[str(node.target)]
            elif node in self.replaced:
                source, function = self.replaced[node]
                known[node] = function(known[source])
            else:
                args = fx.node.map_arg(node.args, known.__getitem__)
                kwargs = fx.node.map_arg(node.kwargs, known.__getitem__)
                known[node] = node.target(*args, **kwargs)
            if node in reads:
                found[node] = reads[node](known[node])
            for value in self._last.get(node, ()):
                if value not in kept:
                    del known[value]
        return [found[node] if node in reads else known[node] for node in self.wanted]

    def _inputs(self, node: fx.Node) -> list[fx.Node]:
        return [self.replaced[node][0]] if node in self.replaced else node.all_input_nodes

    def _needed(self) -> set[fx.Node]:
        waiting, met = list(self.wanted), set(self.wanted)
        while waiting:
            node = waiting.pop()
            if node not in self.given:
                earlier = [n for n in self._inputs(node) if n not in met]
                waiting.extend(earlier)
                met.update(earlier)
        return met
