"""What stands round a chart: its title and key, and the room that they take."""

from collections.abc import Sequence
from typing import Any

from facslens.plot.style import Drawing


def head(figure: Drawing, title: str, handles: Sequence[Any] = ()) -> None:
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


def upper(with_key: bool) -> float:
    """Give the margin above the axes that the title takes, with a key or without, in inches."""
    return 0.66 if with_key else 0.42
