"""Any CSV file with one row per image: paths, expressions, action units in known spellings."""

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from facslens.action_units import KINDS
from facslens.datasets.archive import state_of
from facslens.datasets.coding import Coding, parse_coding
from facslens.datasets.columns import (
    UNKNOWN,
    au_values,
    numbers,
    read_csv,
    row_name,
    value_columns,
)
from facslens.datasets.conflicts import check_split, without_conflicts
from facslens.datasets.defects import Defect, Found, few, one_a_cause
from facslens.datasets.facs import facs_values
from facslens.datasets.files import find_file, is_image
from facslens.datasets.frame_names import FRAMES_HINT, counts_frames, frame_names, parse_frames
from facslens.datasets.labels import (
    EXPRESSIONS,
    LABELS_HINT,
    SPLITS,
    UNKNOWN_LABEL,
    expression_of,
    split_name,
)
from facslens.datasets.layout import (
    EXPRESSIONS_KEY,
    Key,
    Layout,
    folder_or_file,
    numbers_or_names,
    one_of,
)
from facslens.datasets.programs import Origins, codings_of_values, origins_of, prepared
from facslens.datasets.reading import Reading
from facslens.datasets.translation import translated
from facslens.names import printable

#: The names that a column may have when the call names none; OpenFace and py-feat included.
_NAMES: Final = {
    "path": ("path", "image", "file", "filename", "file_name", "image_path", "input"),
    "expression": ("expression", "emotion", "label"),
    "subject": ("subject", "subject_id", "person", "identity"),
    "sequence": ("sequence", "video", "clip"),
    "frame": ("frame", "frame_idx"),
    "split": ("split", "usage"),
    "facs": ("facs", "facs_code", "facs_codes"),
}
_NO_COLUMN: Final = "none"
#: The column of the names that are made of frames; no table can have it, for names are stripped.
_NAMED: Final = " named"
_ARTICLES: Final = {"intensity": "an", "probability": "a"}


def read_table(
    file: Path,
    *,
    path: str | None = None,
    expression: str | None = None,
    subject: str | None = None,
    sequence: str | None = None,
    frame: str | None = None,
    split: str | None = None,
    facs: str | None = None,
    images: Path | None = None,
    frames: str | None = None,
    kind: str | None = None,
    present: float | None = None,
    unknown: tuple[float, ...] = (),
    labels: Mapping[str, str] = MappingProxyType({}),
    aus: Path | None = None,
    coded: Coding | None = None,
) -> Reading:
    """Read faces from the rows of a CSV file.

    Parameters
    ----------
    file
        The table, with a header line.
    path, expression, subject, sequence, frame, split, facs
        Names of columns, ``"none"`` for none. By default they are looked for under usual
        names; the first two have to be there. Splits are train, val, valid, validation, dev and
        test, or FER2013's Training, PublicTest (validation) and PrivateTest (test). FACS codes
        are read by `facslens.datasets.facs.facs_values`.
    images
        The folder that relative paths start from; by default the table's own.
    frames
        Names the picture of every row by the number of its frame, where the table has one row a
        frame and no path (see `facslens.datasets.frame_names`). Rows without a picture are left
        out, and counted.
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
    """
    defects: list[Defect] = []
    cells = read_csv(file, defects)
    origins = origins_of(cells.columns)
    if aus is None:
        cells = prepared(cells, origins, file.name, defects, kind)
    wanted = {
        "path": path,
        "expression": expression,
        "subject": subject,
        "sequence": sequence,
        "frame": frame,
        "split": split,
        "facs": facs,
    }
    if frames is not None:
        cells, wanted = _with_names(cells, frames, wanted, file, defects)
    found = {own: _column(own, name, cells, file, defects, origins) for own, name in wanted.items()}
    if found["path"] is None:
        return Reading(file.stem, pd.DataFrame(), tuple(defects))
    facs_column, estimated = found.pop("facs"), found["expression"]
    rows = pd.DataFrame({own: cells[name] for own, name in found.items() if name is not None})
    root = images if images is not None else file.parent
    _read_paths(rows, root, file.name, defects, is_film=frames is not None)
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
    units, codings = _with_presence(units, present, codings)
    codings |= _estimated(estimated, origins, file.name, defects)
    rows = rows.join(units)[rows["image"].notna()].copy()
    rows = without_conflicts(rows, file.name, defects)
    return Reading(file.stem, rows, tuple(defects), codings=codings)


