"""Write changes in place as steps with a result of their own, where nothing else sees them."""

from typing import Any

import torch
from torch import fx


def without_changes(graph: fx.Graph) -> bool:
    """Replace every step that changes its input in place by one that gives the changed value.

    Returns
    -------
    bool
        Whether that was possible. It is not where a view, a parameter or an image is changed, or
        something of which there is a view; then the graph is left as it was.
    """
    order = {node: place for place, node in enumerate(graph.nodes)}
    changes = [node for node in graph.nodes if _changes(node)]
    plain = {node: _plain(node) for node in changes}
    if any(plain[node] is None or not _alone(node.args[0]) for node in changes):
        return False
    for node in changes:
        changed = node.args[0]
        assert isinstance(changed, fx.Node)
        node.target = plain[node]
        for user in list(changed.users):
            if order[user] > order[node]:
                user.replace_input_with(changed, node)
    return True


def _changes(node: fx.Node) -> bool:
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable


def _plain(node: fx.Node) -> Any:
    """Give the operation of the same result that changes nothing; None if there is none."""
    assert isinstance(node.target, torch._ops.OpOverload)
    name, overload = node.target._schema.name.removeprefix("aten::"), node.target._overloadname
    packet = getattr(torch.ops.aten, name.removesuffix("_"), None)
    if not name.endswith("_") or packet is None or overload not in packet.overloads():
        return None
    return getattr(packet, overload)


def _alone(changed: object) -> bool:
    """Tell whether a value is new, and nothing shares its memory."""
    if not isinstance(changed, fx.Node) or changed.op != "call_function":
        return False
    return not _shares(changed) and not any(
        _shares(user) and not _changes(user) for user in changed.users
    )


def _shares(node: fx.Node) -> bool:
    """Tell whether a step's result may share the memory of its input."""
    if not isinstance(node.target, torch._ops.OpOverload):
        return True
    schema = node.target._schema
    if schema.is_mutable:
        return False  # it becomes a value of its own
    return any(result.alias_info is not None for result in schema.returns) or schema.name in (
        "aten::reshape",
        "aten::flatten",
        "aten::contiguous",
        "aten::to",
        "aten::dropout",
        "aten::unflatten",
        "aten::type_as",
    )
