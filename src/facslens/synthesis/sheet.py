"""A contact sheet: one person, every action unit from rest to grade E, with name and muscle."""

import dataclasses
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from facslens import action_units, artifacts
from facslens.synthesis.actions import AUS
from facslens.synthesis.camera import Setting
from facslens.synthesis.generate import draw_face, studio
from facslens.synthesis.pairs import GRADES, draw_model
from facslens.synthesis.people import Shot

_TILE: Final = 112
_LABEL: Final = 190
_GAP: Final = 8
_COLUMNS: Final = 2
_HEAD: Final = 34
_INK, _FAINT, _PAPER = (28, 30, 34), (105, 110, 120), (250, 250, 248)

#: From the front, in even light.
_SETTING: Final = Setting(
    yaw=0.0,
    pitch=0.0,
    roll=0.0,
    distance=1.0,
    width=2.175,
    shift=(0.0, 0.0),
    lamp=(0.35, -0.80, 0.49),
    ambient=0.5,
    exposure=1.25,
    contrast=1.1,
    warmth=1.02,
    background=((0.80, 0.82, 0.84),) * 4,
    blur=0.1,
    noise=0.0,
    quality=0,
    grain=0,
)


def write_sheet(path: Path, *, seed: int = 0, person: int = 0) -> None:
    """Write the sheet as a PNG.

    Parameters
    ----------
    path
        The file.
    seed, person
        Who is drawn, as in `facslens.synthesis.pairs.draw_model`.

    Raises
    ------
    ArtifactError
        If it cannot be written.
    """
    face = sitter(_TILE, seed=seed, person=person)
    block = _LABEL + (len(GRADES) + 1) * _TILE
    lines = -(-len(AUS) // _COLUMNS)
    size = (
        _COLUMNS * (block + _GAP) + _GAP,
        _HEAD + lines * (_TILE + _GAP) + _GAP,
    )
    sheet = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(sheet)
    neutral = face({})
    for column in range(_COLUMNS):
        for step, grade in enumerate(("rest", *GRADES)):
            middle = _GAP + column * (block + _GAP) + _LABEL + (step + 0.5) * _TILE
            pen.text((middle, _HEAD / 2), grade, _FAINT, _font(15), anchor="mm")
    for number, au in enumerate(AUS):
        column, line = divmod(number, lines)
        left = _GAP + column * (block + _GAP)
        top = _HEAD + line * (_TILE + _GAP)
        _label(pen, left, top, au)
        for step, strength in enumerate((0.0, *GRADES.values())):
            tile = face({au: strength}) if strength else neutral
            sheet.paste(tile, (left + _LABEL + step * _TILE, top))
    with artifacts.atomic(path) as temporary:
        sheet.save(temporary, "PNG", optimize=True)


def sitter(
    side: int, *, seed: int = 0, person: int = 0
) -> Callable[[dict[str, float]], Image.Image]:
    """Let one person sit for portraits: from the front, in even light, without a beard.

    Parameters
    ----------
    side
        Of a portrait, in pixels.
    seed, person
        Who is drawn, as in `facslens.synthesis.pairs.draw_model`.

    Returns
    -------
    callable
        Draws the person with action units, each of a strength from 0 to 1; without any, at rest.
    """
    model, room = draw_model(seed, person), studio()
    model = dataclasses.replace(model, paint=dataclasses.replace(model.paint, beard=0.0))
    rest = room.head.rest(model.phenotype)

    def draw(shown: dict[str, float]) -> Image.Image:
        both = {au: (strength, strength) for au, strength in shown.items()}
        shot = Shot(0, 0, None, both, {}, _SETTING)
        picture, _ = draw_face(room, model, rest, shot, 2 * side)
        return Image.fromarray(picture.colour).resize((side, side), Image.Resampling.LANCZOS)

    return draw


def _label(pen: ImageDraw.ImageDraw, left: int, top: int, au: str) -> None:
    unit = action_units.ACTION_UNITS[au]
    pen.text((left, top + 12), au, _INK, _font(20))
    pen.text((left, top + 38), unit.name, _INK, _font(15))
    muscles = textwrap.wrap(unit.muscles, 26)
    pen.multiline_text((left, top + 58), "\n".join(muscles), _FAINT, _font(12), spacing=3)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
