"""Draw what was found in a picture: the faces, their expressions, and the units behind them."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from facslens.action_units import ACTION_UNITS
from facslens.prediction.attribution import Decider

PAPER: Final = "#fbfaf8"
INK: Final = "#1c1d20"
SOFT: Final = "#5a5d66"
FAINT: Final = "#e4e1db"
BLUE: Final = "#0072b2"
BOX: Final = "#ffd34d"

#: Longest side of the picture, side of a crop and of a projection, in pixels.
PICTURE, CROP, TILE = 720, 144, 84
PAD: Final = 16
LINE: Final = 19
BAR: Final = 150
CARD: Final = CROP + PAD + 84 + BAR + 52


def draw(
    pixels: UInt8[np.ndarray, "row column 3"],
    rows: Sequence[dict[str, Any]],
    crops: Sequence[UInt8[np.ndarray, "height width *rgb"]],
    deciders: Sequence[Sequence[Decider]],
    expressions: Sequence[str],
) -> Image.Image:
    """Draw a picture with a card for each face beside it.

    Parameters
    ----------
    pixels
        The picture.
    rows, crops, deciders
        Of each face in it.
    expressions
        In the order of the bars.
    """
    picture = Image.fromarray(pixels)
    scale = min(PICTURE / max(picture.size), 4.0)
    shown = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))),
        Image.Resampling.LANCZOS,
    )
    cards = [
        _card(row, crop, found, expressions)
        for row, crop, found in zip(rows, crops, deciders, strict=True)
    ]
    height = max(shown.height + 2 * PAD, sum(card.height for card in cards) + PAD)
    canvas = Image.new("RGB", (shown.width + CARD + 3 * PAD, height), PAPER)
    canvas.paste(shown, (PAD, PAD))
    pen = ImageDraw.Draw(canvas)
    for row in rows:
        if row["FaceRectX"] is not None:
            left, top = PAD + row["FaceRectX"] * scale, PAD + row["FaceRectY"] * scale
            right = left + row["FaceRectWidth"] * scale
            bottom = top + row["FaceRectHeight"] * scale
            pen.rectangle((left, top, right, bottom), outline=BOX, width=3)
            label = f"{row['face']}  {row['expression']}"
            box = pen.textbbox((left + 6, top + 4), label, font=_font(14))
            pen.rectangle((left, top, box[2] + 6, box[3] + 4), fill=BOX)
            pen.text((left + 6, top + 4), label, fill=INK, font=_font(14))
    top = PAD
    for card in cards:
        canvas.paste(card, (shown.width + 2 * PAD, top))
        top += card.height
    return canvas


def _card(
    row: dict[str, Any],
    crop: UInt8[np.ndarray, "height width *rgb"],
    deciders: Sequence[Decider],
    expressions: Sequence[str],
) -> Image.Image:
    fired = [
        key.removesuffix("_fired") for key, yes in row.items() if key.endswith("_fired") if yes
    ]
    bars = LINE * len(expressions)
    tiles = [decider for decider in deciders if decider.reason == row["expression"]]
    behind = [decider for decider in deciders if decider.reason != row["expression"]]
    strips = [(f"units that contributed most to {row['expression']}", tiles)] if tiles else []
    if behind:
        strips.append(("detector units that fired", behind))
    per_row = (CARD + 8) // (TILE + 8)
    height = 26 + max(bars, CROP) + 10 + (LINE if fired else 0)
    height += sum(22 + -(-len(found) // per_row) * (TILE + 36) for _, found in strips) + PAD
    card = Image.new("RGB", (CARD, height), PAPER)
    pen = ImageDraw.Draw(card)
    score = "" if row["FaceScore"] is None else f" · found with score {row['FaceScore']:.2f}"
    pen.text((0, 0), f"face {row['face']}{score}", fill=INK, font=_font(15))
    card.paste(_within(Image.fromarray(crop), CROP), (0, 26))
    for number, name in enumerate(expressions):
        top = 26 + number * LINE
        left = CROP + PAD
        value = row[name]
        ink = INK if name == row["expression"] else SOFT
        pen.text((left, top), name, fill=ink, font=_font(13))
        start = left + 84
        pen.rectangle((start, top + 3, start + BAR, top + 14), fill=FAINT)
        pen.rectangle((start, top + 3, start + max(1, BAR * value), top + 14), fill=BLUE)
        pen.text((start + BAR + 8, top), f"{100 * value:.0f} %", fill=ink, font=_font(13))
    top = 26 + max(bars, CROP) + 10
    if fired:
        pen.text((0, top), _fired_line(row, fired), fill=INK, font=_font(13))
        top += LINE
    for title, found in strips:
        pen.text((0, top), title, fill=SOFT, font=_font(13))
        top += 22
        for number, decider in enumerate(found):
            left = (number % per_row) * (TILE + 8)
            below = top + number // per_row * (TILE + 36)
            card.paste(_projection(decider.projection), (left, below))
            first, second = _caption(decider)
            pen.text((left, below + TILE + 2), first, fill=INK, font=_font(11))
            pen.text((left, below + TILE + 16), second, fill=SOFT, font=_font(11))
        top += -(-len(found) // per_row) * (TILE + 36)
    return card


def _fired_line(row: dict[str, Any], fired: Sequence[str]) -> str:
    parts = [f"{au} {row[au]:.2f}" if row[au] is not None else au for au in fired]
    rest = f" and {len(parts) - 6} more" if len(parts) > 6 else ""
    return "AUs: " + ", ".join(parts[:6]) + rest


def _caption(decider: Decider) -> tuple[str, str]:
    unit = f"unit {decider.unit}"
    if decider.reason in ACTION_UNITS:
        return f"{decider.reason}, {unit}", decider.layer
    return f"{unit}, {100 * decider.share:.0f} %", decider.layer


def _projection(values: Float[np.ndarray, "row column"]) -> Image.Image:
    """Show a projection: mid-grey is 0, what all but one in a hundred keep below is full."""
    largest = float(np.percentile(np.abs(values), 99)) or 1.0
    levels = 127.5 + 127.5 * np.clip(values / largest, -1, 1)
    tile = Image.fromarray(np.rint(levels).astype(np.uint8))
    return _within(tile, TILE)


def _within(image: Image.Image, side: int) -> Image.Image:
    """Resize a picture until its longer side has so many pixels."""
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC)


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
