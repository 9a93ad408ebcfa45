import errno
import hashlib
import json
import os
import re
from pathlib import Path

import pytest

from facslens.artifacts import read_json
from facslens.errors import ArtifactError, CallError
from facslens.runs import folder as folders
from facslens.runs.folder import Run, next_folder
from facslens.version import __version__


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "run", data="ck48:faces", seed=3, settings={"epochs": 2})


def full_disk(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_run_tells_what_made_it(run):
    info = read_json(run / "run.json")
    assert (info["format"], info["facslens"]) == (folders.FORMAT, __version__)
    assert (info["data"], info["seed"], info["settings"]) == ("ck48:faces", 3, {"epochs": 2})
    assert info["stages"] == {}
    assert {"python", "system", "cores", "torch", "numpy"} <= info["platform"].keys()
    assert Run.open(run.folder).info == info


def test_a_run_is_not_made_over_something_else(run, tmp_path):
    with pytest.raises(CallError, match=r"--out .*run exists already: name a new folder, or add"):
        Run.create(run.folder, data="x", seed=0)
    (tmp_path / "empty").mkdir()
    assert Run.create(tmp_path / "empty", data="x", seed=0).info["data"] == "x"
    (tmp_path / "file").write_text("x")
    with pytest.raises(CallError, match="exists already"):
        Run.create(tmp_path / "file", data="x", seed=0)


def test_a_folder_without_run_json_is_no_run(tmp_path):
    with pytest.raises(ArtifactError, match=r"is no run: it has no run\.json"):
        Run.open(tmp_path)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"format": 99, "facslens": "9.9"}, "was written in format 99 by facslens 9.9; this is"),
        ({}, r"was written in format None by facslens \(unknown\)"),
    ],
)
def test_a_run_of_another_format_is_refused(run, found, message):
    (run / "run.json").write_text(json.dumps(found))
    with pytest.raises(ArtifactError, match=rf"{message}.*reads format {folders.FORMAT}: make"):
        Run.open(run.folder)


def test_a_missing_file_names_the_stage_that_makes_it(run):
    message = f"{run.folder} has no responses.zarr: run `facslens record {run.folder}` first"
    with pytest.raises(ArtifactError, match=re.escape(message)):
        run.need("responses.zarr", "record")
    (run / "training.csv").write_text("x")
    assert run.need("training.csv", "train") == run / "training.csv"


def test_entries_are_added_to_what_is_there(run):
    run.update(faces="abc")
    assert (run.info["faces"], run.info["seed"]) == ("abc", 3)


def test_a_stage_notes_its_files_and_is_done_while_they_are_there(run):
    assert not run.is_done("train")
    with run.stage("train", "training.csv", epochs=2):
        assert run.info["stages"]["train"]["status"] == "running"
        assert not run.is_done("train")
        (run / "training.csv").write_text("epoch\n")
    entry = run.info["stages"]["train"]
    assert (entry["status"], entry["settings"]) == ("done", {"epochs": 2})
    assert entry["files"] == {"training.csv": hashlib.sha256(b"epoch\n").hexdigest()}
    assert entry["seconds"] >= 0
    assert run.is_done("train")
    (run / "training.csv").unlink()
    assert not run.is_done("train")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ArtifactError("the disk is full"), "the disk is full"),
        (RuntimeError("no"), "RuntimeError('no')"),
        (KeyboardInterrupt(), "KeyboardInterrupt()"),
    ],
)
def test_a_stage_that_fails_says_why_and_lets_the_error_through(run, error, reason):
    def fail():
        with run.stage("train", "training.csv"):
            raise error

    with pytest.raises(type(error)):
        fail()
    entry = run.info["stages"]["train"]
    assert (entry["status"], entry["reason"]) == ("failed", reason)
    assert not run.is_done("train")


def test_a_stage_that_leaves_no_file_has_failed(run):
    with (
        pytest.raises(ArtifactError, match=r"training.csv does not exist"),
        run.stage("train", "training.csv"),
    ):
        pass
    assert run.info["stages"]["train"]["status"] == "failed"


def test_a_stage_on_a_full_disk_raises_its_own_error(run, monkeypatch):
    def fail():
        with run.stage("train"):
            monkeypatch.setattr(Path, "write_text", full_disk)
            raise RuntimeError("first")

    with pytest.raises(RuntimeError, match="first"):
        fail()


def test_a_stage_can_be_run_again_beside_others(run):
    for name in ("train", "record", "train"):
        with run.stage(name):
            pass
    assert [run.is_done(name) for name in ("train", "record")] == [True, True]
    assert list(run.info["stages"]) == ["train", "record"]


@pytest.mark.parametrize("data", ["ck48", "ck48:data/ck48", "ck48,seed=1", "ck48:a:b,aus=x/y.csv"])
def test_a_fresh_folder_is_named_after_the_data_the_day_and_a_number(tmp_path, data):
    first = next_folder(data, tmp_path)
    assert re.fullmatch(r"ck48-\d{8}-1", first.name)
    assert first.parent == tmp_path
    first.mkdir()
    assert next_folder(data, tmp_path).name == first.name[:-1] + "2"
