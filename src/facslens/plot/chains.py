"""From action units through units on a face to an expression."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.patches import Circle, PathPatch
from matplotlib.transforms import Affine2D

from facslens.colours import GREY
from facslens.plot.curves import colour_of
from facslens.plot.frame import head, upper
from facslens.plot.outline import FACE, curve
from facslens.plot.style import Drawing, Number, sheet, styled


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
        width / 100, height / 100, top=upper(False), left=0.1, right=0.1, bottom=0.1
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
    head(figure, title)
    return figure
