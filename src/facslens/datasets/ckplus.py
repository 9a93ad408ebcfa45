"""CK+ as its authors distribute it: whole sequences, with emotion and FACS files beside them."""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from facslens import action_units
from facslens.datasets.archive import read_bytes
from facslens.datasets.coding import PEOPLE
from facslens.datasets.defects import Defect, Found, few, one_a_cause, tally
from facslens.datasets.files import count_skipped, files_below, in_utf8, relative
from facslens.datasets.labels import APEX, NEUTRAL
from facslens.datasets.layout import Layout, Official
from facslens.datasets.reading import Reading
from facslens.datasets.sequences import PEAK_KEY, ends
from facslens.datasets.text import decoded
from facslens.names import printable

#: The numbers in an emotion file, in order.
_EMOTIONS: Final = (
    "neutral",
    "anger",
    "contempt",
    "disgust",
    "fear",
    "happiness",
    "sadness",
    "surprise",
)
_IMAGE: Final = re.compile(r"(?P<sequence>S\d+_\d+)_(?P<frame>\d{1,18})\.(png|jpe?g|tiff?)", re.I)
_LABEL: Final = re.compile(
    r"(?P<sequence>S\d+_\d+)_(?P<frame>\d{1,18})_(?P<kind>emotion|facs)\.txt", re.I
)
_SIDE: Final = re.compile(r"[LR](\d+)", re.I)


@dataclass
class _Sequence:
    """What the files say of one sequence; None where there is no file."""

    images: dict[int, Path] = field(default_factory=dict)
    emotion: str | None = None
    codes: dict[str, float] | None = None
    sided: set[str] = field(default_factory=set)
    labelled: int | None = None


def read_ckplus(root: Path, peak: int = 3) -> Reading:
    """Read faces from the official folders, at whatever depth below `root` they lie.

    ``S005/001/S005_001_00000011.png`` are the images, ``…_emotion.txt`` holds a number from
    0 to 7, ``…_facs.txt`` one action unit a line with its intensity, landmarks are not read.
    A sequence begins neutral and ends at the peak of its expression.

    Parameters
    ----------
    root
        The folder that holds ``cohn-kanade-images``, ``Emotion`` and ``FACS``.
    peak
        How many last frames show the expression. The first frame is never one of them,
        unless it is the only one.

    Notes
    -----
    Of a sequence with an emotion file the first frame is read as neutral and the last `peak`
    frames with its expression, as in Khorrami et al. [khorrami2015]_; of one with only a FACS file
    the last `peak` frames are read, their expression unknown; other sequences are left out.

    The first frame is neutral, the last one the apex, those between are its onset
    [lucey2010]_: ``by=peak`` takes the apex alone.

    FACS files code the peak. A listed action unit is present in the last `peak` frames, its
    intensity unknown where the file says 0 ("present, not graded"); one that is not listed
    is absent, with intensity 0. In the neutral first frame all are absent, by the protocol
    of the recordings: nobody coded that frame. Without a FACS file all are unknown. A code
    of one side of the face (``L12``) leaves its action unit unknown, and a number outside
    `facslens.action_units.ACTION_UNITS` (head and eye movements) is ignored; both are
    counted.

    References
    ----------
    Lucey et al. 2010 [lucey2010]_; Khorrami, Paine & Huang 2015 [khorrami2015]_.
    """
    defects: list[Defect] = []
    found: list[Found] = []
    ignored: list[str] = []
    sequences: dict[str, _Sequence] = {}
    skipped: list[Path] = []
    for file in in_utf8(files_below(root, defects), root, defects):
        where = relative(file, root)
        image, label = _IMAGE.fullmatch(file.name), _LABEL.fullmatch(file.name)
        if image and file.parts[-3:-1] == tuple(image["sequence"].split("_")):
            sequence = sequences.setdefault(image["sequence"], _Sequence())
            first = sequence.images.setdefault(int(image["frame"]), file)
            if first != file:
                message = f"{file.name} occurs twice: as {relative(first, root)} and as {where}"
                found.append(Found("twice", "", Defect("duplicate name", where, message)))
        elif label:
            sequence = sequences.setdefault(label["sequence"], _Sequence())
            sequence.labelled = int(label["frame"])
            if label["kind"].lower() == "emotion":
                _read_emotion(file, where, sequence, found)
            else:
                _read_facs(file, where, sequence, found, ignored)
        elif not file.name.lower().endswith("_landmarks.txt"):
            skipped.append(file)
    count_skipped(skipped, root, defects)
    units = sorted({code for sequence in sequences.values() for code in sequence.codes or ()})
    rows = [
        row
        for name, sequence in sorted(sequences.items())
        for row in _rows(name, sequence, peak, units, root, found)
    ]
    defects.extend(one_a_cause(found))
    if not rows and not any(defect.level == "error" for defect in defects):
        message = (
            f"{root} holds no labelled sequence: expected cohn-kanade-images/S005/001/"
            f"S005_001_00000011.png and Emotion or FACS files beside it"
        )
        defects.append(Defect("empty folder", str(root), message))
    bare = [name for name, s in sequences.items() if s.emotion is None and s.codes is None]
    if bare:
        have = "sequence has" if len(bare) == 1 else "sequences have"
        message = f"{len(bare)} {have} neither emotion nor FACS file, left out: {few(bare)}"
        defects.append(Defect("left out", str(root), message, "warning"))
    if ignored:
        message = (
            f"the FACS files have codes of one side of the face or of no known action unit, "
            f"ignored: {tally(ignored)}"
        )
        defects.append(Defect("left out", str(root), message, "warning"))
    codings = {column: PEOPLE for code in units for column in (code, f"{code}_intensity")}
    return Reading("ckplus", pd.DataFrame(rows), tuple(defects), codings=codings)


