"""Load a Faces table by a specification such as ``ck48:data/ck48``; the table of layouts."""

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from facslens.action_units import KINDS
from facslens.datasets.base import Faces
from facslens.datasets.ck48 import read_ck48
from facslens.datasets.ckplus import read_ckplus
from facslens.datasets.columns import UNKNOWN
from facslens.datasets.fer2013 import read_fer2013
from facslens.datasets.ferplus import LABELS, read_ferplus
from facslens.datasets.folder import read_folder
from facslens.datasets.labels import NUMBERINGS, UNKNOWN_LABEL, parse_labels
from facslens.datasets.reading import Reading
from facslens.datasets.synthetic import BUNDLED, read_synthetic
from facslens.datasets.table import read_table
from facslens.errors import CallError


@dataclass(frozen=True)
class Spec:
    """A data specification, taken apart: ``NAME[:PATH][,key=value…]``."""

    name: str
    path: Path | None = None
    keys: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Key:
    """One key of a layout: what its value means, and the function that reads it from text."""

    summary: str
    parse: Callable[[str], object] = str


@dataclass(frozen=True)
class Layout:
    """One arrangement of a dataset's files on disk.

    Parameters
    ----------
    summary
        What it is, in one line.
    path
        What the path of its specification names.
    read
        Takes that path and the parsed keys.
    keys
        The keys that a specification may give, beside `COMMON_KEYS`.
    needs_path
        Whether a specification has to give a path.
    """

    summary: str
    path: str
    read: Callable[..., Reading]
    keys: dict[str, Key] = field(default_factory=dict)
    needs_path: bool = True


def _folder_or_file(text: str) -> Path:
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path's own raises for ~nobody


def _from_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _kind(text: str) -> str:
    if text not in KINDS:
        raise ValueError(text)
    return text


def _unknown(text: str) -> tuple[float, ...]:
    signs = [UNKNOWN[word] if word in UNKNOWN else float(word) for word in text.split(",")]
    if not all(math.isfinite(sign) for sign in signs):
        raise ValueError(text)
    return tuple(signs)


def _design(text: str) -> str:
    if text not in BUNDLED:
        raise ValueError(text)
    return text


def _labels(text: str) -> str:
    if text not in LABELS:
        raise ValueError(text)
    return text


def _yes(text: str) -> bool:
    return {"yes": True, "no": False}[text]


#: Keys of every layout.
COMMON_KEYS: Final[dict[str, Key]] = {
    "assume_independent": Key(
        "yes, if every face of an unknown subject shows another person (default no)", _yes
    ),
}

_EXPRESSIONS_KEY: Final = Key(
    f"what other labels mean: {', '.join(NUMBERINGS)} for the numbers of these datasets, or pairs "
    f"such as 1:surprise,Freude:happiness,9:{UNKNOWN_LABEL}",
    parse_labels,
)

#: What is loaded where nothing is said.
DEFAULT: Final = "synthetic"

LAYOUTS: Final[dict[str, Layout]] = {
    "synthetic": Layout(
        summary="faces drawn by a program, with exact action units; some are in the package",
        path="a folder made by `facslens data synth`; without it, the faces in the package",
        read=read_synthetic,
        keys={
            "design": Key("natural (the default) or factorial, of those in the package", _design)
        },
        needs_path=False,
    ),
    "ck48": Layout(
        summary="CK+48: crops of the last three frames of each labelled CK+ sequence",
        path="the folder that holds CK+48/<expression>/S011_004_00000019.png",
        read=read_ck48,
        keys={"aus": Key("a CSV file of action units (default PATH/facs.csv)", _folder_or_file)},
    ),
    "ckplus": Layout(
        summary="CK+ as distributed: sequences with emotion and FACS files",
        path="the folder that holds cohn-kanade-images, Emotion and FACS",
        read=read_ckplus,
        keys={"peak": Key("how many last frames to take, a number from 1 (default 3)", _from_one)},
    ),
    "fer2013": Layout(
        summary="FER2013 as distributed: one CSV file with grey levels and labels",
        path="fer2013.csv or icml_face_data.csv, or the folder that holds it",
        read=read_fer2013,
    ),
    "ferplus": Layout(
        summary="FER+: the faces of FER2013 with ten votes each, as the FER+ tool writes them",
        path="the folder or zip archive that holds FER2013Train/label.csv",
        read=read_ferplus,
        keys={"labels": Key("ferplus (the default) or fer2013, FER2013's own labels", _labels)},
    ),
    "folder": Layout(
        summary="any images in one folder per expression",
        path="the folder that holds the expression folders, or train, val and test with these",
        read=read_folder,
        keys={
            "subject": Key("a regular expression for the subject in an image's path", re.compile),
            "labels": _EXPRESSIONS_KEY,
        },
    ),
    "table": Layout(
        summary="any CSV file with one row per image, action units in any known spelling",
        path="the CSV file, with commas, semicolons or tabs; only empty cells are unknown",
        read=read_table,
        keys={
            "path": Key("the column of image paths"),
            "expression": Key("the column of expressions, or none"),
            "subject": Key("the column of subjects, or none"),
            "sequence": Key("the column of sequences, or none"),
            "frame": Key("the column of frame numbers, or none"),
            "split": Key("the column of splits (train, val, test, or FER2013's Usage), or none"),
            "facs": Key("the column of FACS codes such as 6+12C+L14, or none"),
            "images": Key(
                "where relative paths start (default the table's folder)", _folder_or_file
            ),
            "kind": Key(f"what columns such as AU12 hold: {', '.join(KINDS)}", _kind),
            "present": Key(
                "a number from which on an intensity or probability counts as presence", float
            ),
            "labels": _EXPRESSIONS_KEY,
            "unknown": Key(
                "numbers that stand for an unknown action unit or expression, or a dataset whose "
                f"number it is: {', '.join(f'{n} ({v:g})' for n, v in UNKNOWN.items())}",
                _unknown,
            ),
        },
    ),
}


