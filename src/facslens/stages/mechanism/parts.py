"""The parts of a mechanism: each one entry, with its tables and the function that makes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from facslens.errors import CallError
from facslens.models.scale import SCALES
from facslens.progress import Report
from facslens.stages.mechanism.effects import of_effects
from facslens.stages.mechanism.groups import of_groups
from facslens.stages.mechanism.layers import of_layers
from facslens.stages.mechanism.mediation import of_mediation
from facslens.stages.mechanism.subject import Subject


@dataclass(frozen=True)
class Part:
    """One part.

    Parameters
    ----------
    make
        From a subject to the part's tables, by name.
    tables
        Their names.
    help
        What it answers.
    experiment
        Whether it looks at the units of an experiment.
    """

    make: Callable[[Subject, Report], dict[str, pd.DataFrame]]
    tables: tuple[str, ...]
    help: str
    experiment: bool = False


PARTS: Final[dict[str, Part]] = {
    "effects": Part(
        of_effects,
        ("effects", "needed", "interactions", "agreement", "sequences", "words"),
        "what each action unit does to every expression",
    ),
    "mediation": Part(
        of_mediation,
        ("mediation", "curves", "detectors", "realised", "carriers"),
        "through which units each effect passes",
        experiment=True,
    ),
    "layers": Part(
        of_layers,
        ("readable", "readable_layers", "readable_from"),
        "where action units and expressions become readable",
    ),
    "groups": Part(
        of_groups,
        ("groups",),
        "whether skin, age or sex change how strongly it is read, and moves the expression",
        experiment=True,
    ),
}

#: The parts that make sense of a network's numbers whatever these are.
ANY_SCALE: Final = ("effects",)


def choose_parts(names: Sequence[str] | None, scale: str = "softmax") -> tuple[str, ...]:
    """Give the names of parts in their order; None takes all that there are.

    Parameters
    ----------
    names
        Those that are wanted.
    scale
        Of the network, one of `facslens.models.scale.SCALES`.

    Raises
    ------
    CallError
        If there is no such part, or it needs scores of which one class wins.
    """
    for name in names or ():
        if name not in PARTS:
            raise CallError(
                f"only names {name!r}, which is no part: expected some of {', '.join(PARTS)}"
            )
        if scale != "softmax" and name not in ANY_SCALE:
            raise CallError(
                f"only names {name!r}, which compares classes that exclude each other, but the "
                f"network gives {SCALES[scale].label}: expected {', '.join(ANY_SCALE)}"
            )
    known = PARTS if scale == "softmax" else ANY_SCALE
    return tuple(name for name in known if not names or name in names)
