"""Faces of one person in one setting that differ in one action unit, and in nothing else."""

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from facslens.action_units import INTERACTING, PROTOTYPES
from facslens.datasets.stimuli import TWINS
from facslens.synthesis.actions import AUS, SIDED, Sides
from facslens.synthesis.camera import Setting, draw_varied
from facslens.synthesis.designs import excluded
from facslens.synthesis.people import Person, draw_person

#: Intensities of the FACS grades when they divide the range evenly, each at its upper end.
GRADES: Final = {"A": 0.2, "B": 0.4, "C": 0.6, "D": 0.8, "E": 1.0}

#: The grade of combinations.
_TOGETHER: Final = "D"

#: The lower and higher end of each of `TWINS`.
_ENDS: Final = {"skin": (0.15, 0.60), "age": (0.67, 1.0), "gender": (0.05, 0.95)}


@dataclass(frozen=True)
class Stimulus:
    """One face to draw, and how it differs from the face at rest.

    Parameters
    ----------
    name
        Unique for a person and setting, such as ``AU12-C`` or ``AU12-E-left``.
    kind
        ``rest``; ``again``, at rest with other noise and a slight shake; ``alone``, one action
        unit; ``side``, one on one side; ``together``, a prototype; ``without``, a prototype
        without one member; ``pair``, two action units whose interaction is asked for; ``twin``,
        another group of the same person.
    aus
        The action units that it adds, in the order of `AUS`.
    grade
        Of these action units, ``A`` to ``E``; empty at rest.
    side
        ``left`` or ``right``, the subject's own; empty for both.
    group
        One of `TWINS` that differs from the person; empty for none.
    end
        The end of the group at which the twin is; empty where there is none.
    intensity
        Left and right intensity, 0 to 1.
    person, setting
        Who is drawn, and how.
    """

    name: str
    kind: str
    aus: tuple[str, ...]
    grade: str
    side: str
    group: str
    end: str
    intensity: Sides
    person: Person
    setting: Setting


def draw_model(seed: int, number: int) -> Person:
    """Draw a person whose face at rest shows no action unit at all."""
    person = draw_person(np.random.default_rng([seed, number, *b"pairs"]))
    return dataclasses.replace(person, habits={})


def draw_settings(seed: int, number: int, count: int) -> list[Setting]:
    """Draw the settings in which a person is seen."""
    rng = np.random.default_rng([seed, number, *b"settings"])
    return [draw_varied(rng) for _ in range(count)]


def short(
    person: Person, setting: Setting, grades: tuple[str, ...] = ("C", "E")
) -> Iterator[Stimulus]:
    """Give the face at rest, twice, and each action unit alone at some grades."""
    rest = _stimulus(person, setting, "rest", "rest")
    yield rest
    yield dataclasses.replace(rest, name="again", kind="again", setting=_again(setting))
    for au in AUS:
        for grade in grades:
            name = f"{au}-{grade}"
            yield _stimulus(person, setting, name, "alone", aus=(au,), grade=grade)


def long(person: Person, setting: Setting) -> Iterator[Stimulus]:
    """Give more: every grade, sides, prototypes with each member left out, and pairs."""
    yield from short(person, setting, tuple(GRADES))
    for au in SIDED:
        for side in ("left", "right"):
            yield _stimulus(
                person, setting, f"{au}-E-{side}", "side", aus=(au,), grade="E", side=side
            )
    for expression, aus in PROTOTYPES.items():
        side = "left" if expression == "contempt" else ""
        yield _stimulus(
            person, setting, expression, "together", aus=aus, grade=_TOGETHER, side=side
        )
        for au in aus if len(aus) > 1 else ():
            rest = tuple(other for other in aus if other != au)
            name = f"{expression}-without-{au}"
            yield _stimulus(person, setting, name, "without", aus=rest, grade=_TOGETHER)
    for aus in pairs():
        yield _stimulus(person, setting, "-".join(aus), "pair", aus=aus, grade=_TOGETHER)


def pairs() -> list[tuple[str, ...]]:
    """List the pairs within `INTERACTING` that no prototype without a member shows."""
    shown = {tuple(o for o in aus if o != au) for aus in PROTOTYPES.values() for au in aus}
    found = [pair for aus in INTERACTING for pair in itertools.combinations(aus, 2)]
    return [pair for pair in found if pair not in shown]


def twins(person: Person, setting: Setting) -> Iterator[Stimulus]:
    """Give the same person with another skin, age or sex: at rest, and each action unit at E."""
    for group in TWINS:
        other, end = twin(person, group)
        one = dataclasses.replace(_stimulus(other, setting, group, "twin"), group=group, end=end)
        yield one
        for au in AUS:
            face = _stimulus(other, setting, f"{group}-{au}-E", "twin", aus=(au,), grade="E")
            yield dataclasses.replace(face, group=group, end=end)


def twin(person: Person, group: str) -> tuple[Person, str]:
    """Give the same person with one group changed to the other end of its range, and the end."""
    low, high = _ENDS[group]
    value = person.paint.skin if group == "skin" else person.phenotype[group]
    rises = value <= 0.35 if group == "skin" else value < (low + high) / 2
    value, end = (high, TWINS[group][1]) if rises else (low, TWINS[group][0])
    if group == "skin":
        return dataclasses.replace(person, paint=dataclasses.replace(person.paint, skin=value)), end
    return dataclasses.replace(person, phenotype={**person.phenotype, group: value}), end


def _again(setting: Setting) -> Setting:
    """Give the setting of a second picture of the same face: other noise and a slight shake."""
    rng = np.random.default_rng([setting.grain, 1])
    right, down = np.array(setting.shift) + rng.uniform(-0.01, 0.01, 2)
    return dataclasses.replace(
        setting,
        yaw=setting.yaw + float(rng.normal(0, 1.0)),
        pitch=setting.pitch + float(rng.normal(0, 1.0)),
        roll=setting.roll + float(rng.normal(0, 0.5)),
        width=setting.width * float(rng.uniform(0.99, 1.01)),
        shift=(float(right), float(down)),
        grain=int(rng.integers(2**31)),
    )


def _stimulus(
    person: Person,
    setting: Setting,
    name: str,
    kind: str,
    *,
    aus: tuple[str, ...] = (),
    grade: str = "",
    side: str = "",
) -> Stimulus:
    assert not excluded(list(aus)), f"{name} cannot be drawn"
    strength = GRADES[grade] if grade else 0.0
    sides = {"": (strength, strength), "left": (strength, 0.0), "right": (0.0, strength)}[side]
    return Stimulus(
        name=name,
        kind=kind,
        aus=aus,
        grade=grade,
        side=side,
        group="",
        end="",
        intensity=dict.fromkeys(aus, sides),
        person=person,
        setting=setting,
    )
