"""facslens: which feature map of a face-reading network detects which action unit.

Everything here is loaded when first used, so that a table of action units can be tested
without waiting for torch.
"""

from importlib import import_module
from typing import Any

from facslens.version import __version__

_PLACES = {
    "Association": "facslens.association.discovery.result",
    "Faces": "facslens.datasets.base",
    "Model": "facslens.models.model",
    "Recipe": "facslens.training.recipe",
    "Responses": "facslens.responses.store",
    **dict.fromkeys(
        (
            "associate",
            "audit",
            "experiment",
            "load_faces",
            "load_model",
            "load_run",
            "mechanism",
            "open_network",
            "predict",
            "project",
            "record",
            "save_model",
            "split",
            "train",
            "with_directions",
        ),
        "facslens.api",
    ),
    "load": "facslens.api",  # the name of load_faces in the first version
}
#: Rooms that are used by their names: ``facslens.plot.dose(…)``.
_ROOMS = ("plot",)

__all__ = ["__version__", *_PLACES, *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"facslens.{name}")
    if name not in _PLACES:
        raise AttributeError(f"module 'facslens' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
