"""Find everything that is wrong with a dataset, in one pass."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import pandas as pd

from facslens.datasets.base import Faces
from facslens.datasets.coding import Coding
from facslens.datasets.defects import Defect, Found, Level, few, one_a_cause
from facslens.datasets.layouts import COMMON_KEYS, LAYOUTS
from facslens.datasets.load import parse_spec, read
from facslens.datasets.official import differences
from facslens.datasets.pictures import Pictures, read_pictures
from facslens.datasets.repeats import find_repeats
from facslens.datasets.splits import holdout
from facslens.errors import NotEnoughDataError

# What is larger and of such a shape is a photograph, whose face is a part of it: crops of faces are
# squares, or boxes somewhat higher than wide.
_SMALLEST: Final = 200
_WIDEST: Final = 1.25
_HIGHEST: Final = 1.6


@dataclass(frozen=True)
class Check:
    """What `check` found.

    Parameters
    ----------
    name
        Short name of the dataset.
    defects
        All that is wrong, errors and warnings.
    images, subjects, sequences
        How many there are; unknown subjects and sequences do not count.
    expressions
        Images of each expression that occurs, in canonical order.
    aus
        Images in which each action unit is known to be present.
    codings
        Who coded which column of the table of faces; none for a column of which nobody says it.
    broken
        Every image that cannot be read, and why.
    """

    name: str
    defects: tuple[Defect, ...]
    images: int
    subjects: int
    sequences: int
    expressions: dict[str, int]
    aus: dict[str, int]
    codings: dict[str, Coding] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings may be."""
        return not any(defect.level == "error" for defect in self.defects)


def check(source: Faces | str, progress: Callable[[int, int], None] | None = None) -> Check:
    """Look for everything that is wrong with a dataset.

    The labels are read as `facslens.datasets.load.load` reads them and every image is
    decoded as in training, so that what passes here can be trained on. A broken image or
    label does not end the search. What the makers of a dataset say that it holds is compared, and
    images that are nearly the same are found (`facslens.datasets.repeats.find_repeats`).

    Parameters
    ----------
    source
        A Faces table, or the specification of a dataset.
    progress
        Called after every image with how many are done and how many there are.

    Raises
    ------
    CallError
        If the specification itself is wrong.
    """
    if isinstance(source, Faces):
        faces = source
        defects = [Defect("left out", faces.name, note, "warning") for note in faces.notes]
    else:
        reading = read(source)
        faces = reading.faces(strict=False)
        defects = list(reading.defects)
        spec = parse_spec(source)
        layout = LAYOUTS[spec.name]
        official = layout.stated({**layout.keys, **COMMON_KEYS}[key] for key in spec.keys)
        if official is not None:
            defects += differences(faces, official)
    broken: dict[str, str] = {}
    if len(faces):
        pictures = read_pictures(faces, progress)
        images = faces.table["image"]
        broken = {str(images.iloc[row]): reason for row, reason in pictures.broken.items()}
        defects += _images(faces, pictures)
        defects += [repeat.defect for repeat in find_repeats(faces, pictures)]
        defects += _names(faces)
        defects += _labels(faces)
        defects += _subjects(faces)
    table = faces.table
    counts = table["expression"].value_counts()
    return Check(
        name=faces.name,
        defects=tuple(defects),
        images=len(faces),
        subjects=int(table["subject"].nunique()),
        sequences=int(table["sequence"].nunique()),
        expressions={e: int(counts[e]) for e in faces.expressions},
        aus={au: int((table[au] == 1).sum()) for au in faces.aus},
        codings=dict(faces.codings),
        broken=broken,
    )


def _images(faces: Faces, pictures: Pictures) -> list[Defect]:
    """Tell of broken images, of others that need a word, and of equal ones."""
    names = faces.table["image"].to_numpy()
    defects = _broken(faces, pictures)
    defects += [_noted(note, names[list(rows)]) for note, rows in pictures.notes.items()]
    uncut = [row for row, (h, w) in enumerate(pictures.size.tolist()) if _is_photograph(w, h)]
    if uncut:
        height, width = pictures.size[uncut[0]]
        message = (
            f"{len(uncut)} of {len(faces)} images have the size and shape of whole photographs, "
            f"not of cropped faces, such as {names[uncut[0]]} with {width}×{height} pixels: cut "
            f"the faces out with facslens data crop"
        )
        defects.append(Defect("no crop", names[uncut[0]], message, "warning"))
    same: dict[bytes, list[int]] = defaultdict(list)
    for row in np.flatnonzero(pictures.sound).tolist():
        same[pictures.digest[row]].append(row)
    groups = (faces.table.iloc[rows] for rows in same.values() if len(rows) > 1)
    return defects + one_a_cause(_identical(group) for group in groups)


