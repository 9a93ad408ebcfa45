"""Values along an axis: lines, doses and histograms. NaN is a place that stays empty."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from facslens.colours import BLUE, GREY, SERIES
from facslens.plot.frame import head, upper
from facslens.plot.style import FAINT, INK, SOFT, Drawing, Number, sheet, styled


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
    figure, axes = sheet(3.0, 1.9, left=0.6, right=0.7, top=upper(True), bottom=0.3)
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
    head(figure, title, handles)
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
    figure, axes = sheet(3.0, 1.9, left=0.55, right=0.15, top=upper(True), bottom=0.45)
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
    head(
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
    figure, axes = sheet(wide, 2.0, left=0.5, right=0.2, top=upper(len(series) > 1), bottom=below)
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
    head(figure, title, axes.get_legend_handles_labels()[0])
    return figure


def colour_of(place: int) -> str:
    """Give the colour of the n-th of several lines; after the last one they begin again."""
    return SERIES[place % len(SERIES)]
