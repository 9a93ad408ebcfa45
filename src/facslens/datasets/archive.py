"""Files that may lie inside others: in a zip archive, or an image as a cell of a CSV file.

``faces.zip/S001/S001_0.png`` is read as it stands; `cell` makes the path of a cell.
"""

import math
import os
import zipfile
from functools import lru_cache
from pathlib import Path


def read_bytes(path: Path | str) -> bytes:
    """Read a file, a member of a zip archive that stands in its path like a folder, or a cell.

    Raises
    ------
    OSError
        If neither the file nor such a member is there, or the archive or cell is damaged.
    """
    path = Path(path)
    archive = next((parent for parent in path.parents if parent.is_file()), None)
    if archive is None:
        return path.read_bytes()
    if archive.suffix.lower() == ".csv":
        return _read_cell(archive, path.name)
    member = path.relative_to(archive).as_posix()
    state = archive.stat()
    try:
        return _opened(archive, state.st_mtime_ns, state.st_size, os.getpid()).read(member)
    except KeyError:
        raise FileNotFoundError(2, "there is no such member", str(path)) from None
    except (zipfile.BadZipFile, EOFError) as error:
        raise OSError(5, f"the archive is damaged: {error}", str(path)) from error


def cell(table: Path, start: int, length: int) -> str:
    """Make the path of an image whose grey levels are a cell of a CSV file.

    Parameters
    ----------
    table
        The file.
    start, length
        Where the cell begins in it, and how long it is, in bytes. It holds the grey levels (0 to
        255) of a square image, row by row, apart by blanks.
    """
    return f"{table}/{start}-{length}"


def _read_cell(table: Path, place: str) -> bytes:
    """Give the image in a cell as a PGM file."""
    try:
        start, length = (int(number) for number in place.split("-"))
    except ValueError:
        raise FileNotFoundError(2, "there is no such cell", f"{table}/{place}") from None
    with table.open("rb") as file:
        file.seek(start)
        content = file.read(length)
    try:
        levels = bytes(int(level) for level in content.strip(b' "\r\n').split())
    except ValueError as error:
        raise OSError(5, "its cell holds what is no grey level from 0 to 255", place) from error
    side = math.isqrt(len(levels))
    if side == 0 or side**2 != len(levels):
        raise OSError(5, f"its cell holds {len(levels)} grey levels, which is no square", place)
    return b"P5 %d %d 255\n" % (side, side) + levels


# The key says which state of the file was opened, and by which process: after a fork two
# processes would move one another's place in the file.
@lru_cache(maxsize=4)
def _opened(archive: Path, _changed: int, _size: int, _process: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)


def is_file(path: Path) -> bool:
    """Tell whether there is such a file, or such a member of an archive."""
    archive = next((parent for parent in path.parents if parent.is_file()), None)
    if archive is None:
        return path.is_file()
    state = archive.stat()
    try:
        names = _opened(archive, state.st_mtime_ns, state.st_size, os.getpid()).NameToInfo
    except zipfile.BadZipFile:
        return False
    return path.relative_to(archive).as_posix() in names
