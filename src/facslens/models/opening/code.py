"""Run the code of a file to make a network: ``FILE.py:FUNCTION``."""

import contextlib
import linecache
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from facslens.errors import CallError
from facslens.models.opening.open import first_line


def made_by(named: str) -> nn.Module:
    """Make the network that a file's function makes.

    Parameters
    ----------
    named
        ``FILE.py:FUNCTION``: the file's code is run, as Python runs a script's, and then the
        function, or the class, is called without arguments. It may also name a network.

    Raises
    ------
    CallError
        If there is no such file or function, one of them raises, or it makes something else.
    """
    file, function = split_name(named)
    path = Path(file)
    if not path.is_file():
        raise CallError(f"network is {named!r}, but there is no file {file}")
    with _importing(path.absolute().parent):
        found = getattr(_run(path, named), function, None)
        if found is None:
            raise CallError(f"network is {named!r}, but {file} has no {function}")
        if isinstance(found, nn.Module):
            return found
        if not callable(found):
            raise CallError(f"network is {named!r}, but {function} is no function")
        try:
            with torch.random.fork_rng(devices=[]):
                made = found()
        except Exception as error:
            raise CallError(f"network is {named!r}, which raises {_said(error)}") from error
    if not isinstance(made, nn.Module):
        raise CallError(
            f"network is {named!r}, which makes a {type(made).__name__}: expected a torch.nn.Module"
        )
    return made


def split_name(named: str) -> tuple[str, str]:
    """Split ``FILE.py:FUNCTION`` at its last colon.

    Raises
    ------
    CallError
        If the function is missing.

    Examples
    --------
    >>> split_name("nets/mine.py:build")
    ('nets/mine.py', 'build')
    """
    file, _, function = named.rpartition(":")
    if not file.endswith(".py") or not function.isidentifier():
        raise CallError(
            f"network is {named!r}: expected FILE.py:FUNCTION, the function that makes the network"
        )
    return file, function


def _run(path: Path, named: str) -> types.ModuleType:
    module = types.ModuleType(path.stem)
    module.__file__ = str(path.absolute())
    sys.modules[module.__name__] = module  # dataclasses look for themselves there
    linecache.checkcache(str(path))
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
    except Exception as error:
        raise CallError(f"network is {named!r}, whose file raises {_said(error)}") from error
    except SystemExit as error:
        raise CallError(f"network is {named!r}, whose file ends the program") from error
    return module


@contextlib.contextmanager
def _importing(folder: Path) -> Iterator[None]:
    """Let the code import what lies beside it; afterwards Python's own places are as before."""
    paths, modules = list(sys.path), dict(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = paths
        for name, module in list(sys.modules.items()):
            if modules.get(name) is not module and _lies_beside(module, folder):
                del sys.modules[name]
                if name in modules:
                    sys.modules[name] = modules[name]


def _lies_beside(module: types.ModuleType, folder: Path) -> bool:
    """Tell whether a module is the user's own: another folder may have one of the same name."""
    file = Path(getattr(module, "__file__", None) or "")
    return file.is_relative_to(folder) and "site-packages" not in file.parts


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}"
