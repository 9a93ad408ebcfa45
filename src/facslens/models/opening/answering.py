"""A network that answers one tensor which is made of what another network gives."""

import functools
from collections.abc import Callable
from typing import Any

from torch import Tensor, fx, nn


def answering(network: nn.Module, pick: Callable[[Any], Tensor]) -> nn.Module:
    """Give a network with the same modules, under the same names, that answers otherwise.

    Parameters
    ----------
    network
        It is not changed; both hold the same weights.
    pick
        Makes the answer of what the network gives.

    Notes
    -----
    A module around the network would put a prefix before the names of all layers. This is the
    network itself once more, of a class whose ``forward`` ends with `pick`, or whose call does
    where hooks of the network's own come behind ``forward``.
    """
    kind = type(network)
    method = "__call__" if network._forward_hooks or "forward" in vars(network) else "forward"
    before = getattr(kind, method)

    @functools.wraps(before)
    def picked(self: nn.Module, *inputs: Any, **others: Any) -> Tensor:
        return pick(before(self, *inputs, **others))

    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    alike = type(kind.__name__, (kind,), {method: picked, **names})
    found: nn.Module = object.__new__(alike)
    # modules, parameters and buffers are shared; attributes that a call sets stay its own
    found.__dict__ = {**network.__dict__, "_compiled_call_impl": None}
    return found


class Program(nn.Module):
    """Calls a graph of steps, and holds its modules as if they were its own.

    The graph itself cannot be given another method, and one that was exported refuses to be put
    into evaluation mode.
    """

    graph: fx.GraphModule

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__()
        shared = {name: vars(graph)[name] for name in ("_modules", "_parameters", "_buffers")}
        vars(self).update(shared, graph=graph)

    def forward(self, images: Tensor) -> Any:
        """Give the graph's answer."""
        return self.graph(images)


def bare(network: nn.Module) -> nn.Module:
    """Take off what `torch.nn.DataParallel` and `torch.compile` put around a network."""
    parallel = nn.DataParallel, nn.parallel.DistributedDataParallel
    while True:
        inner = network.module if isinstance(network, parallel) else _uncompiled(network)
        if not isinstance(inner, nn.Module):
            return Program(network) if isinstance(network, fx.GraphModule) else network
        network = inner


def _uncompiled(network: nn.Module) -> object:
    return getattr(network, "_orig_mod", None)
