"""Pictures from the numbers of the view model: geometry for SVG, and PNG for heat maps."""

import io
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float
from PIL import Image

from facslens.colours import BLUE, VERMILION, rgb

#: Templates count in whole numbers too.
Number = int | float
HIGH: Final = rgb(BLUE)
LOW: Final = rgb(VERMILION)


def at(value: Number, low: Number, high: Number, size: Number = 100.0) -> float:
    """Place a value on an axis of a given length, held within it.

    Examples
    --------
    >>> at(0.75, 0.5, 1.0), at(2.0, 0.0, 1.0)
    (50.0, 100.0)
    """
    if high <= low:
        return 0.0
    return round(min(max((value - low) / (high - low), 0.0), 1.0) * size, 2)


def line_path(
    x: Sequence[Number],
    y: Sequence[Number],
    x_range: tuple[Number, Number],
    y_range: tuple[Number, Number],
    width: Number,
    height: Number,
) -> str:
    """Write an SVG path through points; an undefined point breaks the line.

    Examples
    --------
    >>> line_path([1, 2, 3], [0.0, 1.0, float("nan")], (1, 3), (0, 1), 100, 50)
    'M0.0,50.0L50.0,0.0'
    """
    path, pen = "", "M"
    for a, b in zip(x, y, strict=True):
        if not math.isfinite(b):
            pen = "M"
            continue
        path += f"{pen}{at(a, *x_range, width)},{round(height - at(b, *y_range, height), 2)}"
        pen = "L"
    return path


def step_path(
    heights: Sequence[Number], top: Number, width: Number, height: Number, *, closed: bool
) -> str:
    """Write the outline of a histogram that stands on a base line at `height`.

    A negative `height` lets it hang below a base line at 0.

    Examples
    --------
    >>> step_path([0.5, 1.0], 1.0, 10, 4, closed=True)
    'M0,4V2.0H5.0V0.0H10.0V4Z'
    """
    if not heights or top <= 0:
        return ""
    base = max(height, 0)
    path = f"M0,{base}"
    for i, h in enumerate(heights, start=1):
        path += f"V{round(base - h / top * height, 2)}H{round(i * width / len(heights), 2)}"
    return f"{path}V{base}" + ("Z" if closed else "")


def nice_ticks(high: Number, count: int = 4, smallest: Number = 0.0) -> tuple[float, ...]:
    """Give round numbers from 0 to at most `high`, about so many, `smallest` or more apart.

    Examples
    --------
    >>> nice_ticks(2.3), nice_ticks(30, 3), nice_ticks(2, 6, smallest=1)
    ((0.0, 1.0, 2.0), (0.0, 10.0, 20.0, 30.0), (0.0, 1.0, 2.0))
    """
    if not math.isfinite(high) or high <= 0:
        return (0.0,)
    raw = max(high / count, smallest)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= raw * 0.999)
    return tuple(round(i * step, 10) for i in range(int(high / step + 1e-9) + 1))


def strength(value: Number, limit: Number) -> float:
    """Give how strong the colour of a signed value is, 0 to 1.

    Examples
    --------
    >>> strength(-0.25, 0.5), strength(0.9, 0.5)
    (0.5, 1.0)
    """
    return 0.0 if math.isnan(value) else round(min(abs(value) / limit, 1.0), 3)


def heat_png(values: Float[np.ndarray, "row column"], limit: float) -> bytes:
    """Paint signed values, one pixel each, as a PNG.

    Colour is the sign (blue above 0, orange below), opacity the size up to `limit`, so that the
    picture stands on a light and on a dark page.
    """
    pixels = np.zeros((*values.shape, 4), np.uint8)
    pixels[..., :3] = np.where((values >= 0)[..., None], HIGH, LOW)
    size = np.nan_to_num(np.abs(values) / limit, nan=0.0).clip(0, 1)
    pixels[..., 3] = np.round(255 * size).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(stream, "PNG", optimize=True)
    return stream.getvalue()


def hundredths(matrix: Sequence[Sequence[Number]]) -> list[list[int | None]]:
    """Round to whole hundredths, a short form for a script; None where undefined.

    Examples
    --------
    >>> hundredths([[0.256, float("nan")]])
    [[26, None]]
    """
    return [[None if math.isnan(v) else round(100 * v) for v in row] for row in matrix]
