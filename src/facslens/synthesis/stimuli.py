"""Draw paired faces into a folder: the same person and setting with one action unit changed."""

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool

from facslens import artifacts
from facslens.datasets import stimuli as reading
from facslens.datasets.regions import Regions
from facslens.datasets.stimuli import HALVES
from facslens.engines.engine import Engine, Seen
from facslens.engines.local import Local
from facslens.errors import CallError
from facslens.folders import filling
from facslens.progress import Report, silent
from facslens.synthesis.actions import AUS
from facslens.synthesis.drawn import Drawn, draw_people
from facslens.synthesis.generate import MAX_SIZE, MIN_SIZE, draw_face, encode, studio
from facslens.synthesis.head import load_head
from facslens.synthesis.overlaps import overlap_table, undrawable_table
from facslens.synthesis.pairs import Stimulus, draw_model, draw_settings, long, short, twins
from facslens.synthesis.people import Shot
from facslens.version import __version__

#: Settings in which each person is seen.
SETTINGS: Final = 2

#: Of the design ``mixed`` every third person has the long one, of both halves equally many.
_THIRD: Final = 3

DESIGNS: Final = ("short", "long", "mixed")


@dataclass(frozen=True)
class StimulusOrder:
    """Which stimuli to draw.

    Parameters
    ----------
    people
        How many people; each is drawn in `SETTINGS` settings.
    size
        Side of the images in pixels.
    colour
        Whether the images are in colour; their grey levels are the same.
    design
        One of `DESIGNS`: ``short`` has each action unit at C and E, ``long`` all grades, sides,
        combinations and twins of other groups, too. ``mixed``, as in the package, is the short
        one; in the first setting every third person has what the long one has beside the twins, and
        every measuring person the twins.
    seed
        Seed of everything random. A person depends only on it and on the person's number.

    Raises
    ------
    CallError
        If one of them is impossible.
    """

    people: int
    size: int = 64
    colour: bool = False
    design: str = "short"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.people < 1:
            raise CallError(f"people is {self.people}: expected at least 1")
        if not MIN_SIZE <= self.size <= MAX_SIZE:
            raise CallError(f"size is {self.size}: expected {MIN_SIZE} to {MAX_SIZE} pixels")
        if self.design not in DESIGNS:
            raise CallError(f"design is {self.design!r}: expected {', '.join(DESIGNS)}")
        if self.seed < 0:
            raise CallError(f"seed is {self.seed}: expected 0 or more")


def draw_stimuli(
    order: StimulusOrder,
    folder: Path,
    *,
    engine: Engine | None = None,
    progress: Report = silent,
) -> None:
    """Draw stimuli into a folder.

    The folder gets ``stimuli.csv`` (one row an image: person, setting, half, how it differs from
    the face at rest, and the measured intensity of every action unit), ``regions.npz``,
    ``overlaps.csv`` (see `overlap_table`), ``undrawable.csv`` (see `undrawable_table`),
    ``stimuli.json`` (the order, and the SHA-256 of the set) and the images, as lossless PNG.
    `facslens.datasets.stimuli.read_stimuli` reads it. An interrupted call can be repeated:
    people who are finished are kept.

    Parameters
    ----------
    order
        What to draw.
    folder
        A new or empty folder, or that of an earlier call with the same order.
    engine
        Where people are drawn; None draws them here. The images are the same wherever that is.
    progress
        Called with the number of people done.

    Raises
    ------
    CallError
        If the folder holds anything else, or the package ``anny`` is missing.
    ArtifactError
        If it cannot be written, or a set that was finished has been changed since.
    """
    load_head()  # says here, rather than in every worker, that the extra is missing
    made = {**asdict(order), "facslens": __version__}
    with filling(folder, "stimuli.json", made, "stimuli") as noted:
        if not (folder / "stimuli.csv").exists():
            _draw_all(order, folder, engine or Local(), progress)
        rows = reading.read_rows(folder)
        drawn = reading.Stimuli(folder, rows, order.size, order.colour, noted.get("sha256", ""))
        if drawn.sha256:
            drawn.check()
        else:
            found = reading.digest(drawn)
            artifacts.write_json(folder / "stimuli.json", {**made, "sha256": found})
    progress(order.people, order.people, "all of them are there")


def draw_person_stimuli(order: StimulusOrder, number: int) -> Iterator[tuple[int, Stimulus]]:
    """Give the stimuli of one person, each with the number of its setting."""
    person = draw_model(order.seed, number)
    for index, setting in enumerate(draw_settings(order.seed, number, SETTINGS)):
        more = order.design == "mixed" and index == 0
        whole = order.design == "long" or (more and number % _THIRD == 0)
        for stimulus in (long if whole else short)(person, setting):
            yield index, stimulus
        if order.design == "long" or (more and half_of(number) == HALVES[1]):
            for stimulus in twins(person, setting):
                yield index, stimulus


def half_of(number: int) -> str:
    """Give the half of the set that a person belongs to, with all settings.

    Candidates are chosen on one half and measured on the other.
    """
    return HALVES[number % 2]


def _draw_all(order: StimulusOrder, folder: Path, engine: Engine, progress: Report) -> None:
    names = [_name(number) for number in range(order.people)]
    rows, regions = draw_people(partial(_draw, order), names, folder, engine, progress)
    regions.write(folder / "regions.npz")
    artifacts.write_table(folder / "overlaps.csv", overlap_table(load_head()))
    artifacts.write_table(folder / "undrawable.csv", undrawable_table())
    artifacts.write_table(folder / "stimuli.csv", rows)
    shutil.rmtree(folder / "parts")


def _draw(order: StimulusOrder, number: int, _seen: Seen) -> Drawn:
    name, room = _name(number), studio()
    rows: list[dict[str, object]] = []
    images: dict[str, bytes] = {}
    regions: list[Bool[np.ndarray, "au row column"]] = []
    person, rest = None, np.zeros((0, 3), dtype=np.float32)
    for index, stimulus in draw_person_stimuli(order, number):
        if stimulus.person is not person:  # the head at rest is made once for each twin
            person = stimulus.person
            rest = room.head.rest(person.phenotype)
        shot = Shot(index, 0, None, stimulus.intensity, {}, stimulus.setting)
        picture, intensity = draw_face(room, person, rest, shot, order.size)
        path = f"images/{name}/{index}/{stimulus.name}.png"
        images[path] = encode(picture.colour if order.colour else picture.grey, "png")
        rows.append(_row(path, name, number, index, stimulus, intensity))
        regions.append(picture.regions)
    return Drawn(name, images, pd.DataFrame(rows), Regions.of(list(images), AUS, np.stack(regions)))


def _name(number: int) -> str:
    return f"P{number:03d}"


def _row(
    path: str,
    name: str,
    number: int,
    index: int,
    stimulus: Stimulus,
    intensity: dict[str, tuple[float, float]],
) -> dict[str, object]:
    return {
        "path": path,
        "person": name,
        "setting": index,
        "half": half_of(number),
        "name": stimulus.name,
        "kind": stimulus.kind,
        "aus": " ".join(stimulus.aus),
        "grade": stimulus.grade,
        "side": stimulus.side,
        "group": stimulus.group,
        "end": stimulus.end,
        **{f"{au}_intensity": round(5 * max(sides), 3) for au, sides in intensity.items()},
    }
