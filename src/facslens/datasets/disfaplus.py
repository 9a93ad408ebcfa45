"""DISFA+: people of DISFA who pose action units and expressions, coded in every frame."""

import re
from pathlib import Path
from typing import Final

import pandas as pd

from facslens.datasets.coded import (
    INTENSITY,
    Lines,
    frame_codes,
    frame_images,
    graded,
    read_lines,
    tail,
    unit_of,
    units_in,
    with_codes,
)
from facslens.datasets.coding import PEOPLE
from facslens.datasets.defects import Defect, Found, one_a_cause
from facslens.datasets.disfa import PRESENT_KEY
from facslens.datasets.files import count_skipped, files_below, in_utf8, is_image, relative
from facslens.datasets.layout import Layout, Official
from facslens.datasets.reading import Reading

_LABEL: Final = re.compile(r"(?P<subject>SN\d+)/(?P<trial>[^/]+)/AU(?P<unit>\d{1,2})\.txt", re.I)
_IMAGE: Final = re.compile(
    r"(?P<subject>SN\d+)/(?P<trial>[^/]+)/[^/]*?(?P<frame>\d{1,18})\.\w+", re.I
)
_NAME: Final = re.compile(r"[^/]*?(?P<frame>\d{1,18})\.\w+")


def read_disfaplus(root: Path, present: int = 1) -> Reading:
    """Read the frames of DISFA+ with their intensities.

    ``Labels/SN001/TRIAL/AU1.txt`` holds, after a header, the name of a frame's image and its
    intensity a line, such as ``017.jpg 3``; ``Images/SN001/TRIAL/017.jpg`` is the image. A trial is
    a sequence.

    Parameters
    ----------
    root
        The folder that holds ``Labels`` and ``Images``.
    present
        From which intensity on an action unit counts as present, a number from 1 (FACS) to 5.

    Notes
    -----
    The subjects are people of DISFA under the numbers that they have there. What was posed is told
    by the name of the trial in words of its own, and is not read: expressions are unknown.

    References
    ----------
    Mavadati, Sanger & Mahoor 2016 [mavadati2016]_.
    """
    defects: list[Defect] = []
    found: list[Found] = []
    pictures: list[tuple[str, str, int, Path]] = []
    units: dict[str, dict[str, pd.DataFrame]] = {}
    skipped: list[Path] = []
    for file in in_utf8(files_below(root, defects), root, defects):
        place = tail(file.absolute(), 3)
        label = _LABEL.fullmatch(place)
        image = _IMAGE.fullmatch(place) if is_image(file) else None
        unit = unit_of(label["unit"]) if label else None
        if label and unit:
            sequence = f"{label['subject'].upper()}_{label['trial']}"
            known = units.setdefault(sequence, {})
            where = relative(file, root)
            if unit in known:
                message = f"{where} codes {unit} of {sequence}, as another file does: expected one"
                found.append(Found("two files", "", Defect("duplicate name", where, message)))
                continue
            known[unit] = frame_codes(_coded(file, where, found), [unit], INTENSITY, found)
        elif image:
            subject = image["subject"].upper()
            sequence = f"{subject}_{image['trial']}"
            pictures.append((subject, sequence, int(image["frame"]), file))
        else:
            skipped.append(file)
    count_skipped(skipped, root, defects)
    codes = {
        sequence: graded(pd.concat(list(tables.values()), axis="columns").sort_index(), present)
        for sequence, tables in units.items()
    }
    rows = with_codes(frame_images(pictures, root, found), codes, root, defects)
    defects.extend(one_a_cause(found))
    if rows.empty and not any(defect.level == "error" for defect in defects):
        message = (
            f"{root} holds no image of a coded frame: expected Labels/SN001/TRIAL/AU1.txt and "
            f"Images/SN001/TRIAL/000.jpg"
        )
        defects.append(Defect("empty folder", str(root), message))
    codings = dict.fromkeys(units_in(rows), PEOPLE)
    return Reading("disfaplus", rows, tuple(defects), codings=codings)


def _coded(file: Path, where: str, found: list[Found]) -> Lines:
    """Read the lines after the header, with the number of the frame for the name of its image."""
    lines = read_lines(file, where, found)
    names = [_NAME.fullmatch(cells[0]) for cells in lines.cells]
    first = next((i for i, name in enumerate(names) if name), len(names))
    if lines.cells and first == len(names):
        message = f"the label file {where} names no image: expected lines such as 017.jpg 3"
        found.append(Found("no image", "", Defect("bad value", where, message)))
    lines = lines.keep(range(first, len(names)))
    for cells, name in zip(lines.cells, names[first:], strict=True):
        cells[0] = name["frame"] if name else cells[0]
    return lines


DISFAPLUS: Final = Layout(
    summary="DISFA+: posed trials of nine people of DISFA, twelve action units in each frame",
    path="the folder that holds Labels and Images",
    read=read_disfaplus,
    keys={"present": PRESENT_KEY},
    official=Official("mavadati2016", subjects=9),
    source="https://github.com/cosanlab/py-feat/blob/main/feat/evaluation/datasets.py",
    people="DISFA",
)
