"""The controls that there are: what each is called, and what it stands for."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Control:
    """A control that a network's best units are compared with.

    Parameters
    ----------
    title
        What a column of a table calls it.
    note
        What it stands for, in a few words.
    seeds
        Whether it is drawn at random, so that several are made and the mean is taken.
    trains
        Whether a network is trained for it, so that it is made only where it is asked for.
    """

    title: str
    note: str
    seeds: bool = False
    trains: bool = False


#: Every control by its name, in the order in which tables show them.
CONTROLS: Final[dict[str, Control]] = {
    "untrained": Control("untrained", "the same network before training", seeds=True),
    "shuffled": Control(
        "shuffled", "the same network trained on shuffled expressions", trains=True
    ),
    "rotated": Control("rotated", "random mixtures of the layer’s units", seeds=True),
    "pixels": Control("pixels", "brightness of one pixel"),
    "gradients": Control("gradients", "one bin of a histogram of gradients"),
    "probe": Control("probe", "linear, on all units together: the ceiling"),
}
