"""Draw people at random: their looks, their sequences, and the face of every image."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from facslens.synthesis.actions import AUS, Sides
from facslens.synthesis.camera import Setting, draw_setting, shaken
from facslens.synthesis.designs import Design
from facslens.synthesis.paint import Paint, draw_paint

#: Sequences of a person where the design has no expressions to go through.
SEQUENCES: Final = 9
#: Action units that some people's faces show a little even at rest, below presence.
_HABITS: Final = ("AU01", "AU02", "AU04", "AU07", "AU12", "AU14", "AU15", "AU17", "AU24")


@dataclass(frozen=True)
class Person:
    """One identity.

    Parameters
    ----------
    phenotype
        As `Head.rest` takes it.
    paint
        What it is painted with.
    habits
        Intensities of action units at rest, all below presence.
    """

    phenotype: dict[str, float]
    paint: Paint
    habits: Sides


@dataclass(frozen=True)
class Shot:
    """One image to draw.

    Parameters
    ----------
    sequence, frame
        Number of each, from 0; frame 0 is at rest.
    expression
        Of the image, or None.
    intensity
        Left and right intensity, 0 to 1, of every action unit that is not at 0.
    gaze
        Weights of the shapes that turn the eyes.
    setting
        Everything else.
    """

    sequence: int
    frame: int
    expression: str | None
    intensity: Sides
    gaze: dict[str, float]
    setting: Setting


def draw_person(rng: np.random.Generator) -> Person:
    """Draw an adult: sex, age, build and ancestry at random, and looks that go with them."""
    african, asian, caucasian = rng.dirichlet([0.7, 0.7, 0.7])
    age = float(rng.uniform(0.6, 1.0))
    gender = float(np.clip(rng.choice([0.12, 0.88]) + rng.normal(0, 0.08), 0, 1))
    habits = {}
    for au in rng.choice(_HABITS, size=3, replace=False):
        left, right = rng.uniform(0, 0.13, 2)
        habits[str(au)] = (float(left), float(right))
    return Person(
        phenotype={
            "gender": gender,
            "age": age,
            "muscle": float(rng.uniform(0.3, 0.7)),
            "weight": float(rng.uniform(0.3, 0.8)),
            "african": float(african),
            "asian": float(asian),
            "caucasian": float(caucasian),
        },
        paint=draw_paint(age, gender, float(african + 0.3 * asian), rng),
        habits=habits,
    )


def draw_shots(design: Design, person: Person, rng: np.random.Generator) -> Iterator[Shot]:
    """Draw a person's sequences, each from rest to peak.

    With a design of expressions there is one sequence per expression, in random order; without,
    there are `SEQUENCES`. The frames at the peak show the same face in slightly different
    pictures, as the last frames of a filmed sequence do.
    """
    names: list[str | None] = list(design.expressions) or [None] * SEQUENCES
    for sequence, choice in enumerate(rng.permutation(len(names))):
        expression = names[choice]
        peak = _added(person.habits, design.draw(expression, rng))
        setting = draw_setting(rng)
        for frame in range(design.frames):
            yield Shot(
                sequence=sequence,
                frame=frame,
                expression="neutral" if frame == 0 else expression,
                intensity=person.habits if frame == 0 else peak,
                gaze=_gaze(rng),
                setting=shaken(setting, rng),
            )


def _added(habits: Sides, drawn: Sides) -> Sides:
    nothing = (0.0, 0.0)
    both = {
        au: tuple(
            min(1.0, a + b)
            for a, b in zip(habits.get(au, nothing), drawn.get(au, nothing), strict=True)
        )
        for au in AUS
        if au in habits or au in drawn
    }
    return {au: (sides[0], sides[1]) for au, sides in both.items()}


def _gaze(rng: np.random.Generator) -> dict[str, float]:
    across, upward = rng.normal(0, 0.12, 2)
    vertical = "eyeLookUp" if upward > 0 else "eyeLookDown"
    left, right = ("Out", "In") if across > 0 else ("In", "Out")
    return {
        f"{vertical}Left": float(abs(upward)),
        f"{vertical}Right": float(abs(upward)),
        f"eyeLook{left}Left": float(abs(across)),
        f"eyeLook{right}Right": float(abs(across)),
    }
