"""A folder with one folder per expression, a layout into which most datasets can be brought."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pandas as pd

from facslens.datasets.conflicts import check_split, without_conflicts
from facslens.datasets.defects import Defect, Found, one_a_cause
from facslens.datasets.files import images_below, relative
from facslens.datasets.labels import (
    EXPRESSIONS,
    LABELS_HINT,
    UNKNOWN_LABEL,
    expression_of,
    split_name,
)
from facslens.datasets.layout import EXPRESSIONS_KEY, Key, Layout
from facslens.datasets.reading import Reading
from facslens.names import printable


def read_folder(
    root: Path,
    subject: re.Pattern[str] | None = None,
    labels: Mapping[str, str] = MappingProxyType({}),
) -> Reading:
    r"""Read faces whose expression is the name of the folder in which they lie, at any depth.

    Folders above or below it that are called train, val, valid, validation, dev or test, or as
    FER2013 calls its parts, say the split.

    Parameters
    ----------
    root
        The folder that holds the expression folders.
    subject
        Finds the subject in an image's path relative to `root`: its group ``subject``, else
        its first group, else all that it matches. Without it, or where it matches nothing,
        the subject is unknown. ``(\d+)_`` finds 17 in ``anger/17_b.png``.
    labels
        What other names of folders mean (see `facslens.datasets.labels.parse_labels`).
    """
    defects: list[Defect] = []
    misplaced: list[Found] = []
    rows: list[dict[str, object]] = []
    for file in images_below(root, defects):
        where = relative(file, root)
        above = [folder for folder in where.split("/")[:-1] if split_name(folder) is None]
        expression = expression_of(above[-1], labels) if above else None
        if expression is None:
            place = f"folder {above[-1]!r}" if above else "no folder of an expression"
            message = f"{where} lies in {place}: expected a folder named {' | '.join(EXPRESSIONS)}"
            if above:
                message += f" ({LABELS_HINT})"
            misplaced.append(Found(place, "", Defect("bad name", where, message)))
            continue
        match = subject.search(where) if subject else None
        rows.append(
            {
                "image": printable(where),
                "path": str(file.absolute()),
                "subject": (_found(match) or None) if match else None,
                "expression": None if expression == UNKNOWN_LABEL else expression,
                "split": split_of(where, defects),
            }
        )
    defects.extend(one_a_cause(misplaced))
    if not rows and not any(defect.level == "error" for defect in defects):
        message = f"{root} holds no image: expected one folder per expression, with images"
        defects.append(Defect("empty folder", str(root), message))
    # Path's own raises where links lead in a circle.
    faces, name = pd.DataFrame(rows), Path(os.path.realpath(root)).name
    if rows:
        check_split(faces["split"], name, defects)
        _tell_of_fer2013(faces, root, defects)
        faces = without_conflicts(faces, name, defects)
    return Reading(name, faces, tuple(defects))


def _tell_of_fer2013(faces: pd.DataFrame, root: Path, defects: list[Defect]) -> None:
    """Report a split in which two parts of FER2013 are mixed, as its names say."""
    usage = faces["image"].str.extract(r"(?:^|/)(PublicTest|PrivateTest)_\d+\.\w+$")[0]
    kinds = usage.groupby(faces["split"]).nunique()
    for split in kinds.index[kinds > 1]:
        message = (
            f"the part {split} mixes images that FER2013 calls PublicTest and PrivateTest: "
            f"fer2013:{root} keeps them apart, as validation and test"
        )
        defects.append(Defect("split", str(root), message, "warning"))


def split_of(where: str, defects: list[Defect]) -> str | None:
    """Find the split that the folders in an image's relative path say."""
    said = {folder: split_name(folder) for folder in where.split("/")[:-1]}
    splits = {split for split in said.values() if split is not None}
    if len(splits) > 1:
        folders = " and ".join(folder for folder, split in said.items() if split is not None)
        message = f"{where} lies in {folders}: expected one split"
        defects.append(Defect("labels disagree", where, message))
        return None
    return next(iter(splits), None)


def _found(match: re.Match[str]) -> str | None:
    if "subject" in match.re.groupindex:
        return match["subject"]
    return match[1] if match.re.groups else match[0]


FOLDER: Final = Layout(
    summary="any images in one folder per expression",
    path="the folder that holds the expression folders, or train, val and test with these",
    read=read_folder,
    keys={
        "subject": Key("a regular expression for the subject in an image's path", re.compile),
        "labels": EXPRESSIONS_KEY,
    },
)
