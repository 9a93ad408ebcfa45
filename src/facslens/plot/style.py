"""How figures look, and how they are written: no window, no pyplot, no settings left changed."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final, Literal, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from facslens.colours import BLUE, VERMILION

P = ParamSpec("P")

#: Whole numbers are numbers, too.
Number = int | float
Kind = Literal["svg", "png"]
#: Formats in which every figure is written.
KINDS: Final[tuple[Kind, ...]] = ("svg", "png")
#: Pixels per inch of a PNG.
DPI: Final = 200
INK: Final = "#1c1d20"
SOFT: Final = "#5a5d66"
FAINT: Final = "#e4e1db"
#: Vermilion below 0, white at 0, blue above.
SIGNED: Final = LinearSegmentedColormap.from_list("signed", [VERMILION, "#ffffff", BLUE])
_STYLE: Final[dict[Any, Any]] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Inter", "Helvetica Neue", "Arial", "DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": FAINT,
    "axes.axisbelow": True,
    "axes.spines.left": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.bottom": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "none",  # words stay words, to be read and edited
    "svg.hashsalt": "facslens",
}


@contextmanager
def _style() -> Iterator[None]:
    """Set facslens's style, and leave everything as it was."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


class Drawing(Figure):
    """A figure that shows itself in a notebook, although nothing has imported pyplot."""

    def draw(self, renderer: Any) -> None:
        """Draw in facslens's style: ticks and their labels are made only here."""
        with _style():
            super().draw(renderer)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Give the picture at twice the size at which it is shown, for fine screens."""
        width, height = (round(96 * inches) for inches in self.get_size_inches())
        return written(self, "png", dpi=192), {"width": width, "height": height}


def styled(draw: Callable[P, Drawing]) -> Callable[P, Drawing]:
    """Let a function draw in facslens's style, whatever style is set elsewhere."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Drawing:
        with _style():
            return draw(*args, **kwargs)

    return drawn


def sheet(
    width: float,
    height: float,
    *,
    left: float = 0.1,
    right: float = 0.1,
    top: float = 0.1,
    bottom: float = 0.1,
) -> tuple[Drawing, Axes]:
    """Give a white figure with one pair of axes of a size, and margins round them, in inches."""
    across, down = left + width + right, top + height + bottom
    figure = Drawing(figsize=(across, down), facecolor="white")
    axes = figure.add_axes((left / across, bottom / down, width / across, height / down))
    return figure, axes


def written(figure: Figure, kind: Kind, dpi: int = DPI) -> bytes:
    """Write a figure as a file holds it; the same figure gives the same bytes."""
    stream = io.BytesIO()
    with _style():
        metadata = {"Date": None} if kind == "svg" else {"Software": "facslens"}
        figure.savefig(stream, format=kind, dpi=dpi, metadata=metadata)
    return stream.getvalue()
