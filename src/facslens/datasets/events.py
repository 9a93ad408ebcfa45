"""Events that somebody coded in videos with ELAN or BORIS: what, from when, until when."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from facslens.action_units import ACTION_UNITS, tells_of_action_unit
from facslens.datasets.columns import numbers, read_csv, row_name
from facslens.datasets.defects import Defect, Found, few, one_a_cause, tally
from facslens.datasets.facs import facs_values, is_facs
from facslens.datasets.phases import phase_of

#: In which unit a column of times is, by what is left of its name without signs and case. ELAN has
#: ``Begin Time - ss.msec``, ``- msec`` and ``- hh:mm:ss.ms``; BORIS ``Start (s)``, ``Image index
#: start``.
_STARTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("starts", "begintimessmsec", "begintimehhmmssms"), "seconds"),
    **dict.fromkeys(("start", "onset", "begin", "begintime", "starttime"), "seconds"),
    **dict.fromkeys(("begintimemsec", "startms", "onsetms"), "milliseconds"),
    **dict.fromkeys(("startframe", "onsetframe", "beginframe", "imageindexstart"), "frames"),
}
_STOPS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("stops", "endtimessmsec", "endtimehhmmssms"), "seconds"),
    **dict.fromkeys(("stop", "offset", "end", "endtime", "stoptime"), "seconds"),
    **dict.fromkeys(("endtimemsec", "stopms", "offsetms"), "milliseconds"),
    **dict.fromkeys(("stopframe", "offsetframe", "endframe", "imageindexstop"), "frames"),
}
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "what": ("behavior", "behaviour", "tier", "tiername", "code", "event"),
    "value": ("value", "annotation", "modifiers", "modifier1", "modifier"),
    "kind": ("behaviortype", "behaviourtype", "status"),
    "time": ("time",),
    "person": ("subject",),
    "observation": ("observationid",),
}
#: Columns that may name the video, in the order in which they are tried.
_VIDEOS: Final = (
    "sequence", "video", "clip", "mediafilename", "mediafile", "mediafilepath", "file", "filename",
    "observationid",
)  # fmt: skip
#: Tiers that hold codes as their values.
_CODED: Final = ("au", "aus", "facs", "actionunit", "actionunits")
_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
# a B alone is a grade, before a grade the bottom lip
_GRADE: Final = re.compile(
    r"(?P<part>[LRT]|B(?=[A-E1-5]))?(?P<grade>[A-E1-5]?)(?P<doubt>\??)", re.I
)
_NUMBERS: Final = {unit.name: code for code, unit in ACTION_UNITS.items()}
_SIDES: Final = {"left": "L", "right": "R", "unilateral": "L", "none": ""}


@dataclass(frozen=True)
class Events:
    """The events of a file.

    Parameters
    ----------
    table
        One row an event: ``row`` (of the file), ``what``, ``start`` and ``stop`` (infinite where
        they are not known), ``brief`` (no duration), ``whole`` (a duration that is known),
        ``phase``, and ``coded`` (it names action units).
    codes
        As `facs_values` gives them, a row an event: 1 present, 0 not named, NaN named for a part of
        the face or with doubt; all NaN for events that name none.
    videos
        What may name the video of each event: its columns, in the order in which they are tried.
    single
        Of which ``person`` and ``observation`` each event is, where the file says it.
    in_frames
        Whether start and stop are numbers of frames; otherwise they are seconds.
    """

    table: pd.DataFrame
    codes: pd.DataFrame
    videos: pd.DataFrame
    single: Mapping[str, pd.Series]
    in_frames: bool


def read_events(file: Path, defects: list[Defect]) -> Events | None:
    """Read a table of events, as ELAN and BORIS export them, with a header line.

    Parameters
    ----------
    file
        A row an event with its start and its stop ("aggregated events" of BORIS; ELAN's
        tab-delimited text), a row a start or stop ("tabular events" of BORIS), or a column a tier
        (ELAN, "separate column for each tier").
    defects
        Takes what is wrong, and as warnings what names no action unit.

    Returns
    -------
    Events or None
        None where the file is no such table.
    """
    cells = read_csv(file, defects)
    if cells.empty:
        return None
    plain = {_plain(name): str(name) for name in reversed(cells.columns)}
    named = {
        own: next((plain[n] for n in names if n in plain), None) for own, names in _NAMES.items()
    }
    starts = next((name for name in _STARTS if name in plain), None)
    stops = next(
        (n for n in _STOPS if n in plain and starts and _STOPS[n] == _STARTS[starts]), None
    )
    if starts and stops:
        unit = _STARTS[starts]
        table = pd.DataFrame(
            {
                "start": _times(cells[plain[starts]], unit, file.name, defects),
                "stop": _times(cells[plain[stops]], unit, file.name, defects),
            }
        )
        table["row"] = table.index
        if not named["what"] and not named["value"]:
            cells, table = _by_tier(cells, table, {plain[starts], plain[stops]})
            named |= {"what": "tier", "value": "value"}
    elif named["time"] and named["kind"] and named["what"]:
        unit = "seconds"
        time = _times(cells[named["time"]], unit, file.name, defects)
        keys = [name for name in (named["what"], named["value"], named["person"]) if name]
        keys += [plain[name] for name in _VIDEOS if name in plain]
        table = _paired(time, cells[named["kind"]], cells[keys])
    else:
        message = (
            f"{file} has no header line with columns for the start and the stop of events: "
            f"expected such as Begin Time - ss.msec and End Time - ss.msec, Start (s) and Stop "
            f"(s), or Time with Behavior type, it has {few(cells.columns, 8)}"
        )
        defects.append(Defect("missing column", str(file), message))
        return None
    cells = cells.loc[table.index]
    what = cells[named["what"] or named["value"]].fillna("")
    value = cells[named["value"]].fillna("") if named["value"] else what.mask(what != "", "")
    table = table.assign(what=what.where(what != "", value))
    table["phase"] = [phase_of(a) or phase_of(b) for a, b in zip(what, value, strict=True)]
    table = _in_order(table, file.name, unit == "frames", defects)
    written = [_code(tier, text) for tier, text in zip(what, value, strict=True)]
    facs = pd.Series(written, index=what.index, dtype="string")
    codes = facs_values(facs, "an event", file.name, defects)
    table["coded"] = facs.notna()
    ignored = table["what"][~table["coded"] & table["phase"].isna()]
    if len(ignored):
        message = f"{file.name} has events that name no action unit, ignored: {tally(ignored)}"
        defects.append(Defect("left out", file.name, message, "warning"))
    single = {what: cells[named[what]] for what in ("person", "observation") if named[what]}
    if "person" in single:
        nobody = single["person"].str.lower() == "no focal subject"  # BORIS, where none was chosen
        single["person"] = single["person"].mask(nobody)
    videos = cells[[plain[name] for name in _VIDEOS if name in plain]]
    return Events(table, codes, videos, single, unit == "frames")


def _plain(name: object) -> str:
    return "".join(letter for letter in str(name).lower() if letter.isalnum())


def _times(cells: pd.Series, unit: str, source: str, defects: list[Defect]) -> pd.Series:
    """Read times in seconds or numbers of frames; what is none is NaN, and reported."""
    found = numbers(cells.str.replace(",", "."))
    clock = cells.str.extract(_CLOCK.pattern).where(
        cells.str.fullmatch(_CLOCK.pattern).fillna(False)
    )
    hours, minutes, seconds = (numbers(clock[part]) for part in range(3))
    found = found.fillna(hours.fillna(0) * 3600 + minutes * 60 + seconds)
    wrong = [
        Found(
            cells.name,
            repr(cell),
            Defect(
                "bad value",
                row_name(index, source),
                f"{row_name(index, source)}: {cells.name} is {cell!r}: expected a number of "
                f"{unit}, or a time such as 00:01:02.345",
            ),
        )
        for index, cell in cells[found.isna() | ~np.isfinite(found)].items()
    ]
    defects.extend(one_a_cause(wrong))
    return found.where(np.isfinite(found)) / (1000 if unit == "milliseconds" else 1)


def _by_tier(
    cells: pd.DataFrame, table: pd.DataFrame, times: set[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make a row of every cell of a column that is a tier."""
    tiers = [
        name
        for name in cells.columns
        if name not in times
        and (tells_of_action_unit(name) or phase_of(name) or _plain(name) in _CODED)
    ]
    others = cells.drop(columns=tiers)
    parts = [others.assign(tier=tier, value=cells[tier])[cells[tier].notna()] for tier in tiers]
    long = pd.concat([others.iloc[:0].assign(tier="", value=""), *parts])
    rows = long.index
    table = table.loc[rows].reset_index(drop=True)
    return long.reset_index(drop=True), table


