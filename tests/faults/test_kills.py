"""Kills at random moments: the same command goes on, ends with the same bytes, leaves nothing.

What may differ from an uninterrupted call: the times and durations in ``run.json`` and in the
report's provenance (`conftest.tree` leaves them out), and nothing else.
"""

import os
import random
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

#: Endings of what only stands there while something is written.
PASSING = (".partial", ".part", ".tmp", ".old", ".lock")


@dataclass(frozen=True)
class Job:
    """A command that may be killed.

    Parameters
    ----------
    arguments
        The call; ``{faces}`` is the folder of few faces, ``{stimuli}`` that of paired ones.
    result
        What it leaves.
    kills
        How many times it is killed.
    again
        The call that goes on, where that is another one.
    begun
        What of the finished run is there before.
    """

    arguments: tuple[str, ...]
    result: str
    kills: int
    again: tuple[str, ...] | None = None
    begun: str | None = None


_TINY = ("--epochs", "2", "--permutations", "19", "--layer", "conv3")
JOBS = {
    "run": Job(
        ("run", "--data", "ck48:{faces}", *_TINY, "--stimuli", "{stimuli}", "--out", "run"),
        "run",
        20,
        again=("run", "--resume", "--out", "run"),
    ),
    "verify": Job(
        ("verify", "run", "--only", "gradients,probe,ablation,place", "--sets", "2"),
        "run",
        12,
        begun="run",
    ),
    "mechanism": Job(
        ("mechanism", "run", "--only", "layers,mediation", "--layers", "all"),
        "run",
        10,
        begun="run",
    ),
    "mechanism, apart": Job(
        ("mechanism", "run", "--stimuli", "{stimuli}", "--out", "found"),
        "found",
        10,
        begun="run",
    ),
    "crossval": Job(
        ("crossval", "--data", "ck48:{faces}", "--folds", "3", "--epochs", "1", "--aus",
         "--out", "folds"),
        "folds",
        10,
    ),
    "predict": Job(
        ("predict", "many", "--faces-are-cropped", "--workers", "1", "--out", "rows.csv"),
        "rows.csv",
        10,
        begun="many",
    ),
    "synth": Job(
        ("data", "synth", "--subjects", "3", "--size", "48", "--workers", "1", "--out", "drawn"),
        "drawn",
        8,
    ),
    "stimuli": Job(
        ("data", "stimuli", "--people", "3", "--size", "32", "--workers", "1", "--out", "pairs"),
        "pairs",
        6,
    ),
    "stimuli, 2 processes": Job(
        ("data", "stimuli", "--people", "4", "--size", "32", "--workers", "2", "--out", "pairs"),
        "pairs",
        2,
    ),
    "synth, 2 processes": Job(
        ("data", "synth", "--subjects", "4", "--size", "48", "--workers", "2", "--out", "drawn"),
        "drawn",
        2,
    ),
}  # fmt: skip
#: What of them the short part tries.
SHORT = {("predict", 0), ("predict", 1)}


@pytest.fixture(scope="session")
def begin(finished, few_faces, drawn_stimuli):
    """Fill a folder with what a job needs, and give its call."""

    def filled(place: Path, job: Job) -> list[str]:
        place.mkdir()
        if job.begun == "many":
            (place / "many").mkdir()
            faces = sorted(few_faces.rglob("*.png"))
            for number in range(400):
                os.link(faces[number % len(faces)], place / "many" / f"{number:04d}.png")
        elif job.begun is not None:
            shutil.copytree(finished / job.begun, place / job.begun)
        return [
            argument.format(faces=few_faces, stimuli=drawn_stimuli) for argument in job.arguments
        ]

    return filled


@pytest.fixture(scope="session")
def whole(begin, call, hashes, tmp_path_factory):
    """What an uninterrupted call leaves, and how many seconds of the processor it took."""

    def made(name: str) -> tuple[dict[str, str], float]:
        if name not in found:
            place = tmp_path_factory.mktemp("uninterrupted") / "place"
            arguments = begin(place, JOBS[name])
            done = call(arguments, place, 300)
            assert done.code == 0, done.err
            assert leftovers(place) == []
            found[name] = hashes(place, JOBS[name].result), done.cpu
        return found[name]

    found: dict[str, tuple[dict[str, str], float]] = {}
    return made


