"""Any CSV file with one row per image: paths, expressions, action units in known spellings."""

import posixpath
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from facslens.action_units import KINDS
from facslens.datasets.archive import state_of
from facslens.datasets.coding import PEOPLE, Coding
from facslens.datasets.columns import UNKNOWN, au_values, numbers, read_csv, row_name
from facslens.datasets.conflicts import check_split, without_conflicts
from facslens.datasets.defects import Defect, Found, few, one_a_cause
from facslens.datasets.facs import facs_values
from facslens.datasets.files import find_file
from facslens.datasets.labels import (
    EXPRESSIONS,
    LABELS_HINT,
    PHASES,
    SPLITS,
    UNKNOWN_LABEL,
    expression_of,
    split_name,
)
from facslens.datasets.layout import (
    EXPRESSIONS_KEY,
    Key,
    Layout,
    above_0,
    folder_or_file,
    numbers_or_names,
    one_of,
)
from facslens.datasets.phases import bounded_phases, phase_of
from facslens.datasets.reading import Reading
from facslens.datasets.timeline import ALL, FIRST_TO_LAST, Timeline, events_on_frames
from facslens.names import printable

#: The names that a column may have when the call names none; OpenFace and py-feat included.
_NAMES: Final = {
    "path": ("path", "image", "file", "filename", "file_name", "image_path", "input"),
    "expression": ("expression", "emotion", "label"),
    "subject": ("subject", "subject_id", "person", "identity"),
    "sequence": ("sequence", "video", "clip"),
    "frame": ("frame",),
    "episode": (),
    "phase": ("phase",),
    "time": ("time", "timestamp"),
    "split": ("split", "usage"),
    "facs": ("facs", "facs_code", "facs_codes"),
}
_NO_COLUMN: Final = "none"


def read_table(
    file: Path,
    *,
    path: str | None = None,
    expression: str | None = None,
    subject: str | None = None,
    sequence: str | None = None,
    frame: str | None = None,
    episode: str | None = None,
    phase: str | None = None,
    time: str | None = None,
    split: str | None = None,
    facs: str | None = None,
    images: Path | None = None,
    kind: str = "presence",
    present: float | None = None,
    unknown: tuple[float, ...] = (),
    labels: Mapping[str, str] = MappingProxyType({}),
    events: Path | None = None,
    covered: str = FIRST_TO_LAST,
    fps: float | None = None,
    first: int = 0,
) -> Reading:
    """Read faces from the rows of a CSV file.

    Parameters
    ----------
    file
        The table, with a header line.
    path, expression, subject, sequence, frame, episode, phase, time, split, facs
        Names of columns, ``"none"`` for none. By default they are looked for under usual
        names, but for the episode; the first two have to be there. An episode is a part of a
        sequence that counts by itself; frames of no episode are left out. Without a column of
        phases they are read from onset, apex and offset frames (see
        `facslens.datasets.phases.bounded_phases`). Splits are train, val, valid, validation, dev
        and test, or FER2013's Training, PublicTest (validation) and PrivateTest (test). FACS codes
        are read by `facslens.datasets.facs.facs_values`.
    images
        The folder that relative paths start from; by default the table's own.
    kind
        What action-unit columns without a suffix hold (see `au_values`).
    present
        Where only the intensity or probability of an action unit is given, it counts as
        present from this value on. By default its presence is unknown.
    unknown
        Numbers that stand for an unknown action unit or expression.
    labels
        What other words for expressions mean (see `facslens.datasets.labels.parse_labels`).
    events, covered, fps, first
        A file of events that people coded in the videos, and how it meets the frames (see
        `facslens.datasets.timeline.Timeline`).
    """
    defects: list[Defect] = []
    cells = read_csv(file, defects)
    wanted = {
        "path": path,
        "expression": expression,
        "subject": subject,
        "sequence": sequence,
        "frame": frame,
        "episode": episode,
        "phase": phase,
        "time": time if events is not None else _NO_COLUMN,
        "split": split,
        "facs": facs,
    }
    found = {own: _column(own, name, cells, file, defects) for own, name in wanted.items()}
    if found["path"] is None:
        return Reading(file.stem, pd.DataFrame(), tuple(defects))
    coded, seconds = found.pop("facs"), found.pop("time")
    rows = pd.DataFrame({own: cells[name] for own, name in found.items() if name is not None})
    _read_paths(rows, images if images is not None else file.parent, file.name, defects)
    if "split" in rows.columns:
        check_split(rows["split"], file.name, defects)
    if "expression" in rows.columns:
        rows["expression"] = rows["expression"].mask(numbers(rows["expression"]).isin(unknown))
    expected = f"{', '.join(EXPRESSIONS)} or empty ({LABELS_HINT})"
    _read_words(
        rows, "expression", partial(expression_of, labels=labels), expected, file.name, defects
    )
    if "expression" in rows.columns:
        rows["expression"] = rows["expression"].mask(rows["expression"] == UNKNOWN_LABEL)
    _read_words(rows, "split", split_name, f"{', '.join(SPLITS)} or empty", file.name, defects)
    _read_frames(rows, file.name, defects)
    rows = _with_phases(rows, cells, phase, file.name, defects)
    units = au_values(cells, file.name, defects, kind, unknown)
    if coded is not None:
        units = _with_codes(
            units, facs_values(cells[coded], coded, file.name, defects), file.name, defects
        )
    codings: dict[str, Coding] = {}
    if events is not None:
        shown, phases = events_on_frames(
            rows,
            None if seconds is None else cells[seconds],
            Timeline(events, covered, fps, first),
            file.name,
            defects,
        )
        units = _with_codes(units, shown, file.name, defects, "events")
        codings = dict.fromkeys(shown.columns, PEOPLE)
        if phases is not None and "phase" not in rows.columns:
            rows["phase"] = phases
    units = _with_presence(units, present)
    rows = _in_episodes(rows.join(units)[rows["image"].notna()].copy(), file.name, defects)
    rows = without_conflicts(rows, file.name, defects)
    return Reading(file.stem, rows, tuple(defects), codings=codings)


