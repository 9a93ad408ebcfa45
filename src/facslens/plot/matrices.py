"""Signed values as coloured cells, for rows and columns that have names."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from facslens.colours import BLUE
from facslens.plot.frame import head, upper
from facslens.plot.style import INK, SIGNED, Drawing, Number, sheet, styled

#: Columns of a matrix that can be named.
NAMED: Final = 48
#: Height of the scale of colours in inches.
_SCALE: Final = 0.8


@styled
def matrix(
    values: Float[np.ndarray, "row column"],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    limit: Number,
    label: str,
    dots: Bool[np.ndarray, "row column"] | None = None,
    boxes: Bool[np.ndarray, "row column"] | None = None,
    written: Callable[[float], str] | None = None,
    key: tuple[str, str] = ("", ""),
    cell: Number = 0.2,
) -> Drawing:
    """Draw signed values as colours: blue above 0, vermilion below, white at 0.

    Parameters
    ----------
    values
        NaN stays empty.
    rows, columns
        Names; those of more than `NAMED` columns are left out.
    title, label
        What stands above, and what the colours are.
    limit
        Size at which the colours are at their strongest.
    dots, boxes
        Cells that have a dot in their middle, or a frame.
    written
        Writes the value into its cell.
    key
        What a dot and a frame mean; empty where there is none.
    cell
        Height of a row in inches; columns are as wide, or narrower where there are many.
    """
    left = 0.16 + 0.07 * max(map(len, rows), default=0)
    wide = min(0.42 if written else cell, 9.0 / max(len(columns), 1))
    named = list(columns) if len(columns) <= NAMED else []
    below = 0.15 + 0.068 * max(map(len, named), default=0)
    height = cell * len(rows)
    figure, axes = sheet(
        max(wide * len(columns), 1.6),
        height,
        left=left,
        right=0.75,
        top=upper(True),
        bottom=max(below, _SCALE + 0.15 - height),
    )
    cells_on(axes, values, limit, dots, min(8.0, 60 * wide))
    for row, column in np.argwhere(boxes) if boxes is not None else ():
        frame = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec=INK, lw=1.2, zorder=3)
        axes.add_patch(frame)
    if written:
        for (row, column), value in np.ndenumerate(values):
            if not math.isnan(value):
                dark = abs(value) > 0.6 * limit
                axes.text(
                    column, row, written(value), ha="center", va="center", size=7,
                    color="white" if dark else INK,
                )  # fmt: skip
    axes.set_yticks(range(len(rows)), rows, color=INK)
    axes.set_xticks(range(len(named)), named, rotation=90, color=INK)
    handles = [Line2D([], [], marker="s", color=BLUE, lw=0, label=label)]
    if key[0]:
        handles.append(Line2D([], [], marker=".", color=INK, lw=0, label=key[0]))
    if key[1]:
        handles.append(
            Line2D([], [], marker="s", mfc="none", mec=INK, ms=7, mew=1.2, lw=0, label=key[1])
        )
    _scale(figure, axes, limit)
    head(figure, title, handles)
    return figure


def cells_on(
    axes: Axes,
    values: Float[np.ndarray, "row column"],
    limit: Number,
    dots: Bool[np.ndarray, "row column"] | None,
    size: Number,
) -> None:
    """Draw the cells of a matrix on axes that are there, with dots of an area in square points."""
    axes.imshow(
        values, cmap=SIGNED, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
    )
    if dots is not None:
        dotted, across = np.nonzero(dots)
        axes.scatter(across, dotted, s=size, color=INK, linewidths=0)


def _scale(figure: Drawing, axes: Axes, limit: Number) -> None:
    """Draw the scale of colours at the right, as high at every matrix."""
    box = axes.get_position()
    width, height = figure.get_size_inches()
    tall = _SCALE / height
    place = figure.add_axes((box.x1 + 0.14 / width, box.y1 - tall, 0.09 / width, tall))
    steps = np.linspace(-limit, limit, 64)[:, None]
    place.imshow(steps, cmap=SIGNED, aspect="auto", origin="lower", extent=(0, 1, -limit, limit))
    place.set_xticks([])
    place.set_yticks(
        [-limit, 0, limit],
        [f"{v:+.2g}".replace("-", "−") if v else "0" for v in (-limit, 0, limit)],
    )
    place.yaxis.tick_right()
