"""FER2013: one CSV file with the grey levels of every face in a cell, or folders of its images."""

import hashlib
import os
from pathlib import Path
from typing import Final

import pandas as pd

from facslens.datasets.archive import cell, state_of
from facslens.datasets.defects import Defect, Found, one_a_cause
from facslens.datasets.fer_folders import read_folders
from facslens.datasets.files import in_utf8
from facslens.datasets.labels import FER2013
from facslens.datasets.layout import Layout, Official
from facslens.datasets.parts import PARTS, USAGES, copies_note, later_copies
from facslens.datasets.reading import Reading

#: Most bytes of a line: a face of 1024 × 1024 pixels.
MAX_LINE: Final = 4_194_304
#: The files that FER2013 is distributed as.
FILES: Final = ("fer2013.csv", "icml_face_data.csv")


def read_fer2013(path: Path) -> Reading:
    """Read the faces of FER2013 with the label that each was published with.

    Faces of the CSV file are named by their row, from 0. FER+ counts otherwise from the first face
    on that it leaves out, so there the same name is another face. Training faces that are copies of
    a validation or test face are left out, and so are validation copies of test faces.

    Parameters
    ----------
    path
        A CSV file with the columns ``emotion`` (0 anger, 1 disgust, 2 fear, 3 happiness, 4
        sadness, 5 surprise, 6 neutral), ``pixels`` (grey levels of a square image, separated by
        blanks) and ``Usage`` (Training, PublicTest, PrivateTest), in any order: ``fer2013.csv`` or
        ``icml_face_data.csv``; the folder that holds one of them; or a folder of images, see
        `facslens.datasets.fer_folders.read_folders`.

    References
    ----------
    Goodfellow et al. 2013 [goodfellow2013]_.
    """
    table = csv_in(path)
    defects: list[Defect] = []
    if table is None and os.path.isdir(path):  # noqa: PTH112 - Path's own raises for a long name
        rows = read_folders(path, defects)
    else:
        rows = read_rows((table or path).absolute(), defects)
    if rows.empty:
        return Reading("fer2013", rows, tuple(defects))
    twice = later_copies(rows["digest"], rows["split"])
    if twice.any():
        defects.append(Defect("left out", str(path), copies_note(int(twice.sum())), "warning"))
    kept = rows.loc[~twice, ["image", "path", "expression", "split"]]
    return Reading("fer2013", kept.reset_index(drop=True), tuple(defects))


def csv_in(folder: Path) -> Path | None:
    """Find the CSV file of FER2013 in a folder; None where there is none."""
    files = (folder / name for name in FILES)
    # Path's own raises where a name is too long.
    return next((file for file in files if os.path.isfile(file)), None)  # noqa: PTH113


def read_rows(path: Path, defects: list[Defect]) -> pd.DataFrame:
    """Note where in the file each face stands; its grey levels are read when they are needed.

    Parameters
    ----------
    path
        The CSV file, from the root of the file system.
    defects
        Takes what is wrong; rows with a defect are left out.

    Returns
    -------
    DataFrame
        Columns ``row`` (from 0, as a spreadsheet counts from 2), ``image``, ``path``,
        ``expression``, ``part`` (the folder of FER+), ``split`` and ``digest``.
    """
    state = state_of(path)
    if state != "is a file":
        defects.append(Defect("missing path", str(path), f"{path} {state}: expected a CSV file"))
        return pd.DataFrame()
    if not in_utf8([path], path.parent, defects):
        return pd.DataFrame()
    rows = []
    refused: list[Found] = []
    with path.open("rb") as file:
        head = file.readline(MAX_LINE)
        names = [name.strip().strip('"').lower() for name in _text(head).split(",")]
        if missing := {"emotion", "pixels", "usage"}.difference(names):
            message = f"{path} has no column {min(missing)}: expected emotion, pixels and Usage"
            defects.append(Defect("missing column", str(path), message))
            return pd.DataFrame()
        start = len(head)
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), b"")):
            if len(line) == MAX_LINE:
                message = (
                    f"row {number + 2} of {path.name} has more than {MAX_LINE / 1e6:.0f} MB: "
                    f"expected one line per face"
                )
                defects.append(Defect("bad table", f"row {number + 2}", message))
                break
            cells = line.split(b",")
            if line.strip() and len(cells) == len(names):
                texts = {n: _text(c) for n, c in zip(names, cells, strict=True) if n != "pixels"}
                place = names.index("pixels")
                first = start + sum(len(each) + 1 for each in cells[:place])
                part = USAGES.get(texts["usage"])
                emotion = texts["emotion"]
                if part is None or emotion not in map(str, range(len(FER2013))):
                    wrong = f"Usage {texts['usage']!r}" if part is None else f"emotion {emotion!r}"
                    message = f"row {number + 2} of {path.name} has the unknown {wrong}"
                    defect = Defect("bad value", f"row {number + 2}", message)
                    refused.append(Found(part is None, wrong, defect))
                else:
                    rows.append(
                        {
                            "row": number,
                            "image": f"{part}/fer{number:07d}.png",
                            "path": cell(path, first, len(cells[place])),
                            "expression": FER2013[int(emotion)],
                            "part": part,
                            "split": PARTS[part],
                            "digest": hashlib.sha256(b" ".join(cells[place].split())).hexdigest(),
                        }
                    )
            elif line.strip():
                message = (
                    f"row {number + 2} of {path.name} has {len(cells)} cells: expected {len(names)}"
                )
                defect = Defect("bad table", f"row {number + 2}", message)
                refused.append(Found("cells", "", defect))
            start += len(line)
    defects.extend(one_a_cause(refused))
    if not rows and not defects:
        message = f"{path} has no rows: expected a header line and one row per face"
        defects.append(Defect("bad table", str(path), message))
    return pd.DataFrame(rows)


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", errors="replace").strip().strip('"')


FER2013_CSV: Final = Layout(
    summary="FER2013: one CSV file with grey levels and labels, or folders of its images",
    path="fer2013.csv or icml_face_data.csv, the folder that holds it, or the folder with "
    "train/angry/Training_3908.jpg and test",
    read=read_fer2013,
    official=Official(
        "goodfellow2013",
        images=35887,
        expressions={
            "anger": 4953,
            "disgust": 547,
            "fear": 5121,
            "happiness": 8989,
            "sadness": 6077,
            "surprise": 4002,
            "neutral": 6198,
        },
    ),
    source="goodfellow2013 https://www.kaggle.com/datasets/msambare/fer2013",
)
