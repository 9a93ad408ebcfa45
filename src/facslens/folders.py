"""A folder that one order fills: new, or begun by the same order, and by one process at a time."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from facslens import artifacts
from facslens.artifacts import Json
from facslens.errors import CallError


@contextlib.contextmanager
def filling(folder: Path, note: str, order: Json, what: str) -> Iterator[Json]:
    """Keep a folder for one order while the block fills it; a JSON file in it says which.

    Parameters
    ----------
    folder
        The folder.
    note
        Name of the JSON file. It may have more entries than the order, such as a hash.
    order
        What is drawn.
    what
        What that is, for errors.

    Yields
    ------
    dict
        The content of the JSON file.

    Raises
    ------
    CallError
        If the folder holds anything else.
    ArtifactError
        If it cannot be written, or another process fills it.
    """
    file = folder / note
    if file.exists():
        found = artifacts.read_json(file)
        if {name: value for name, value in found.items() if name != "sha256"} != order:
            raise CallError(f"{folder} holds {what} made with other settings: choose a new folder")
    elif folder.exists() and not folder.is_dir():
        raise CallError(f"{folder} is a file: choose a new folder")
    elif folder.exists() and any(folder.iterdir()):
        raise CallError(f"{folder} is not empty: choose a new folder")
    with artifacts.locked(folder, f"the folder {folder}"):
        artifacts.sweep(folder)
        if not file.exists():
            artifacts.write_json(file, order)
        yield artifacts.read_json(file)
