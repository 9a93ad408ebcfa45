"""What the tests share: real faces where there are any, drawn ones everywhere, and a whole run.

The run that tests of several folders look at is `finished_run`: `facslens run` on drawn faces, made
once for all processes that test.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import settings
from PIL import Image

from facslens.cli.main import main
from facslens.datasets import stimuli as reading
from facslens.datasets.regions import Regions
from facslens.experiments.trials import GRADES

# how long an example takes says what else the machine does
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

#: With which Chromium is started: nothing of its own goes out.
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

#: Action units of each drawn expression; AU17 comes and goes by subject.
DRAWN = {"anger": ("AU4",), "happy": ("AU12", "AU25"), "surprise": ("AU25", "AU27")}


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real faces; the test is skipped, with the reason, where it is missing."""
    root = Path(__file__).parents[1]
    folder = Path(os.environ.get("FACSLENS_DATA", root.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real faces at {folder}: set FACSLENS_DATA to a folder that holds them")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20190409)


def draw_face(expression: str, subject: int, frame: int) -> np.ndarray:
    """Draw 48×48 grey levels: brows, eyes and a mouth that depends on the expression."""
    rng = np.random.default_rng([subject, frame, len(expression)])
    face = np.full((48, 48), 120 + 4 * (subject % 8), dtype=float)
    shift = subject % 3 - 1
    face[14:18, 10 + shift : 18 + shift] = face[14:18, 30 + shift : 38 + shift] = 40
    brow = 12 if expression == "anger" else 8
    face[brow - 2 : brow, 9:19] = face[brow - 2 : brow, 29:39] = 30
    if expression == "surprise":
        face[32:44, 18 + shift : 30 + shift] = 20
    elif expression == "happy":
        face[34:38, 12 + shift : 36 + shift] = 230
    else:
        face[36:38, 16 + shift : 32 + shift] = 60
    face += rng.normal(0, 6, face.shape)
    return face.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def drawn_ck48(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the layout of CK+48: 24 subjects, three expressions, two frames each."""
    return write_ck48(tmp_path_factory.mktemp("drawn"), subjects=24)


@pytest.fixture(scope="session")
def draw_ck48() -> Callable[..., Path]:
    return write_ck48


def write_ck48(folder: Path, subjects: int, frames: int = 2) -> Path:
    columns = ["AU4", "AU12", "AU17", "AU25", "AU27"]
    lines = [",".join(["subject", "sequence", "emotion", *columns])]
    for subject in range(1, subjects + 1):
        for number, (expression, shown) in enumerate(DRAWN.items(), start=1):
            sequence = f"S{subject:03d}_{number:03d}"
            present = {*shown, *(["AU17"] if subject % 2 else [])}
            codes = ["1" if column in present else "0" for column in columns]
            lines.append(",".join([f"S{subject:03d}", sequence, expression, *codes]))
            place = folder / "CK+48" / expression
            place.mkdir(parents=True, exist_ok=True)
            for frame in range(1, frames + 1):
                picture = Image.fromarray(draw_face(expression, subject, frame))
                picture.save(place / f"{sequence}_{frame:08d}.png")
    (folder / "facs.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def draw_stimuli() -> Callable[..., Path]:
    return write_stimuli


@pytest.fixture(scope="session")
def drawn_stimuli(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Paired faces of ten people in two settings, in all grades, of two action units."""
    return write_stimuli(tmp_path_factory.mktemp("stimuli") / "set")


def write_stimuli(folder: Path, grades: tuple[str, ...] = GRADES) -> Path:
    """Ten people in two settings: AU12 brightens the mouth's place, AU01 that of the brows."""
    size, people = 48, 10
    rng = np.random.default_rng(8)
    rows = []
    for number in range(people):
        for setting in range(2):
            rest = rng.integers(60, 160, (size, size)).astype(np.uint8)
            faces = {"rest": rest, "again": rest + rng.integers(0, 3, rest.shape, dtype=np.uint8)}
            for au, place in (("AU01", slice(6, 12)), ("AU12", slice(32, 40))):
                for grade in grades:
                    face = rest.copy()
                    face[place, 12:36] += np.uint8(16 * (1 + GRADES.index(grade)))
                    faces[f"{au}-{grade}"] = face
            for name, face in faces.items():
                path = f"images/P{number:03d}/{setting}/{name}.png"
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(face).save(folder / path)
                au, _, grade = name.partition("-") if "-" in name else ("", "", "")
                kind = "alone" if au else name
                half = reading.HALVES[number % 2]
                row = (path, f"P{number:03d}", setting, half, name, kind, au, grade, "", "", "")
                rows.append(row)
    table = pd.DataFrame(rows, columns=list(reading.COLUMNS))
    table.to_csv(folder / "stimuli.csv", index=False)
    masks = np.zeros((len(table), 2, size, size), dtype=bool)
    masks[:, 0, 6:12, 12:36] = masks[:, 1, 32:40, 12:36] = True
    Regions.of(list(table["path"]), ["AU01", "AU12"], masks).write(folder / "regions.npz")
    (folder / "overlaps.csv").write_text("au,other,shapes\n")
    (folder / "undrawable.csv").write_text("expression,aus,reason\n")
    found = reading.digest(reading.Stimuli(folder, reading.read_rows(folder), size, False, ""))
    (folder / "stimuli.json").write_text(
        json.dumps({"size": size, "colour": False, "sha256": found})
    )
    return folder


@pytest.fixture(scope="session")
def two_grades(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Paired faces in two of the five grades, so that networks are shown less than half of them."""
    return write_stimuli(tmp_path_factory.mktemp("stimuli") / "set", grades=("C", "E"))


@pytest.fixture(scope="session")
def make_run(drawn_ck48: Path, two_grades: Path) -> Callable[..., Path]:
    """Run the whole way on drawn faces into a folder, with further options."""

    def make(folder: Path, *choices: str) -> Path:
        arguments = ["--data", f"ck48:{drawn_ck48}", "--stimuli", two_grades, "--out", folder]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["facslens", "run", *map(str, (*arguments, *choices))])
            with pytest.raises(SystemExit) as stop:
                main()
        assert not stop.value.code
        return folder

    return make


@pytest.fixture(scope="session")
def finished_run(make_run: Callable[..., Path], once: Callable[..., Path]) -> Path:
    """A whole run on drawn faces, of two of the three layers; tests change only copies of it."""
    choices = ("--epochs", "6", "--permutations", "49", "--layer", "conv1", "--layer", "conv3")
    return once("finished", lambda folder: make_run(folder, *choices))


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out a report's figures for papers, a tenth of a second each.

    `tests/report/test_figures.py` draws them all, and so does `finished_run`.
    """
    monkeypatch.setattr("facslens.report.html._draw", lambda page, folder: None)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a folder, by its name, in the first process that asks for it; the others wait for it.

    Tests run in several processes, each with session fixtures of its own. What takes long to make
    and is not changed is made by this: the function that is given fills the folder.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = shared / "once" / name, shared / "once" / f"{name}.done"
        folder.parent.mkdir(exist_ok=True)
        with FileLock(folder.with_name(f"{name}.lock")):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that failed
                fill(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session", autouse=True)
def found_by_name():
    """Let other processes import what tests hand them, by the name of the test's module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1]))
        yield


@pytest.fixture(scope="session")
def chromium() -> Iterator[Callable[..., Any]]:
    """Start a real browser with further arguments, where there is one.

    One Playwright for all tests of a process: a second beside it would find its loop running.
    """
    sync_api = pytest.importorskip("playwright.sync_api")
    path = os.environ.get("FACSLENS_CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if path is None:
        pytest.skip("no Chromium on the path: set FACSLENS_CHROMIUM to one")
    with sync_api.sync_playwright() as playwright:
        started = []

        def start(*arguments: str) -> Any:
            found = playwright.chromium.launch(executable_path=path, args=[*CHROMIUM, *arguments])
            started.append(found)
            return found

        yield start
        for one in started:
            one.close()


@pytest.fixture(scope="session")
def browser(chromium) -> Any:
    """A real browser, where there is one."""
    return chromium()
