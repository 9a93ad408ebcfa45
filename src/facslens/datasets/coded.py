"""Videos that were coded frame by frame: text files of numbers, and the images of the frames."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from facslens.action_units import ACTION_UNITS, KINDS, Kind
from facslens.datasets.archive import MAX_TABLE_BYTES, read_bytes
from facslens.datasets.columns import numbers
from facslens.datasets.defects import Defect, Found, few
from facslens.datasets.files import relative
from facslens.datasets.text import decoded
from facslens.names import printable

PRESENCE: Final = KINDS["presence"]
INTENSITY: Final = replace(KINDS["intensity"], values="a whole number from 0 to 5")
_SUFFIX: Final = "_intensity"


@dataclass(frozen=True)
class Lines:
    """The lines of a text file that are not blank, taken apart.

    Parameters
    ----------
    where
        The file's path relative to the dataset, for messages.
    places
        The number of each line in the file, from 1.
    cells
        What each line holds between tabs, else between commas, else between blanks; without blanks
        around it.
    """

    where: str
    places: list[int]
    cells: list[list[str]]

    def keep(self, of: Sequence[int]) -> "Lines":
        """Keep some of the lines, by their place in the lists."""
        return Lines(self.where, [self.places[i] for i in of], [self.cells[i] for i in of])


def tail(file: Path, parts: int) -> str:
    """Give the last parts of a path, with forward slashes."""
    return "/".join(file.parts[-parts:])


def read_lines(file: Path, where: str, found: list[Found]) -> Lines:
    """Read a text file in UTF-8 or UTF-16; one that cannot be read is named, and has no lines."""
    try:
        text = decoded(read_bytes(file, MAX_TABLE_BYTES))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"the label file {where} cannot be read: {reason}"
        found.append(Found("unreadable", "", Defect("unreadable", where, message)))
        return Lines(where, [], [])
    lines = [(place, line) for place, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        message = f"the label file {where} is empty: what it should say is taken as unknown"
        found.append(Found("empty", "", Defect("bad value", where, message, "warning")))
    return Lines(where, [place for place, _ in lines], [_cells(line) for _, line in lines])


def _cells(line: str) -> list[str]:
    separator = "\t" if "\t" in line else "," if "," in line else None
    return [cell.strip() for cell in line.split(separator)]


def unit_of(number: str) -> str | None:
    """Give the action unit of a number as text; None where FACS defines no such one.

    Examples
    --------
    >>> unit_of("6"), unit_of("06"), unit_of("61"), unit_of("x")
    ('AU06', 'AU06', None, None)
    """
    code = f"AU{int(number):02d}" if number.isascii() and number.isdigit() else ""
    return code if code in ACTION_UNITS else None


def frame_codes(
    lines: Lines,
    columns: Sequence[str],
    scale: Kind,
    found: list[Found],
    unknown: float | None = None,
) -> pd.DataFrame:
    """Read lines that hold the number of a frame and one value for each column.

    Parameters
    ----------
    lines
        The lines, without a header.
    columns
        What each value after the frame's number is called, such as ``AU12``.
    scale
        The values: whole numbers from 0 to its ``high``.
    found
        Takes lines with more or fewer cells, frames that are no whole numbers from 0 on or stand
        twice, and values out of their range; all of these are left out.
    unknown
        The number that stands for an unknown value. An empty cell is one, too.

    Returns
    -------
    DataFrame
        float32 columns as named, rows by the number of the frame; unknown is NaN.
    """
    width = 1 + len(columns)
    whole = [i for i, cells in enumerate(lines.cells) if len(cells) == width]
    for i in sorted(set(range(len(lines.cells))) - set(whole)):
        message = (
            f"line {lines.places[i]} of {lines.where} has {len(lines.cells[i])} values: expected "
            f"{width}, the frame's number and {len(columns)} after it"
        )
        where = f"line {lines.places[i]} of {lines.where}"
        found.append(Found("width", "", Defect("bad value", where, message)))
    lines = lines.keep(whole)
    values = to_numbers(lines.cells, width)
    frames = values[:, 0]
    right = (frames >= 0) & (frames < 2**53) & _is_whole(frames)
    _refuse(lines, ~right[:, None], 0, ["the frame"], "a whole number from 0 on", found)
    lines, values = lines.keep(np.flatnonzero(right).tolist()), values[right]
    coded = values[:, 1:]
    empty = np.isnan(coded)
    for i, j in zip(*np.nonzero(empty), strict=True):
        empty[i, j] = not lines.cells[i][1 + j]
    sign = coded == unknown if unknown is not None else np.zeros(coded.shape, dtype=bool)
    fits = (coded >= 0) & (coded <= scale.high) & _is_whole(coded)
    also = f", or {unknown:g} where unknown" if unknown is not None else ""
    wrong = ~(fits | sign | empty)
    _refuse(lines, wrong, 1, columns, f"{scale.values}{also}", found)
    table = pd.DataFrame(np.where(fits, coded, np.nan), columns=list(columns), dtype=np.float32)
    table.index = pd.Index(values[:, 0].astype(np.int64), name="frame")
    again = table.index.duplicated()
    for i in np.flatnonzero(again).tolist():
        message = (
            f"line {lines.places[i]} of {lines.where} codes the frame {table.index[i]} a second "
            f"time: expected once"
        )
        where = f"line {lines.places[i]} of {lines.where}"
        found.append(Found("again", "", Defect("labels disagree", where, message)))
    return table[~again]


def _is_whole(values: Float[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
    return np.asarray(np.isfinite(values) & (values == np.rint(values)))


def to_numbers(cells: list[list[str]], width: int) -> Float[np.ndarray, "line cell"]:
    """Read cells as float64, every line of the same width; what is no number is NaN."""
    flat = pd.Series([cell for line in cells for cell in line], dtype=object)
    return numbers(flat).to_numpy(dtype=float).reshape(len(cells), width)


def _refuse(
    lines: Lines,
    wrong: np.ndarray,
    first: int,
    names: Sequence[str],
    expected: str,
    found: list[Found],
) -> None:
    """Name the cells that are wrong, from the first column on that is looked at."""
    for i, j in zip(*np.nonzero(wrong), strict=True):
        cell = lines.cells[i][first + j]
        where = f"line {lines.places[i]} of {lines.where}"
        message = f"{where} says {cell!r} for {names[j]}: expected {expected}"
        found.append(Found(("cell", expected), repr(cell), Defect("bad value", where, message)))


def frame_images(
    images: Iterable[tuple[str, str, int, Path]], root: Path, found: list[Found]
) -> pd.DataFrame:
    """Make rows of images.

    Parameters
    ----------
    images
        Of each its subject (empty if unknown), its sequence, the number of its frame, its file.
    root
        The dataset, to which names are relative.
    found
        Takes images of one frame that there are two of; the second is left out.

    Returns
    -------
    DataFrame
        Columns ``image``, ``path``, ``subject``, ``sequence``, ``frame``.
    """
    rows: dict[tuple[str, int], tuple[str, str, str | None, str, int]] = {}
    for subject, sequence, frame, file in images:
        where = relative(file, root)
        row = (printable(where), str(file.absolute()), subject or None, sequence, frame)
        first = rows.setdefault((sequence, frame), row)
        if first is not row:
            message = f"the frame {frame} of {sequence} has two images: {first[0]} and {where}"
            found.append(Found("two images", "", Defect("duplicate name", where, message)))
    return pd.DataFrame(
        list(rows.values()), columns=["image", "path", "subject", "sequence", "frame"]
    )


def with_codes(
    images: pd.DataFrame, codes: Mapping[str, pd.DataFrame], root: Path, defects: list[Defect]
) -> pd.DataFrame:
    """Give every image the codes of its frame.

    Parameters
    ----------
    images
        As `frame_images` gives them.
    codes
        Of each sequence the codes of its frames.
    root
        The dataset, for messages.
    defects
        Takes as warnings how many coded frames have no image, and how many images no code; both
        are left out.

    Returns
    -------
    DataFrame
        The coded images. An action unit that nobody coded in the sequence is NaN; one that is
        known nowhere has no column.
    """
    tables = {name: table for name, table in codes.items() if len(table)}
    if not tables or images.empty:
        return images.iloc[:0]
    coded = pd.concat(tables, names=["sequence"])
    rows = images.join(coded, on=["sequence", "frame"], how="inner").reset_index(drop=True)
    seen = pd.MultiIndex.from_frame(rows[["sequence", "frame"]])
    bare = coded.index[~coded.index.isin(seen)].get_level_values("sequence")
    if len(bare):
        message = f"{len(bare)} of {len(coded)} coded frames have no image: {_of_each(bare)}"
        defects.append(Defect("left out", str(root), message, "warning"))
    without = images["sequence"][~images["image"].isin(rows["image"])]
    if len(without):
        message = (
            f"{len(without)} of {len(images)} images have no code, left out: {_of_each(without)}"
        )
        defects.append(Defect("left out", str(root), message, "warning"))
    return rows.dropna(axis="columns", how="all")


def _of_each(sequences: Iterable[str]) -> str:
    return few(f"{name} ({count}×)" for name, count in sorted(Counter(sequences).items()))


def graded(codes: pd.DataFrame, present: int) -> pd.DataFrame:
    """Give intensities with the presence that follows from them.

    Parameters
    ----------
    codes
        Columns such as ``AU12``, which hold intensities.
    present
        From which intensity on an action unit counts as present. One that is unknown stays so.

    Returns
    -------
    DataFrame
        float32 columns ``AU12`` and ``AU12_intensity``.

    Examples
    --------
    >>> print(graded(pd.DataFrame({"AU12": [0.0, 1.0, 2.0, None]}), 2).to_string(index=False))
     AU12  AU12_intensity
      0.0             0.0
      0.0             1.0
      1.0             2.0
      NaN             NaN
    """
    presence = (codes >= present).astype(np.float32).where(codes.notna())
    both = presence.join(codes.add_suffix(_SUFFIX))
    return both.astype(np.float32)[sorted(both.columns)]


def units_in(rows: pd.DataFrame) -> list[str]:
    """Name the columns of action units of rows."""
    return [str(column) for column in rows.columns if str(column).split("_")[0] in ACTION_UNITS]
