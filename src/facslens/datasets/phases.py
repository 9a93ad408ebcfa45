"""What a frame is of its sequence's movement, as tables say it."""

from typing import Final

import numpy as np
import pandas as pd

from facslens.datasets.columns import numbers, row_name
from facslens.datasets.defects import Defect, tally
from facslens.datasets.labels import APEX, PHASES
from facslens.names import listed

#: The columns that number the frames with which a movement begins, is at its height and ends, such
#: as ``ApexFrame`` and ``Apex Frame`` in tables of micro-expressions.
_BOUNDS: Final = {
    "onset": ("onset", "onsetframe"),
    APEX: ("apex", "apexframe"),
    "offset": ("offset", "offsetframe"),
}


def phase_of(word: str) -> str | None:
    """Give the phase that a word names, or None.

    Examples
    --------
    >>> phase_of("Apex"), phase_of("peak")
    ('apex', None)
    """
    plain = word.strip().lower()
    return plain if plain in PHASES else None


def bounded_phases(
    cells: pd.DataFrame, frame: pd.Series | None, source: str, defects: list[Defect]
) -> pd.Series | None:
    """Read phases from the numbers of the onset, apex and offset frames in each row.

    Parameters
    ----------
    cells
        The table's text cells.
    frame
        The number of each row's frame; None where the table has none.
    source
        The file's name, for messages.
    defects
        Takes what is wrong.

    Returns
    -------
    Series or None
        ``onset`` from the onset frame to the one before the apex, ``apex``, ``offset`` from the one
        after it to the offset frame; missing elsewhere, for what a face shows before its onset
        and after its offset these numbers do not say. None without a column of apex frames.

    """
    plain = {_plain(name): str(name) for name in reversed(cells.columns)}
    named = {
        bound: next((plain[name] for name in names if name in plain), None)
        for bound, names in _BOUNDS.items()
    }
    if named[APEX] is None:
        return None
    if frame is None:
        message = (
            f"{source} has a column {named[APEX]!r} and none of frame numbers: the phases of its "
            f"frames are unknown (frame=COLUMN)"
        )
        defects.append(Defect("missing column", source, message, "warning"))
        return None
    bounds = {
        bound: _whole(cells[name], name, source, defects)
        if name
        else pd.Series(np.nan, cells.index)
        for bound, name in named.items()
    }
    onset, apex, offset = (bounds[bound] for bound in _BOUNDS)
    crossed = (onset > apex) | (apex > offset) | (onset > offset)
    if crossed.any():
        first = int(np.flatnonzero(crossed)[0])
        row = row_name(int(cells.index[first]), source)
        written = [f"{bound} {values.iloc[first]:g}" for bound, values in bounds.items()]
        message = (
            f"{row}: {listed(written)} are out of order: the phases of {int(crossed.sum())} rows "
            f"are unknown"
        )
        defects.append(Defect("bad value", row, message))
    phase = pd.Series(pd.NA, index=cells.index, dtype="string")
    phase = phase.mask((onset <= frame) & (frame < apex), "onset")
    phase = phase.mask((apex < frame) & (frame <= offset), "offset")
    return phase.mask(frame == apex, APEX).mask(crossed)


def _plain(name: object) -> str:
    return "".join(letter for letter in str(name).lower() if letter.isalnum())


def _whole(cells: pd.Series, column: str, source: str, defects: list[Defect]) -> pd.Series:
    """Read frame numbers; what is none is unknown, and counted."""
    found = numbers(cells)
    right = (found % 1 == 0) & (found >= 0)
    wrong = cells[cells.notna() & ~right]
    if len(wrong):
        message = (
            f"{column} of {source} is no number of a frame in {len(wrong)} rows, and unknown "
            f"there: {tally(wrong)}"
        )
        defects.append(Defect("left out", source, message, "warning"))
    return found.where(right)