def _broken(faces: Faces, pictures: Pictures) -> list[Defect]:
    """Name the images that cannot be read, those of one reason together."""
    reasons: dict[str, list[int]] = defaultdict(list)
    for row, message in pictures.broken.items():
        reason = message.replace(faces.table["path"].iloc[row], "")
        reasons[re.sub(r"\d+", "", reason)].append(row)
    defects = []
    for rows in reasons.values():
        first, *others = (str(name) for name in faces.table["image"].iloc[rows])
        more = f"; {len(others)} more like it: {few(others)}" if others else ""
        defects.append(Defect("bad image", first, f"{pictures.broken[rows[0]]}{more}"))
    return defects


def _is_photograph(width: int, height: int) -> bool:
    """Tell whether pictures of a size, in pixels, are hardly crops of one face."""
    stretched = width > _WIDEST * height or height > _HIGHEST * width
    return stretched and min(width, height) >= _SMALLEST


def _noted(note: str, images: Iterable[str]) -> Defect:
    """Say of how many images the same is to be known."""
    images = list(images)
    count = "1 image" if len(images) == 1 else f"each of {len(images)} images"
    message = f"{count} ({few(images)}) {note}"
    return Defect("doubtful image", images[0], message, "warning")


def _identical(group: pd.DataFrame) -> Found:
    """Describe images with the same pixels, and what makes it worse: the cause."""
    first, *others = group["image"]
    # Whom `assume_independent` names by the image is nobody in particular.
    known = group.assign(subject=group["subject"].where(group["subject"] != group["image"]))
    worse, cause = "", []
    for column in ("expression", "subject", "split"):
        values = known[column].dropna().unique()
        if len(values) > 1:
            worse += f", although their {column}s differ: {few(values)}"
            cause.append(column)
    units = [c for c in group.columns if c.startswith("AU") and len(group[c].dropna().unique()) > 1]
    if units:
        worse += f", although their action units differ: {few(units)}"
        cause.append("AU")
    message = f"{first} shows the same pixels as {few(others)}{worse}"
    return Found(tuple(cause), "", Defect("identical images", first, message, "warning"))


def _names(faces: Faces) -> list[Defect]:
    """Find file names that stand in more than one folder, often copies.

    Frames of known sequences are counted anew in the folder of each.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for image in faces.table.loc[faces.table["sequence"].isna(), "image"]:
        folders[PurePosixPath(image).name].append(image)
    twice = [images for images in folders.values() if len(images) > 1]
    if not twice:
        return []
    listed = "; ".join(few(images) for images in twice[:3])
    names = "1 file name occurs" if len(twice) == 1 else f"{len(twice)} file names occur"
    message = f"{names} in more than one folder: {listed}"
    return [Defect("duplicate name", twice[0][0], message, "warning")]


def _labels(faces: Faces) -> list[Defect]:
    """Find expressions that are unknown, or too rare to learn and test."""
    defects = []
    unknown = int(faces.table["expression"].isna().sum())
    if unknown:
        # without any, faces that are coded can still tell of a network that was trained elsewhere
        level: Level = "error" if unknown == len(faces) and not faces.aus else "warning"
        message = f"{unknown} of {len(faces)} faces have no known expression"
        defects.append(Defect("missing expressions", faces.name, message, level))
    for expression in faces.expressions:
        shown = faces.table[faces.table["expression"] == expression]
        owners = shown["subject"].dropna().unique()
        if len(shown) == 1:
            message = f"{expression} has one face only ({shown['image'].iloc[0]})"
            defects.append(Defect("few faces", expression, message))
        elif len(owners) == 1 and shown["subject"].notna().all():
            message = f"{expression} is shown by the subject {owners[0]} only: it cannot be tested"
            defects.append(Defect("few subjects", expression, message, "warning"))
    return defects


def _subjects(faces: Faces) -> list[Defect]:
    """Find subjects that are unknown or too few, and expressions that nobody would train."""
    subject = faces.table["subject"]
    unknown, count = int(subject.isna().sum()), int(subject.nunique())
    if unknown:
        message = (
            f"{unknown} of {len(faces)} faces have no known subject: tell it (subject=…), or "
            f"say assume_independent=yes if each of them shows another person"
        )
        return [Defect("missing subjects", faces.name, message)]
    given = bool(faces.table["split"].notna().any())
    try:
        split = faces.table["split"] if given else holdout(faces)
    except NotEnoughDataError as error:
        message = f"one subject only: {error}" if count == 1 else str(error)
        return [Defect("few subjects", faces.name, message)]
    defects = []
    if not (split == "validation").any():
        message = f"the split of {faces.name} has no validation part, which a training needs"
        defects.append(Defect("split", faces.name, message, "warning"))
    trained = set(faces.table["expression"][split == "train"].dropna())
    return defects + [
        Defect(
            "split",
            expression,
            f"no face of {expression} is in the training part "
            + ("of the split" if given else "of the default split"),
            "warning",
        )
        for expression in faces.expressions
        if expression not in trained
    ]
