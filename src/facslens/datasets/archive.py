"""Read the bytes of a picture or table, which may lie inside a zip archive or another file.

A path may lead into an archive, as ``faces.zip/S001/S001_0.png`` does; `cell` makes the path of an
image that is a cell of a CSV file; ``TFD_48x48.mat/7`` is a face in a MATLAB file. Only regular
files are read, and never more of one than a limit.
"""

import math
import os
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from facslens.datasets.tfd_file import picture

#: Most bytes that are read of one image, before and after unpacking: as many as an uncompressed
#: picture of `facslens.datasets.images.MAX_PIXELS` in four channels takes.
MAX_BYTES: Final = 132_000_000
#: Most bytes that are read of one table.
MAX_TABLE_BYTES: Final = 512_000_000

# Others, such as LZMA, unpack a kilobyte to gigabytes at once, whatever limit they are given.
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True)
class Carried:
    """A file with its bytes, for a process that may not see the disk.

    Parameters
    ----------
    path
        Where it was read, for messages.
    content
        Its bytes, or the error that reading it met.
    """

    path: str
    content: bytes | OSError

    def __str__(self) -> str:
        return self.path


def carried(path: Path | str, limit: int = MAX_BYTES) -> Carried:
    """Read a file as `read_bytes` does, to be sent to another process.

    An error is sent along, and raised where the bytes are read.
    """
    try:
        return Carried(str(path), read_bytes(path, limit))
    except OSError as error:
        return Carried(str(path), error)


def read_bytes(path: Path | str | Carried, limit: int = MAX_BYTES) -> bytes:
    """Read a file, a member of a zip archive (``faces.zip/a.png``), or a cell of a table (`cell`).

    The bytes of a `Carried` are there already.

    Parameters
    ----------
    path
        What to read.
    limit
        Most bytes that are read, and that are unpacked from an archive.

    Raises
    ------
    OSError
        If neither the file nor such a member is there, it is no regular file, it is larger than
        the limit, or the archive or cell is damaged. ``strerror`` says which, as part of a
        sentence.
    """
    if isinstance(path, Carried):
        if isinstance(path.content, OSError):
            raise path.content
        return path.content
    path = Path(path)
    try:
        archive = _archive(path)
        if archive is None:
            return _read_file(path, limit)
        if archive.suffix.lower() == ".csv":
            return _read_cell(archive, path.name, limit)
        if archive.suffix.lower() == ".mat":
            return picture(archive, path.name)
        return _read_member(archive, path, limit)
    except ValueError as error:  # a zero byte in the path
        raise OSError(22, str(error), str(path)) from error


def state_of(path: Path) -> str:
    """Say what stands at a path where a file of another kind was expected.

    Returns
    -------
    str
        Such as ``does not exist``, ``is a folder``, ``is a named pipe``.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "does not exist"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return f"cannot be opened ({reason})"
    kind = next((kind for is_kind, kind in _KINDS if is_kind(mode)), "a file")
    return f"is {kind}"


def is_file(path: Path) -> bool:
    """Tell whether there is such a regular file, or such a member of an archive."""
    archive = _archive(path)
    if archive is None:
        return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a name is too long
    try:
        state = archive.stat()
        names = _opened(archive, state.st_mtime_ns, state.st_size, os.getpid()).NameToInfo
    except _DAMAGED:
        return False
    return path.relative_to(archive).as_posix() in names


def cell(table: Path, start: int, length: int) -> str:
    """Make the path of an image whose grey levels are a cell of a CSV file.

    Parameters
    ----------
    table
        The file.
    start, length
        Where the cell begins in it, and how long it is, in bytes. It holds the grey levels (0 to
        255) of a square image, row by row, separated by blanks.
    """
    return f"{table}/{start}-{length}"


def _archive(path: Path) -> Path | None:
    """Find the file that stands in a path like a folder."""
    return next((parent for parent in path.parents if os.path.isfile(parent)), None)  # noqa: PTH113


def _read_file(path: Path, limit: int) -> bytes:
    state = path.stat()
    if not stat.S_ISREG(state.st_mode) and not stat.S_ISDIR(state.st_mode):
        raise OSError(22, f"it {state_of(path)}, expected a regular file", str(path))
    if state.st_size > limit:
        raise _too_large(path, limit)
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:  # it grew, or is of a file system that knows no sizes
        raise _too_large(path, limit)
    return content


def _too_large(path: Path | str, limit: int) -> OSError:
    return OSError(27, f"it holds more than {limit / 1e6:.0f} MB", str(path))


def _read_cell(table: Path, place: str, limit: int) -> bytes:
    """Give the image in a cell as a PGM file."""
    try:
        start, length = (int(number) for number in place.split("-"))
    except ValueError:
        raise FileNotFoundError(2, "there is no such cell", f"{table}/{place}") from None
    if length > limit:
        raise _too_large(f"{table}/{place}", limit)
    with table.open("rb") as file:
        file.seek(start)
        content = file.read(length)
    try:
        levels = bytes(int(level) for level in content.strip(b' "\r\n').split())
    except ValueError as error:
        raise OSError(
            5, "its cell holds something that is no grey level from 0 to 255", place
        ) from error
    side = math.isqrt(len(levels))
    if side == 0 or side**2 != len(levels):
        raise OSError(5, f"its cell holds {len(levels)} grey levels: expected a square", place)
    return b"P5 %d %d 255\n" % (side, side) + levels


# What the module zipfile raises on archives that are damaged or meant to do harm.
_DAMAGED: Final = (
    OSError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    struct.error,
    ValueError,
    IndexError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


def _read_member(archive: Path, path: Path, limit: int) -> bytes:
    member = path.relative_to(archive).as_posix()
    state = archive.stat()
    try:
        opened = _opened(archive, state.st_mtime_ns, state.st_size, os.getpid())
        info = opened.NameToInfo.get(member)
        if info is not None and info.file_size <= limit and _is_plain(info):
            with opened.open(info) as file:
                # Where the header lies, no more is unpacked than it says; the checksum tells.
                return file.read(info.file_size + 1)
    except _DAMAGED as error:
        raise OSError(5, f"the archive is damaged: {error}", str(path)) from error
    if info is None:
        raise FileNotFoundError(2, "there is no such member", str(path))
    if info.flag_bits & 1:
        raise OSError(5, "it is encrypted in its archive: unpack it first", str(path))
    if info.compress_type not in _METHODS:
        reason = (
            f"its archive compresses it by method {info.compress_type}, expected deflate or none"
        )
        raise OSError(5, reason, str(path))
    raise _too_large(path, limit)


def _is_plain(info: zipfile.ZipInfo) -> bool:
    return not info.flag_bits & 1 and info.compress_type in _METHODS


# The key says which state of the file was opened, and by which process: after a fork two
# processes would move one another's place in the file.
@lru_cache(maxsize=4)
def _opened(archive: Path, _changed: int, _size: int, _process: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)
