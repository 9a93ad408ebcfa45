"""How far a unit tells an action unit: distances, tests and the mapping.

NumPy arrays in, a table out: nothing here needs a network. `associate` is the whole way;
`facslens.association.distances.table.distances` measures without a test.
"""

from facslens.association.confirmation.confirm import confirm
from facslens.association.discovery.associate import associate
from facslens.association.discovery.mapping import disagreements, make_mapping
from facslens.association.discovery.result import Association, concatenate
from facslens.association.distances.table import DISTANCES, Distance

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