def _with_names(
    cells: pd.DataFrame,
    pattern: str,
    wanted: dict[str, str | None],
    file: Path,
    defects: list[Defect],
) -> tuple[pd.DataFrame, dict[str, str | None]]:
    """Add a column of paths that are made from the numbers of frames."""
    frame = None
    if counts_frames(pattern):
        frame = _column("frame", wanted["frame"], cells, file, defects)
        if frame is None:
            if wanted["frame"] in (None, _NO_COLUMN) and len(cells.columns):
                message = (
                    f"{file} lacks the column for the frame, which frames={pattern} asks for: name "
                    f"it with frame=COLUMN, or count the rows with {{row}}"
                )
                defects.append(Defect("missing column", str(file), message))
            return pd.DataFrame(), wanted | {"path": None}
    numbered = pd.Series("", index=cells.index) if frame is None else cells[frame]
    named = frame_names(pattern, numbered)
    return cells.assign(**{_NAMED: named}), wanted | {"path": _NAMED}


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


def _column(
    own: str,
    name: str | None,
    cells: pd.DataFrame,
    file: Path,
    defects: list[Defect],
    origins: Origins | None = None,
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
        if own == "path" and origins is not None and origins.programs:
            hint = (
                f"; {origins.programs[0].name} may write one row a frame: then frames= names the "
                f"picture of each, {FRAMES_HINT}"
            )
        message = (
            f"{file} lacks the column for the {own}: expected {few(usual, 8)}, it has "
            f"{few(cells.columns, 8)}; name it with {own}=COLUMN{hint}"
        )
        defects.append(Defect("missing column", str(file), message))
    return None


def _read_paths(
    rows: pd.DataFrame, root: Path, source: str, defects: list[Defect], *, is_film: bool
) -> None:
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
            hint = "" if is_image(file) else " (frames= names the pictures of a video)"
            message = f"{row}: the image {image} occurs twice: expected one row per image{hint}"
            wrong.append(Found("twice", "", Defect("duplicate name", row, message)))
            image = None
        else:
            seen.add(image)
        images.append(None if image is None else printable(image))
        files.append(str(file))
    absent = [found for found in wrong if found.defect.kind == "missing path"]
    if is_film and absent and any(image is not None for image in images):
        wrong = [found for found in wrong if found.defect.kind != "missing path"]
        message = (
            f"{len(absent)} of {len(rows)} rows of {source} have no picture and are left out, the "
            f"first of them {absent[0].defect.message}"
        )
        defects.append(Defect("left out", source, message, "warning"))
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


def _with_codes(
    units: pd.DataFrame, coded: pd.DataFrame, source: str, defects: list[Defect]
) -> pd.DataFrame:
    """Add the action units of FACS codes to those of columns; report what has both."""
    known = {column.split("_")[0] for column in units.columns}
    both = [column for column in coded.columns if column.split("_")[0] in known]
    if both:
        message = f"{source} has columns and FACS codes for {few(both)}: expected one of them"
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
        "path": Key("the column of image paths"),
        "expression": Key("the column of expressions, or none"),
        "subject": Key("the column of subjects, or none"),
        "sequence": Key("the column of sequences, or none"),
        "frame": Key("the column of frame numbers, or none"),
        "split": Key("the column of splits (train, val, test, or FER2013's Usage), or none"),
        "facs": Key("the column of FACS codes such as 6+12C+L14, or none"),
        "images": Key("where relative paths start (default the table's folder)", folder_or_file),
        "frames": Key(f"names the picture of every row by its frame, {FRAMES_HINT}", parse_frames),
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
