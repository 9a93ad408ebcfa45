"""DISFA: people who watch films, every frame of their video coded for twelve action units."""

import re
from pathlib import Path
from typing import Final

import numpy as np
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
from facslens.datasets.defects import Defect, Found, few, one_a_cause
from facslens.datasets.files import count_skipped, files_below, in_utf8, is_image, relative
from facslens.datasets.layout import Key, Layout, Official, from_one, one_of
from facslens.datasets.reading import Reading

_LABEL: Final = re.compile(r"(?P<subject>SN\d+)_au(?P<unit>\d{1,2})\.txt", re.I)
_IMAGE: Final = re.compile(
    r"(?P<above>[^/]*)/(?:(left|right)video)?(?P<subject>SN\d+)(?:_comp)?/"
    r"[^/]*?(?P<frame>\d{1,18})\.\w+",
    re.I,
)
_CAMERA: Final = re.compile("left|right", re.I)
_VIDEO: Final = re.compile(r"(left|right)video(SN\d+).*\.(avi|mp4|mov|mkv)", re.I)
CAMERAS: Final = ("left", "right")


def read_disfa(
    root: Path, camera: str | None = None, present: int = 1, first: str | None = None
) -> Reading:
    """Read the frames of DISFA's videos that were extracted as images, with their intensities.

    ``ActionUnit_Labels/SN001/SN001_au1.txt`` holds a frame's number and its intensity a line, such
    as ``17,3``; the images of the frames lie in folders called ``SN001``, ``LeftVideoSN001_comp``
    or ``RightVideoSN001_comp`` and end in the frame's number. A video is a sequence.

    Parameters
    ----------
    root
        The folder that holds ``ActionUnit_Labels`` and the images.
    camera
        ``"left"`` or ``"right"``, as the folders above the images say: they show the same moments.
        By default the left one, if there is any.
    present
        From which intensity on an action unit counts as present, a number from 1 (FACS) to 5.
    first
        The number of the image of a video's first frame, ``"0"`` or ``"1"``. By default 0 in the
        folders that have an image 0.

    Notes
    -----
    Frames are coded from 1 on. Whoever extracts them may count from 0; the image 0 is then the
    frame 1, which is said in a warning. DISFA codes no expression, so that is unknown.

    References
    ----------
    Mavadati et al. 2013 [mavadati2013]_.
    """
    defects: list[Defect] = []
    found: list[Found] = []
    pictures: list[tuple[str, str, int, Path]] = []
    labels: list[tuple[str, str, Path]] = []
    skipped: list[Path] = []
    for file in in_utf8(files_below(root, defects), root, defects):
        label = _LABEL.fullmatch(file.name)
        image = _IMAGE.fullmatch(tail(file.absolute(), 3)) if is_image(file) else None
        unit = unit_of(label["unit"]) if label else None
        if label and unit:
            labels.append((label["subject"].upper(), unit, file))
        elif image:
            side = _CAMERA.search("/".join(file.parts[-3:-1]))
            shown = side[0].lower() if side else ""
            pictures.append((shown, image["subject"].upper(), int(image["frame"]), file))
        else:
            skipped.append(file)
    videos = [file for file in skipped if _VIDEO.fullmatch(file.name)]
    count_skipped(skipped, root, defects)
    pictures = _of_camera(pictures, camera, root, defects)
    images = frame_images(((s, s, frame, file) for _, s, frame, file in pictures), root, found)
    images = _counted_from_one(images, first, root, defects)
    codes = {
        subject: graded(table, present) for subject, table in _codes(labels, root, found).items()
    }
    rows = with_codes(images, codes, root, defects)
    defects.extend(one_a_cause(found))
    if rows.empty and not any(defect.level == "error" for defect in defects):
        message = (
            f"{root} holds no image of a coded frame: expected ActionUnit_Labels/SN001/"
            f"SN001_au1.txt and images such as SN001/00001.png"
        )
        if videos and images.empty:
            subject = _VIDEO.sub(r"\2", videos[0].name)
            message += (
                f"; extract the frames of the videos first, such as ffmpeg -i {videos[0].name} "
                f"{subject}/%05d.png"
            )
        defects.append(Defect("empty folder", str(root), message))
    codings = dict.fromkeys(units_in(rows), PEOPLE)
    return Reading("disfa", rows, tuple(defects), codings=codings)