def _column(
    own: str, name: str | None, cells: pd.DataFrame, file: Path, defects: list[Defect]
) -> str | None:
    """Find a column, by the name that the call gives or by a usual one."""
    if name == _NO_COLUMN and own != "path":
        return None
    by_name = {str(column).lower(): str(column) for column in reversed(cells.columns)}
    usual = (name.lower(),) if name is not None else _NAMES[own]
    for candidate in usual:
        if candidate in by_name:
            return by_name[candidate]
    needed = name is not None or own in ("path", "expression")
    if needed and len(cells.columns):
        hint = "" if own == "path" else f", or {own}=none"
        message = (
            f"{file} lacks the column for the {own}: expected {few(usual, 8)}, it has "
            f"{few(cells.columns, 8)}; name it with {own}=COLUMN{hint}"
        )
        defects.append(Defect("missing column", str(file), message))
    return None


def _read_paths(rows: pd.DataFrame, root: Path, source: str, defects: list[Defect]) -> None:
    """Replace the written paths by those of files, and name the images after what is written."""
    wrong: list[Found] = []
    images: list[str | None] = []
    files: list[str] = []
    seen: set[str] = set()
    for index, cell in zip(rows.index, rows["path"], strict=True):
        row = row_name(index, source)
        written = None if pd.isna(cell) else posixpath.normpath(cell.replace("\\", "/"))
        image = None if written is None else find_file(root, written)
        file = root if image is None else (root / image).absolute()
        if written is None:
            message = f"{row} has no path: expected an image file"
            wrong.append(Found("no path", "", Defect("bad value", row, message)))
        elif image is None:
            state = state_of(root / written)
            message = f"{row}: the image {cell} {state} in {root}"
            wrong.append(Found(state, "", Defect("missing path", row, message)))
        elif image in seen:
            message = f"{row}: the image {image} occurs twice: expected one row per image"
            wrong.append(Found("twice", "", Defect("duplicate name", row, message)))
            image = None
        else:
            seen.add(image)
        images.append(None if image is None else printable(image))
        files.append(str(file))
    defects.extend(one_a_cause(wrong))
    rows["image"], rows["path"] = images, files


def _read_words(
    rows: pd.DataFrame,
    column: str,
    canonical_of: Callable[[str], str | None],
    expected: str,
    source: str,
    defects: list[Defect],
) -> None:
    """Replace the words of a column by canonical ones; unknown words become missing."""
    if column not in rows.columns:
        return
    canonical: list[str | None] = []
    wrong: list[Found] = []
    for index, cell in zip(rows.index, rows[column], strict=True):
        word = None
        if not pd.isna(cell):
            word = canonical_of(cell)
            if word is None:
                row = row_name(index, source)
                message = f"{row}: {cell!r} is no {column}: expected {expected}"
                wrong.append(Found("word", repr(cell), Defect("bad value", row, message)))
        canonical.append(word)
    defects.extend(one_a_cause(wrong))
    rows[column] = pd.array(canonical, dtype="string")


