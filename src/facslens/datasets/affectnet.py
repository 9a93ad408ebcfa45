"""AffectNet: faces from the web with one of eight expressions, by tables or by NumPy files."""

import os
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from facslens.datasets.archive import read_bytes, state_of
from facslens.datasets.columns import read_csv, row_name
from facslens.datasets.defects import Defect, Found, few, one_a_cause
from facslens.datasets.files import files_below, find_file, in_utf8, is_image, relative
from facslens.datasets.labels import NUMBERINGS, UNKNOWN_LABEL
from facslens.datasets.layout import Key, Layout, Official, folder_or_file
from facslens.datasets.named import named_reading
from facslens.datasets.reading import Reading
from facslens.names import printable

#: The tables of the full set and the folders of the one of 2021, with the part that each is.
TABLES: Final = {"training.csv": "train", "validation.csv": "validation"}
FOLDERS: Final = {"train_set": "train", "val_set": "validation"}
#: A table whose expressions a network estimated.
AUTOMATIC: Final = "automatically_annotated.csv"
_TABLE_PLACES: Final = ("", "Manually_Annotated_file_lists/")
_IMAGE_PLACES: Final = (
    "Manually_Annotated_Images",
    "Manually_Annotated/Manually_Annotated_Images",
    "Manually_Annotated",
)
_PATH: Final = "subDirectory_filePath"
_EXPRESSIONS: Final = NUMBERINGS["affectnet"]
#: The number of what is no face.
_NO_FACE: Final = "10"
# A scalar takes 130 bytes.
_MAX_BYTES: Final = 4096
# The begin of a NumPy file, up to its values. NumPy's own reader evaluates it as Python, and raises
# whatever that raises.
_HEAD: Final = re.compile(
    rb"\x93NUMPY(?:\x01\x00..|[\x02\x03]\x00....)"
    rb"\{'descr': '(?P<kind>[<>|](?:[iu][1248]|f[248]|[US]\d{1,2}))', "
    rb"'fortran_order': (?:True|False), 'shape': \((?P<shape>[\d, ]*)\),? *\} *\n",
    re.DOTALL,
)
_EXAMPLE: Final = "training.csv and validation.csv, or train_set/images and train_set/annotations"


def read_affectnet(path: Path, images: Path | None = None) -> Reading:
    """Read faces with the expression that a person gave them.

    Parameters
    ----------
    path
        The folder that holds ``training.csv`` and ``validation.csv`` (or one of them), or
        ``Manually_Annotated_file_lists`` with them; one such table; or the folder that holds
        ``train_set`` and ``val_set`` (or one of them, itself) with ``images/0.jpg`` and
        ``annotations/0_exp.npy``.
    images
        Where the paths of the tables start; by default ``Manually_Annotated_Images`` in the
        folder, or the folder of the table.

    Notes
    -----
    Numbers from 0 to 7 are expressions (0 neutral, 1 happiness, 2 sadness, 3 surprise, 4 fear,
    5 disgust, 6 anger, 7 contempt). Of 8 (none of them) and 9 (uncertain) the expression is
    unknown; 10 (no face) is left out, and counted. Valence, arousal, landmarks and the box of the
    face are not read. ``automatically_annotated.csv`` is refused: a network estimated its
    expressions. NumPy files that hold a pickle are never opened.

    References
    ----------
    Mollahosseini, Hasani & Mahoor 2019 [mollahosseini2019]_.
    """
    defects: list[Defect] = []
    tables, folders = _tables(path), _folders(path)
    faceless: Counter[str] = Counter()
    seen: dict[str, str] = {}
    rows: list[Mapping[str, object]] = []
    if path.name == AUTOMATIC:
        message = f"{path} has the expressions that a network estimated: expected {_EXAMPLE}"
        defects.append(Defect("bad table", str(path), message))
    elif tables:
        for table, split in tables:
            start = images or next(filter(os.path.isdir, _starts(path, table)), table.parent)
            rows += _from_table(table, split, start, seen, faceless, defects)
    elif folders:
        if images is not None:
            message = f"images={images} plays no part: {path} holds images beside their labels"
            defects.append(Defect("left out", str(path), message, "warning"))
        for folder, split in folders:
            rows += _from_folder(
                folder, folder if folder == path else path, split, faceless, defects
            )
    elif not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        message = f"{path} {state_of(path)}: expected a folder or table of AffectNet"
        defects.append(Defect("missing path", str(path), message))
    if faceless:
        counts = ", ".join(f"{source} ({count}×)" for source, count in faceless.items())
        message = f"images that show no face, by their label 10, are left out: {counts}"
        defects.append(Defect("left out", str(path), message, "warning"))
    return named_reading("affectnet", rows, path, _EXAMPLE, defects)


