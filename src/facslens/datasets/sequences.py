"""Sequences of frames that begin neutral and end at the peak of an expression."""

from collections.abc import Iterable
from typing import Final

from facslens.datasets.layout import Key, from_one

#: The key that says how many last frames are read.
PEAK_KEY: Final = Key(
    "how many last frames to take, a number from 1 (default 3)", from_one, chooses=True
)


def ends(frames: Iterable[int], peak: int, *, neutral: bool) -> list[tuple[int, bool]]:
    """Choose the frames that show a neutral face and those that show the expression.

    Parameters
    ----------
    frames
        The numbers of the frames, in any order.
    peak
        How many last frames show the expression. The first frame is never one of them, unless it
        is the only one.
    neutral
        Whether the first frame is wanted, too.

    Returns
    -------
    list of (int, bool)
        The number of each chosen frame, in order, and whether it shows the expression.

    References
    ----------
    Khorrami, Paine & Huang 2015, section 4 [khorrami2015]_: the first frame as neutral, the last
    three with the expression.

    Examples
    --------
    >>> ends([3, 1, 2, 4, 5], 2, neutral=True), ends([7], 3, neutral=True)
    ([(1, False), (4, True), (5, True)], [(7, True)])
    """
    ordered = sorted(frames)
    peaks = ordered[1:][-peak:] or ordered
    chosen = [(frame, True) for frame in peaks]
    if neutral and ordered and ordered[0] not in peaks:
        chosen.insert(0, (ordered[0], False))
    return chosen
