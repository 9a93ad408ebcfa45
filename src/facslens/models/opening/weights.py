"""Read a file of weights alone, and give them to a network that they fit."""

import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from facslens.errors import ArtifactError, CallError

#: Where a file of a training keeps the weights beside other things.
_INSIDE: Final = ("state_dict", "model", "model_state_dict")
#: What `torch.nn.DataParallel` puts before every name.
_PARALLEL: Final = "module."
#: Names that a message gives, at most.
_NAMED: Final = 3


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the weights in a file.

    Parameters
    ----------
    path
        A file of one of `FORMATS`: the weights by name, or in a mapping under ``state_dict``,
        ``model`` or ``model_state_dict``. A ``module.`` before every name is taken off.

    Raises
    ------
    CallError
        If there is no such file, or no such format.
    ArtifactError
        If it is damaged, or could only be read by running code in it.
    """
    if path.suffix.lower() not in FORMATS:
        raise CallError(f"weights is {str(path)!r}: expected a file of {', '.join(FORMATS)}")
    if not path.is_file():
        raise CallError(f"weights is {str(path)!r}, which is no file")
    content = FORMATS[path.suffix.lower()](path)
    found: dict[str, Tensor] = next((one for one in _candidates(content) if _are_weights(one)), {})
    if not found:
        raise ArtifactError(
            f"{path} holds no weights by name, neither itself nor under {' or '.join(_INSIDE)}"
        )
    cut = len(_PARALLEL) if all(name.startswith(_PARALLEL) for name in found) else 0
    return {name[cut:]: value for name, value in found.items()}


def give_weights(network: nn.Module, path: Path) -> None:
    """Give a network the weights of a file.

    Raises
    ------
    CallError, ArtifactError
        As `read_weights`.
    ArtifactError
        If names are missing or surplus, or a shape differs, with the first of them.
    """
    given, own = read_weights(path), network.state_dict(keep_vars=True)
    shared = {id(value) for name, value in own.items() if name in given}  # of tied weights
    faults = [
        *_fault("it lacks", [n for n in own if n not in given and id(own[n]) not in shared]),
        *_fault("it also has", [name for name in given if name not in own]),
        *_fault("of another shape are", [_shapes(n, given[n], own[n]) for n in own if n in given]),
    ]
    if faults:
        raise ArtifactError(f"{path} does not fit the network: {'; '.join(faults)}")
    network.load_state_dict(given, strict=False)


def _fault(what: str, names: list[str]) -> list[str]:
    names = [name for name in names if name]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return [f"{what} {', '.join(names[:_NAMED])}{more}"] if names else []


def _shapes(name: str, given: Tensor, own: Any) -> str:
    if not isinstance(own, Tensor) or nn.parameter.is_lazy(own) or given.shape == own.shape:
        return ""
    return f"{name}, {tuple(given.shape)} where {tuple(own.shape)} is expected"


def _candidates(content: Any) -> list[Any]:
    inside = [content.get(name) for name in _INSIDE] if isinstance(content, Mapping) else []
    return [content, *inside]


def _are_weights(found: Any) -> bool:
    return (
        isinstance(found, Mapping)
        and len(found) > 0
        and all(isinstance(n, str) and isinstance(v, Tensor) for n, v in found.items())
    )


def _safetensors(path: Path) -> object:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise ArtifactError(f"{path} is no readable weights file: {error}") from error


def _tensors_alone(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if not zipfile.is_zipfile(path) and not _is_pickle(path):
            raise ArtifactError(f"{path} is no readable weights file") from error
        raise ArtifactError(
            f"{path} holds more than weights, which could only be read by running code in it: save "
            f"the weights alone, by safetensors.torch.save_file(network.state_dict(), …)"
        ) from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, AttributeError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ArtifactError(f"{path} is no readable weights file: {first}") from error


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(1) == b"\x80"


#: How files are read, by the end of their name.
FORMATS: Final[dict[str, Callable[[Path], object]]] = {
    ".safetensors": _safetensors,
    ".pth": _tensors_alone,
    ".pt": _tensors_alone,
}