def _tables(path: Path) -> list[tuple[Path, str | None]]:
    """Find the tables, and the part that each is."""
    if path.suffix.lower() == ".csv":
        return [(path, TABLES.get(path.name))]
    places = (
        (path / place / name, part) for place in _TABLE_PLACES for name, part in TABLES.items()
    )
    # Path's own raises where a name is too long.
    return [(file, part) for file, part in places if os.path.isfile(file)]  # noqa: PTH113


def _starts(path: Path, table: Path) -> Iterator[Path]:
    """Give the folders from which the paths in a table may start."""
    for base in (path, table.parent, table.parent.parent):
        yield from (base / place for place in _IMAGE_PLACES)


def _folders(path: Path) -> list[tuple[Path, str | None]]:
    """Find the folders that hold images and annotations, and the part that each is."""
    places: list[tuple[Path, str | None]] = [(path / name, part) for name, part in FOLDERS.items()]
    if path.name in FOLDERS or not any(os.path.isdir(folder) for folder, _ in places):  # noqa: PTH112
        places = [(path, FOLDERS.get(path.absolute().name))]
    # Path's own raises where a name is too long.
    return [one for one in places if os.path.isdir(one[0] / "annotations")]  # noqa: PTH112


def _from_table(
    table: Path,
    split: str | None,
    start: Path,
    seen: dict[str, str],
    faceless: Counter[str],
    defects: list[Defect],
) -> list[Mapping[str, object]]:
    """Read the rows of one table; `seen` has the images of those before it."""
    cells = read_csv(table, defects, only=(_PATH, "expression"))
    if cells.empty:
        return []
    missing = [column for column in (_PATH, "expression") if column not in cells.columns]
    if missing:
        message = f"{table} lacks the column {missing[0]!r}: expected the tables of AffectNet"
        defects.append(Defect("missing column", str(table), message))
        return []
    rows: list[Mapping[str, object]] = []
    wrong: list[Found] = []
    for index, name, label in zip(cells.index, cells[_PATH], cells["expression"], strict=True):
        line = row_name(index, table.name)
        label = "" if pd.isna(label) else label.removesuffix(".0")  # as spreadsheets may write it
        expression = _EXPRESSIONS.get(label)
        written = None if pd.isna(name) else posixpath.normpath(name.replace("\\", "/"))
        found = None if written is None else find_file(start, written)
        if label == _NO_FACE:
            faceless[table.name] += 1
        elif expression is None:
            cell = repr(label[:80]) if label else "empty"
            message = f"{line}: expression is {cell}: expected a number from 0 to 10"
            wrong.append(Found("label", cell, Defect("bad value", line, message)))
        elif found is None:
            cell = "nothing" if pd.isna(name) else str(name)[:200]
            message = f"{line}: the image {cell} is not in {start} (images=)"
            wrong.append(Found("image", "", Defect("missing path", line, message)))
        elif found in seen:
            message = f"{line}: the image {found} stands in {seen[found]}, too: expected one row"
            wrong.append(Found("twice", "", Defect("duplicate name", line, message)))
        else:
            seen[found] = line
            rows.append(_row(found, start / found, expression, split))
    defects.extend(one_a_cause(wrong))
    return rows


