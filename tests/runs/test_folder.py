import errno
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from facslens.artifacts import read_json
from facslens.errors import ArtifactError, CallError
from facslens.runs import folder as folders
from facslens.runs.files import FILES, after
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
    assert Run.open(run.folder).info == {k: v for k, v in info.items() if k != "sha256"}


def test_a_run_is_not_made_over_something_else(run, tmp_path):
    with pytest.raises(
        CallError, match=r"run, which exists already: name a new folder, or resume the run"
    ):
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


def leave(run, stage, content="1"):
    """Let a stage run that leaves its files."""
    with run.stage(stage):
        for name in FILES[stage]:
            (run / name).write_text(content)


def test_a_file_is_given_while_it_is_what_its_stage_left(run):
    message = f"{run.folder} has no training.csv: run `facslens train {run.folder}` first"
    with pytest.raises(ArtifactError, match=re.escape(message)):
        run.need("training.csv")
    leave(run, "train", "epoch\n")
    assert run.need("training.csv") == run / "training.csv"
    (run / "training.csv").write_text("epocj\n")
    with pytest.raises(ArtifactError, match=r"training.csv is not what the stage train left, by"):
        run.need("training.csv")
    (run / "training.csv").unlink()
    with pytest.raises(ArtifactError, match=r"training.csv is missing though run.json lists it"):
        run.need("training.csv")


@pytest.mark.parametrize("change", ["byte", "more", "less"])
def test_a_changed_folder_is_refused(run, change):
    with run.stage("project"):
        (run / "projections").mkdir()
        for name in ("index.csv", "a.png"):
            (run / "projections" / name).write_text("1")
    assert run.need("projections").is_dir()
    if change == "byte":
        (run / "projections" / "a.png").write_text("2")
    elif change == "more":
        (run / "projections" / "b.png").write_text("1")
    else:
        (run / "projections" / "a.png").unlink()
    with pytest.raises(ArtifactError, match=r"projections is not what the stage project left"):
        run.need("projections")


def test_the_first_stage_is_made_again_by_resuming(run):
    message = f"run `facslens run --resume --out {run.folder}` first"
    with pytest.raises(ArtifactError, match=re.escape(message)):
        run.need("faces.parquet")
    with pytest.raises(CallError, match=r"'x.csv' is no file of a run: expected run.json, verify/"):
        run.need("x.csv")


def test_what_was_made_before_a_stage_was_run_again_is_out_of_date(run):
    for stage in ("train", "record", "associate", "project", "verify"):
        leave(run, stage)
    run.outdate(after("train"))
    assert [s for s in FILES if run.is_done(s)] == ["train"]
    with pytest.raises(ArtifactError, match=r"mapping.csv is out of date, for a stage before asso"):
        run.need("mapping.csv")
    assert run.read("mapping.csv") == run / "mapping.csv"  # the report shows it, and says so
    (run / "mapping.csv").write_text("2")
    with pytest.raises(ArtifactError, match=r"mapping.csv is not what"):
        run.read("mapping.csv")


def test_a_replaced_file_is_taken_by_name_and_the_run_says_so(run):
    for stage in ("train", "record", "associate", "project"):
        leave(run, stage)
    (run / "mapping.csv").write_text("mine")
    run.accept(["mapping.csv"])
    assert run.need("mapping.csv").read_text() == "mine"
    (noted,) = run.info["accepted"]
    assert (noted["file"], noted["was"]) == ("mapping.csv", hashlib.sha256(b"1").hexdigest())
    assert (run.is_done("associate"), run.is_done("project")) == (True, False)
    run.accept(["mapping.csv"])  # it is what the run has
    assert len(run.info["accepted"]) == 1
    with pytest.raises(ArtifactError, match=r"verify/place.csv does not exist"):
        run.accept(["verify/place.csv"])
    with pytest.raises(CallError, match=r"'mappings.csv' is no file of a run"):
        run.accept(["mappings.csv"])


def test_files_that_somebody_else_made_stand_for_a_stage_when_all_are_there(run):
    (run / "responses.zarr").mkdir()
    run.accept(["responses.zarr"])
    assert not run.is_done("record")
    (run / "exemplars.parquet").write_text("1")
    run.accept(["exemplars.parquet"])
    assert run.is_done("record")


def test_a_folder_in_the_place_of_a_table_is_refused_before_the_stage_begins(run):
    before = (run / "run.json").read_bytes()
    (run / "units.csv").mkdir()
    with (
        pytest.raises(ArtifactError, match=r"units.csv is a folder: remove it"),
        run.stage("associate"),
    ):
        pytest.fail("it began")
    assert (run / "run.json").read_bytes() == before


