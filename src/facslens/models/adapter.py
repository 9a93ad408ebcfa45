"""Find the units of any network: its convolution layers and their nonlinearities."""

import operator
from collections import Counter
from typing import Final

import torch
from torch import fx, nn
from torch.nn import functional

from facslens.errors import CallError

_BETWEEN = (nn.BatchNorm2d, nn.Dropout, nn.Dropout2d, nn.Identity)
_NONLINEAR = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish)
_NONLINEAR_FUNCTIONS: Final = frozenset(
    {
        torch.relu,
        torch.relu_,
        functional.relu,
        functional.relu_,
        functional.relu6,
        functional.leaky_relu,
        functional.elu,
        functional.gelu,
        functional.silu,
        functional.hardswish,
        "relu",
        "relu_",
    }
)


_ADDITIONS: Final = frozenset({operator.add, operator.iadd, torch.add, "add", "add_"})


def unit_layers(network: nn.Module) -> dict[str, str]:
    """Find every convolution layer and the module whose output holds its units' maps.

    A unit is one feature map of one layer after its nonlinearity. The nonlinearity is
    looked for behind the convolution in the order in which the network calls its modules;
    batch normalisation, dropout and the addition of a shortcut may lie between. Where none
    follows, the convolution's own output counts.

    Parameters
    ----------
    network
        Any network.

    Returns
    -------
    dict
        Name of each `torch.nn.Conv2d`, mapped to the name of the module to listen to.

    Notes
    -----
    A nonlinearity that is no module of its own (``functional.relu``, or one `torch.nn.ReLU` called
    in several places, as in most residual networks) has no output to record. Then the output of
    the module before it is recorded: rectifiers are monotone, so a positive maximum and its place
    are the same there, and a response that would be 0 is 0 or less.

    A convolution called more than once in a pass has more than one map and is left out, as is one
    that is never called. Where the outputs of two convolutions are added before a nonlinearity,
    the nonlinearity's maps count as the units of the convolution with more convolutions before it:
    the last of a residual block, not that of its shortcut. Where no nonlinearity follows the
    addition, each convolution keeps its own output. Where the calls cannot be traced
    (`read_calls`), the order in which the network registers its modules stands in for the order of
    the calls.

    Examples
    --------
    >>> unit_layers(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3)))
    {'0': '1', '2': '2'}
    """
    graph = read_calls(network)
    if graph is None:
        return _layers_as_registered(network)
    modules = dict(network.named_modules())
    calls = Counter(str(node.target) for node in graph.nodes if node.op == "call_module")
    places: dict[fx.Node, str] = {}
    depths: dict[fx.Node, int] = {}  # convolutions on the longest way to a node
    for node in graph.nodes:
        depths[node] = max((depths[earlier] for earlier in node.all_input_nodes), default=0)
        if node.op == "call_module" and isinstance(modules[str(node.target)], nn.Conv2d):
            depths[node] += 1
            if calls[str(node.target)] == 1:
                places[node] = _module_to_listen_to(node, modules, calls)
    owners = {
        place: max((node for node, own in places.items() if own == place), key=depths.__getitem__)
        for place in places.values()
    }
    return {str(node.target): place for node, place in places.items() if owners[place] is node}


def choose_layers(network: nn.Module, names: list[str] | None) -> dict[str, str]:
    """Keep the named convolution layers of `unit_layers`, or all of them.

    Raises
    ------
    CallError
        If the network has no convolution, or none of a given name.
    """
    layers = unit_layers(network)
    if not layers:
        raise CallError("the network has no convolution layer, so it has no feature maps")
    for name in names or []:
        if name not in layers:
            raise CallError(
                f"the network has no convolution layer {name!r}: it has {', '.join(layers)}"
            )
    return {n: m for n, m in layers.items() if names is None or n in names}


def read_calls(network: nn.Module) -> fx.Graph | None:
    """Trace which module is called on whose output, without running the network.

    Returns
    -------
    torch.fx.Graph or None
        None where the order of the calls depends on the data.
    """
    try:
        return fx.Tracer().trace(network)
    except Exception:  # noqa: BLE001  anyone's forward may fail on a stand-in in any way
        return None


def _module_to_listen_to(
    convolution: fx.Node, modules: dict[str, nn.Module], calls: Counter[str]
) -> str:
    """Follow the calls from a convolution to the module whose output holds its units' maps."""
    node, nearest, added = convolution, str(convolution.target), False
    while len(node.users) == 1:
        (node,) = node.users
        if node.op != "call_module":
            if node.target in _ADDITIONS:
                added = True
                continue
            if node.target in _NONLINEAR_FUNCTIONS and not added:
                return nearest
            break
        module, alone = modules[str(node.target)], calls[str(node.target)] == 1
        if isinstance(module, _NONLINEAR):
            return str(node.target) if alone else str(convolution.target) if added else nearest
        if not isinstance(module, _BETWEEN):
            break
        if alone:
            nearest = str(node.target)
    return str(convolution.target)


def _layers_as_registered(network: nn.Module) -> dict[str, str]:
    leaves = [(name, m) for name, m in network.named_modules() if not list(m.children())]
    found: dict[str, str] = {}
    for index, (name, module) in enumerate(leaves):
        if not isinstance(module, nn.Conv2d):
            continue
        found[name] = name
        for later, following in leaves[index + 1 :]:
            if isinstance(following, _NONLINEAR):
                found[name] = later
            if not isinstance(following, _BETWEEN):
                break
    return found
