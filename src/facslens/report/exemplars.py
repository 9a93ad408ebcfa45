"""The faces that a unit answers most, with their pictures, as far as they were projected."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from facslens.projection.rules import RULES
from facslens.report.tables import Row, RunTables, count, number, records, text


@dataclass(frozen=True)
class Box:
    """A receptive field on its image, in per cent of the image's sides."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Margins:
    """How much of a picture lies outside of the face on each side, in per cent."""

    top: float
    right: float
    bottom: float
    left: float


@dataclass(frozen=True)
class Exemplar:
    """A face that a unit answers most, and the projection of that answer.

    ``whole``, ``face`` and ``projection`` are file names of pictures, empty where there is
    none; the last two are cropped to the receptive field ``box``.
    """

    rank: int
    image: str
    subject: str
    split: str
    response: float
    rule: str
    whole: str
    face: str
    projection: str
    box: Box | None
    hidden: Margins
    tiny: bool


#: Exemplars of a unit that the page shows.
SHOWN: Final = 6
#: A receptive field of at most so many pixels is shown in hard pixels, not smoothed.
TINY: Final = 16

#: Rows and columns of what the network reads, where they are known.
Size = tuple[int, int] | None


def exemplars_of(tables: RunTables, layer: str, unit: int) -> tuple[Exemplar, ...]:
    """Gather a unit's exemplars that were projected, best first, under one rule."""
    index = tables.projections
    if index is None:
        return ()
    own = index[(index["layer"] == layer) & (index["unit"] == unit)]
    made = [str(rule) for rule in own["rule"].unique()]
    # of several the first in the table of rules; one that is not there any more has its pictures
    rule = next((rule for rule in (*RULES, *made) if rule in made), None)
    own = own[own["rule"] == rule].sort_values("rank")
    size = tables.size
    people = _people(tables)
    rows = [row for row in records(own) if _picture(tables, row, "projection")]
    return tuple(_exemplar(tables, row, people, size) for row in rows[:SHOWN])


def _exemplar(
    tables: RunTables, row: Row, people: dict[str, tuple[str, str]], size: Size
) -> Exemplar:
    shown = tables.shows_faces
    image = text(row, "image") if shown else ""
    subject, split = people.get(image, ("", ""))
    rows = number(row, "bottom") - number(row, "top")
    return Exemplar(
        rank=count(row, "rank") or 0,
        image=image,
        subject=subject,
        split=split,
        response=number(row, "response"),
        rule=text(row, "rule"),
        whole=_picture(tables, row, "whole") if shown else "",
        face=_picture(tables, row, "face") if shown else "",
        projection=_picture(tables, row, "projection"),
        box=_box(row, size),
        hidden=_hidden(row, size),
        tiny=rows <= TINY,
    )


def _box(row: Row, size: Size) -> Box | None:
    edges = [count(row, edge) for edge in ("left", "top", "right", "bottom")]
    if size is None or any(edge is None for edge in edges):
        return None
    left, top, right, bottom = (
        min(max(edge or 0, 0), side) * 100 / side
        for edge, side in zip(edges, (size[1], size[0]) * 2, strict=True)
    )
    return Box(left, top, right - left, bottom - top)


def _hidden(row: Row, size: Size) -> Margins:
    """Tell how much of a crop is padding, because the receptive field leaves the face."""
    edges = [count(row, edge) for edge in ("top", "right", "bottom", "left")]
    top, right, bottom, left = (edge or 0 for edge in edges)
    if size is None or None in edges or bottom <= top or right <= left:
        return Margins(0.0, 0.0, 0.0, 0.0)
    high, wide = 100 / (bottom - top), 100 / (right - left)
    return Margins(
        top=round(max(-top, 0) * high, 2),
        right=round(max(right - size[1], 0) * wide, 2),
        bottom=round(max(bottom - size[0], 0) * high, 2),
        left=round(max(-left, 0) * wide, 2),
    )


def _picture(tables: RunTables, row: Row, column: str) -> str:
    """Give the name of a picture if it is a plain name of an existing file, else nothing."""
    name = text(row, column)
    return name if tables.has_picture(name) else ""


def _people(tables: RunTables) -> dict[str, tuple[str, str]]:
    if tables.faces is None:
        return {}
    table: pd.DataFrame = tables.faces.table
    subject, split = table["subject"].fillna("").astype(str), table["split"].fillna("").astype(str)
    return dict(zip(table["image"], zip(subject, split, strict=True), strict=True))
