"""How well a unit detects an action unit: distances, tests and the mapping.

Arrays in, tables out: nothing here needs a network. `associate` is the whole way;
`facslens.association.distances.table.distances` measures without a test. Everything is loaded
when first used, so that a help text can list the distances at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facslens.association.confirmation.confirm import confirm
    from facslens.association.discovery.associate import associate
    from facslens.association.discovery.mapping import disagreements, make_mapping
    from facslens.association.discovery.result import Association, concatenate
    from facslens.association.distances.table import DISTANCES, Distance

_PLACES = {
    "DISTANCES": "distances.table",
    "Association": "discovery.result",
    "Distance": "distances.table",
    "associate": "discovery.associate",
    "concatenate": "discovery.result",
    "confirm": "confirmation.confirm",
    "disagreements": "discovery.mapping",
    "make_mapping": "discovery.mapping",
}

__all__ = [
    "DISTANCES",
    "Association",
    "Distance",
    "associate",
    "concatenate",
    "confirm",
    "disagreements",
    "make_mapping",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