def leftovers(place: Path) -> list[str]:
    """Name what stands in a folder that ought to have passed."""
    return sorted(
        file.relative_to(place).as_posix()
        for file in place.rglob("*")
        if file.name.endswith(PASSING) or ".partial" in file.name
    )


def orphans(place: Path) -> list[int]:
    """Find the processes that still work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("cwd").readlink() == place and int(process.name) != os.getpid():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def cases() -> list:
    return [
        pytest.param(
            name,
            number,
            id=f"{name}-{number}",
            marks=() if (name, number) in SHORT else pytest.mark.faults,
        )
        for name, job in JOBS.items()
        for number in range(job.kills)
    ]


@pytest.mark.parametrize(("name", "number"), cases())
def test_kill(name, number, begin, whole, start, call, hashes, tmp_path, note):
    expected, cpu = whole(name)
    job, place = JOBS[name], tmp_path / "place"
    arguments = begin(place, job)
    rng = random.Random(f"{name} {number}")
    # every other one is killed while it writes something, the others at any moment
    writing = number % 2 == 1
    moment = rng.random() * 0.9 * cpu
    process = start(arguments, place)
    while process.alive() and (process.spent() < moment or (writing and not leftovers(place))):
        time.sleep(0.001)
    killed = process.alive()
    process.kill()
    left = "; ".join(leftovers(place)) or "nothing unfinished"
    # a process whose children work does nothing itself
    done = call(arguments if job.again is None else job.again, place, 120)
    if job.again is not None and done.code == 1 and "no run" in done.err:
        done = call(arguments, place, 120)
    last = orphans(place)
    found = outcome(done, hashes(place, job.result), expected, leftovers(place), last)
    for number in last:
        os.kill(number, signal.SIGKILL)
    note("Kills", name, "outcome", found.partition(":")[0] if killed else "ended before")
    assert found == "the same", f"killed after {moment:.1f} s of {cpu:.1f}, there was {left}"


def outcome(
    done, after: dict[str, str], expected: dict[str, str], left: list[str], last: list[int]
) -> str:
    """Name what became of a killed command that was called again."""
    if (fault := done.fault()) is not None:
        return f"{fault}: {done.sentence}"
    if done.code != 0:
        return f"stuck: {done.sentence}"
    if last:
        return f"orphans: {len(last)} processes go on"
    if left:
        return f"leftovers: {', '.join(left)}"
    if differ := sorted(k for k in {*expected, *after} if expected.get(k) != after.get(k)):
        return f"DIFFERS: {', '.join(differ)}"
    return "the same"


@pytest.mark.faults
@pytest.mark.parametrize("name", ["run", "crossval", "predict", "synth"])
def test_two_at_once(name, begin, whole, start, call, hashes, tmp_path, note):
    """Two calls in one folder: both are right, or one says in a sentence that the other works."""
    expected, _ = whole(name)
    job, place = JOBS[name], tmp_path / "place"
    arguments = begin(place, job)
    if job.again is not None:
        first = start(arguments, place)
        while not (place / job.result / "faces.parquet").exists():
            time.sleep(0.01)
        first.kill()
        arguments = list(job.again)
    both = [start(arguments, place) for _ in range(2)]
    for process in both:
        process.wait(120)
        process.kill()
    said = [process.said()[0] for process in both]
    refused = [done for done in said if done.code == 1 and "process" in done.sentence]
    found = outcome(
        said[0] if refused == said[1:] else said[1], hashes(place, job.result), expected,
        leftovers(place), orphans(place),
    )  # fmt: skip
    if len(refused) == 0 and (wrong := [d for d in said if d.code != 0]):
        found = f"{wrong[0].fault() or 'unnamed'}: {wrong[0].sentence}"
    note("Two at once", name, "outcome", found.partition(":")[0])
    assert found == "the same"


def test_every_file_is_readable_alike(finished):
    modes = {
        oct(file.stat().st_mode & 0o777) for file in (finished / "run").rglob("*") if file.is_file()
    }
    assert len(modes) == 1
