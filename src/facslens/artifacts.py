"""Write and read files: atomically, with hashes and locks."""

import contextlib
import errno
import hashlib
import json
import os
import platform
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import filelock

from facslens.errors import ArtifactError

if TYPE_CHECKING:  # what reads no table does not wait for pandas
    import pandas as pd

Json = dict[str, Any]


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that replaces it when the block succeeds.

    The temporary path may become a file or a folder. After an exception it is removed, and a file
    that was at `path` before is not changed.

    Raises
    ------
    ArtifactError
        If the disk is full, the folder cannot be written, or is no folder.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in path.parent.glob(f".{_escaped(path.name)}.*"):
            if (process := _process_of(leftover)) and not is_alive(process):
                _remove(leftover)
        yield temporary
        take_place(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        _remove(temporary)


@contextlib.contextmanager
def working(path: Path) -> Iterator[Path]:
    """Give a folder beside `path` for what is needed only to make it, and remove it at the end.

    What a killed process left is removed by `sweep`.
    """
    folder = path.with_name(f".{path.name}.working.{os.getpid()}.partial")
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        yield folder
    finally:
        _remove(folder)


def take_place(temporary: Path, path: Path) -> None:
    """Rename a finished path over another.

    A folder needs the old one out of the way first.
    """
    if not (temporary.is_dir() and path.exists()):
        temporary.replace(path)
        return
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    path.replace(old)
    try:
        temporary.replace(path)
    except OSError:
        old.replace(path)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


#: What `atomic` calls a file that is not whole yet, and one that is about to be replaced.
_LEFTOVER: Final = re.compile(r"\..+\.(\d+)\.(?:partial|old)")


def _process_of(path: Path) -> int | None:
    """Give the process that a file of `atomic` belongs to; None for any other file."""
    match = _LEFTOVER.fullmatch(path.name)
    return int(match[1]) if match else None


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def sweep(folder: Path) -> None:
    """Remove incomplete files that killed processes left below a folder.

    The caller must hold the folder's lock, because files that another process is writing are
    removed, too.
    """
    for path in sorted(folder.rglob(".*")):
        if _process_of(path) is not None:
            _remove(path)


def is_alive(process: int) -> bool:
    """Tell whether a process of this machine is running."""
    if process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is somebody else's
        return True
    return True


_held: dict[Path, int] = {}


@contextlib.contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Keep every other process from writing a file or folder while the block runs.

    The lock is a hidden file beside it, which is removed at the end. The operating system releases
    the lock when a process ends, so that a killed process does not block the next one. The same
    thread may take the lock again.

    Parameters
    ----------
    path
        The file or folder; it need not exist.
    what
        Its name in the error, such as ``the run runs/a``.

    Raises
    ------
    ArtifactError
        If another process holds it, or the lock file cannot be written.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - a link is locked where it stands
    me = threading.get_ident()
    if _held.get(path) == me:
        yield
        return
    beside = path.with_name(f".{path.name}.lock")
    lock = filelock.FileLock(beside, timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        beside.write_text(f"{os.getpid()} on {platform.node()}", encoding="utf-8")
    except filelock.Timeout:
        raise ArtifactError(
            f"{what} is being written by another process ({_holder(beside)}): wait for it, "
            f"or stop it first"
        ) from None
    except OSError as error:
        lock.release()
        raise cannot_write(path, error) from error
    _held[path] = me
    try:
        yield
    finally:
        del _held[path]
        with contextlib.suppress(OSError):  # Windows removes no open file
            beside.unlink()
        lock.release()


def _holder(lock: Path) -> str:
    try:
        return f"process {lock.read_text(encoding='utf-8')}"
    except OSError:
        return "unknown"


def cannot_write(path: Path, error: OSError) -> ArtifactError:
    """Say why a file or folder could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ArtifactError(
            f"the disk is full: {path.name} could not be written to {path.parent}; "
            f"what was there before is untouched"
        )
    return ArtifactError(f"{path} cannot be written: {error.strerror or error}")


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, in UTF-8."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically; NaN raises an error, because JSON has no NaN."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Json:
    """Read a JSON object.

    Raises
    ------
    ArtifactError
        If the file is missing or is no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} does not exist") from error
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} is no readable JSON file: {error}") from error
    if not isinstance(content, dict):
        raise ArtifactError(f"{path} holds a {type(content).__name__}, expected a JSON object")
    return content


def write_table(path: Path, table: "pd.DataFrame") -> None:
    """Write a table atomically, as Parquet or CSV according to its suffix."""
    with atomic(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False)


def read_table(path: Path, types: Mapping[str, str] | None = None) -> "pd.DataFrame":
    """Read a Parquet or CSV table; numbers are exactly those that were written.

    Parameters
    ----------
    path
        The file. In a CSV file only an empty cell is missing: a person may be called NA.
    types
        Types of columns in a CSV file that its text does not give, such as whole numbers of which
        some are missing.

    Raises
    ------
    ArtifactError
        If the file is missing or damaged.
    """
    import pandas as pd

    # older pandas rounds what it reads unless told not to; from 3.1 on it is always exact
    old = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
    exact: dict[str, Any] = {"float_precision": "round_trip"} if old else {}
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        table: pd.DataFrame = pd.read_csv(
            path, keep_default_na=False, na_values=[""], dtype=types, **exact
        )
        return table
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} does not exist") from error
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(f"{path} is no readable table: {error}") from error


def sha256(path: Path) -> str:
    """Compute the SHA-256 of a file, or of all files below a folder and their names.

    Raises
    ------
    ArtifactError
        If there is no such file or folder.
    """
    if not path.exists():
        raise ArtifactError(f"{path} does not exist")
    sha = hashlib.sha256()
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            sha.update(f"{file.relative_to(path).as_posix()} {sha256(file)}\n".encode())
    else:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                sha.update(block)
    return sha.hexdigest()
