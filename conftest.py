"""How types and shapes are checked while tests run: at every call, each of them once.

`--jaxtyping-packages` puts ``jaxtyping.jaxtyped`` on every function and dataclass of facslens. By
itself it checks every argument twice, by four functions that are compiled for the one that it is
put on, which took up to a third of the time of tests. Here beartype checks every function once, and
only where there are arrays in a signature does jaxtyping compare their axes with one another.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, get_args, get_type_hints

import jaxtyping
from jaxtyping import AbstractArray

_jaxtyped = jaxtyping.jaxtyped
#: Within it, axes of one name are of one length.
_AXES: Any = _jaxtyped("context")


def check_types(thing: Any = None, *, typechecker: Callable[..., Any]) -> Any:
    """Let a function or a dataclass be called with what its annotations say, and with nothing else.

    Parameters
    ----------
    thing
        The function, method, property or class. None: give the decorator.
    typechecker
        What checks types: the one that `--jaxtyping-packages` names.

    Returns
    -------
    Any
        What takes its place; a class is changed itself.
    """
    check = functools.partial(check_types, typechecker=typechecker)
    if thing is None:
        return check
    if inspect.isclass(thing):
        # a class that inherits its __init__ has the checked one of its parent
        if dataclasses.is_dataclass(thing) and "__init__" in vars(thing):
            thing.__init__ = check(thing.__init__)
        return thing
    if isinstance(thing, classmethod | staticmethod):
        return type(thing)(check(thing.__func__))
    if isinstance(thing, property):
        parts = (thing.fget, thing.fset, thing.fdel)
        return property(*(part and check(part) for part in parts))
    if inspect.isgeneratorfunction(thing):  # what it yields is none of its caller's axes
        return _jaxtyped(thing, typechecker=typechecker)
    hints = {name: _resolved(hint, thing) for name, hint in thing.__annotations__.items()}
    thing.__annotations__ = hints
    checked = typechecker(thing)
    if not any(map(_has_array, hints.values())):
        return checked
    if any("{" in str(hint) for hint in hints.values()):  # an argument says how long an axis is
        return _jaxtyped(checked, typechecker=None)

    @functools.wraps(thing)
    def compared(*arguments: Any, **named: Any) -> Any:
        with _AXES:
            return checked(*arguments, **named)

    return compared


def _resolved(hint: Any, function: Any) -> Any:
    """Look up the names in a hint's strings; anything will do where one is not defined (yet)."""
    of_one = SimpleNamespace(__annotations__={"hint": hint})
    try:
        return get_type_hints(of_one, function.__globals__, include_extras=True)["hint"]
    except NameError:  # a module that is imported for its types alone, or the class being made
        return Any


def _has_array(hint: Any) -> bool:
    """Tell whether a hint, or a part of it, is an array with a shape."""
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    return any(map(_has_array, get_args(hint)))


jaxtyping.jaxtyped = check_types  # the hook takes it from there
