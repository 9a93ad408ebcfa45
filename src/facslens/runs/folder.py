"""A run's folder: where each stage leaves its files, and ``run.json`` that tells how."""

import contextlib
import os
import platform
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from facslens.artifacts import Json, read_json, sha256, write_json
from facslens.errors import ArtifactError, CallError, FacslensError
from facslens.version import __version__

#: Raised whenever a file of a run changes its meaning; older and newer runs are refused.
FORMAT: Final = 1


@dataclass(frozen=True)
class Run:
    """A run folder: where each stage leaves its files, and ``run.json`` that tells how.

    Parameters
    ----------
    folder
        The run's folder; it holds ``run.json``.
    """

    folder: Path

    @classmethod
    def create(cls, folder: Path, *, data: str, seed: int, settings: Json | None = None) -> "Run":
        """Make a new run folder with its ``run.json``.

        Raises
        ------
        CallError
            If the folder exists and holds anything but a run that never got under way.
        """
        if folder.exists() and not _is_free(folder):
            raise CallError(
                f"--out {folder} exists already: name a new folder, or add --resume to go on"
            )
        run = cls(folder)
        write_json(
            run / "run.json",
            {
                "format": FORMAT,
                "facslens": __version__,
                "created": _now(),
                "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
                "data": data,
                "seed": seed,
                "settings": settings or {},
                "platform": _platform(),
                "stages": {},
            },
        )
        return run

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open an existing run.

        Raises
        ------
        ArtifactError
            If the folder is no run, or a run of another format.
        """
        if not (folder / "run.json").is_file():
            raise ArtifactError(f"{folder} is no run: it has no run.json")
        run = cls(folder)
        found = run.info.get("format")
        if found != FORMAT:
            raise ArtifactError(
                f"{folder} was written in format {found} by facslens "
                f"{run.info.get('facslens', '(unknown)')}; this is facslens {__version__}, which "
                f"reads format {FORMAT}: make the run again, or read it with that version"
            )
        return run

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    @property
    def info(self) -> Json:
        """The content of ``run.json``."""
        return read_json(self / "run.json")

    def need(self, name: str, stage: str) -> Path:
        """Give the path of a file, or say which stage would make it.

        Raises
        ------
        ArtifactError
            If the file is not there.
        """
        path = self / name
        if not path.exists():
            raise ArtifactError(
                f"{self.folder} has no {name}: run `facslens {stage} {self.folder}` first"
            )
        return path

    def update(self, **entries: object) -> None:
        """Set top-level entries of ``run.json``."""
        write_json(self / "run.json", {**self.info, **entries})

    def is_done(self, stage: str) -> bool:
        """Tell whether a stage has finished and all its files are still there."""
        entry = self.info["stages"].get(stage, {})
        return entry.get("status") == "done" and all((self / f).exists() for f in entry["files"])

    @contextlib.contextmanager
    def stage(self, name: str, *files: str, **settings: object) -> Iterator[None]:
        """Note in ``run.json`` that a stage runs, then what became of it.

        Parameters
        ----------
        name
            The stage's name, as on the command line.
        *files
            Names of the files that it leaves; their SHA-256 is noted.
        **settings
            What it was called with.

        Raises
        ------
        ArtifactError
            If the block ends without having left one of the files.
        """
        start = time.perf_counter()
        entry: Json = {"status": "running", "started": _now(), "settings": settings, "files": {}}
        self._note(name, entry)
        try:
            yield
            entry |= {"files": {file: sha256(self / file) for file in files}}
        except BaseException as error:
            reason = str(error) if isinstance(error, FacslensError) else repr(error)
            with contextlib.suppress(FacslensError):
                self._note(name, {**entry, "status": "failed", "reason": reason})
            raise
        entry |= {"status": "done", "seconds": round(time.perf_counter() - start, 3)}
        self._note(name, entry)

    def outdate(self, stages: Iterable[str]) -> None:
        """Forget that stages were done, for what they read has changed; their files stay."""
        left = {k: v for k, v in self.info["stages"].items() if k not in set(stages)}
        self.update(stages=left)

    def _note(self, name: str, entry: Json) -> None:
        self.update(stages={**self.info["stages"], name: entry})


def _is_free(folder: Path) -> bool:
    """Tell whether a folder is empty, or holds a run whose first stage failed."""
    if not folder.is_dir():
        return False
    names = [path.name for path in folder.iterdir()]
    if names != ["run.json"]:
        return not names
    stages = read_json(folder / "run.json").get("stages", {})
    return bool(stages) and all(entry.get("status") == "failed" for entry in stages.values())


def next_folder(data: str, root: Path = Path("runs")) -> Path:
    """Name a fresh run folder: ``runs/<data>-<date>-<n>``."""
    stem = f"{re.split('[:,]', data)[0]}-{datetime.now().astimezone():%Y%m%d}"
    number = 1
    while (root / f"{stem}-{number}").exists():
        number += 1
    return root / f"{stem}-{number}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _platform() -> Json:
    versions = {name: metadata.version(name) for name in ("torch", "numpy", "scipy", "pandas")}
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        **versions,
    }
