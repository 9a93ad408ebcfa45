"""Draw a person of a set of stimuli again, with any action units."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import UInt8

from facslens.datasets.archive import read_bytes
from facslens.datasets.stimuli import Stimuli
from facslens.errors import CallError, DataError
from facslens.synthesis.actions import AUS, Sides
from facslens.synthesis.designs import excluding
from facslens.synthesis.generate import draw_face, studio
from facslens.synthesis.head import Vertices
from facslens.synthesis.pairs import GRADES, draw_model, draw_settings
from facslens.synthesis.people import Person, Shot
from facslens.synthesis.stimuli import SETTINGS, StimulusOrder


@dataclass(frozen=True, eq=False)
class Sitting:
    """A person in one setting, who can be drawn as often as is asked for.

    Parameters
    ----------
    person
        Who; the face at rest shows no action unit.
    rest
        The vertices of that face, in metres.
    shot
        The setting, with no action unit.
    size
        Side of the images in pixels.
    colour
        Whether they are in colour.
    """

    person: Person
    rest: Vertices
    shot: Shot
    size: int
    colour: bool

    @classmethod
    def of(cls, order: StimulusOrder, number: int, setting: int) -> "Sitting":
        """Ask a person of an order to sit, as `facslens.synthesis.stimuli.draw_stimuli` did.

        Parameters
        ----------
        order
            Of the stimuli.
        number
            Of the person, from 0.
        setting
            Of the setting, 0 or 1.

        Raises
        ------
        CallError
            If the order has no such person or setting, or the package ``anny`` is missing.
        """
        for name, value, count in (
            ("person", number, order.people),
            ("setting", setting, SETTINGS),
        ):
            if not 0 <= value < count:
                raise CallError(f"{name} is {value}: expected 0 to {count - 1}")
        person = draw_model(order.seed, number)
        shot = Shot(setting, 0, None, {}, {}, draw_settings(order.seed, number, SETTINGS)[setting])
        rest = studio().head.rest(person.phenotype)
        return cls(person, rest, shot, order.size, order.colour)

    def draw(self, grades: Mapping[str, str]) -> UInt8[np.ndarray, "row column *rgb"]:
        """Draw the person with action units at their grades; at rest without any.

        Parameters
        ----------
        grades
            A grade, ``A`` to ``E``, of each action unit that is there, on both sides.

        Raises
        ------
        DataError
            If one of them cannot be drawn, or not with another one.
        """
        shot = Shot(0, 0, None, intensities(grades), {}, self.shot.setting)
        picture, _ = draw_face(studio(), self.person, self.rest, shot, self.size)
        return picture.colour if self.colour else picture.grey


def intensities(grades: Mapping[str, str]) -> Sides:
    """Turn grades into intensities, left and right, in the order of `AUS`.

    Raises
    ------
    DataError
        If one of them cannot be drawn, or not with another one.

    Examples
    --------
    >>> intensities({"AU12": "E", "AU06": "C"})
    {'AU06': (0.6, 0.6), 'AU12': (1.0, 1.0)}
    """
    for au, grade in grades.items():
        if au not in AUS:
            raise DataError(f"{au} cannot be drawn: expected one of {', '.join(AUS)}")
        if grade not in GRADES:
            raise DataError(f"the grade of {au} is {grade!r}: expected {', '.join(GRADES)}")
    if pair := excluding(list(grades)):
        raise DataError(f"{pair[0]} and {pair[1]} exclude each other: no face shows both")
    return {au: (GRADES[grades[au]], GRADES[grades[au]]) for au in AUS if au in grades}


def order_of(stimuli: Stimuli) -> StimulusOrder | None:
    """Read the order by which stimuli were drawn; None where they do not say."""
    try:
        note: Any = json.loads(read_bytes(stimuli.root / "stimuli.json"))
        return StimulusOrder(**{field.name: note[field.name] for field in fields(StimulusOrder)})
    except (OSError, ValueError, TypeError, KeyError, CallError):
        return None
