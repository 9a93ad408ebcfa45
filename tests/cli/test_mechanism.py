"""``facslens mechanism`` as a user meets it: of a run, and of a network into a folder."""

import json
import re
import shutil
import sys

import pandas as pd
import pytest

from facslens.cli.main import main
from facslens.models import model as models
from facslens.runs.folder import Run
from facslens.stages import order
from facslens.stages.mechanism.parts import PARTS


@pytest.fixture
def run(finished_run, tmp_path):
    """A copy of the finished run, to be changed."""
    return shutil.copytree(finished_run, tmp_path / "run")


@pytest.fixture(scope="module")
def finished_layers(finished_run, tmp_path_factory):
    """The run with the part that compares layers, too."""
    folder = shutil.copytree(finished_run, tmp_path_factory.mktemp("layers") / "drawn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["facslens", "mechanism", str(folder), "--only", "layers"])
        with pytest.raises(SystemExit) as stop:
            main()
    assert not stop.value.code
    return folder


@pytest.fixture
def layered(finished_layers, tmp_path):
    return shutil.copytree(finished_layers, tmp_path / "run")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A saved model of the paper's architecture."""
    folder = tmp_path_factory.mktemp("networks") / "paper"
    folder.mkdir()
    models.save(models.build("paper", ("anger", "happiness", "surprise"), 48, seed=0), folder)
    return folder


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def of_parts(*names):
    return {f"{table}.csv" for name in names for table in PARTS[name].tables}


def statuses(run):
    return {name: entry["status"] for name, entry in Run(run).info["stages"].items()}


def test_a_part_is_added_to_a_run_and_its_report(facslens, run):
    before = files(run / "mechanism")
    assert set(before) == {*of_parts("effects"), "mechanism.json"}
    code, out, err = facslens("mechanism", run, "--only", "layers, groups")
    assert code == 0, err
    assert f"mechanism: {run / 'mechanism'}" in out
    found = files(run / "mechanism")
    assert set(found) == {*of_parts("effects", "layers", "groups"), "mechanism.json"}
    assert all(found[name] == before[name] for name in of_parts("effects"))
    assert set(statuses(run).values()) == {"done"}
    assert Run(run).info["settings"]["mechanism"] == ["effects", "layers", "groups"]
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert '<section id="readable">' in page
    said = pd.read_csv(run / "mechanism" / "words.csv").drop_duplicates("expression")
    assert out.splitlines()[:-1] == list(said["expression"] + ": " + said["sentence"])
    assert "mechanism: layers: probes" not in out  # progress goes to standard error
    assert "layers: probes" in err


@pytest.mark.slow
def test_layers_stay_where_none_is_named(facslens, run):
    assert facslens("mechanism", run, "--only", "effects", "--layers", "all")[0] == 0
    note = run / "mechanism" / "mechanism.json"
    assert json.loads(note.read_text())["layers"] == ["conv1", "conv3"]
    assert facslens("mechanism", run, "--only", "groups")[0] == 0
    noted = json.loads(note.read_text())
    assert noted["layers"] == ["conv1", "conv3"]
    assert set(noted["sha256"]) == of_parts("effects", "groups")
    assert facslens("mechanism", run, "--only", "effects", "--layer", "conv3")[0] == 0
    again = json.loads(note.read_text())
    assert again["layers"] == ["conv3"]
    assert set(again["sha256"]) == of_parts("effects", "groups")  # made anew, not lost


@pytest.mark.slow
def test_an_experiment_remakes_the_mechanism_with_all_of_its_parts(
    facslens, layered, draw_stimuli, tmp_path
):
    run = layered
    before = json.loads((run / "mechanism" / "mechanism.json").read_text())
    faces = draw_stimuli(tmp_path / "set", grades=("C", "D", "E"))
    code, _, err = facslens("experiment", run, "--stimuli", faces)
    assert code == 0, err
    after = json.loads((run / "mechanism" / "mechanism.json").read_text())
    assert after["stimuli"] != before["stimuli"]
    assert after["sha256"].keys() == before["sha256"].keys()
    assert set(pd.read_csv(run / "mechanism" / "effects.csv")["grade"]) == {"C", "D", "E"}
    assert set(statuses(run).values()) == {"done"}


def test_a_run_without_experiment_names_the_command_which_works(facslens, run):
    shutil.rmtree(run / "experiment")
    shutil.rmtree(run / "mechanism")
    this = Run(run)
    stages = this.info["stages"]
    del stages["experiment"], stages["mechanism"]
    settings = {**this.info["settings"], "experiment": False}
    this.update(stages=stages, settings=settings)  # as `facslens run --no-experiment` leaves it
    before = (run / "run.json").read_bytes()
    code, _, err = facslens("mechanism", run, "--only", "layers")
    assert code == 1
    assert f"error: {run} has no experiment: run `facslens experiment {run}` first" in err
    assert (run / "run.json").read_bytes() == before
    assert facslens("run", "--resume", "--out", run)[0] == 0  # which wants none of both
    assert not (run / "mechanism").exists()
    code, _, err = facslens("experiment", run)
    assert code == 0, err
    code, _, err = facslens("mechanism", run, "--only", "layers")
    assert code == 0, err
    noted = json.loads((run / "mechanism" / "mechanism.json").read_text())["sha256"]
    assert set(noted) == of_parts("effects", "layers")
    assert Run(run).info["settings"]["experiment"] is True


def test_resume_keeps_a_finished_mechanism_and_goes_on_with_a_stopped_one(
    facslens, layered, monkeypatch
):
    run = layered
    before = files(run / "mechanism")
    called = []
    kept = {
        name: lambda *run, name=name, stage=stage, **means: (
            called.append(name),
            stage(*run, **means),
        )
        for name, stage in order.STAGES.items()
    }
    monkeypatch.setattr(order, "STAGES", kept)
    assert facslens("run", "--resume", "--out", run)[0] == 0
    assert called == []
    Run(run).outdate(["mechanism", "report"])
    assert facslens("run", "--resume", "--out", run)[0] == 0
    assert called == ["mechanism", "report"]
    assert files(run / "mechanism") == before


def test_parts_of_a_later_version_in_the_settings(facslens, run):
    this = Run(run)
    this.update(settings={**this.info["settings"], "mechanism": ["effects", "chains"]})
    this.outdate(["mechanism"])
    code, _, err = facslens("run", "--resume", "--out", run)
    assert (code, "names 'chains', which this version does not know as a part" in err) == (1, True)
    assert f"`facslens mechanism {run}`" in err
    code, _, err = facslens("mechanism", run, "--only", "effects")
    assert code == 0, err
    assert Run(run).info["settings"]["mechanism"] == ["effects"]


def test_a_network_in_a_folder_with_the_experiment_that_it_needs(
    facslens, network, two_grades, tmp_path
):
    out = tmp_path / "made"
    call = ("mechanism", network, "--stimuli", two_grades, "--out", out)
    code, text, err = facslens(*call, "--only", "effects")
    assert code == 0, err
    assert f"mechanism: {out}" in text
    assert not (out / "experiment").exists()
    before = files(out)
    code, _, err = facslens(*call, "--only", "mediation")
    assert code == 0, err
    assert json.loads((out / "experiment" / "experiment.json").read_text())["layers"] == ["conv3"]
    found = files(out)
    assert all(found[name] == before[name] for name in of_parts("effects"))
    assert of_parts("mediation") <= set(found)
    assert "experiment: faces" in err
    code, _, err = facslens(*call, "--only", "effects,mediation")  # all of it is there
    assert (code, err, files(out)) == (0, "", found)
    for other in (("--seed", "1"), ("--layer", "conv1"), ("--layers", "all")):
        code, _, err = facslens(*call, *other)
        assert code == 2
        sentence = " ".join(err.split())
        assert sentence == (
            f"error: {out} holds a mechanism made with other settings: choose a new folder"
        )
    code, _, err = facslens("mechanism", "compact", "--stimuli", two_grades, "--out", out)
    assert (code, "made with other settings" in err) == (2, True)
    assert files(out) == found


def test_layers_all_or_several(facslens, network, two_grades, tmp_path):
    call = ("mechanism", network, "--stimuli", two_grades, "--only", "effects")
    for choices, expected in (
        (("--layers", "all"), ["conv1", "conv2", "conv3"]),
        (("--layer", "conv3", "--layer", "conv1"), ["conv1", "conv3"]),
    ):
        out = tmp_path / str(len(expected))
        code, _, err = facslens(*call, *choices, "--out", out)
        assert code == 0, err
        assert json.loads((out / "mechanism.json").read_text())["layers"] == expected


def test_a_table_that_was_changed_is_named(facslens, network, two_grades, tmp_path):
    out = tmp_path / "made"
    call = ("mechanism", network, "--stimuli", two_grades, "--only", "effects", "--out", out)
    assert facslens(*call)[0] == 0
    table = out / "effects.csv"
    table.write_text(table.read_text().replace("AU12", "AU06"))
    code, _, err = facslens(*call)
    assert code == 1
    assert f"error: {table} is not what the mechanism left, by its SHA-256" in err


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (
            ("compact", "--only", "nonsense"),
            2,
            "--only names 'nonsense', which is no part: expected some of effects, mediation, ",
        ),
        (("compact", "--only", ""), 2, "--only names '', which is no part"),
        (("compact", "--only", "effects,"), 2, "--only names '', which is no part"),
        (("compact", "--seed", "1"), 2, "--seed needs --out DIR: without it the mechanism is that"),
        (("compact", "--stimuli", "."), 2, "--stimuli needs --out DIR: without it the mechanism"),
        (("compact",), 2, "compact is no run: name a folder for the tables with --out DIR"),
        ((".",), 2, ". is no run: name a folder for the tables with --out DIR"),
        (("nobody", "--out", "new"), 2, "nobody"),
        ((".", "--out", "new"), 1, "model.json does not exist"),
        (
            ("compact", "--layer", "nonsense", "--out", "new"),
            2,
            "the network has no layer 'nonsense': it has stem, block1a.conv1, ",
        ),
        (("compact", "--stimuli", ".", "--out", "new"), 1, ". holds no stimuli"),
        (("compact", "--seed", "-1", "--out", "new"), 2, "greater than or equal to 0"),
        (("compact", "--out", "file.txt"), 2, "file.txt is a file: choose a new folder"),
        (("compact", "--out", "full"), 2, "full is not empty: choose a new folder"),
    ],
)
def test_a_wrong_call_gets_one_sentence(facslens, tmp_path, monkeypatch, arguments, code, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    for name in ("file.txt", "full/mine.txt"):
        (tmp_path / name).write_text("mine")
    found, _, err = facslens("mechanism", *arguments)
    assert found == code, err
    assert sentence in re.sub(r"\s+", " ", err.replace("│", " "))
    assert "Traceback" not in err
    assert "not foreseen" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.txt", "full"]


def test_wrong_calls_leave_a_run_as_it_is(facslens, run):
    before = (run / "run.json").read_bytes()
    for arguments, code, sentence in (
        (("--layer", "conv2"), 2, "the network has no layer 'conv2': it has conv"),
        (("--only", "nonsense"), 2, "--only names 'nonsense'"),
        (("--seed", "0"), 2, "--seed needs --out DIR"),
    ):
        found, _, err = facslens("mechanism", run, *arguments)
        assert (found, sentence in err) == (code, True)
    shutil.rmtree(run / "experiment")
    found, _, err = facslens("mechanism", run, "--only", "layers")
    assert found == 1
    assert "experiment is missing though run.json lists it: make it again with `facslens ex" in err
    assert (run / "run.json").read_bytes() == before


def test_help_names_every_part(facslens):
    code, out, _ = facslens("mechanism", "--help")
    assert code == 0
    for name in PARTS:
        assert name in out
