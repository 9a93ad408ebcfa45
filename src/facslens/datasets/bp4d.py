"""BP4D and BP4D+: people at tasks that move them, action units coded in parts of each video."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from facslens.datasets.coded import (
    INTENSITY,
    PRESENCE,
    frame_codes,
    frame_images,
    read_lines,
    tail,
    unit_of,
    units_in,
    with_codes,
)
from facslens.datasets.coding import PEOPLE
from facslens.datasets.columns import UNKNOWN
from facslens.datasets.defects import Defect, Found, one_a_cause, tally
from facslens.datasets.files import count_skipped, files_below, in_utf8, is_image, relative
from facslens.datasets.layout import Layout, Official
from facslens.datasets.reading import Reading

_SEQUENCE: Final = r"(?P<subject>[FM]\d{3})_(?P<task>T\d+)"
_OCCURRENCE: Final = re.compile(rf"{_SEQUENCE}\.csv", re.I)
_INTENSITY: Final = re.compile(rf"{_SEQUENCE}_AU(?P<unit>\d{{1,2}})\.csv", re.I)
_IMAGE: Final = re.compile(r"(?P<subject>[FM]\d{3})/(?P<task>T\d+)/(?P<frame>\d{1,18})\.\w+", re.I)


def read_bp4d(root: Path, name: str = "bp4d") -> Reading:
    """Read the frames of BP4D or BP4D+ that were coded and have an image.

    ``AUCoding/AU_OCC/F001_T1.csv`` has a row for every coded frame: its number, then 1, 0 or 9
    (unknown) for each action unit that the first row numbers. ``AUCoding/AU_INT/AU06/
    F001_T1_AU06.csv`` holds a frame's number and its intensity a line. ``2D+3D/F001/T1/0001.jpg``
    is an image. A task of a subject is a sequence.

    Parameters
    ----------
    root
        The folder that holds these, at whatever depth.
    name
        ``"bp4d"`` or ``"bp4dplus"``; they number their people in the same way.

    Notes
    -----
    Presence is what the occurrence files say, never what follows from an intensity. The first cell
    of the first row is no action unit: BP4D writes 0 there, BP4D+ another number. A task names the
    feeling that it is to bring about, not what the face shows: expressions are unknown.

    References
    ----------
    Zhang et al. 2014 [zhang2014]_; Zhang et al. 2016 [zhang2016]_.
    """
    defects: list[Defect] = []
    found: list[Found] = []
    others: list[str] = []
    pictures: list[tuple[str, str, int, Path]] = []
    tables: dict[str, dict[str, pd.DataFrame]] = {}
    skipped: list[Path] = []
    for file in in_utf8(files_below(root, defects), root, defects):
        occurrence, intensity = _OCCURRENCE.fullmatch(file.name), _INTENSITY.fullmatch(file.name)
        image = _IMAGE.fullmatch(tail(file.absolute(), 3)) if is_image(file) else None
        unit = unit_of(intensity["unit"]) if intensity else None
        if image:
            subject = image["subject"].upper()
            sequence = f"{subject}_{image['task'].upper()}"
            pictures.append((subject, sequence, int(image["frame"]), file))
        elif match := occurrence or (intensity if unit else None):
            known = tables.setdefault(f"{match['subject']}_{match['task']}".upper(), {})
            where, what = relative(file, root), unit or ""
            if what in known:
                message = f"{where} codes what another file of that name does: expected one"
                found.append(Found("two files", "", Defect("duplicate name", where, message)))
            elif unit:
                known[what] = _intensities(file, where, unit, found)
            else:
                known[what] = _occurrences(file, where, found, others)
        else:
            skipped.append(file)
    count_skipped(skipped, root, defects)
    codes = {
        sequence: pd.concat(list(parts.values()), axis="columns").sort_index()
        for sequence, parts in tables.items()
    }
    rows = with_codes(frame_images(pictures, root, found), codes, root, defects)
    defects.extend(one_a_cause(found))
    if rows.empty and not any(defect.level == "error" for defect in defects):
        message = (
            f"{root} holds no image of a coded frame: expected AUCoding/AU_OCC/F001_T1.csv and "
            f"images such as 2D+3D/F001/T1/0001.jpg, unpacked"
        )
        defects.append(Defect("empty folder", str(root), message))
    unknown = sum(
        int(part.isna().sum().sum()) for known in tables.values() for part in known.values()
    )
    if unknown:
        message = (
            f"{unknown} values below {root} are unknown (9), of action units that are coded "
            f"elsewhere in their task"
        )
        defects.append(Defect("left out", str(root), message, "warning"))
    if others:
        message = f"the occurrence files below {root} code what is no action unit: {tally(others)}"
        defects.append(Defect("left out", str(root), message, "warning"))
    _compare(rows, root, defects)
    codings = dict.fromkeys(units_in(rows), PEOPLE)
    return Reading(name, rows, tuple(defects), codings=codings)


def _occurrences(file: Path, where: str, found: list[Found], others: list[str]) -> pd.DataFrame:
    """Read a table of occurrences; its first row numbers the action units of the columns."""
    lines = read_lines(file, where, found)
    if not lines.cells:
        return pd.DataFrame()
    header = lines.cells[0][1:]
    units = [unit_of(number) for number in header]
    known = [unit for unit in units if unit is not None]
    if not known or len(set(known)) < len(known):
        message = (
            f"the first row of {where} is {','.join(lines.cells[0][:6])!r}…: expected the number "
            f"of each action unit once, after the first cell"
        )
        found.append(Found("header", "", Defect("bad table", where, message)))
        return pd.DataFrame()
    columns = [unit or f"#{place}" for place, unit in enumerate(units)]
    rows = lines.keep(range(1, len(lines.cells)))
    codes = frame_codes(rows, columns, PRESENCE, found, UNKNOWN["bp4d"])
    # A whole column of 9 is an action unit that nobody looked for.
    codes = codes.dropna(axis="columns", how="all")
    for column, number in zip(columns, header, strict=True):
        if column.startswith("#") and column in codes.columns:
            others.append(number)
            codes = codes.drop(columns=column)
    return codes


def _intensities(file: Path, where: str, unit: str, found: list[Found]) -> pd.DataFrame:
    lines = read_lines(file, where, found)
    codes = frame_codes(lines, [unit], INTENSITY, found, UNKNOWN["bp4d"])
    return codes.add_suffix("_intensity")


def _compare(rows: pd.DataFrame, root: Path, defects: list[Defect]) -> None:
    """Report where occurrence and intensity contradict one another."""
    against: list[str] = []
    for unit in units_in(rows):
        if f"{unit}_intensity" in rows.columns:
            presence, grade = rows[unit], rows[f"{unit}_intensity"]
            differ = presence.notna() & grade.notna() & ((presence == 1) != (grade >= 1))
            against += [unit] * int(np.count_nonzero(differ))
    if against:
        message = (
            f"occurrence and intensity below {root} contradict one another, both are kept: "
            f"{tally(against)}"
        )
        defects.append(Defect("labels disagree", str(root), message, "warning"))


BP4D: Final = Layout(
    summary="BP4D: occurrence and intensity of action units in the coded frames of each task",
    path="the folder that holds AUCoding and 2D+3D, unpacked",
    read=read_bp4d,
    official=Official("zhang2014", subjects=41, sequences=328),
    source="https://github.com/cosanlab/py-feat/blob/main/scripts/extract_au_training_features.py",
    people="BP4D",
)
BP4DPLUS: Final = replace(
    BP4D,
    summary="BP4D+: as BP4D, of 140 people",
    read=partial(read_bp4d, name="bp4dplus"),
    official=Official("zhang2016", subjects=140),
    people="BP4D+",
    source="https://github.com/ubicomplab/rPPG-Toolbox/blob/main/dataset/data_loader/BP4DPlusLoader.py",
)
