"""Charts from plain numbers; the report and the notebook draw the same ones.

A chart is a `Drawing` of its own: axes of a size that its content needs, words in inches beside.
NaN is a place that stays empty.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, PathPatch, Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D

from facslens.colours import BLUE, GREY, SERIES, VERMILION
from facslens.plot.outline import FACE, curve
from facslens.plot.style import FAINT, INK, SIGNED, SOFT, Drawing, sheet, styled

#: Whole numbers are numbers, too.
Number = int | float
#: A value with the ends of its interval, NaN where there is none.
Interval = tuple[Number, Number, Number]
#: Columns of a matrix that can be named.
NAMED: Final = 48
#: Height of the scale of colours in inches.
_SCALE: Final = 0.8


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
        top=_upper(True),
        bottom=0.3,
    )
    forest_on(axes, rows, low)
    handles = [Line2D([], [], marker="o", color=BLUE, lw=2, label=value)]
    if beside:
        handles.append(Line2D([], [], marker="o", mfc="white", mec=SOFT, lw=0, label=beside))
    _head(figure, title, handles)
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
        top=_upper(True),
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
    _head(figure, title, handles)
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


@styled
def dose(
    grades: Sequence[str],
    mean: Sequence[Number],
    people: Sequence[tuple[Sequence[int], Sequence[Number]]],
    *,
    title: str,
    places: Sequence[int],
    noise: Number = math.nan,
    rival: tuple[str, Number] = ("", math.nan),
) -> Drawing:
    """Draw a unit's change from rest by grade: of each person, on average, under the rival.

    Parameters
    ----------
    grades
        Names along the axis, rest first.
    mean
        At `places`, numbers of grades.
    people
        Places and changes of each person.
    noise
        Change between two faces at rest, shaded.
    rival
        Its name, and the mean change under it at the last grade.
    """
    figure, axes = sheet(3.0, 1.9, left=0.6, right=0.7, top=_upper(True), bottom=0.3)
    last = len(grades) - 1
    if not math.isnan(noise):
        axes.axhspan(0, noise, color=FAINT, lw=0)
    axes.axhline(0, color=SOFT, ls=(0, (3, 2.5)), lw=1)
    for x, y in people:
        axes.plot(x, y, color=GREY, alpha=0.4, lw=0.8)
    axes.plot(places, mean, color=BLUE, lw=2.2, marker="o", ms=4)
    name, value = rival
    if not math.isnan(value):
        axes.plot(last + 0.25, value, "o", mfc="white", mec=SOFT, ms=5, clip_on=False)
        axes.annotate(
            name, (last + 0.25, value), xytext=(7, -3), textcoords="offset points", color=SOFT
        )
    axes.set_xlim(-0.1, last + 0.35)
    axes.set_xticks(range(len(grades)), grades)
    axes.set_ylabel("change of the response")
    handles = [
        Line2D([], [], marker="o", color=BLUE, lw=2.2, ms=4, label="mean"),
        Line2D([], [], color=GREY, alpha=0.6, lw=0.8, label="each person"),
    ]
    if name:
        handles.append(Line2D([], [], marker="o", mfc="white", mec=SOFT, lw=0, label="rival at E"))
    _head(figure, title, handles)
    return figure


@styled
def histogram(
    present: tuple[Sequence[Number], Sequence[Number]],
    absent: tuple[Sequence[Number], Sequence[Number]],
    low: Number,
    high: Number,
    *,
    title: str,
) -> Drawing:
    """Draw responses with an action unit above the line, those without it hanging below.

    Parameters
    ----------
    present, absent
        Shares of a group in equal bins from `low` to `high`: discovery, filled, and unseen
        subjects, as an outline. An empty group is left out.
    """
    figure, axes = sheet(3.0, 1.9, left=0.55, right=0.15, top=_upper(True), bottom=0.45)
    for (filled, outline), sign, colour in ((present, 1, BLUE), (absent, -1, GREY)):
        for heights, drawn in ((filled, True), (outline, False)):
            if len(heights):
                edges = np.linspace(low, high, len(heights) + 1)
                axes.stairs(
                    sign * np.asarray(heights), edges, baseline=0, fill=drawn, color=colour,
                    alpha=0.45 if drawn else 1.0, lw=0 if drawn else 1.4,
                )  # fmt: skip
    axes.axhline(0, color=INK, lw=0.9)
    top = max((*present[0], *present[1], *absent[0], *absent[1]), default=1.0)
    axes.set_ylim(-1.05 * top, 1.05 * top)
    axes.yaxis.set_major_formatter(lambda share, _: f"{abs(share):g}")
    axes.set_xlabel("response")
    axes.set_ylabel("share of sequences")
    _head(
        figure,
        title,
        [
            Rectangle((0, 0), 1, 1, color=BLUE, alpha=0.45, lw=0, label="AU present"),
            Rectangle((0, 0), 1, 1, color=GREY, alpha=0.45, lw=0, label="absent"),
            Line2D([], [], color=SOFT, lw=1.4, label="unseen people"),
        ],
    )
    return figure


@dataclass(frozen=True)
class Series:
    """A line: its name, a value at every place, and how it is drawn."""

    name: str
    values: Sequence[Number]
    colour: str = BLUE
    dashed: bool = False
    low: Sequence[Number] = ()
    high: Sequence[Number] = ()


@styled
def lines(
    series: Sequence[Series],
    *,
    title: str,
    x: Sequence[Number],
    ticks: Sequence[str] | None = None,
    along: str = "",
    y_range: tuple[Number, Number] | None = None,
    at: tuple[str, Number] = ("", math.nan),
    wide: Number = 3.6,
) -> Drawing:
    """Draw values along a few places.

    Parameters
    ----------
    series
        The lines; their names make the key.
    title, along
        What stands above, and below the axis.
    x, ticks
        Where the values lie, and what these places are called; None writes the numbers.
    y_range
        Of the axis; None takes that of the values.
    at
        What an upright line at a place means, and the place.
    wide
        Width of the axes in inches.
    """
    longest = max(map(len, ticks), default=0) if ticks else 0
    turned = longest * len(ticks or ()) > 11 * wide
    below = 0.32 + (0.066 * longest if turned else 0.0) + (0.16 if along else 0.0)
    figure, axes = sheet(wide, 2.0, left=0.5, right=0.2, top=_upper(len(series) > 1), bottom=below)
    for one in series:
        style = (0, (4, 2.5)) if one.dashed else "-"
        if len(one.low):
            axes.fill_between(x, one.low, one.high, color=one.colour, alpha=0.18, lw=0)
        axes.plot(x, one.values, color=one.colour, ls=style, lw=1.8, label=one.name)
    name, place = at
    if not math.isnan(place):
        axes.axvline(place, color=INK, ls=(0, (1.5, 2)), lw=1, label=name or None)
    if ticks is None:
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    else:
        axes.set_xticks(x, ticks, rotation=90 if turned else 0)
    if y_range:
        low, high = y_range
        axes.set_ylim(low, high + 0.02 * (high - low))
    axes.set_xlabel(along)
    axes.grid(axis="y")
    _head(figure, title, axes.get_legend_handles_labels()[0])
    return figure


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
    figure, axes = sheet(3.8, 0.28 * len(names), left=left, right=0.7, top=_upper(True), bottom=0.3)
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
    _head(figure, title, axes.get_legend_handles_labels()[0])
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
        3.8, 0.32 * len(names), left=left, right=0.25, top=_upper(True), bottom=0.42
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
    _head(
        figure,
        title,
        [
            Line2D([], [], marker="o", color=BLUE, lw=1.6, label="its unit"),
            Line2D([], [], marker="o", color=VERMILION, lw=1.6, label="its expression"),
            Line2D([], [], color=SOFT, marker="|", lw=0, ms=9, label="pixels"),
        ],
    )
    return figure


@dataclass(frozen=True)
class Band:
    """An action unit of a chain: what it is called, its band's path and width, and its units."""

    name: str
    path: str
    width: Number
    start: Number
    dots: Sequence[tuple[Number, Number, Number]]


