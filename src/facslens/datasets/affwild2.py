"""Aff-Wild2: videos from the web, with action units and expressions of every frame."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from facslens.action_units import Kind, parse_column
from facslens.datasets.coded import (
    PRESENCE,
    Lines,
    frame_codes,
    frame_images,
    read_lines,
    tail,
    with_codes,
)
from facslens.datasets.columns import UNKNOWN
from facslens.datasets.conflicts import check_split
from facslens.datasets.defects import Defect, Found, few, one_a_cause
from facslens.datasets.files import count_skipped, files_below, in_utf8, is_image, relative
from facslens.datasets.labels import NEUTRAL, UNKNOWN_LABEL, split_name
from facslens.datasets.layout import Layout
from facslens.datasets.reading import Reading

#: The expressions in the order of their numbers; the last is any other one.
EXPRESSIONS: Final = (
    NEUTRAL, "anger", "disgust", "fear", "happiness", "sadness", "surprise", UNKNOWN_LABEL,
)  # fmt: skip
_NUMBERS: Final = Kind((), len(EXPRESSIONS) - 1.0, "a number from 0 to 7")
_IMAGE: Final = re.compile(r"(?P<crops>[^/]+)/(?P<video>[^/]+)/(?P<frame>\d{1,18})\.\w+")
_PART: Final = re.compile(r"(?P<part>\w+?)_set", re.I)
_ALIGNED: Final = "cropped_aligned"


@dataclass
class _Video:
    """What the label files say of one video: codes of its frames, and its part, of each sort."""

    codes: dict[str, pd.DataFrame] = field(default_factory=dict)
    parts: dict[str, str | None] = field(default_factory=dict)


def read_affwild2(root: Path) -> Reading:
    """Read the frames that were coded and have an image.

    ``AU_Detection_Challenge/Train_Set/VIDEO.txt`` names action units in its first line; each line
    after it holds their presence in one frame, from frame 1 on. In ``EXPR_…/Train_Set/VIDEO.txt``
    the first line names expressions, and each line after it holds the number of one.
    ``cropped_aligned/VIDEO/00001.jpg`` is the image of frame 1. A video is a sequence.

    Parameters
    ----------
    root
        The folder that holds these, at whatever depth. Which sort a label file is, its first line
        says; those of valence and arousal are passed over.

    Notes
    -----
    -1 is unknown, and so is the expression 7 (any other); a frame of which nothing is known is left
    out. Nobody is named, and one person may be in several videos: subjects are unknown. The parts
    are those of the folders. Where the two sorts of labels put a video in different parts, that of
    the action units counts.

    References
    ----------
    Kollias & Zafeiriou 2019 [kollias2019]_.
    """
    defects: list[Defect] = []
    found: list[Found] = []
    pictures: list[tuple[str, str, int, Path]] = []
    crops: list[str] = []
    videos: dict[str, _Video] = {}
    skipped: list[Path] = []
    for file in in_utf8(files_below(root, defects), root, defects):
        image = _IMAGE.fullmatch(tail(file.absolute(), 3)) if is_image(file) else None
        if image:
            pictures.append(("", image["video"], int(image["frame"]), file))
            crops.append(image["crops"])
        elif file.suffix.lower() != ".txt" or not _read_labels(file, root, videos, found):
            skipped.append(file)
    count_skipped(skipped, root, defects)
    if _ALIGNED in crops and len(set(crops)) > 1:
        aligned = [one for one, folder in zip(pictures, crops, strict=True) if folder == _ALIGNED]
        message = (
            f"{len(pictures) - len(aligned)} images below {root} lie beside those in {_ALIGNED}, "
            f"left out"
        )
        defects.append(Defect("left out", str(root), message, "warning"))
        pictures = aligned
    codes = {
        name: pd.concat(list(video.codes.values()), axis="columns").sort_index().dropna(how="all")
        for name, video in videos.items()
    }
    rows = with_codes(frame_images(pictures, root, found), codes, root, defects)
    defects.extend(one_a_cause(found))
    if rows.empty:
        if not any(defect.level == "error" for defect in defects):
            message = (
                f"{root} holds no image of a coded frame: expected "
                f"AU_Detection_Challenge/Train_Set/VIDEO.txt and cropped_aligned/VIDEO/00001.jpg"
            )
            defects.append(Defect("empty folder", str(root), message))
        return Reading("affwild2", rows, tuple(defects))
    rows = _with_expressions(rows, root, defects)
    rows["split"] = rows["sequence"].map(_parts(videos, root, defects))
    check_split(rows["split"], "affwild2", defects)
    return Reading("affwild2", rows, tuple(defects))


def _read_labels(file: Path, root: Path, videos: dict[str, _Video], found: list[Found]) -> bool:
    """Read a label file; tell whether its first line names action units or expressions."""
    where = relative(file, root)
    lines = read_lines(file, where, found)
    header = lines.cells[0] if lines.cells else []
    units = [parse_column(name) for name in header]
    if units and all(units):
        sort, columns, scale = "units", [unit[0] for unit in units if unit], PRESENCE
    elif [name.lower() for name in header[:2]] == list(EXPRESSIONS[:2]):
        sort, columns, scale = "expression", ["expression"], _NUMBERS
    else:
        return False
    if len(set(columns)) < len(columns):
        message = f"the first line of {where} names an action unit twice: expected once"
        found.append(Found("header", "", Defect("bad table", where, message)))
        return True
    video = videos.setdefault(file.stem, _Video())
    if sort in video.codes:
        message = f"{where} labels {file.stem}, as another file does: expected one"
        found.append(Found("two files", "", Defect("duplicate name", where, message)))
        return True
    begin = lines.places[0]
    after = lines.keep(range(1, len(lines.cells)))
    cells = [
        [str(place - begin), *line] for place, line in zip(after.places, after.cells, strict=True)
    ]
    numbered = Lines(where, after.places, cells)
    video.codes[sort] = frame_codes(numbered, columns, scale, found, UNKNOWN["affwild2"])
    part = _PART.fullmatch(file.parent.name)
    video.parts[sort] = split_name(part["part"]) if part else None
    return True


def _with_expressions(rows: pd.DataFrame, root: Path, defects: list[Defect]) -> pd.DataFrame:
    """Replace the numbers of expressions by their names, and count what is unknown."""
    if "expression" in rows.columns:
        number = rows["expression"]
        names = number.map(dict(enumerate(EXPRESSIONS)))
        other = int(np.count_nonzero(names == UNKNOWN_LABEL))
        if other:
            message = (
                f"{other} of {len(rows)} faces below {root} show another expression (7): unknown"
            )
            defects.append(Defect("left out", str(root), message, "warning"))
        rows = rows.assign(expression=names.mask(names == UNKNOWN_LABEL))
    return rows


def _parts(videos: dict[str, _Video], root: Path, defects: list[Defect]) -> dict[str, str | None]:
    """Give the part of each video."""
    differ = [name for name, video in videos.items() if len(set(video.parts.values())) > 1]
    if differ:
        message = (
            f"{len(differ)} videos below {root} are in one part by their action units and in "
            f"another by their expressions, the former counts: {few(sorted(differ))}"
        )
        defects.append(Defect("split", str(root), message, "warning"))
    return {
        name: video.parts.get("units", video.parts.get("expression"))
        for name, video in videos.items()
    }


AFFWILD2: Final = Layout(
    summary="Aff-Wild2: cropped frames of videos, with action units, expressions and parts",
    path="the folder that holds the label files of the challenges and cropped_aligned",
    read=read_affwild2,
    source="https://ibug.doc.ic.ac.uk/resources/aff-wild2/",
)