def _read_frames(rows: pd.DataFrame, source: str, defects: list[Defect]) -> None:
    if "frame" not in rows.columns:
        return
    frames = numbers(rows["frame"])
    is_wrong = rows["frame"].notna() & ~((frames % 1 == 0) & (frames.abs() < 2**53))
    wrong: list[Found] = []
    for index, cell in zip(rows.index[is_wrong], rows["frame"][is_wrong], strict=True):
        row = row_name(index, source)
        message = f"{row}: frame is {cell!r}: expected a whole number or empty"
        wrong.append(Found("frame", repr(cell), Defect("bad value", row, message)))
    defects.extend(one_a_cause(wrong))
    rows["frame"] = frames.mask(is_wrong)


def _with_phases(
    rows: pd.DataFrame, cells: pd.DataFrame, name: str | None, source: str, defects: list[Defect]
) -> pd.DataFrame:
    """Read the column of phases, or else those that tell where a movement begins and ends."""
    if "phase" in rows.columns or name == _NO_COLUMN:
        _read_words(rows, "phase", phase_of, f"{', '.join(PHASES)} or empty", source, defects)
        return rows
    found = bounded_phases(cells, rows.get("frame"), source, defects)
    return rows if found is None else rows.assign(phase=found)


def _in_episodes(rows: pd.DataFrame, source: str, defects: list[Defect]) -> pd.DataFrame:
    """Let each episode of a sequence be a sequence, and leave out frames of none."""
    if "episode" not in rows.columns:
        return rows
    outside = rows["episode"].isna()
    if outside.any():
        message = (
            f"{int(outside.sum())} of {len(rows)} rows of {source} are in no episode: left out"
        )
        defects.append(Defect("left out", source, message, "warning"))
    episode = rows["episode"].astype("string")
    if "sequence" in rows.columns:
        episode = rows["sequence"].astype("string") + ", " + episode
    return rows.assign(sequence=episode).drop(columns="episode")[~outside]


def _with_codes(
    units: pd.DataFrame,
    coded: pd.DataFrame,
    source: str,
    defects: list[Defect],
    what: str = "FACS codes",
) -> pd.DataFrame:
    """Add the action units of FACS codes or events to those of columns; report what has both."""
    known = {column.split("_")[0] for column in units.columns}
    both = [column for column in coded.columns if column.split("_")[0] in known]
    if both:
        message = f"{source} has columns and {what} for {few(both)}: expected one of them"
        defects.append(Defect("bad table", source, message))
    return units.join(coded.drop(columns=both))


def _with_presence(units: pd.DataFrame, present: float | None) -> pd.DataFrame:
    """Add the presence of action units whose intensity or probability reaches a value."""
    if present is None:
        return units
    added = {}
    for column in units.columns:
        code = column.split("_")[0]
        if code not in units.columns and code not in added:
            reached = (units[column] >= present).astype(np.float32)
            added[code] = reached.where(units[column].notna())
    return units.assign(**added)


TABLE: Final = Layout(
    summary="any CSV file with one row per image, action units in any known spelling",
    path="the CSV file, with commas, semicolons or tabs; only empty cells are unknown",
    read=read_table,
    keys={
        "path": Key("the column of image paths"),
        "expression": Key("the column of expressions, or none"),
        "subject": Key("the column of subjects, or none"),
        "sequence": Key("the column of sequences, or none"),
        "frame": Key("the column of frame numbers, or none"),
        "episode": Key("a column that cuts sequences into episodes, which count by themselves"),
        "phase": Key(f"the column of phases ({', '.join(PHASES)}), or none"),
        "events": Key(
            "a file of events that people coded with ELAN or BORIS, for the frames of the table",
            folder_or_file,
        ),
        "covered": Key(
            f"which frames the events cover: {FIRST_TO_LAST}, from a video's first to its last "
            f"(default); {ALL} of its frames; or what the events are called that span them"
        ),
        "time": Key("the column of times in seconds that events need, or none"),
        "fps": Key("frames a second, where events have seconds and frames have numbers", above_0),
        "first": Key("the number of the frame at second 0 (default 0)", int),
        "split": Key("the column of splits (train, val, test, or FER2013's Usage), or none"),
        "facs": Key("the column of FACS codes such as 6+12C+L14, or none"),
        "images": Key("where relative paths start (default the table's folder)", folder_or_file),
        "kind": Key(f"what columns such as AU12 hold: {', '.join(KINDS)}", one_of(*KINDS)),
        "present": Key(
            "a number from which on an intensity or probability counts as presence", float
        ),
        "labels": EXPRESSIONS_KEY,
        "unknown": Key(
            "numbers that stand for an unknown action unit or expression, or a dataset whose "
            f"number it is: {', '.join(f'{n} ({v:g})' for n, v in UNKNOWN.items())}",
            numbers_or_names(UNKNOWN),
        ),
    },
)