@styled
def chain(
    bands: Sequence[Band],
    *,
    to: str,
    title: str,
    size: tuple[Number, Number],
    face: tuple[Number, Number, Number],
) -> Drawing:
    """Draw action units at the left, their units on an outline of a face, and the expression.

    Parameters
    ----------
    bands
        Paths as SVG writes them; dots are (x, y, radius).
    to
        The expression.
    size, face
        Width and height of the picture, and left, top and side of the face in it.
    """
    width, height = size
    figure, axes = sheet(
        width / 100, height / 100, top=_upper(False), left=0.1, right=0.1, bottom=0.1
    )
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    left, top, side = face
    to_face = Affine2D().scale(side / 100).translate(left, top) + axes.transData
    for line in FACE:
        axes.add_patch(PathPatch(curve(line), fc="none", ec=GREY, lw=0.7, transform=to_face))
    points = 72 / 100  # a unit of the picture in points
    for place, band in enumerate(bands):
        colour = colour_of(place)
        axes.add_patch(
            PathPatch(curve(band.path), fc="none", ec=colour, lw=band.width * points, alpha=0.28,
                      capstyle="butt")
        )  # fmt: skip
        for x, y, radius in band.dots:
            axes.add_patch(Circle((x, y), radius, color=colour, alpha=0.7, lw=0))
        axes.text(186, band.start, band.name, ha="right", va="center")
    axes.text(582, height / 2, to, va="center", weight="bold", size=11)
    _head(figure, title)
    return figure


def colour_of(place: int) -> str:
    """Give the colour of the n-th of several lines; after the last one they begin again."""
    return SERIES[place % len(SERIES)]


def _head(figure: Drawing, title: str, handles: Sequence[Any] = ()) -> None:
    """Put the title at the top left of a figure, and the key below it in one line.

    Where they are longer than the figure is wide, it becomes wider at its right.
    """
    labels = [str(one.get_label()) for one in handles]
    needed = max(0.078 * len(title), sum(0.062 * len(label) + 0.42 for label in labels)) + 0.25
    _widen(figure, needed)
    width, height = figure.get_size_inches()
    figure.text(0.12 / width, 1 - 0.12 / height, title, size=9.5, weight="bold", va="top")
    if handles:
        figure.legend(
            handles=list(handles), loc="upper left", ncols=len(handles),
            bbox_to_anchor=(0.05 / width, 1 - 0.3 / height),
            borderpad=0.15, handlelength=1.4, handletextpad=0.5, columnspacing=1.2,
        )  # fmt: skip


def _widen(figure: Drawing, needed: float) -> None:
    width, height = figure.get_size_inches()
    if needed > width:
        figure.set_size_inches(needed, height)
        for axes in figure.axes:
            box = axes.get_position()
            axes.set_position(
                (box.x0 * width / needed, box.y0, box.width * width / needed, box.height)
            )


def _upper(with_key: bool) -> float:
    """Give the margin above the axes that the title takes, with a key or without, in inches."""
    return 0.66 if with_key else 0.42
