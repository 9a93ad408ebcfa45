"""Events laid over the frames of videos: which action units each frame shows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from facslens.action_units import ACTION_UNITS
from facslens.datasets.columns import numbers
from facslens.datasets.defects import Defect, few, tally
from facslens.datasets.event_videos import sequences_of
from facslens.datasets.events import Events, read_events

# Programs write times in milliseconds: a frame half of one before an event is in it.
_HALF: Final = 0.0005
#: The frames that a coder has looked at: from a video's first event to its last, or all.
FIRST_TO_LAST: Final = "events"
ALL: Final = "all"


@dataclass(frozen=True)
class Timeline:
    """How the frames of a table and the events of a file meet.

    Parameters
    ----------
    file
        The file of events.
    covered
        Which frames the coding covers: `FIRST_TO_LAST`, `ALL` of the videos that the file names, or
        what the events are called that span them.
    fps
        Frames a second, where the table has no times.
    first
        The number of the frame at second 0.
    """

    file: Path
    covered: str = FIRST_TO_LAST
    fps: float | None = None
    first: int = 0


def events_on_frames(
    rows: pd.DataFrame,
    time: pd.Series | None,
    timeline: Timeline,
    source: str,
    defects: list[Defect],
) -> tuple[pd.DataFrame, pd.Series | None]:
    """Give every frame the action units and the phase that events say.

    Parameters
    ----------
    rows
        ``sequence`` and ``frame`` of a table, where it has them.
    time
        Its column of seconds, or None.
    timeline
        How both meet.
    source
        The table's name, for messages.
    defects
        Takes what is wrong.

    Returns
    -------
    DataFrame
        float32 columns ``AU12``, and ``AU12_intensity`` where any event is graded, rows as in
        `rows`. An action unit is present in the frames from the start of an event to before its
        stop (of frame numbers: the stop included), absent in the other frames that the coding
        covers, unknown elsewhere. It is unknown, too, where an event tells of a part of the face,
        is in doubt, or has one end only; and wherever it would be absent in a video with an event
        of it that has no duration, for how long that was is not said.
    Series or None
        The phases that events called apex, onset … say; None where there are none.
    """
    none = pd.DataFrame(index=rows.index), None
    events = read_events(timeline.file, defects)
    if events is None:
        return none
    place = _places(rows, time, events, timeline, source, defects)
    if place is None:
        return none
    video = sequences_of(events, rows["sequence"], timeline.file.name, source, defects)
    if video is None or not _spans(events, timeline, defects):
        return none
    units = pd.DataFrame(np.nan, rows.index, events.codes.columns)
    phase = pd.Series(pd.NA, index=rows.index, dtype="string")
    unseen = 0
    for name, found in place.groupby(rows["sequence"], sort=True):
        own = (video == name).fillna(False).to_numpy(dtype=bool)
        if not own.any():
            continue
        table, codes = events.table[own], events.codes[own]
        at = found.to_numpy(dtype=np.float64)
        shown = _shown(at, table, events.in_frames)
        unseen += int((~shown.any(axis=1) & np.isfinite(at).any() & table["coded"]).sum())
        covered = _covered(at, table, shown, timeline.covered, events.in_frames)
        for column in codes.columns:
            if column in ACTION_UNITS:
                units.loc[found.index, column] = _present(codes[column], table, shown, covered)
        for column in codes.columns.difference(list(ACTION_UNITS)):
            unit = column.split("_")[0]
            sure = shown & (codes[unit] == 1).to_numpy(dtype=bool)[:, None]
            present = units.loc[found.index, unit].to_numpy(dtype=np.float64)
            units.loc[found.index, column] = _grades(codes[column], present, sure)
        for word, moment in zip(table["phase"], shown, strict=True):
            if isinstance(word, str):
                phase.loc[found.index[moment]] = word
    _tell(events, video, unseen, timeline.file.name, defects)
    return units.astype(np.float32), phase if phase.notna().any() else None


def _places(
    rows: pd.DataFrame,
    time: pd.Series | None,
    events: Events,
    timeline: Timeline,
    source: str,
    defects: list[Defect],
) -> pd.Series | None:
    """Give where each frame lies in its video: its number, or its second."""
    if "sequence" not in rows.columns:
        needed = "of the video of each frame (sequence=COLUMN)"
    elif not events.in_frames and time is not None:
        return numbers(time)
    elif "frame" not in rows.columns:
        needed = "of frame numbers (frame=COLUMN)"
        if not events.in_frames:
            needed = "of times in seconds (time=COLUMN), nor one of frame numbers with fps="
    elif events.in_frames:
        return rows["frame"]
    elif timeline.fps is not None:
        return (rows["frame"] - timeline.first) / timeline.fps
    else:
        needed = "of times in seconds (time=COLUMN), and fps= does not say how long a frame is"
    message = f"{source} has no column {needed}, which the events of {timeline.file.name} need"
    defects.append(Defect("missing column", source, message))
    return None


def _spans(events: Events, timeline: Timeline, defects: list[Defect]) -> bool:
    """Tell whether it is known which frames the coding covers."""
    called = events.table["what"]
    if timeline.covered in (FIRST_TO_LAST, ALL) or (called == timeline.covered).any():
        return True
    message = (
        f"covered is {timeline.covered!r}, and no event of {timeline.file.name} is called so: "
        f"expected {FIRST_TO_LAST}, {ALL} or one of {few(sorted(called.unique()), 8)}"
    )
    defects.append(Defect("missing column", timeline.file.name, message))
    return False


def _shown(
    at: Float[np.ndarray, " frame"], table: pd.DataFrame, in_frames: bool
) -> Bool[np.ndarray, "event frame"]:
    """Tell which frames each event is in; one without duration is in the frame that is shown."""
    start, stop = (table[end].to_numpy(dtype=np.float64)[:, None] for end in ("start", "stop"))
    if in_frames:
        return np.asarray((at >= start) & (at <= stop))
    inside = (at >= start - _HALF) & (at < stop - _HALF)
    past = np.where(at <= start + _HALF, at, -np.inf)
    last = past.max(axis=1, keepdims=True, initial=-np.inf)
    moment = (at == last) & np.isfinite(last)
    return np.asarray(np.where(start == stop, moment, inside))


def _covered(
    at: Float[np.ndarray, " frame"],
    table: pd.DataFrame,
    shown: Bool[np.ndarray, "event frame"],
    covered: str,
    in_frames: bool,
) -> Bool[np.ndarray, " frame"]:
    if covered == ALL:
        return np.asarray(np.isfinite(at))
    if covered != FIRST_TO_LAST:
        return np.asarray(shown[(table["what"] == covered).to_numpy(dtype=bool)].any(axis=0))
    telling = table[table["coded"] | table["phase"].notna()]
    ends = telling[["start", "stop"]].to_numpy(dtype=np.float64)
    ends = ends[np.isfinite(ends)]
    if not len(ends):
        return np.zeros(len(at), dtype=bool)
    span = pd.DataFrame({"start": [ends.min()], "stop": [ends.max()]})
    return np.asarray(_shown(at, span, in_frames)[0])


def _present(
    codes: pd.Series,
    table: pd.DataFrame,
    shown: Bool[np.ndarray, "event frame"],
    covered: Bool[np.ndarray, " frame"],
) -> Float[np.ndarray, " frame"]:
    """Lay the events of one action unit over the frames of a video."""
    told = table["coded"].to_numpy(dtype=bool) & ~(codes == 0).to_numpy(dtype=bool)
    whole = told & table["whole"].to_numpy(dtype=bool)
    sure = whole & (codes == 1).to_numpy(dtype=bool)
    values = np.where(covered, 0.0, np.nan)
    if (told & table["brief"].to_numpy(dtype=bool)).any():
        values[:] = np.nan
    values[shown[told & ~sure].any(axis=0)] = np.nan
    values[shown[sure].any(axis=0)] = 1.0
    return values


def _grades(
    codes: pd.Series,
    present: Float[np.ndarray, " frame"],
    shown: Bool[np.ndarray, "event frame"],
) -> Float[np.ndarray, " frame"]:
    """Give the grade of the one event that a frame is in, or of several that agree."""
    grade = codes.to_numpy(dtype=np.float64)[:, None]
    high = np.where(shown, grade, -np.inf).max(axis=0, initial=-np.inf)  # NaN where not graded
    low = np.where(shown, grade, np.inf).min(axis=0, initial=np.inf)
    return np.where(present == 0, 0.0, np.where((present == 1) & (high == low), high, np.nan))


def _tell(events: Events, video: pd.Series, unseen: int, file: str, defects: list[Defect]) -> None:
    """Count the events of which too little is said."""
    table = events.table[video.notna() & events.table["coded"]]
    brief, unended = table[table["brief"]], table[~table["whole"] & ~table["brief"]]
    notes = []
    if len(brief):
        notes.append(
            f"{file} has events without duration: {tally(brief['what'])}; how long they last is "
            f"not said, so these action units are nowhere absent in their videos, but unknown"
        )
    if len(unended):
        notes.append(
            f"{file} has events with a start or a stop alone, or none: {tally(unended['what'])}; "
            f"their action units are unknown there"
        )
    if unseen:
        notes.append(
            f"{unseen} event{'s' * (unseen != 1)} of {file} with no frame of the table: ignored"
        )
    defects.extend(Defect("left out", file, note, "warning") for note in notes)
