"""Images whose names say what they show, and lists of labels that lie beside images."""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from facslens.datasets.archive import MAX_TABLE_BYTES, read_bytes
from facslens.datasets.conflicts import check_split, without_conflicts
from facslens.datasets.defects import Defect, Found, one_a_cause
from facslens.datasets.files import count_skipped, files_below, in_utf8, is_image, relative
from facslens.datasets.reading import Reading
from facslens.datasets.text import decoded
from facslens.names import printable


@dataclass(frozen=True)
class Image:
    """An image file, and what a pattern found in its path.

    Parameters
    ----------
    where
        The path relative to the dataset, with forward slashes.
    file
        The file.
    match
        The match of the pattern.
    """

    where: str
    file: Path
    match: re.Match[str]

    def row(self, **known: object) -> dict[str, object]:
        """Give a row of a reading: the image, and what is known of it."""
        return {"image": printable(self.where), "path": str(self.file.absolute()), **known}


def named_images(
    root: Path,
    pattern: re.Pattern[str],
    example: str,
    defects: list[Defect],
    *,
    known: Container[Path] = (),
) -> list[Image]:
    """Find the images below a folder, at any depth, whose path ends as a pattern says.

    Parameters
    ----------
    root
        The folder.
    pattern
        What the end of a path looks like, from the begin of a name of a folder or file on.
    example
        A path that it matches, for messages.
    defects
        Takes what is wrong: what `files_below` finds, images of other names, two images of which
        the pattern matches the same text, and as a warning how many files are no images.
    known
        Files that are read elsewhere, so that they do not count as skipped.
    """
    files = in_utf8(files_below(root, defects), root, defects)
    count_skipped((f for f in files if not is_image(f) and f not in known), root, defects)
    anchored = re.compile(rf"(?:^|/)(?P<name>{pattern.pattern})$", pattern.flags)
    images: dict[str, Image] = {}
    wrong: list[Found] = []
    for file in filter(is_image, files):
        where = relative(file, root)
        match = anchored.search(file.absolute().as_posix())
        if match is None:
            message = f"{where}: expected a name such as {example}"
            wrong.append(Found("name", "", Defect("bad name", where, message)))
        elif match["name"] in images:
            message = (
                f"{match['name']} occurs twice: as {images[match['name']].where} and as {where}"
            )
            wrong.append(Found("twice", "", Defect("duplicate name", where, message)))
        else:
            images[match["name"]] = Image(where, file, match)
    defects.extend(one_a_cause(wrong))
    return list(images.values())


def read_list(file: Path, where: str, defects: list[Defect]) -> Mapping[str, tuple[int, str]]:
    """Read a list with a name and a label, separated by blanks, on every line.

    Parameters
    ----------
    file
        The list, in UTF-8 or UTF-16.
    where
        Its name, for messages.
    defects
        Takes what is wrong: the list cannot be read, a line is not of two words, a name stands
        twice (it keeps its first label).

    Returns
    -------
    mapping
        From names to the number of their line, from 1, and their label.
    """
    try:
        text = decoded(read_bytes(file, MAX_TABLE_BYTES))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"the list {where} cannot be read: {reason}"
        defects.append(Defect("unreadable", where, message))
        return {}
    labels: dict[str, tuple[int, str]] = {}
    wrong: list[Found] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        place = f"line {number} of {where}"
        if not words:
            continue
        if len(words) != 2:
            message = f"{place} is {line.strip()[:80]!r}: expected the name of an image and a label"
            wrong.append(Found("words", "", Defect("bad value", place, message)))
        elif words[0] in labels:
            message = f"{place} names {words[0]} again: expected one line per image"
            wrong.append(Found("twice", "", Defect("duplicate name", place, message)))
        else:
            labels[words[0]] = number, words[1]
    defects.extend(one_a_cause(wrong))
    return labels


def named_reading(
    name: str,
    rows: Iterable[Mapping[str, object]],
    root: Path,
    expected: str,
    defects: list[Defect],
) -> Reading:
    """Make a reading of rows, after what every dataset is checked for.

    Parameters
    ----------
    name
        Short name of the dataset.
    rows
        One per image.
    root
        Where it lies.
    expected
        What should have been there, where there is no row and no other error says why.
    defects
        What was found so far; takes a split that only some rows have, and labels that contradict
        each other.
    """
    table = pd.DataFrame([dict(row) for row in rows])
    if table.empty:
        if not any(defect.level == "error" for defect in defects):
            message = f"{root} holds no image of {name}: expected {expected}"
            defects.append(Defect("empty folder", str(root), message))
        return Reading(name, table, tuple(defects))
    if "split" in table.columns:
        check_split(table["split"], name, defects)
    table = without_conflicts(table, name, defects)
    return Reading(name, table, tuple(defects))
