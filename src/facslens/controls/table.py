"""The table of controls: the name of each, and what it is."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Control:
    """A control that a network's best units are compared with.

    Parameters
    ----------
    title
        Its name in the column of a table.
    note
        What it is, in a few words.
    seeds
        Whether it is random, so that several are made and averaged.
    trains
        Whether a network is trained for it, so that it is made only on request.
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
    "probe": Control("probe", "linear, on all units together: an upper limit"),
}
