"""`python benchmarks`: which are run, what is said of the others, and what is left of each."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, Benchmark, lacks, main
from benchmarks.ratios import show

ROOT = Path(__file__).parents[2]


def test_every_module_with_a_main_is_listed_once():
    files = {p.stem for p in (ROOT / "benchmarks").glob("*.py") if "__main__" in p.read_text()}
    assert files - {"__main__"} == {*BENCHMARKS}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_it_is_known_which_take_a_file_for_their_rows(name):
    source = (ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
    assert BENCHMARKS[name].json == ('"--json"' in source)


def test_rows_are_a_table_and_json(capsys, tmp_path):
    show([{"what": "ours", "ms": 1.23456, "ratio": 2.0}], tmp_path / "rows.json")
    assert capsys.readouterr().out.splitlines() == [
        "| what | ms | ratio |",
        "| --- | --- | --- |",
        "| ours | 1.235 | 2 |",
    ]
    found = json.loads((tmp_path / "rows.json").read_text())
    assert found["rows"] == [{"what": "ours", "ms": 1.23456, "ratio": 2.0}]
    assert found["machine"]["torch"] == importlib.metadata.version("torch")


@pytest.fixture
def called(monkeypatch):
    """What would be called; all fail that are named `bad`."""
    calls = []

    def run(call, env, check):
        calls.append(call[1:])
        assert env["PYTHONPATH"].split(":")[:2] == [str(ROOT), str(ROOT / "src")]
        return subprocess.CompletedProcess(call, 3 if "benchmarks.bad" in call else 0)

    monkeypatch.setattr(subprocess, "run", run)
    return calls


TABLE = {
    "bad": Benchmark("fails", json=False),
    "good": Benchmark("measures", ("--size", "{data}")),
    "real": Benchmark("needs faces", needs="faces.zip"),
    "hand": Benchmark("needs more", by_hand="needs a ship"),
}


def test_all_are_run_and_what_fails_or_is_left_out_is_named(called, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("FACSLENS_DATA", str(tmp_path))
    assert main(["--json-dir", str(tmp_path / "found")], TABLE) == 1
    assert called == [
        ["-m", "benchmarks.bad"],
        ["-m", "benchmarks.good", "--size", str(tmp_path), "--json",
         str(tmp_path / "found" / "good.json")],
    ]  # fmt: skip
    out = capsys.readouterr().out
    assert "bad failed: exit code 3" in out
    assert "left out: needs faces.zip in FACSLENS_DATA" in out
    assert "left out: needs a ship" in out
    assert out.splitlines()[-1] == "failed: bad"


def test_those_that_are_named_are_run(called, tmp_path, monkeypatch):
    (tmp_path / "faces.zip").touch()
    monkeypatch.setenv("FACSLENS_DATA", str(tmp_path))
    assert main(["real", "good"], TABLE) == 0
    assert [call[1] for call in called] == ["benchmarks.real", "benchmarks.good"]


def test_a_list_has_a_line_each_and_an_unknown_name_is_refused(called, capsys, monkeypatch):
    monkeypatch.delenv("FACSLENS_DATA", raising=False)
    assert main(["--list"], TABLE) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*TABLE]
    assert lines[2].endswith("needs faces (needs real faces: set FACSLENS_DATA to a folder that "
                             "holds them)")  # fmt: skip
    assert lacks(TABLE["good"], None) == ""
    with pytest.raises(SystemExit) as stop:
        main(["nothing"], TABLE)
    assert stop.value.code == 2
    assert "no benchmark 'nothing': expected some of bad, good" in capsys.readouterr().err
    assert called == []


def test_the_folder_is_a_program():
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks", "--list"], capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) == len(BENCHMARKS)
