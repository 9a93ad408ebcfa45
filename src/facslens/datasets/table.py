"""Any CSV file with one row per image: paths, expressions, action units in known spellings."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from facslens.action_units import KINDS
from facslens.datasets.cells import (
    NO_COLUMN,
    find_column,
    in_episodes,
    read_frames,
    read_paths,
    read_words,
    with_phases,
)
from facslens.datasets.coding import PEOPLE, Coding, parse_coding
from facslens.datasets.columns import UNKNOWN, au_values, numbers, read_csv, value_columns
from facslens.datasets.conflicts import check_split, without_conflicts
from facslens.datasets.defects import Defect, few
from facslens.datasets.facs import facs_values
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
from facslens.datasets.made_paths import PATHS_HINT, is_pattern, made_paths
from facslens.datasets.programs import Origins, codings_of_values, origins_of, prepared
from facslens.datasets.reading import Reading
from facslens.datasets.timeline import ALL, FIRST_TO_LAST, Timeline, events_on_frames
from facslens.datasets.translation import translated

_ARTICLES: Final = {"intensity": "an", "probability": "a"}


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
    kind: str | None = None,
    present: float | None = None,
    unknown: tuple[float, ...] = (),
    labels: Mapping[str, str] = MappingProxyType({}),
    aus: Path | None = None,
    coded: Coding | None = None,
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
        names, but for the episode; the first two have to be there. A path may be made from columns
        (see `facslens.datasets.made_paths.made_paths`). An episode is a part of a
        sequence that counts by itself; frames of no episode are left out. Without a column of
        phases they are read from onset, apex and offset frames (see
        `facslens.datasets.phases.bounded_phases`). Splits are train, val, valid, validation, dev
        and test, or FER2013's Training, PublicTest (validation) and PrivateTest (test). FACS codes
        are read by `facslens.datasets.facs.facs_values`.
    images
        The folder that relative paths start from; by default the table's own.
    kind
        What action-unit columns without a suffix hold (see `au_values`): by default what the
        program writes that is known by its columns, else presence.
    present
        Where only the intensity or probability of an action unit is given, it counts as
        present from this value on. By default its presence is unknown.
    unknown
        Numbers that stand for an unknown action unit or expression.
    labels
        What other words for expressions mean (see `facslens.datasets.labels.parse_labels`).
    aus
        A table that says which columns are which action units (see
        `facslens.datasets.translation`); then no other column is read as one.
    coded
        Who coded the action units that no program is known to have written.
    events, covered, fps, first
        A file of events that people coded in the videos, and how it meets the frames (see
        `facslens.datasets.timeline.Timeline`).
    """
    defects: list[Defect] = []
    cells = read_csv(file, defects)
    origins = origins_of(cells.columns)
    if aus is None:
        cells = prepared(cells, origins, file.name, defects, kind)
    made = path is not None and is_pattern(path)
    if path is not None and made and len(cells.columns):
        paths = made_paths(cells, path, file, defects)
        if paths is None:
            return Reading(file.stem, pd.DataFrame(), tuple(defects))
        cells = cells.assign(**{path: paths})
    wanted = {
        "path": path,
        "expression": expression,
        "subject": subject,
        "sequence": sequence,
        "frame": frame,
        "episode": episode,
        "phase": phase,
        "time": time if events is not None else NO_COLUMN,
        "split": split,
        "facs": facs,
    }
    found = {o: find_column(o, name, cells, file, defects, origins) for o, name in wanted.items()}
    if found["path"] is None:
        return Reading(file.stem, pd.DataFrame(), tuple(defects))
    facs_column, seconds, estimated = found.pop("facs"), found.pop("time"), found["expression"]
    rows = pd.DataFrame({own: cells[name] for own, name in found.items() if name is not None})
    root = images if images is not None else file.parent
    read_paths(rows, root, file.name, defects, made=made)
    if "split" in rows.columns:
        check_split(rows["split"], file.name, defects)
    if "expression" in rows.columns:
        rows["expression"] = rows["expression"].mask(numbers(rows["expression"]).isin(unknown))
    expected = f"{', '.join(EXPRESSIONS)} or empty ({LABELS_HINT})"
    read_words(
        rows, "expression", partial(expression_of, labels=labels), expected, file.name, defects
    )
    if "expression" in rows.columns:
        rows["expression"] = rows["expression"].mask(rows["expression"] == UNKNOWN_LABEL)
    read_words(rows, "split", split_name, f"{', '.join(SPLITS)} or empty", file.name, defects)
    read_frames(rows, file.name, defects)
    rows = with_phases(rows, cells, phase, file.name, defects)
    if aus is None:
        kinds = origins.kinds if kind is None else {}
        units = au_values(cells, file.name, defects, kind or "presence", unknown, kinds)
        written = value_columns(cells.columns, kind or "presence", kinds)
        written = {value: column for value, column in written.items() if value in units.columns}
    else:
        units, written = translated(cells, aus, file.name, defects)
    if facs_column is not None:
        codes = facs_values(cells[facs_column], facs_column, file.name, defects)
        units = _with_codes(units, codes, file.name, defects)
        written |= {value: facs_column for value in codes.columns if value not in written}
    codings = codings_of_values(written, origins, coded, file.name, defects)
    if events is not None:
        shown, phases = events_on_frames(
            rows,
            None if seconds is None else cells[seconds],
            Timeline(events, covered, fps, first),
            file.name,
            defects,
        )
        units = _with_codes(units, shown, file.name, defects, "events")
        codings |= {value: PEOPLE for value in shown.columns if value not in codings}
        if phases is not None and "phase" not in rows.columns:
            rows["phase"] = phases
    units, codings = _with_presence(units, present, codings)
    codings |= _estimated(estimated, origins, file.name, defects)
    rows = in_episodes(rows.join(units)[rows["image"].notna()].copy(), file.name, defects)
    rows = without_conflicts(rows, file.name, defects)
    return Reading(file.stem, rows, tuple(defects), codings=codings)