def _of_camera(
    pictures: list[tuple[str, str, int, Path]],
    camera: str | None,
    root: Path,
    defects: list[Defect],
) -> list[tuple[str, str, int, Path]]:
    """Keep the images of one camera; those of which no folder names the camera belong to any."""
    known = {shown for shown, *_ in pictures} - {""}
    chosen = camera or next((one for one in CAMERAS if one in known), "")
    kept = [picture for picture in pictures if picture[0] in ("", chosen)]
    if len(kept) < len(pictures):
        other = next(one for one in CAMERAS if one != chosen)
        message = (
            f"{len(pictures) - len(kept)} of {len(pictures)} images below {root} are of the "
            f"{other} camera, left out (camera={other} reads them)"
        )
        defects.append(Defect("left out", str(root), message, "warning"))
    return kept


def _counted_from_one(
    images: pd.DataFrame, first: str | None, root: Path, defects: list[Defect]
) -> pd.DataFrame:
    """Count frames as the label files do, and say which folders count them from 0."""
    from_zero = images.groupby("sequence")["frame"].min() == 0
    if first is not None:
        from_zero[:] = first == "0"
    moved = sorted(from_zero.index[from_zero])
    if moved:
        message = (
            f"the images of {len(moved)} videos below {root} are numbered from 0: image 0 is taken "
            f"for frame 1 ({few(moved)})"
        )
        defects.append(Defect("doubtful image", str(root), message, "warning"))
    shift = images["sequence"].isin(moved).astype(np.int64)
    return images.assign(frame=images["frame"] + shift)


def _codes(
    labels: list[tuple[str, str, Path]], root: Path, found: list[Found]
) -> dict[str, pd.DataFrame]:
    """Read the intensities of every subject: one file an action unit."""
    units: dict[str, dict[str, pd.DataFrame]] = {}
    for subject, unit, file in labels:
        where = relative(file, root)
        if unit in units.setdefault(subject, {}):
            message = f"{where} codes {unit} of {subject}, as another file does: expected one"
            found.append(Found("two files", "", Defect("duplicate name", where, message)))
            continue
        lines: Lines = read_lines(file, where, found)
        units[subject][unit] = frame_codes(lines, [unit], INTENSITY, found)
    return {
        subject: pd.concat(list(tables.values()), axis="columns").sort_index()
        for subject, tables in units.items()
    }


def from_one_to_five(text: str) -> int:
    """Read a whole number from 1 to 5."""
    number = from_one(text)
    if number > 5:
        raise ValueError(text)
    return number


#: The key that says from which intensity on an action unit counts as present.
PRESENT_KEY: Final = Key(
    "from which intensity on an action unit counts as present, 1 to 5 (default 1, as in FACS; "
    "many papers take 2)",
    from_one_to_five,
)

DISFA: Final = Layout(
    summary="DISFA: extracted frames of videos, twelve action units graded in every frame",
    path="the folder that holds ActionUnit_Labels and images such as SN001/00001.png",
    read=read_disfa,
    keys={
        "camera": Key(
            "left or right (default left, where there are images of both)", one_of(*CAMERAS)
        ),
        "present": PRESENT_KEY,
        "first": Key(
            "0 or 1, the number of the first image of a video (default as found)", one_of("0", "1")
        ),
    },
    official=Official("mavadati2013", subjects=27, sequences=27),
    source="https://github.com/CVI-SZU/ME-GraphAU/blob/main/tool/DISFA_image_label_process.py",
    people="DISFA",
)
