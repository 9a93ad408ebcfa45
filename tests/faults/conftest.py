"""What the fault suite shares: a tiny finished run, calls in a process apart, and the counts.

`pytest -m faults tests/faults` breaks things in every way that the tables here know and prints
what became of it, as tables for ``benchmarks/README.md``. What is not marked is the short part
that runs with all other tests.
"""

import hashlib
import json
import multiprocessing
import os
import re
import runpy
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

#: Longest that a call on these few faces may take before it counts as hanging: in seconds of the
#: processor, which do not depend on what else the machine does, or in which it does nothing.
PATIENCE = 20
#: Most memory that a call may take, in GB.
MEMORY = 1.0

#: What the process has imported from which calls are forked.
_PRELOADED = [
    "facslens.cli.main",
    "facslens.stages.order",
    "facslens.stages.verify",
    "facslens.stages.crossval",
    "facslens.training.crossval",
    "facslens.models.export",
    "facslens.prediction.with_torch",
    "facslens.prediction.with_onnx",
    "onnxruntime",
    "torch._dynamo",
    "lightning",
    "zarr",
]

#: A program of its own, which is no module.
collect_ignore = ["child.py"]


@dataclass(frozen=True)
class Called:
    """What a call of the command left; `code` is None where it hung or its process died."""

    code: int | None
    out: str = ""
    err: str = ""
    seconds: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0

    @property
    def sentence(self) -> str:
        """What it said was wrong."""
        return " ".join(self.err.partition("error:")[2].split())

    def fault(self) -> str | None:
        """Name what no call may do, whatever it is given; None where it did none of it."""
        if self.code is None:
            return "hang" if self.err == "hang" else "crash"
        if "not foreseen" in self.err or "Traceback" in self.err:
            return "not foreseen"
        if self.code not in (0, 1, 2):
            return "crash"
        if len(self.err.partition("error:")[2].strip().splitlines()) > 1:
            return "no sentence"
        if self.cpu > PATIENCE:
            return "hang"
        if self.peak > MEMORY:
            return "memory"
        return None