def _from_folder(
    folder: Path,
    root: Path,
    split: str | None,
    faceless: Counter[str],
    defects: list[Defect],
) -> list[Mapping[str, object]]:
    """Read the images of one part, each with the expression in a file of its own."""
    rows: list[Mapping[str, object]] = []
    wrong: list[Found] = []
    listed = files_below(folder / "images", defects)
    images: dict[str, Path] = {}
    for file in in_utf8(filter(is_image, listed), root, defects):
        where, first = relative(file, root), images.setdefault(file.stem, file)
        if first != file:
            message = f"{where} has the number of {relative(first, root)}: expected one image"
            wrong.append(Found("twice", "", Defect("duplicate name", where, message)))
    for stem, file in images.items():
        where, beside = relative(file, root), folder / "annotations" / f"{stem}_exp.npy"
        try:
            label = read_label(beside)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            name = relative(beside, root)
            if isinstance(error, FileNotFoundError):
                defect = Defect("missing path", where, f"{name} of {where} does not exist")
            else:
                message = f"{name} of {where} holds no label: {reason}"
                defect = Defect("bad value", where, message)
            wrong.append(Found(defect.kind, "", defect))
            continue
        expression = _EXPRESSIONS.get(label)
        if label == _NO_FACE:
            faceless[folder.name] += 1
        elif expression is None:
            message = f"{relative(beside, root)} is {label[:80]}: expected a number from 0 to 10"
            wrong.append(Found("label", label[:80], Defect("bad value", where, message)))
        else:
            rows.append(_row(where, file, expression, split))
    annotated = (
        f.name.removesuffix("_exp.npy") for f in (folder / "annotations").glob("*_exp.npy")
    )
    bare = sorted(stem for stem in annotated if stem not in images)
    if bare:
        message = f"labels in {folder.name} without an image: {len(bare)}, of {few(bare)}"
        wrong.append(Found("bare", "", Defect("missing path", str(folder), message)))
    defects.extend(one_a_cause(wrong))
    return rows


def read_label(file: Path) -> str:
    """Read the number in a NumPy file that holds one, as text or as a number.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it holds no single number, or a pickle.
    """
    content = read_bytes(file, _MAX_BYTES)
    if not content.startswith(b"\x93NUMPY"):
        raise ValueError("it is no NumPy file")
    head = _HEAD.match(content)
    if head is None:
        raise ValueError("it is no NumPy file of one number or text, or it holds a pickle")
    kind = np.dtype(head["kind"].decode())
    values = content[head.end() :]
    if len(values) != kind.itemsize or set(head["shape"].decode()) - set("1, "):
        raise ValueError(f"it holds {len(values)} bytes of {kind}, expected one value")
    value = np.frombuffer(values, kind)[0]
    if kind.kind == "S":
        value = value.decode("ascii", errors="replace")
    text = f"{value:g}" if kind.kind in "iuf" else str(value).strip()
    return str(text.removesuffix(".0"))


def _row(where: str, file: Path, expression: str, split: str | None) -> Mapping[str, object]:
    return {
        "image": printable(where),
        "path": str(file.absolute()),
        "expression": None if expression == UNKNOWN_LABEL else expression,
        "split": split,
    }


AFFECTNET: Final = Layout(
    summary="AffectNet: faces from the web with one of eight expressions, as tables or npy files",
    path="the folder that holds training.csv and validation.csv, one such table, or the folder "
    "that holds train_set and val_set",
    read=read_affectnet,
    keys={"images": Key("where the tables' paths start", folder_or_file)},
    # Both forms hold these; the tables have images without an expression, too.
    official=Official(
        "mollahosseini2019",
        expressions={
            "neutral": 74874 + 500,
            "happiness": 134415 + 500,
            "sadness": 25459 + 500,
            "surprise": 14090 + 500,
            "fear": 6378 + 500,
            "disgust": 3803 + 500,
            "anger": 24882 + 500,
            "contempt": 3750 + 500,
        },
    ),
    source="mollahosseini2019 http://mohammadmahoor.com/affectnet/ "
    "https://github.com/pablotanner/emotion-recognition",
)
