"""The names of the pictures of a video's frames, made from their numbers."""

import re
from typing import Final

import numpy as np
import pandas as pd

from facslens.datasets.columns import numbers

_FIELD: Final = re.compile(
    r"\{(?P<what>frame|row)(?P<shift>[+-]\d{1,9})?(?::0?(?P<width>\d{1,2})d?)?\}"
)
#: How the key is written, for errors and help.
FRAMES_HINT: Final = "such as {frame:06d}.jpg, {frame+1}.png or {row:04d}.png"


def parse_frames(text: str) -> str:
    """Read a pattern of names, in which ``{frame}`` or ``{row}`` stands for a number.

    Raises
    ------
    ValueError
        If it names neither, or has other braces.

    Examples
    --------
    >>> parse_frames("film/{frame:06d}.jpg")
    'film/{frame:06d}.jpg'
    """
    rest, count = _FIELD.subn("", text)
    if not count or "{" in rest or "}" in rest:
        raise ValueError(text)
    return text


def counts_frames(pattern: str) -> bool:
    """Tell whether a pattern takes the number from the table, and not the row's own."""
    return any(match["what"] == "frame" for match in _FIELD.finditer(pattern))


def frame_names(pattern: str, frames: pd.Series) -> pd.Series:
    """Name the picture of every row.

    Parameters
    ----------
    pattern
        As `parse_frames` takes it. ``{frame}`` is the number of the frame as the table has it,
        ``{row}`` that of the row, from 1; either may be shifted, and filled with zeros.
    frames
        The cells of the frames' numbers, one a row.

    Returns
    -------
    Series
        Names; missing where a number is none, or below 0.

    Examples
    --------
    >>> list(frame_names("{frame-1:03d}.jpg", pd.Series(["1", "12.0"])))
    ['000.jpg', '011.jpg']
    """
    known = numbers(frames)
    own = {"frame": known, "row": pd.Series(np.arange(1.0, len(frames) + 1), index=frames.index)}
    named: list[str | None] = []
    for index in frames.index:
        values = {
            match[0]: own[match["what"]][index] + int(match["shift"] or 0)
            for match in _FIELD.finditer(pattern)
        }
        whole = all(value >= 0 and value % 1 == 0 and value < 2**53 for value in values.values())
        named.append(_named(pattern, values) if whole else None)
    return pd.Series(pd.array(named, dtype="string"), index=frames.index)


def _named(pattern: str, values: dict[str, float]) -> str:
    """Put numbers into the fields of a pattern."""
    return _FIELD.sub(lambda match: f"{int(values[match[0]]):0{match['width'] or 1}d}", pattern)
