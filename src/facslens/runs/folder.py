"""A run's folder: the files of each stage, and ``run.json`` that records how they were made."""

import contextlib
import hashlib
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from facslens.artifacts import Json, locked, read_json, sha256, sweep, write_json
from facslens.errors import ArtifactError, CallError, FacslensError
from facslens.runs.files import AUDITED, FILES, FOLDERS, after, command_of, stage_of
from facslens.runs.underway import Underway
from facslens.version import __version__

if TYPE_CHECKING:  # which would import PyTorch
    from facslens.models.model import Model

#: Increased whenever the meaning of a file of a run changes; other formats are refused.
FORMAT: Final = 2

#: What ``run.json`` cannot be without, and its types.
_ENTRIES: Final = {"settings": dict, "stages": dict, "seed": int, "data": str}


@dataclass(frozen=True)
class Run:
    """A run's folder: the files of each stage, and ``run.json`` that records how they were made.

    ``run.json`` records the SHA-256 of every file that a stage writes, and its own. `need` gives
    the path of a file only if the file has not changed since.

    Parameters
    ----------
    folder
        The run's folder, with ``run.json``.
    network
        Opens the network of an audit that does not keep it; None where nobody can.
    device
        On which device networks of the run compute, as `facslens.models.device` names them.
    """

    folder: Path
    network: "Callable[[], Model] | None" = field(default=None, compare=False)
    device: str = field(default="cpu", compare=False)

    @classmethod
    def create(cls, folder: Path, *, data: str, seed: int, settings: Json | None = None) -> "Run":
        """Make a new run folder with its ``run.json``.

        Raises
        ------
        CallError
            If the folder exists and contains anything but a run whose first stage failed.
        """
        if folder.exists() and not _is_free(folder):
            raise CallError(
                f"out is {folder}, which exists already: name a new folder, or resume the run in it"
            )
        run = cls(folder)
        run._write(
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
            }
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
        info = read_json(folder / "run.json")
        found = info.get("format")
        if found != FORMAT:
            raise ArtifactError(
                f"{folder} was written in format {found} by facslens "
                f"{info.get('facslens', '(unknown)')}; this is facslens {__version__}, which "
                f"reads format {FORMAT}: make the run again, or read it with that version"
            )
        return run

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    @property
    def is_audit(self) -> bool:
        """Whether the network of the run was opened, not trained."""
        return self.info["settings"].get("source") is not None

    @property
    def files(self) -> dict[str, tuple[str, ...]]:
        """The files that each stage of the run writes, in the order of the stages."""
        return AUDITED if self.is_audit else FILES

    def stage_of(self, name: str) -> str:
        """Give the stage that writes a file.

        Raises
        ------
        CallError
            If no stage of the run writes such a file.
        """
        return stage_of(name, self.files)

    @property
    def info(self) -> Json:
        """The content of ``run.json``.

        Raises
        ------
        ArtifactError
            If it is missing, or somebody changed it since facslens wrote it.
        """
        path = self / "run.json"
        content = read_json(path)
        if content.pop("sha256", None) != _digest(content):
            raise ArtifactError(
                f"{path} is not as facslens wrote it: put the original back, or, if you changed "
                f"it on purpose, take it as it is with {_accepting(self.folder, 'run.json')}"
            )
        for name, kind in _ENTRIES.items():
            if not isinstance(content.get(name), kind):
                raise ArtifactError(f"{path} does not say its {name}: make the run again")
        return content

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other processes from writing the run while the block runs.

        Files that killed processes left incomplete are removed.

        Raises
        ------
        ArtifactError
            If another process is writing the run.
        """
        with locked(self.folder, f"the run {self.folder}"):
            sweep(self.folder)
            yield

    def has(self, name: str) -> bool:
        """Tell whether a file's stage has written it.

        It may be out of date, or have been damaged since: see `need` and `read`.
        """
        top = name.split("/")[0]
        stages = self.info["stages"].values()
        noted = {file for entry in stages for file in entry.get("files", {})}
        return name in noted or (top in FOLDERS and top in noted and (self / name).exists())

    def need(self, name: str) -> Path:
        """Give the path of a file that is up to date and unchanged.

        Raises
        ------
        ArtifactError
            If its stage has not been run, or an earlier one was run again since; if the file is
            missing, or has changed since the stage wrote it.
        """
        stage = self.stage_of(name)
        command = command_of(stage, self.folder)
        if not self.has(name):
            raise ArtifactError(f"{self.folder} has no {name}: run `{command}` first")
        if self.info["stages"][stage]["status"] == "outdated":
            raise ArtifactError(
                f"{self / name} is out of date, for a stage before {stage} was run again: run "
                f"`{command}` first"
            )
        return self.read(name)

    def read(self, name: str) -> Path:
        """Give the path of a file that is unchanged; it may be out of date.

        Raises
        ------
        ArtifactError
            If the file is missing, or has changed since the stage wrote it.
        """
        top, _, inner = name.partition("/")
        if inner and top in FOLDERS:
            return self.read(top) / inner
        stage = self.stage_of(name)
        path, noted = self / name, self._noted(stage).get(name)
        again = f"make it again with `{command_of(stage, self.folder)}`"
        if not path.exists():
            raise ArtifactError(f"{path} is missing though run.json lists it: {again}")
        if sha256(path) != noted:
            raise ArtifactError(
                f"{path} is not what the stage {stage} left, by its SHA-256: {again}, or, if you "
                f"replaced it on purpose, take it as it is with {_accepting(self.folder, name)}"
            )
        return path

    def check(self, *stages: str) -> None:
        """Check every file that some stages have left.

        Raises
        ------
        ArtifactError
            If a file is missing, or is not what its stage left.
        """
        for stage in stages:
            for name in self._noted(stage):
                self.read(name)

    def accept(self, names: Iterable[str]) -> None:
        """Accept files that were replaced on purpose; ``run.json`` lists them from then on.

        A stage counts as done if its other files are there, too; results that were computed from
        the files are out of date.

        Raises
        ------
        CallError
            If a name is not that of a file of a run.
        ArtifactError
            If there is no such file.
        """
        for name in names:
            if name == "run.json":
                self._write(self._accepted(read_json(self / name), name, None))
                self.outdate(["report"])  # it says so, and shows the settings
                continue
            stage = self.stage_of(name)
            found, info = sha256(self / name), self.info
            entry = info["stages"].get(stage, {"settings": {}, "files": {}, "seconds": 0.0})
            was = entry["files"].get(name)
            if was == found and entry["status"] != "outdated":
                continue
            files = {**entry["files"], name: found}
            whole = set(self.files[stage]) <= set(files)
            status = "done" if whole else entry.get("status", "accepted")
            info["stages"][stage] = {**entry, "status": status, "files": files}
            self._write(self._accepted(info, name, was))
            self.outdate({*after(stage, self.files), *(["report"] if stage == "verify" else [])})

    def _accepted(self, info: Json, name: str, was: str | None) -> Json:
        noted = {"file": name, "was": was, "when": _now()}
        return {**info, "accepted": [*info.get("accepted", []), noted]}

    def update(self, **entries: object) -> None:
        """Set top-level entries of ``run.json``."""
        self._write({**self.info, **entries})

    def is_done(self, stage: str) -> bool:
        """Tell whether a stage is finished and up to date, and all its files exist."""
        entry = self.info["stages"].get(stage, {})
        return entry.get("status") == "done" and all((self / f).exists() for f in entry["files"])

    @contextlib.contextmanager
    def stage(self, name: str, **settings: object) -> Iterator["Underway"]:
        """Record in ``run.json`` that a stage runs, and whether it finished or failed.

        What was made from the stage's files is out of date from then on.

        Parameters
        ----------
        name
            The stage's name, as on the command line; the SHA-256 of its `FILES` is recorded at the
            end.
        **settings
            The settings that it was called with.

        Yields
        ------
        Underway
            Takes what the stage records before its end.

        Raises
        ------
        ArtifactError
            If one of the files is missing at the end of the block, or there is a folder in the
            place of one at its beginning.
        """
        for file in self.files[name]:
            if file not in FOLDERS and (self / file).is_dir():
                raise ArtifactError(f"{self / file} is a folder: remove it, and run it again")
        start = time.perf_counter()
        entry: Json = {"status": "running", "started": _now(), "settings": settings, "files": {}}
        self.outdate(after(name, self.files))
        underway = Underway(self, name, entry)
        underway.note()
        try:
            yield underway
            underway.left(*self.files[name])
        except BaseException as error:
            reason = str(error) if isinstance(error, FacslensError) else repr(error)
            with contextlib.suppress(FacslensError):
                underway.note(status="failed", reason=reason)
            raise
        underway.note(status="done", seconds=round(time.perf_counter() - start, 3))

    def outdate(self, stages: Iterable[str]) -> None:
        """Record that the input of stages has changed since; their files stay."""
        info = self.info
        for name in stages:
            if name in info["stages"]:
                info["stages"][name]["status"] = "outdated"
        self._write(info)

    def _noted(self, stage: str) -> dict[str, str]:
        """Give the files that a stage has written, with their SHA-256."""
        files: dict[str, str] = self.info["stages"].get(stage, {}).get("files", {})
        return files

    def _write(self, info: Json) -> None:
        content = {name: value for name, value in info.items() if name != "sha256"}
        write_json(self / "run.json", {**content, "sha256": _digest(content)})


def _accepting(folder: Path, name: str) -> str:
    return f"`facslens report {folder} --accept {name}`"


def _digest(content: Json) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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
