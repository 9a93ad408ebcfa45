"""The Toronto Face Database: faces of many collections in one MATLAB file, with five folds."""

import os
from pathlib import Path
from typing import Final

import numpy as np

from facslens.datasets.archive import state_of
from facslens.datasets.defects import Defect, tally
from facslens.datasets.labels import FER2013
from facslens.datasets.layout import Key, Layout, Official
from facslens.datasets.named import named_reading
from facslens.datasets.reading import Reading
from facslens.datasets.tfd_file import Stored, stored

#: The files that are looked for in a folder, the first of them that is there.
FILES: Final = (
    "TFD_48x48.mat", "TFD_96x96.mat", "TFD_ranzato_48x48.mat", "TFD_ranzato_96x96.mat",
)  # fmt: skip
# FER2013 took TFD's categories, and counts them from 0.
_EXPRESSIONS: Final = dict(enumerate(FER2013, 1))
_SPLITS: Final = {1: "train", 2: "validation", 3: "test"}
_EXAMPLE: Final = "TFD_48x48.mat with images, labs_ex, labs_id and folds"


def fold_number(text: str) -> int:
    """Read the number of a fold, from 1 to 5."""
    number = int(text)
    if not 1 <= number <= 5:
        raise ValueError(text)
    return number


def read_tfd(path: Path, fold: int = 1) -> Reading:
    """Read the labelled faces, with the parts of one of the five folds.

    Parameters
    ----------
    path
        The MATLAB file (of version 5 to 7.2), or the folder that holds it. ``images`` are the
        faces; ``labs_ex`` their expressions: 1 anger, 2 disgust, 3 fear, 4 happiness, 5 sadness,
        6 surprise, 7 neutral, -1 unknown; ``labs_id`` the people, -1 unknown; ``folds`` a column
        for each fold: 0 unlabelled, 1 training, 2 validation, 3 test.
    fold
        Which fold says the parts, from 1 to 5.

    Notes
    -----
    Faces without a label are left out, and counted. The database is made of others (CK+, KDEF,
    JAFFE and more), so people in it may be in those, too.

    References
    ----------
    Susskind, Anderson & Hinton 2010 [susskind2010]_; the numbers of expressions as Goodfellow et
    al. 2013 [goodfellow2013]_ took them over.
    """
    defects: list[Defect] = []
    file = path
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        file = next((path / name for name in FILES if (path / name).is_file()), path / FILES[0])
    if state_of(file) != "is a file":
        message = f"{file} {state_of(file)}: expected {_EXAMPLE}"
        defects.append(Defect("missing path", str(file), message))
        return named_reading("tfd", (), path, _EXAMPLE, defects)
    try:
        faces = stored(file)
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}; expected {_EXAMPLE}"
        defects.append(Defect("unreadable", str(file), message))
        return named_reading("tfd", (), path, _EXAMPLE, defects)
    return named_reading("tfd", _rows(file, faces, fold, defects), path, _EXAMPLE, defects)


def _rows(file: Path, faces: Stored, fold: int, defects: list[Defect]) -> list[dict[str, object]]:
    """Give a row for each face whose expression and part are known."""
    if faces.folds.shape[1] < fold:
        message = f"{file} has {faces.folds.shape[1]} folds: expected five"
        defects.append(Defect("bad table", str(file), message))
        return []
    parts = faces.folds[:, fold - 1]
    unknown = ~np.isin(faces.labels, list(_EXPRESSIONS))
    outside = ~unknown & ~np.isin(parts, list(_SPLITS))
    if unknown.any():
        counts = tally(str(label) for label in faces.labels[unknown])
        message = f"{file} has labels that are no number from 1 to 7, nor -1: {counts}"
        defects.append(Defect("bad value", str(file), message))
    for count, why in (
        (faces.faces - len(faces.rows), "without a label (labs_ex is -1)"),
        (int(outside.sum()), f"in no part of fold {fold}"),
    ):
        if count:
            message = f"faces {why} are left out: {count} of {faces.faces}"
            defects.append(Defect("left out", str(file), message, "warning"))
    return [
        {
            "image": f"{file.stem}/{faces.rows[place]:06d}",
            "path": f"{file.absolute()}/{faces.rows[place]}",
            "subject": None if faces.identities[place] < 0 else str(faces.identities[place]),
            "expression": _EXPRESSIONS[int(faces.labels[place])],
            "split": _SPLITS[int(parts[place])],
        }
        for place in np.flatnonzero(~unknown & ~outside)
    ]


TFD: Final = Layout(
    summary="TFD, the Toronto Face Database: one MATLAB file with faces, labels and five folds",
    path="TFD_48x48.mat, or the folder that holds it",
    read=read_tfd,
    keys={"fold": Key("which fold says the parts, from 1 (the default) to 5", fold_number)},
    # Those with a label.
    official=Official("khorrami2015", images=4178),
    source="susskind2010 https://github.com/mila-iqia/fuel https://github.com/nouiz/lisa_emotiw",
)