def parse_spec(text: str) -> Spec:
    r"""Take a data specification apart.

    Parameters
    ----------
    text
        ``NAME[:PATH][,key=value…]``. The path may hold colons and commas; a comma begins a
        key only where a word and ``=`` follow. ``~`` is the home folder.

    Raises
    ------
    CallError
        If the name is no layout, or a key is unknown or given twice.

    Examples
    --------
    >>> spec = parse_spec("ck48:data/ck48,aus=codes.csv")
    >>> spec.name, spec.path.as_posix(), spec.keys
    ('ck48', 'data/ck48', {'aus': 'codes.csv'})
    """
    head, *pairs = re.split(r",\s*(?=\w+=)", text.strip())
    name, _, path = head.partition(":")
    if name not in LAYOUTS:
        is_folder = os.path.isdir(text)  # noqa: PTH112 - Path.is_dir raises where it is too long
        hint = f"; for a folder of images write folder:{text}" if is_folder else ""
        raise CallError(
            f"spec {text!r} names no dataset layout: expected NAME[:PATH][,key=value…] with "
            f"one of the names {', '.join(LAYOUTS)}{hint}"
        )
    known = LAYOUTS[name].keys | COMMON_KEYS
    keys: dict[str, str] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        if key not in known:
            raise CallError(
                f"spec {text!r} gives {name} the unknown key {key!r}: it has {', '.join(known)}"
            )
        if key in keys:
            raise CallError(f"spec {text!r} gives the key {key!r} twice: expected it once")
        keys[key] = value
    return Spec(name, _folder_or_file(path) if path else None, keys)


def read(spec: str) -> Reading:
    """Read as much of a dataset as possible, and list everything that is wrong with it.

    Raises
    ------
    CallError
        If the specification is wrong (see `parse_spec`), lacks its path, or gives a key an
        impossible value.
    """
    parts = parse_spec(spec)
    layout = LAYOUTS[parts.name]
    if parts.path is None and layout.needs_path:
        raise CallError(f"spec {spec!r} has no path: expected {parts.name}:PATH, {layout.path}")
    values: dict[str, object] = {}
    for key, text in parts.keys.items():
        known = (layout.keys | COMMON_KEYS)[key]
        try:
            values[key] = known.parse(text)
        except (ValueError, KeyError, re.error) as error:
            raise CallError(
                f"spec {spec!r}: {key} is {text!r}: expected {known.summary}"
            ) from error
    independent = bool(values.pop("assume_independent", False))
    return replace(layout.read(parts.path, **values), assume_independent=independent)


def load(spec: str = DEFAULT) -> Faces:
    """Load a dataset as a Faces table.

    Parameters
    ----------
    spec
        ``NAME[:PATH][,key=value…]``; `LAYOUTS` says which names and keys there are.

    Raises
    ------
    CallError
        If the specification is wrong.
    DataError
        If the data has errors: the first one, and how many more there are.
    """
    return read(spec).faces()
