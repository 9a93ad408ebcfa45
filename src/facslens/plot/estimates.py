"""Estimates and counts, a row each: forests, bars, differences between twins.

A value is a plain number; NaN is a place that stays empty.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from facslens.colours import BLUE, GREY, VERMILION
from facslens.plot.frame import head, upper
from facslens.plot.style import FAINT, INK, SOFT, Drawing, Number, sheet, styled

#: A value with the ends of its interval, NaN where there is none.
Interval = tuple[Number, Number, Number]


@dataclass(frozen=True)
class Mark:
    """A row of a forest: its name, its estimate, another one beside, and whether it stands out."""

    name: str
    value: Interval
    beside: Number = math.nan
    strong: bool = True


@styled
def forest(
    rows: Sequence[Mark], *, title: str, value: str, beside: str = "", low: Number = 0.4
) -> Drawing:
    """Draw estimates with their intervals, one a row, against chance at ½.

    Parameters
    ----------
    rows
        From top to bottom.
    title, value, beside
        What stands above, and what the filled and the hollow mark are.
    low
        Left end of the axis; the right one is 1.
    """
    names = max((len(row.name) for row in rows), default=0)
    figure, axes = sheet(
        4.2,
        0.2 * len(rows) + 0.1,
        left=0.16 + 0.07 * names,
        right=0.25,
        top=upper(True),
        bottom=0.3,
    )
    forest_on(axes, rows, low)
    handles = [Line2D([], [], marker="o", color=BLUE, lw=2, label=value)]
    if beside:
        handles.append(Line2D([], [], marker="o", mfc="white", mec=SOFT, lw=0, label=beside))
    head(figure, title, handles)
    return figure


def forest_on(axes: Axes, rows: Sequence[Mark], low: Number) -> None:
    """Draw the rows of a forest on axes that are there."""
    for place, row in enumerate(rows):
        colour = BLUE if row.strong else GREY
        axes.plot(row.value[1:], [place] * 2, color=colour, lw=2, solid_capstyle="round")
        axes.plot(row.beside, place, "o", mfc="white", mec=SOFT, ms=4.5)
        axes.plot(row.value[0], place, "o", color=colour, ms=6)
    axes.axvline(0.5, color=SOFT, ls=(0, (3, 2.5)), lw=1, zorder=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(low - 0.01, 1.01)
    ticks = [t for t in (0.0, 0.25, 0.5, 0.75, 1.0) if t >= low]
    axes.set_xticks(ticks, ["½" if t == 0.5 else f"{t:g}" for t in ticks])
    axes.set_yticks(range(len(rows)), [row.name for row in rows], color=INK)
    axes.grid(axis="x")


@styled
def bars(
    names: Sequence[str],
    found: Sequence[int],
    confirmed: Sequence[int],
    *,
    title: str,
    total: int,
    key: tuple[str, str],
) -> Drawing:
    """Draw how many of a total were found, and how many of these were confirmed, one bar a row."""
    left = 0.16 + 0.07 * max(map(len, names), default=0)
    figure, axes = sheet(3.8, 0.28 * len(names), left=left, right=0.7, top=upper(True), bottom=0.3)
    places = np.arange(len(names))
    axes.barh(places, [total] * len(names), color=FAINT, height=0.6)
    axes.barh(places, found, color=BLUE, alpha=0.35, height=0.6, label=key[0])
    axes.barh(places, confirmed, color=BLUE, height=0.6, label=key[1])
    for place, counts in enumerate(zip(confirmed, found, strict=True)):
        axes.text(1.02 * total, place, "{} of {}".format(*counts), va="center", color=SOFT)
    axes.set_xlim(0, total)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(places, names, color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    head(figure, title, axes.get_legend_handles_labels()[0])
    return figure


@dataclass(frozen=True)
class Twin:
    """A difference between twins, as a share of the mean change: its interval, whether it differs.

    ``noise`` is what is too small to be found.
    """

    value: Interval
    differs: bool
    noise: Number


@styled
def twins(
    names: Sequence[str],
    units: Sequence[Twin | None],
    expressions: Sequence[Twin | None],
    pixels: Sequence[Number],
    *,
    title: str,
    ends: tuple[str, str],
) -> Drawing:
    """Draw differences between twins, the unit's above the expression's, from −1 to 1."""
    left = 0.16 + 0.07 * max(map(len, names), default=0)
    figure, axes = sheet(
        3.8, 0.32 * len(names), left=left, right=0.25, top=upper(True), bottom=0.42
    )
    for place, pair in enumerate(zip(units, expressions, strict=True)):
        for twin, shift, colour in zip(pair, (-0.2, 0.2), (BLUE, VERMILION), strict=True):
            if twin is None:
                continue
            value, low, high = twin.value
            y = place + shift
            if not math.isnan(twin.noise):
                axes.barh(y, 2 * twin.noise, left=-twin.noise, height=0.34, color=FAINT, zorder=0)
            axes.plot([low, high], [y, y], color=colour, lw=1.6)
            filled = colour if twin.differs else "white"
            axes.plot(np.clip(value, -1, 1), y, "o", mfc=filled, mec=colour, ms=5, clip_on=False)
        axes.plot([pixels[place]] * 2, [place - 0.4, place + 0.4], color=SOFT, lw=1.4)
    axes.axvline(0, color=SOFT, ls=(0, (3, 2.5)), lw=1, zorder=0)
    axes.set_xlim(-1, 1)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xticks([-1, 0, 1], [f"{ends[0]}\n−100 %", "0", f"{ends[1]}\n+100 %"])
    axes.set_yticks(range(len(names)), names, color=INK)
    head(
        figure,
        title,
        [
            Line2D([], [], marker="o", color=BLUE, lw=1.6, label="its unit"),
            Line2D([], [], marker="o", color=VERMILION, lw=1.6, label="its expression"),
            Line2D([], [], color=SOFT, marker="|", lw=0, ms=9, label="pixels"),
        ],
    )
    return figure
