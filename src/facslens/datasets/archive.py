"""Files that may lie inside a zip archive: ``faces.zip/S001/S001_0.png`` is read as it stands."""

import os
import zipfile
from functools import lru_cache
from pathlib import Path


def read_bytes(path: Path | str) -> bytes:
    """Read a file, or a member of a zip archive that stands in its path like a folder.

    Raises
    ------
    OSError
        If neither the file nor such a member is there, or the archive is damaged.
    """
    path = Path(path)
    archive = next((parent for parent in path.parents if parent.is_file()), None)
    if archive is None:
        return path.read_bytes()
    member = path.relative_to(archive).as_posix()
    state = archive.stat()
    try:
        return _opened(archive, state.st_mtime_ns, state.st_size, os.getpid()).read(member)
    except KeyError:
        raise FileNotFoundError(2, "there is no such member", str(path)) from None
    except (zipfile.BadZipFile, EOFError) as error:
        raise OSError(5, f"the archive is damaged: {error}", str(path)) from error


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
