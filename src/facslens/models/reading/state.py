"""What a network computes with beside its weights: another state takes other steps."""

from typing import Any, TypeAlias

from torch import nn

#: Compared, never looked into.
State: TypeAlias = tuple[Any, ...]

#: What every module has, and what is no setting of its own.
_APART = frozenset(
    {"training", "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set",
     "_is_full_backward_hook", "_compiled_call_impl"}
)  # fmt: skip


def state_of(network: nn.Module) -> State:
    """Give the settings and hooks of all modules of a network; equal while these are.

    Settings are the attributes of a module that are numbers, words, functions, or lists of such.

    Examples
    --------
    >>> network = nn.Sequential(nn.Dropout(0.5))
    >>> before = state_of(network)
    >>> network[0].p = 0.25
    >>> state_of(network) == before
    False
    """
    return tuple(
        (name, id(type(module)), *_settings(module)) for name, module in network.named_modules()
    )


def _settings(module: nn.Module) -> list[tuple[str, Any]]:
    found = []
    for name, value in vars(module).items():
        if name.endswith("_hooks"):
            found.append((name, tuple(map(id, value.values()))))
        elif name not in _APART:
            found.append((name, _setting(value)))
    return found


def _setting(value: Any) -> Any:
    if isinstance(value, bool | int | float | str | bytes | None):
        return repr(value)
    if isinstance(value, list | tuple | set | frozenset):
        return type(value), tuple(map(_setting, value))
    if isinstance(value, dict):
        return tuple((repr(key), _setting(one)) for key, one in value.items())
    return id(value)
