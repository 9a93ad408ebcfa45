"""Load a Faces table by a specification such as ``ck48:data/ck48``."""

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from facslens.datasets.base import Faces, make_table
from facslens.datasets.frames import by_sequence
from facslens.datasets.layout import folder_or_file
from facslens.datasets.layouts import COMMON_KEYS, DEFAULT, LAYOUTS
from facslens.datasets.reading import Reading
from facslens.errors import CallError


@dataclass(frozen=True)
class Spec:
    """A data specification, taken apart: ``NAME[:PATH][,key=value…]``."""

    name: str
    path: Path | None = None
    keys: dict[str, str] = field(default_factory=dict)


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
    known = {**LAYOUTS[name].keys, **COMMON_KEYS}
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
    return Spec(name, folder_or_file(path) if path else None, keys)


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
        known = {**layout.keys, **COMMON_KEYS}[key]
        try:
            values[key] = known.parse(text)
        except (ValueError, KeyError, re.error) as error:
            raise CallError(
                f"spec {spec!r}: {key} is {text!r}: expected {known.summary}"
            ) from error
    independent = bool(values.pop("assume_independent", False))
    way = values.pop("by", None)
    reading = replace(layout.read(parts.path, **values), assume_independent=independent)
    return reading if way is None else _by_sequence(reading, str(way))


def _by_sequence(reading: Reading, way: str) -> Reading:
    """Take each sequence of a reading as asked."""
    if not len(reading.rows):
        return reading
    rows, notes = by_sequence(make_table(reading.rows), way, reading.name)
    return replace(reading, rows=rows, defects=(*reading.defects, *notes), by=way)


def load(spec: str = DEFAULT) -> Faces:
    """Load a dataset as a Faces table.

    Parameters
    ----------
    spec
        ``NAME[:PATH][,key=value…]``; `facslens.datasets.layouts.LAYOUTS` says which names and keys
        there are.

    Raises
    ------
    CallError
        If the specification is wrong.
    DataError
        If the data has errors: the first one, and how many more there are.
    """
    return read(spec).faces()