def test_a_changed_run_json_is_refused_and_can_be_accepted(run):
    text = (run / "run.json").read_text()
    (run / "run.json").write_text(text.replace('"seed": 3', '"seed": 4'))
    with pytest.raises(ArtifactError, match=r"run.json is not as facslens wrote it: put the orig"):
        assert run.info
    run.accept(["run.json"])
    assert run.info["seed"] == 4
    assert [entry["file"] for entry in run.info["accepted"]] == ["run.json"]


def test_entries_are_added_to_what_is_there(run):
    run.update(faces="abc")
    assert (run.info["faces"], run.info["seed"]) == ("abc", 3)


def test_a_stage_notes_its_files_and_is_done_while_they_are_there(run, monkeypatch):
    assert not run.is_done("report")
    clock = iter((10.0, 12.5))
    monkeypatch.setattr(folders, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    with run.stage("report", rule="guided"):
        assert run.info["stages"]["report"]["status"] == "running"
        assert not run.is_done("report")
        (run / "report").write_text("page")
    entry = run.info["stages"]["report"]
    assert (entry["status"], entry["settings"]) == ("done", {"rule": "guided"})
    assert entry["files"] == {"report": hashlib.sha256(b"page").hexdigest()}
    assert entry["seconds"] == 2.5
    assert run.is_done("report")
    (run / "report").unlink()
    assert not run.is_done("report")


def test_a_stage_notes_files_on_its_way_and_keeps_them_when_it_is_killed(run):
    def stopped():
        with run.stage("verify") as underway:
            (run / "verify").mkdir()
            (run / "verify" / "place.csv").write_text("1")
            underway.left("verify/place.csv", done={"place": {}})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    entry = run.info["stages"]["verify"]
    assert (entry["status"], entry["done"]) == ("failed", {"place": {}})
    assert run.need("verify/place.csv").read_text() == "1"


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
        with run.stage("train"):
            raise error

    with pytest.raises(type(error)):
        fail()
    entry = run.info["stages"]["train"]
    assert (entry["status"], entry["reason"]) == ("failed", reason)
    assert not run.is_done("train")


def test_a_stage_that_leaves_no_file_has_failed(run):
    with pytest.raises(ArtifactError, match=r"report does not exist"), run.stage("report"):
        pass
    assert run.info["stages"]["report"]["status"] == "failed"


def test_a_stage_on_a_full_disk_raises_its_own_error(run, monkeypatch):
    def fail():
        with run.stage("train"):
            monkeypatch.setattr(Path, "write_text", full_disk)
            raise RuntimeError("first")

    with pytest.raises(RuntimeError, match="first"):
        fail()


def test_a_stage_can_be_run_again_beside_others(run):
    for name in ("train", "record", "train"):
        leave(run, name)
    assert [run.is_done(name) for name in ("train", "record")] == [True, False]  # out of date
    assert list(run.info["stages"]) == ["train", "record"]


def test_two_processes_do_not_write_one_run(run):
    other = subprocess.Popen(
        [sys.executable, "-c", WRITING, str(run.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout.readline() == b"writing\n"
    try:
        message = rf"the run .* is being written by another process \(process {other.pid} on "
        with pytest.raises(ArtifactError, match=message), run.writing():
            pass
    finally:
        other.kill()
        other.communicate()
    with run.writing(), run.writing():  # of a dead process, and by ourselves
        assert names(run.folder.parent) == [".run.lock", "run"]
    assert names(run.folder.parent) == ["run"]


WRITING = """
import sys
from pathlib import Path
from facslens.runs.folder import Run

with Run.open(Path(sys.argv[1])).writing():
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_what_killed_processes_left_half_written_is_removed(run):
    (run / "verify").mkdir()
    for leftover in (".mapping.csv.999999999.partial", ".report.1.old"):
        (run / leftover).write_text("half")
        (run / "verify" / leftover).mkdir()
    with run.writing():
        assert names(run.folder) == ["run.json", "verify"]
    assert names(run / "verify") == []


@pytest.mark.parametrize("data", ["ck48", "ck48:data/ck48", "ck48,seed=1", "ck48:a:b,aus=x/y.csv"])
def test_a_fresh_folder_is_named_after_the_data_the_day_and_a_number(tmp_path, data):
    first = next_folder(data, tmp_path)
    assert re.fullmatch(r"ck48-\d{8}-1", first.name)
    assert first.parent == tmp_path
    first.mkdir()
    assert next_folder(data, tmp_path).name == first.name[:-1] + "2"


@pytest.mark.parametrize(("entry", "value"), [("stages", None), ("settings", []), ("seed", "3")])
def test_an_accepted_run_json_has_to_say_what_made_the_run(run, entry, value):
    info = read_json(run / "run.json")
    (run / "run.json").write_text(json.dumps({**info, entry: value}))
    with pytest.raises(ArtifactError, match=rf"run.json does not say its {entry}: make the run"):
        run.accept(["run.json"])
    with pytest.raises(ArtifactError, match=rf"run.json does not say its {entry}: make the run"):
        assert run.info