def _lines(file: Path, where: str, found: list[Found]) -> list[list[str]]:
    try:
        text = decoded(read_bytes(file))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"the label file {where} cannot be read: {reason}"
        found.append(Found("unreadable", "", Defect("unreadable", where, message)))
        return []
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines:
        message = f"the label file {where} is empty: what it should say is taken as unknown"
        found.append(Found("empty", "", Defect("bad value", where, message, "warning")))
    return lines


def _read_emotion(file: Path, where: str, sequence: _Sequence, found: list[Found]) -> None:
    lines = _lines(file, where, found)
    if not lines:
        return
    number = _number(lines[0][0])
    if len(lines) > 1 or len(lines[0]) > 1 or number not in range(len(_EMOTIONS)):
        text = " ".join(few(line, 8) for line in lines)
        message = f"the emotion file {where} says {text!r}: expected one number from 0 to 7"
        found.append(Found("emotion", "", Defect("bad value", where, message)))
        return
    emotion = _EMOTIONS[int(number)]
    if sequence.emotion not in (None, emotion):
        message = (
            f"the emotion file {where} says {emotion}, another file of the sequence says "
            f"{sequence.emotion}: expected them to agree"
        )
        found.append(Found("emotions", "", Defect("labels disagree", where, message)))
    sequence.emotion = emotion


def _read_facs(
    file: Path, where: str, sequence: _Sequence, found: list[Found], ignored: list[str]
) -> None:
    lines = _lines(file, where, found)
    if not lines:
        return
    codes: dict[str, float] = {}
    for line in lines:
        side = _SIDE.fullmatch(line[0])
        number = _number(side.group(1) if side else line[0])
        intensity = _number(line[1]) if len(line) == 2 else math.nan
        if not math.isfinite(number) or not 0 <= intensity <= 5:
            message = (
                f"the FACS file {where} has the line {' '.join(line)!r}: expected an action "
                f"unit and its intensity from 0 to 5"
            )
            found.append(Found("line", "", Defect("bad value", where, message)))
            continue
        code = f"AU{int(number):02d}" if number == int(number) else ""
        if side or code not in action_units.ACTION_UNITS:
            ignored.append(line[0] if side else f"{number:g}")
            sequence.sided |= {code} & action_units.ACTION_UNITS.keys()
        else:
            codes[code] = max(intensity, codes.get(code, 0.0))
    if sequence.codes not in (None, codes):
        message = f"the FACS file {where} differs from another of the sequence: expected one"
        found.append(Found("codes", "", Defect("labels disagree", where, message)))
    sequence.codes = codes


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _rows(
    name: str,
    sequence: _Sequence,
    peak: int,
    units: list[str],
    root: Path,
    found: list[Found],
) -> list[dict[str, object]]:
    """Choose the frames of one sequence and label them."""
    if sequence.emotion is None and sequence.codes is None:
        return []
    frames = sorted(sequence.images)
    if not frames:
        message = f"the sequence {name} has labels but no image: it is left out"
        found.append(Found("no image", "", Defect("left out", name, message, "warning")))
        return []
    if sequence.labelled not in (None, frames[-1]):
        message = (
            f"the sequence {name} is labelled at frame {sequence.labelled}, its last image is "
            f"frame {frames[-1]}: images may be missing"
        )
        found.append(Found("frame", "", Defect("missing path", name, message, "warning")))
    rows = []
    for frame, at_peak in ends(frames, peak, neutral=sequence.emotion is not None):
        row: dict[str, object] = {
            "image": printable(relative(sequence.images[frame], root)),
            "path": str(sequence.images[frame].absolute()),
            "subject": name.split("_")[0],
            "sequence": name,
            "frame": frame,
            "expression": sequence.emotion if at_peak else NEUTRAL,
            "phase": _phase(frame, at_peak, frames[-1], sequence.labelled),
        }
        for code in units:
            row[code], row[f"{code}_intensity"] = _coding(sequence, code, at_peak)
        rows.append(row)
    return rows


def _phase(frame: int, at_peak: bool, last: int, labelled: int | None) -> str | None:
    """Say by the protocol what a frame is; a last frame that is not the labelled one is unknown."""
    if not at_peak:
        return NEUTRAL
    if frame < last:
        return "onset"
    return APEX if labelled in (None, last) else None


def _coding(sequence: _Sequence, code: str, at_peak: bool) -> tuple[float, float]:
    """Presence and intensity of one action unit, NaN where unknown."""
    if sequence.codes is None:
        return math.nan, math.nan
    if at_peak and code in sequence.codes:
        return 1.0, sequence.codes[code] or math.nan
    if at_peak and code in sequence.sided:
        return math.nan, math.nan
    return 0.0, 0.0


#: Images of each expression where the last three frames of every sequence are taken.
AT_PEAK: Final = {
    "anger": 135,
    "contempt": 54,
    "disgust": 177,
    "fear": 75,
    "happiness": 207,
    "sadness": 84,
    "surprise": 249,
}

CKPLUS: Final = Layout(
    summary="CK+ as distributed: sequences with emotion and FACS files",
    people="CK+",
    path="the folder that holds cohn-kanade-images, Emotion and FACS",
    read=read_ckplus,
    keys={"peak": PEAK_KEY},
    # Sequences of each expression, of which the last three frames are read: 45 anger, 18 contempt,
    # 59 disgust, 25 fear, 69 happiness, 28 sadness, 83 surprise; and 327 neutral first frames.
    official=Official(
        "lucey2010",
        subjects=123,
        sequences=593,
        expressions={"neutral": 327, **AT_PEAK},
    ),
    source="lucey2010",
)