def _estimated(
    column: str | None, origins: Origins, source: str, defects: list[Defect]
) -> dict[str, Coding]:
    """Say of expressions that a program estimated whose they are."""
    for program in origins.programs:
        if program.coding is not None and column is not None and column == program.expression:
            message = f"the expressions of {source} were estimated by {program.coding.words}"
            defects.append(Defect("mixed codes", source, message, "warning"))
            return {"expression": program.coding}
    return {}


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


def _with_presence(
    units: pd.DataFrame, present: float | None, codings: dict[str, Coding]
) -> tuple[pd.DataFrame, dict[str, Coding]]:
    """Add the presence of action units whose intensity or probability reaches a value."""
    if present is None:
        return units, codings
    added = {}
    codings = dict(codings)
    for column in units.columns:
        code, _, kind = column.partition("_")
        if code not in units.columns and code not in added:
            reached = (units[column] >= present).astype(np.float32)
            added[code] = reached.where(units[column].notna())
            if column in codings:
                rule = f"present from {_ARTICLES[kind]} {kind} of {present:g} on"
                codings[code] = replace(codings[column], rule=rule)
    return units.assign(**added), codings


TABLE: Final = Layout(
    summary="any CSV file with one row per image, action units in any known spelling",
    path="the CSV file, with commas, semicolons or tabs; only empty cells are unknown",
    read=read_table,
    keys={
        "path": Key(f"the column of image paths, or a path made from columns, {PATHS_HINT}"),
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
        "kind": Key(
            f"what columns such as AU12 hold: {', '.join(KINDS)} (default presence, or what the "
            f"program writes whose table it is)",
            one_of(*KINDS),
        ),
        "present": Key(
            "a number from which on an intensity or probability counts as presence", float
        ),
        "labels": EXPRESSIONS_KEY,
        "aus": Key(
            "a CSV file that says which columns are which action units: column, au, kind, join",
            folder_or_file,
        ),
        "coded": Key(
            "who coded the action units: people, or the name of a program, where the columns do "
            "not tell",
            parse_coding,
        ),
        "unknown": Key(
            "numbers that stand for an unknown action unit or expression, or a dataset whose "
            f"number it is: {', '.join(f'{n} ({v:g})' for n, v in UNKNOWN.items())}",
            numbers_or_names(UNKNOWN),
        ),
    },
)
