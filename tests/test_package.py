"""What people install: the wheel, made from the sources, in an environment of its own."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import facslens
from facslens.datasets.labels import EXPRESSIONS

ROOT = Path(__file__).parents[1]
#: The limit is our own; package indexes take 100 MB.
LARGEST = 25_000_000


def called(*command: str | Path, **choices: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **choices)
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(target: str, source: Path, folder: Path) -> Path:
    """Build with the backend itself, which fetches nothing."""
    called(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder, cwd=source)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    archive = build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    (found,) = folder.iterdir()
    return found


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it, which borrows what the wheel needs."""
    pytest.importorskip("pip")
    environment = tmp_path_factory.mktemp("installed")
    called(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-q")
    called(*pip, "--no-deps", "--no-index", "--no-compile", wheel)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return python


def of_its_own(*command: str | Path, folder: Path) -> str:
    """Call something where the source is not found by accident."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return called(*command, cwd=folder, env=environment)


def test_the_source_distribution_holds_the_book_and_the_tests(source):
    for name in ("docs/conf.py", "docs/index.md", "docs/pictures/au12.webp", "CITATION.cff"):
        assert (source / name).is_file(), name
    assert (source / "tests" / Path(__file__).name).read_bytes() == Path(__file__).read_bytes()


def test_the_wheel_holds_the_package_whole_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    own = {name for name in names if name.startswith("facslens/")}
    there = (path for path in (ROOT / "src" / "facslens").rglob("*") if path.is_file())
    kept = {
        path.relative_to(ROOT / "src").as_posix()
        for path in there
        if path.parent.name != "__pycache__"
    }
    assert own == kept | {"facslens/references.bib"}  # the report takes its BibTeX from there
    assert {name.split("/")[0] for name in names - own} == {
        f"facslens-{facslens.__version__}.dist-info"
    }
    assert wheel.stat().st_size < LARGEST


def test_the_wheel_says_its_licence_and_the_terms_of_its_weights(wheel):
    with zipfile.ZipFile(wheel) as file:
        folder = f"facslens-{facslens.__version__}.dist-info"
        said = HeaderParser().parsestr(file.read(f"{folder}/METADATA").decode())
        terms = "src/facslens/models/weights/TERMS.md"
        assert said.get_all("License-File") == ["LICENSE", terms]
        assert "FER2013" in file.read(f"{folder}/licenses/{terms}").decode()
    assert said["License-Expression"] == "Apache-2.0"
    assert said["Version"] == facslens.__version__
    assert {"docs", "photos", "test"} <= set(said.get_all("Provides-Extra") or ())


def test_the_installed_command_works_by_both_names(installed, tmp_path):
    command = installed.parent / "facslens"
    assert of_its_own(command, "--version", folder=tmp_path) == f"{facslens.__version__}\n"
    assert "predict" in of_its_own(installed, "-m", "facslens", "--help", folder=tmp_path)


def test_what_is_installed_brings_its_faces_and_its_network(installed, tmp_path):
    code = "import facslens as fl; print(fl.__file__); print(len(fl.load_faces()))"
    place, faces = of_its_own(installed, "-c", code, folder=tmp_path).splitlines()
    assert Path(place).is_relative_to(installed.parents[1])
    assert faces == "3003"
    Image.linear_gradient("L").resize((48, 48)).save(tmp_path / "face.png")
    predict = (installed, "-m", "facslens", "predict", "face.png", "--faces-are-cropped", "--json")
    (row,) = map(json.loads, of_its_own(*predict, folder=tmp_path).splitlines())
    assert row["expression"] in EXPRESSIONS
    assert row["AU12_unit"].startswith("block3")


def test_the_citation_names_this_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {facslens.__version__}\n" in text
    assert "arXiv:1904.09737" in text
