"""Cells of a table that say what a face is: its image, expression, frame, phase, episode."""

import posixpath
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pandas as pd

from facslens.datasets.archive import state_of
from facslens.datasets.columns import numbers, row_name
from facslens.datasets.defects import Defect, Found, few, one_a_cause
from facslens.datasets.files import find_file, is_image
from facslens.datasets.labels import PHASES
from facslens.datasets.made_paths import PATHS_HINT
from facslens.datasets.phases import bounded_phases, phase_of
from facslens.datasets.programs import Origins
from facslens.names import printable

#: The names that a column may have when the call names none; OpenFace and py-feat included.
NAMES: Final = {
    "path": ("path", "image", "file", "filename", "file_name", "image_path", "input"),
    "expression": ("expression", "emotion", "label"),
    "subject": ("subject", "subject_id", "person", "identity"),
    "sequence": ("sequence", "video", "clip"),
    "frame": ("frame", "frame_idx"),
    "episode": (),
    "phase": ("phase",),
    "time": ("time", "timestamp"),
    "split": ("split", "usage"),
    "facs": ("facs", "facs_code", "facs_codes"),
}
#: What a call gives in place of a name where there is no such column.
NO_COLUMN: Final = "none"


def find_column(
    own: str,
    name: str | None,
    cells: pd.DataFrame,
    file: Path,
    defects: list[Defect],
    origins: Origins | None = None,
) -> str | None:
    """Find a column, by the name that the call gives or by a usual one.

    Parameters
    ----------
    own
        What the column holds: a key of `NAMES`.
    name
        What the call says that it is called; None for a usual name, `NO_COLUMN` for none.
    cells
        The table.
    file
        Its file, for messages.
    defects
        Takes a column that is lacking, of those that are needed.
    origins
        Which programs wrote the table, where that is known.
    """
    if name == NO_COLUMN and own != "path":
        return None
    by_name = {str(column).lower(): str(column) for column in reversed(cells.columns)}
    usual = (name.lower(),) if name is not None else NAMES[own]
    for candidate in usual:
        if candidate in by_name:
            return by_name[candidate]
    needed = name is not None or own in ("path", "expression")
    if needed and len(cells.columns):
        hint = "" if own == "path" else f", or {own}=none"
        if own == "path" and origins is not None and origins.programs:
            hint = (
                f"; {origins.programs[0].name} may write one row a frame: then path= makes the "
                f"name of each picture, {PATHS_HINT}"
            )
        message = (
            f"{file} lacks the column for the {own}: expected {few(usual, 8)}, it has "
            f"{few(cells.columns, 8)}; name it with {own}=COLUMN{hint}"
        )
        defects.append(Defect("missing column", str(file), message))
    return None


def read_paths(
    rows: pd.DataFrame, root: Path, source: str, defects: list[Defect], *, made: bool
) -> None:
    """Replace the written paths by those of files, and name the images after what is written.

    Parameters
    ----------
    rows
        Their ``path``; takes ``image``, too, missing where there is no such file.
    root
        The folder that relative paths start from.
    source
        The table's name, for messages.
    defects
        Takes paths that lead nowhere, and images that occur twice, by whatever path.
    made
        Whether the paths are made from columns. Of a video not every frame may have been written:
        then rows without a picture are left out, unless all of them are.
    """
    wrong: list[Found] = []
    images: list[str | None] = []
    files: list[str] = []
    seen: set[Path] = set()
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
        elif file in seen:
            hint = "" if is_image(file) else " (path= can name the pictures of a video)"
            message = f"{row}: the image {image} occurs twice: expected one row per image{hint}"
            wrong.append(Found("twice", "", Defect("duplicate name", row, message)))
            image = None
        else:
            seen.add(file)
        images.append(None if image is None else printable(image))
        files.append(str(file))
    absent = [found for found in wrong if found.defect.kind == "missing path"]
    if made and absent and any(image is not None for image in images):
        wrong = [found for found in wrong if found.defect.kind != "missing path"]
        message = (
            f"{len(absent)} of {len(rows)} rows of {source} have no picture and are left out, the "
            f"first of them {absent[0].defect.message}"
        )
        defects.append(Defect("left out", source, message, "warning"))
    defects.extend(one_a_cause(wrong))
    rows["image"], rows["path"] = images, files


def read_words(
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


def read_frames(rows: pd.DataFrame, source: str, defects: list[Defect]) -> None:
    """Read the numbers of frames; what is no whole number becomes missing."""
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


def with_phases(
    rows: pd.DataFrame, cells: pd.DataFrame, name: str | None, source: str, defects: list[Defect]
) -> pd.DataFrame:
    """Read the column of phases, or else those that tell where a movement begins and ends."""
    if "phase" in rows.columns or name == NO_COLUMN:
        read_words(rows, "phase", phase_of, f"{', '.join(PHASES)} or empty", source, defects)
        return rows
    found = bounded_phases(cells, rows.get("frame"), source, defects)
    return rows if found is None else rows.assign(phase=found)


def in_episodes(rows: pd.DataFrame, source: str, defects: list[Defect]) -> pd.DataFrame:
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