def _paired(time: pd.Series, kind: pd.Series, keys: pd.DataFrame) -> pd.DataFrame:
    """Pair the starts and stops of events; one without the other is open at that end."""
    begun: dict[tuple[str, ...], tuple[int, float]] = {}
    rows: dict[int, tuple[float, float]] = {}
    names = keys.fillna("").itertuples(index=False, name=None)
    for index, at, word, key in zip(
        time.index, time, kind.fillna("").str.upper(), names, strict=True
    ):
        if word == "START":
            if key in begun:
                row, start = begun.pop(key)
                rows[row] = (start, np.inf)
            begun[key] = (index, at)
        elif word == "STOP":
            row, start = begun.pop(key, (index, -np.inf))
            rows[row] = (start, at)
        else:
            rows[index] = (at, at)
    rows |= {row: (start, np.inf) for row, start in begun.values()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["start", "stop"]).sort_index()
    return table.assign(row=table.index)


def _in_order(
    table: pd.DataFrame, source: str, in_frames: bool, defects: list[Defect]
) -> pd.DataFrame:
    """Report events that end before they begin; when they happened is unknown."""
    turned = table["stop"] < table["start"]
    if turned.any():
        first = table[turned].iloc[0]
        row = row_name(int(first["row"]), source)
        more = f"; {int(turned.sum()) - 1} more like it" if turned.sum() > 1 else ""
        message = (
            f"{row}: the event {first['what']!r} begins at {first['start']:g} and ends at "
            f"{first['stop']:g}: expected the end after the begin{more}"
        )
        defects.append(Defect("bad value", row, message))
    unknown = turned | table[["start", "stop"]].isna().any(axis=1)
    table = table.assign(
        start=table["start"].mask(unknown, -np.inf), stop=table["stop"].mask(unknown, np.inf)
    )
    ends = table[["start", "stop"]].to_numpy(dtype=np.float64)
    finite = np.isfinite(ends).all(axis=1)
    brief = finite & (ends[:, 0] == ends[:, 1])
    if in_frames:  # then it lasts for that frame
        brief[:] = False
    return table.assign(brief=brief, whole=finite & ~brief)


def _code(tier: str, text: str) -> str | None:
    """Write what an event says as FACS codes; None where it names no action unit.

    What cannot be read for sure makes all action units that it names uncertain.
    """
    own = _NUMBERS.get(tier.lower(), tier)
    if not tells_of_action_unit(own):
        if not tells_of_action_unit(text) and _plain(tier) not in _CODED:
            return None
        own, text = _NUMBERS.get(text.lower(), text), ""
        if not any(map(str.isdigit, own)):
            return None
    said = _GRADE.fullmatch(_SIDES.get(text.lower(), text))
    number = re.fullmatch(r"(?i)(?:AU|action unit)[ _-]?(\d{1,2})", own)
    if number and said:
        grade = said["grade"].upper()
        grade = "ABCDE"[int(grade) - 1] if grade.isdigit() else grade
        return f"{(said['part'] or '').upper()}{number[1]}{grade}{said['doubt']}"
    if is_facs(own):
        return own
    return "+".join(f"{number}?" for number in re.findall(r"\d{1,2}", own))
