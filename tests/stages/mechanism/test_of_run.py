"""The mechanism as a stage of a run: what is kept, what is made anew, what is refused."""

import dataclasses
import json
import shutil

import pytest

from facslens.errors import ArtifactError
from facslens.progress import silent
from facslens.report.html import write_report
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages import order
from facslens.stages.experiment_of_run import run_experiment
from facslens.stages.mechanism import make
from facslens.stages.mechanism.of_run import recorded_layers, run_mechanism
from facslens.stages.mechanism.parts import PARTS


@pytest.fixture(scope="module")
def made(run, draw_stimuli, tmp_path_factory):
    """The run of an untrained network, with an experiment and the mechanism that runs have."""
    this = Run.open(shutil.copytree(run.run.folder, tmp_path_factory.mktemp("made") / "run"))
    faces = draw_stimuli(tmp_path_factory.mktemp("stimuli") / "set", grades=("C", "E"))
    choose(this, stimuli=str(faces), permutations=9, untrained=2)
    run_experiment(this, silent)
    run_mechanism(this, silent)
    return this


@pytest.fixture
def copied(made, tmp_path):
    return Run.open(shutil.copytree(made.folder, tmp_path / "run"))


@pytest.fixture
def makes(monkeypatch):
    """Note which parts are made."""
    noted = []
    for name, part in list(PARTS.items()):

        def making(*arguments, name=name, part=part):
            noted.append(name)
            return part.make(*arguments)

        monkeypatch.setitem(PARTS, name, dataclasses.replace(part, make=making))
    return noted


def choose(run, **settings):
    run.update(settings={**run.info["settings"], **settings})


def tables(run):
    return {path.name: path.read_bytes() for path in sorted((run / "mechanism").iterdir())}


def test_the_stage_leaves_the_tables_of_its_parts(made):
    record = RunRecord(made)
    assert set(tables(made)) == {
        *(f"{table}.csv" for table in PARTS["effects"].tables), "mechanism.json",
    }  # fmt: skip
    assert record.info["stages"]["mechanism"]["settings"] == {
        "parts": ["effects"], "layers": ["conv3"],
    }  # fmt: skip
    noted = json.loads((made / "mechanism" / "mechanism.json").read_text())
    # the fixture keeps no predictions, so that nothing is read of faces
    assert [name for name in noted if name not in ("sha256", "facslens")] == [
        "layers", "seed", "stimuli", "network", "input", "experiment", "verdicts",
    ]  # fmt: skip
    assert record.table("mechanism/effects.csv")["prototype"].dtype == "boolean"
    write_report(made)


def test_parts_are_kept_while_network_faces_and_experiment_are_the_same(copied, makes):
    before = tables(copied)
    copied.outdate(["mechanism"])
    run_mechanism(copied, silent)
    assert (makes, tables(copied)) == ([], before)
    copied.outdate(["experiment", "mechanism"])
    run_experiment(copied, silent)  # which finds its own answers
    run_mechanism(copied, silent)
    assert (makes, tables(copied)) == ([], before)


def test_a_part_added_later_leaves_the_others(copied, makes):
    before = tables(copied)
    choose(copied, mechanism=["effects", "mediation", "groups"])
    run_mechanism(copied, silent)
    assert makes == ["mediation", "groups"]
    found = tables(copied)
    assert {name: found[name] for name in before if name != "mechanism.json"} == {
        name: text for name, text in before.items() if name != "mechanism.json"
    }
    record = RunRecord(copied)
    halves = record.table("mechanism/mediation.csv")["half_removed"]
    assert halves.dtype == "Int64"
    units = record.table("mechanism/detectors.csv")["units"]
    assert set(map(type, units)) <= {str}


@pytest.mark.parametrize("name", ["effects.csv", "words.csv", "mechanism.json"])
@pytest.mark.parametrize("harm", [lambda c: c[:-9], lambda c: c.replace(b"0", b"1", 1)])
def test_a_table_that_was_changed_is_found_and_made_anew(copied, makes, name, harm):
    before = tables(copied)
    file = copied / "mechanism" / name
    file.write_bytes(harm(file.read_bytes()))
    with pytest.raises(ArtifactError, match="not what the stage mechanism left"):
        RunRecord(copied).table("mechanism/needed.csv")
    run_mechanism(copied, silent)
    assert (makes, tables(copied)) == (["effects"], before)


