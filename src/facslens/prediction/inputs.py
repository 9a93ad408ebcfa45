"""The state of the files that a prediction reads, so that another state is not taken for it."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from facslens.prediction.sources import Picture, name_of


def state_of(entries: Iterable[Path | Picture]) -> str:
    """Give what tells a list of inputs from another list, or from the same files changed.

    Parameters
    ----------
    entries
        As `facslens.prediction.sources.find` gives them.

    Returns
    -------
    str
        The SHA-256 of each entry's name, place, size in bytes, and time of its last change in
        nanoseconds; in their order.
    """
    sha = hashlib.sha256()
    for entry in entries:
        state = _problem(entry) if isinstance(entry, Picture) else _on_disk(entry)
        sha.update(repr((name_of(entry), state)).encode("utf-8", "surrogateescape"))
    return sha.hexdigest()


def _problem(entry: Picture) -> tuple[object, ...]:
    return (entry.problem,)


def _on_disk(path: Path) -> tuple[object, ...]:
    try:
        found = path.stat()
    except (OSError, ValueError):  # it is not there, or no system takes such a name
        return ("missing",)
    place = os.path.abspath(path)  # noqa: PTH100 - where a link stands
    return place, found.st_size, found.st_mtime_ns
