"""Every file that the program writes or reads back: atomic, hashed, with provenance."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from facslens.errors import ArtifactError

Json = dict[str, Any]


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its place when the block succeeds.

    The temporary path may become a file or a folder. After an exception it is removed and
    what stood at `path` before is untouched.

    Raises
    ------
    ArtifactError
        If the disk is full, the folder cannot be written, or is no folder.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _take_place(temporary, path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        _remove(temporary)


def _take_place(temporary: Path, path: Path) -> None:
    """Rename a finished path over another; a folder needs the old one out of the way first."""
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


def _cannot_write(path: Path, error: OSError) -> ArtifactError:
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
    """Write a JSON file atomically; NaN is refused, for JSON has no such number."""
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


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table atomically, as Parquet or CSV by the ending of its name."""
    with atomic(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False)


def read_table(path: Path) -> pd.DataFrame:
    """Read a Parquet or CSV table.

    Raises
    ------
    ArtifactError
        If the file is missing or damaged.
    """
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} does not exist") from error
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} is no readable table: {error}") from error


def sha256(path: Path) -> str:
    """SHA-256 of a file, or of all files below a folder with their names.

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
