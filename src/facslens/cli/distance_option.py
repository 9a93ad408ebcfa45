"""The option ``--distance``, whose help lists the distances that there are."""

from typing import Annotated, Final

import typer

from facslens.association.distances.table import DISTANCES

#: Lists the distances, by name and in words.
HELP: Final = (
    "The distance that decides the mapping: "
    + ", ".join(f"{name} ({distance.label})" for name, distance in DISTANCES.items())
    + "."
)
Distance = Annotated[
    str,
    typer.Option("--distance", help=HELP),
]
