"""Writes the page of a dataset: one file that opens from the disk with no network."""

import base64
import io
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import jinja2
import numpy as np
from markupsafe import Markup
from PIL import Image

from facslens.action_units import ACTION_UNITS
from facslens.artifacts import write_text
from facslens.datasets.coding import Coding
from facslens.datasets.description import Count, Description, UnitValues
from facslens.datasets.means import PEOPLE, MeanFace
from facslens.report.environment import environment
from facslens.report.figures import heat_png
from facslens.report.policy import policy
from facslens.version import __version__

# Grey levels by which a mean face differs from that of all where the colour is full.
_LIMIT: Final = 40.0
_TEMPLATES: Final = jinja2.PackageLoader("facslens.report", "templates")


@dataclass(frozen=True)
class Shown:
    """A mean face on the page: pictures as addresses, or why there is none.

    Parameters
    ----------
    of, images, people
        As in `MeanFace`.
    picture
        The mean face; empty where there is none.
    difference
        Where it is lighter and darker than the mean of all faces; empty where one of both is not
        drawn.
    reason
        Why there is no picture, as part of a sentence.
    """

    of: str
    images: int
    people: int
    picture: str
    difference: str
    reason: str


@dataclass(frozen=True)
class View:
    """What the template shows beside the description itself.

    Parameters
    ----------
    most
        The expression with the most faces; None where fewer than two are known, or no one has most.
    fewest
        The expressions with the fewest faces.
    coders
        Who coded what, in the order of the columns; None for those of which nobody says it.
    rare
        Action units that are present in somebody, but in fewer than `PEOPLE` people.
    never
        Action units that are present nowhere.
    means
        The mean faces.
    faceless
        Why none of these is drawn, where one reason holds for all; else empty.
    names
        Names of action units in FACS, by their code.
    """

    most: Count | None
    fewest: tuple[Count, ...]
    coders: tuple[tuple[Coding | None, str], ...]
    rare: tuple[str, ...]
    never: tuple[str, ...]
    means: tuple[Shown, ...]
    faceless: str
    names: dict[str, str]


def write_dataset_page(description: Description, path: Path) -> None:
    """Write the page of a dataset, pictures and all in one file.

    Raises
    ------
    ArtifactError
        If it cannot be written; then a file that was there is untouched.
    """
    write_text(path, render(description, datetime.now(UTC).isoformat(timespec="seconds")))


def render(description: Description, created: str) -> str:
    """Fill in the template of the page.

    Parameters
    ----------
    description
        What the dataset holds.
    created
        When, as ISO 8601 has it.
    """
    templates = environment(_TEMPLATES)
    style = "\n".join(templates.get_template(f"{n}.css").render() for n in ("report", "dataset"))
    script = templates.get_template("report.js").render()
    return templates.get_template("dataset.html").render(
        d=description,
        view=_view(description),
        fewest=PEOPLE,
        version=__version__,
        created=created,
        style=Markup(style),
        script=Markup(script),
        policy=policy(style, script),
    )


def _view(d: Description) -> View:
    named = sorted((c for c in d.expressions if c.name), key=lambda c: -c.images)
    alone = len(named) > 1 and named[0].images > named[1].images
    present = [u for u in d.units if u.present is not None and u.known]
    means = tuple(_shown(mean, d.means[0]) for mean in d.means)
    reasons = {mean.reason for mean in means}
    return View(
        most=named[0] if alone else None,
        fewest=tuple(c for c in named if c.images == named[-1].images),
        coders=_coders(d.units),
        rare=tuple(u.au for u in present if u.present and 0 < (u.subjects or 0) < PEOPLE),
        never=tuple(u.au for u in present if not u.present),
        means=means,
        faceless=reasons.pop() if len(reasons) == 1 else "",
        names={u.au: ACTION_UNITS[u.au].name for u in d.units},
    )


def _coders(units: tuple[UnitValues, ...]) -> tuple[tuple[Coding | None, str], ...]:
    """Say which columns the same people or program coded; kinds of the same units together."""
    every = tuple(dict.fromkeys(u.au for u in units))
    found: dict[Coding | None, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for unit in units:
        found[unit.coding][unit.kind].append(unit.au)
    said = []
    for coding, kinds in found.items():
        same: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for kind, aus in kinds.items():
            same[tuple(aus)].append(kind)
        parts = []
        for columns, of in same.items():
            every_one = columns == every and len(columns) > 1
            whose = f"all {len(columns)}" if every_one else ", ".join(columns)
            parts.append(f"{' and '.join(of)} of {whose}")
        said.append((coding, "; ".join(parts)))
    return tuple(said)


def _shown(mean: MeanFace, every: MeanFace) -> Shown:
    picture, difference, reason = "", "", ""
    if mean.pixels is not None:
        stream = io.BytesIO()
        Image.fromarray(mean.pixels).save(stream, "PNG", optimize=True)
        picture = _address(stream.getvalue())
        if every.pixels is not None and mean is not every:
            change = mean.pixels.astype(np.float64) - every.pixels
            difference = _address(heat_png(change, _LIMIT))
    elif mean.images == 0:
        reason = "no face could be read"
    elif mean.people == 0:
        reason = "nobody says of how many people"
    else:
        reason = f"of {mean.people} {'person' if mean.people == 1 else 'people'} only"
    return Shown(mean.of, mean.images, mean.people, picture, difference, reason)


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
