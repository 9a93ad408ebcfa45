"""FER2013 as distributed: one CSV file with the grey levels of every face in a cell."""

import hashlib
import os
from pathlib import Path
from typing import Final

import pandas as pd

from facslens.datasets.archive import cell, state_of
from facslens.datasets.defects import Defect, Found, one_a_cause
from facslens.datasets.ferplus import PARTS, later_copies
from facslens.datasets.files import in_utf8
from facslens.datasets.labels import FER2013
from facslens.datasets.layout import Layout
from facslens.datasets.reading import Reading

#: Most bytes of a line: a face of 1024 × 1024 pixels.
MAX_LINE: Final = 4_194_304
#: Parts as the column Usage calls them, in the order of FER+'s folders.
USAGES: Final = dict(zip(("Training", "PublicTest", "PrivateTest"), PARTS, strict=True))


def read_fer2013(path: Path) -> Reading:
    """Read the faces of FER2013 with the label that each was published with.

    Faces are named by their row, as the FER+ tool names them. Training faces that are copies of a
    validation or test face are left out, and so are validation copies of test faces.

    Parameters
    ----------
    path
        A CSV file with the columns ``emotion`` (0 anger, 1 disgust, 2 fear, 3 happiness, 4
        sadness, 5 surprise, 6 neutral), ``pixels`` (grey levels of a square image, separated by
        blanks) and ``Usage`` (Training, PublicTest, PrivateTest), in any order: ``fer2013.csv`` or
        ``icml_face_data.csv``; or the folder that holds one of them.

    References
    ----------
    Goodfellow et al. 2013 [goodfellow2013]_.
    """
    for name in ("fer2013.csv", "icml_face_data.csv"):
        if os.path.isfile(path / name):  # noqa: PTH113 - Path's own raises where a name is too long
            path = path / name
    defects: list[Defect] = []
    rows = _read(path.absolute(), defects)
    if rows.empty:
        return Reading("fer2013", rows, tuple(defects))
    twice = later_copies(rows["digest"], rows["split"])
    if twice.any():
        message = f"{int(twice.sum())} copies of faces that another part holds are left out"
        defects.append(Defect("left out", str(path), message, "warning"))
    kept = rows[~twice].drop(columns="digest").reset_index(drop=True)
    return Reading("fer2013", kept, tuple(defects))


def _read(path: Path, defects: list[Defect]) -> pd.DataFrame:
    """Note where in the file each face stands; its grey levels are read when they are needed."""
    state = state_of(path)
    if state != "is a file":
        state = "holds no fer2013.csv" if state == "is a folder" else state
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
                            "image": f"{part}/fer{number:07d}.png",
                            "path": cell(path, first, len(cells[place])),
                            "expression": FER2013[int(emotion)],
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
    summary="FER2013 as distributed: one CSV file with grey levels and labels",
    path="fer2013.csv or icml_face_data.csv, or the folder that holds it",
    read=read_fer2013,
)