def test_a_folder_without_its_note_is_made_anew(copied, makes):
    before = tables(copied)
    (copied / "mechanism" / "mechanism.json").unlink()
    run_mechanism(copied, silent)
    assert (makes, tables(copied)) == (["effects"], before)


@pytest.mark.parametrize(
    "change", [{"mechanism_layers": ["all"]}, {"mechanism_layers": ["conv2", "conv1"]}]
)
def test_other_layers_are_made_anew(copied, makes, change):
    choose(copied, **change)
    run_mechanism(copied, silent)
    assert makes == ["effects"]
    every = RunRecord(copied).responses.layers
    expected = list(every) if "all" in change["mechanism_layers"] else ["conv1", "conv2"]
    noted = json.loads((copied / "mechanism" / "mechanism.json").read_text())
    assert noted["layers"] == expected
    assert copied.info["stages"]["mechanism"]["settings"]["layers"] == expected


def test_another_experiment_makes_it_anew(copied, makes):
    choose(copied, permutations=19)
    run_experiment(copied, silent)
    assert copied.info["stages"]["mechanism"]["status"] == "outdated"
    run_mechanism(copied, silent)
    assert makes == ["effects"]


def test_an_interruption_between_two_parts_goes_on(copied, makes, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    choose(copied, mechanism=["effects", "layers", "groups"])
    with monkeypatch.context() as patch:
        patch.setitem(PARTS, "groups", dataclasses.replace(PARTS["groups"], make=stop))
        with pytest.raises(KeyboardInterrupt):
            run_mechanism(copied, silent)
    assert copied.info["stages"]["mechanism"]["status"] == "failed"
    assert makes == ["layers"]
    run_mechanism(copied, silent)
    assert makes == ["layers", "groups"]
    assert make.finished_parts(copied / "mechanism") == ("effects", "layers", "groups")


def refused(run, match):
    """Refuse, and note nothing of it."""
    before = (run / "run.json").read_bytes(), tables(run)
    with pytest.raises(ArtifactError, match=match):
        run_mechanism(run, silent)
    assert ((run / "run.json").read_bytes(), tables(run)) == before


def test_it_needs_an_experiment_that_is_up_to_date(copied):
    copied.outdate(["experiment"])
    refused(
        copied, "is out of date, for a stage before experiment was run again: run `facslens exp"
    )
    stages = copied.info["stages"]
    del stages["experiment"]
    copied.update(stages=stages)
    refused(copied, f"has no experiment: run `facslens experiment {copied.folder}` first")


def test_an_experiment_with_other_faces_is_refused(copied, draw_stimuli, tmp_path):
    """The settings name other faces than those of the experiment, which was not made again."""
    choose(copied, stimuli=str(draw_stimuli(tmp_path / "set", grades=("E",))))
    refused(copied, f"made with other faces .* `facslens experiment {copied.folder}`")


def test_parts_of_a_later_version_are_refused(copied):
    choose(copied, mechanism=["effects", "chains"])
    refused(copied, r"run\.json names 'chains', which this version does not know as a part")
    choose(copied, mechanism=["effects"], mechanisms=[])
    with pytest.raises(ArtifactError, match="settings that this version does not know"):
        run_mechanism(copied, silent)


def test_layers_that_are_recorded_no_longer_are_left_out(copied):
    choose(copied, layers=["conv1", "conv2"], mechanism_layers=["conv2", "conv3"])
    order.STAGES["record"](copied, silent)
    assert recorded_layers(RunRecord(copied)) == ("conv2",)
    choose(copied, mechanism_layers=["conv3"])
    assert recorded_layers(RunRecord(copied)) == ("conv2",)  # the last
    choose(copied, mechanism_layers=["all"])
    assert recorded_layers(RunRecord(copied)) == ("conv1", "conv2")


def test_a_run_without_the_experiment_leaves_the_mechanism_out(copied, monkeypatch):
    settings, called = Settings.of(copied), []
    stages = {name: lambda *_, name=name, **_means: called.append(name) for name in order.STAGES}
    monkeypatch.setattr(order, "STAGES", stages)
    faces = {"faces": copied.info["stages"]["faces"]}
    copied.update(settings={**settings.entries(), "experiment": False}, stages=faces)
    order.run_all(copied)
    assert "mechanism" not in called
    called.clear()
    copied.update(settings={**settings.entries(), "experiment": True}, stages=faces)
    order.run_all(copied)
    assert called[called.index("experiment") + 1] == "mechanism"
