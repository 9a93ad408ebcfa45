"""How far a unit tells an action unit: distances, tests and the mapping.

NumPy arrays in, a table out: nothing here needs a network. `associate` is the whole way;
`distances` is the measuring alone, for any arrays.
"""

from facslens.association.associate import associate
from facslens.association.distances import DISTANCES, Distance, distances
from facslens.association.heldout import confirm
from facslens.association.mapping import disagreements, make_mapping
from facslens.association.result import Association, concatenate

__all__ = [
    "DISTANCES",
    "Association",
    "Distance",
    "associate",
    "concatenate",
    "confirm",
    "disagreements",
    "distances",
    "make_mapping",
]