class Process:
    """A process that calls the command, in a folder, until it is done or killed."""

    def __init__(self, calls: Sequence[Sequence[str]], folder: Path, answers: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        job = {"calls": [list(map(str, c)) for c in calls], "folder": folder, "answers": answers}
        self.answers = answers
        self._process = context.Process(
            target=runpy.run_path,
            args=(str(Path(__file__).with_name("child.py")), {"job": job}, "facslens_child"),
        )
        self._process.start()

    def alive(self) -> bool:
        return self._process.is_alive()

    def spent(self) -> float:
        """Tell for how many seconds it has used the processor."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            return float("nan")
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def wait(self, seconds: float) -> None:
        self._process.join(seconds)

    def said(self) -> list[Called]:
        if not self.answers.exists():
            return []
        lines = self.answers.read_bytes().splitlines(keepends=True)
        return [Called(**json.loads(line)) for line in lines if line.endswith(b"\n")]


def call_all(
    calls: Sequence[Sequence[str]], folder: Path, answers: Path, patience: float = PATIENCE
) -> list[Called]:
    """Call the command several times; one that hangs or dies does not end the others."""
    found: list[Called] = []
    while len(found) < len(calls):
        answers.unlink(missing_ok=True)
        process = Process(calls[len(found) :], folder, answers)
        count, before, spent, moved = 0, 0.0, 0.0, time.monotonic()
        while process.alive():
            process.wait(0.02 if len(calls) - len(found) == 1 else 0.2)
            if (now := process.spent()) > spent:
                spent, moved = now, time.monotonic()
            if (said := len(process.said())) > count:
                count, before = said, spent
            if spent - before > patience or time.monotonic() - moved > patience:
                process.kill()
                found += [*process.said(), Called(None, err="hang")]
                break
        else:
            found += process.said()
            if len(found) < len(calls):
                found.append(Called(None, err="crash"))
    return found[: len(calls)]


@pytest.fixture(scope="session")
def _one_thread() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "OMP_NUM_THREADS", "1")
        patch.delenv("FACSLENS_DEBUG", raising=False)
        yield


@pytest.fixture(scope="session")
def start(_one_thread, tmp_path_factory) -> Callable[..., Process]:
    """Start a process that calls the command once."""
    folder = tmp_path_factory.mktemp("started")

    def begin(arguments: Sequence[object], cwd: Path) -> Process:
        answers = folder / f"{sum(1 for _ in folder.iterdir())}.jsonl"
        answers.touch()
        return Process([[str(a) for a in arguments]], cwd, answers)

    return begin


@pytest.fixture(scope="session")
def call(_one_thread, tmp_path_factory) -> Callable[..., Called]:
    """Call the command once in a folder."""
    answers = tmp_path_factory.mktemp("answers") / "one.jsonl"
    return lambda arguments, cwd, patience=PATIENCE: call_all([arguments], cwd, answers, patience)[
        0
    ]


@pytest.fixture(scope="session")
def call_each(_one_thread, tmp_path_factory) -> Callable[..., list[Called]]:
    """Call the command many times in a folder."""
    answers = tmp_path_factory.mktemp("answers") / "many.jsonl"
    return lambda calls, cwd: call_all(calls, cwd, answers)


@pytest.fixture(scope="session")
def few_faces(draw_ck48, tmp_path_factory) -> Path:
    """A folder in the layout of CK+48: 22 subjects, two frames of an expression, two AUs."""
    folder = draw_ck48(tmp_path_factory.mktemp("few"), subjects=22)
    codes = pd.read_csv(folder / "facs.csv")
    codes[["subject", "sequence", "emotion", "AU12", "AU27"]].to_csv(
        folder / "facs.csv", index=False
    )
    return folder


@pytest.fixture(scope="session")
def finished(few_faces, drawn_stimuli, call, tmp_path_factory) -> Path:
    """A folder that holds the finished and verified run ``run`` on few faces."""
    place = tmp_path_factory.mktemp("finished")
    choices = ("--layer", "conv3", "--epochs", "3", "--permutations", "29", "--distance", "auroc")
    for arguments in (
        (
            "run",
            "--data",
            f"ck48:{few_faces}",
            *choices,
            "--stimuli",
            str(drawn_stimuli),
            "--out",
            "run",
        ),
        ("verify", "run", "--only", "probe,ablation,place", "--sets", "2"),
    ):
        made = call(arguments, place, 300)
        assert made.code == 0, made.err
    return place


def tree(folder: Path, *parts: str) -> dict[str, str]:
    """Give the SHA-256 of every file below a folder, or of some parts of it, by its name."""
    roots = [folder / part for part in parts] or [folder]
    files = [f for root in roots for f in ([root] if root.is_file() else root.rglob("*"))]
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(_lasting(file)).hexdigest()
        for file in files
        if file.is_file()
    }


def _lasting(file: Path) -> bytes:
    """Read a file without what says when it was made and how long that took."""
    content = file.read_bytes()
    if file.suffix == ".html":
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", content.decode("utf-8", "replace"))
        return re.sub(r"<td>[\d.]+\s(s|min|h)(\s[\d.]+\s\w+)?</td>", "", text).encode()
    if file.name == "run.json":
        return _without_times(content)
    return content


def _without_times(content: bytes) -> bytes:
    try:
        info = json.loads(content)
        stages = {
            name: {key: value for key, value in entry.items() if key not in ("started", "seconds")}
            for name, entry in info["stages"].items()
        }
        # the report tells times: what is noted of it differs as they do
        for entry in stages.values():
            entry.get("files", {}).pop("report", None)
    except (ValueError, KeyError, AttributeError, TypeError):
        return content
    kept = {k: v for k, v in info.items() if k not in ("created", "sha256")}
    return json.dumps({**kept, "stages": stages}, sort_keys=True).encode()


@pytest.fixture(scope="session")
def hashes() -> Callable[..., dict[str, str]]:
    return tree


@pytest.fixture
def copy(finished, tmp_path) -> Callable[[], Path]:
    """Give a folder with a fresh copy of the finished run, in which the last one was."""

    def fresh() -> Path:
        shutil.rmtree(tmp_path / "place", ignore_errors=True)
        return shutil.copytree(finished, tmp_path / "place")

    return fresh


@pytest.fixture
def note(record_property) -> Callable[[str, str, str, str], None]:
    """Note for the table at the end: its title, a row, a column, and what became of it."""
    return lambda title, row, column, found: record_property("fault", (title, row, column, found))


def pytest_terminal_summary(terminalreporter) -> None:
    """Print the tables."""
    reports = [r for each in ("passed", "failed") for r in terminalreporter.stats.get(each, [])]
    reports.sort(key=lambda report: getattr(report, "start", 0))
    notes = [v for r in reports for k, v in getattr(r, "user_properties", ()) if k == "fault"]
    for title in dict.fromkeys(note[0] for note in notes):
        terminalreporter.write_line("")
        for line in table(title, [tuple(note[1:]) for note in notes if note[0] == title]):
            terminalreporter.write_line(line)


def table(title: str, notes: list[tuple[str, str, str]]) -> list[str]:
    """Draw a Markdown table; outcomes that several cases of a cell have in common are counted."""
    columns = list(dict.fromkeys(column for _, column, _ in notes))
    lines = [
        f"**{title}**",
        "",
        f"| | {' | '.join(columns)} |",
        "| --- |" + " --- |" * len(columns),
    ]
    for row in dict.fromkeys(row for row, _, _ in notes):
        cells = []
        for column in columns:
            found = Counter(f for r, c, f in notes if (r, c) == (row, column))
            many = found.total() > 1
            cells.append(", ".join(f"{n} {f}" if many else f for f, n in sorted(found.items())))
        lines.append(f"| {row} | {' | '.join(cells)} |")
    every = Counter(found for _, _, found in notes)
    return [*lines, "", f"{sum(every.values())} cases: " + _said(every)]


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {found}" for found, number in counts.most_common())
