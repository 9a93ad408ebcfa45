"""Weights that a network keeps where PyTorch does not find them."""

from torch import nn
from torch.utils import _pytree as pytree

from facslens.errors import CallError


def check_held(network: nn.Module) -> None:
    """Refuse a network that keeps weights in a plain list, tuple or dictionary.

    Such weights have no name, are in no ``state_dict``, are not drawn anew in an untrained network,
    and their modules do not follow into evaluation mode.

    Raises
    ------
    CallError
        With the attribute.
    """
    held = {id(value) for value in (*network.parameters(), *network.buffers())}
    for name, module in network.named_modules():
        for attribute, value in vars(module).items():
            if all(id(weight) in held for weight in _weights(value)):
                continue
            place = f"{name}.{attribute}" if name else attribute
            raise CallError(
                f"network keeps weights in {place}, a {type(value).__name__}, where PyTorch does "
                f"not find them: expected a torch.nn.ModuleList, ModuleDict or ParameterList"
            )


def _weights(value: object) -> list[nn.Parameter]:
    if isinstance(value, nn.Module):
        return list(value.parameters())
    if isinstance(value, nn.Parameter):
        return [value]
    leaves = pytree.tree_leaves(value) if isinstance(value, list | tuple | dict) else []
    return [weight for leaf in leaves if leaf is not value for weight in _weights(leaf)]
