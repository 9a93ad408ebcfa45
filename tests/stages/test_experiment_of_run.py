"""The experiment as a stage of a run: what is kept, what is made again, what it survives."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from facslens.datasets.stimuli import read_stimuli
from facslens.errors import ArtifactError, CallError
from facslens.models import model as models
from facslens.progress import silent
from facslens.report.html import write_report
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages import experiment as making
from facslens.stages import experiment_of_run, order
from facslens.stages.experiment_of_run import run_experiment

TABLES = (
    "caused", "controls", "convergence", "dose", "graded", "overview", "people", "place", "rivals",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(run, drawn_stimuli, tmp_path_factory):
    """The run of an untrained network, with an experiment on ten drawn people."""
    folder = shutil.copytree(run.run.folder, tmp_path_factory.mktemp("experiments") / "run")
    this = Run.open(folder)
    settings = {**this.info["settings"], "stimuli": str(drawn_stimuli), "permutations": 9}
    this.update(settings=settings)
    run_experiment(this, silent)
    return this


@pytest.fixture
def copied(made, tmp_path):
    return Run.open(shutil.copytree(made.folder, tmp_path / "run"))


@pytest.fixture
def asked(monkeypatch):
    """Note how often networks are asked."""
    calls = []
    ask = making.ask

    def noting(*arguments):
        calls.append(arguments[0])
        return ask(*arguments)

    monkeypatch.setattr(making, "ask", noting)
    return calls


def digests(run):
    return {
        name: pd.read_csv(run / "experiment" / f"{name}.csv").to_csv(index=False) for name in TABLES
    }


def test_the_stage_leaves_its_tables_and_pictures(made):
    record = RunRecord(made)
    caused = record.table("experiment/caused.csv")
    assert caused[["layer", "au"]].to_numpy().tolist() == [
        [layer, au] for layer in ("conv1", "conv2", "conv3") for au in ("AU01", "AU12")
    ]
    assert set(digests(made)) == set(TABLES)
    assert {path.name for path in (made / "experiment").glob("AU*.png")} == {"AU01.png", "AU12.png"}
    graded = record.table("experiment/graded.csv")
    assert set(graded["layer"]) == {"conv3"}  # the layer that the report shows
    known = record.table("experiment/convergence.csv").set_index(["layer", "au"])["known"]
    assert known["conv3"].to_dict() == {
        "AU01": "drawn", "AU04": "real", "AU12": "both", "AU17": "real", "AU25": "real",
        "AU27": "real",
    }  # fmt: skip
    write_report(made)


def test_what_was_answered_is_kept_while_weights_and_stimuli_are_the_same(copied, asked):
    before = digests(copied)
    copied.outdate(["experiment"])
    run_experiment(copied, silent)
    assert (asked, digests(copied)) == ([], before)


@pytest.mark.parametrize("name", ["caused.csv", "answers.npz", "experiment.json"])
def test_a_damaged_file_is_found_and_made_again(copied, asked, name):
    before = digests(copied)
    file = copied / "experiment" / name
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ArtifactError, match="not what the stage experiment left"):
        RunRecord(copied).table("experiment/rivals.csv")
    run_experiment(copied, silent)
    assert digests(copied) == before
    assert len(asked) == 1


def test_an_interruption_after_the_answers_asks_nobody_again(copied, asked, monkeypatch):
    before = digests(copied)
    shutil.rmtree(copied / "experiment")

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(experiment_of_run, "graded", stop)
        with pytest.raises(KeyboardInterrupt):
            run_experiment(copied, silent)
    assert copied.info["stages"]["experiment"]["status"] == "failed"
    run_experiment(copied, silent)
    assert len(asked) == 1
    assert digests(copied) == before


def test_other_weights_are_asked_anew(copied, asked):
    record = RunRecord(copied)
    before = digests(copied)
    other = models.build("paper", record.model.expressions, 48, seed=1)
    models.save(other, copied.folder)
    copied.accept(["model.safetensors", "model.json"])
    for stage in ("record", "associate", "experiment"):
        order.STAGES[stage](copied, silent)
    assert len(asked) == 1
    assert digests(copied)["rivals"] != before["rivals"]


def test_a_network_that_answers_nothing_has_a_report_too(copied):
    dead = models.build("paper", RunRecord(copied).model.expressions, 48, seed=0)
    with torch.no_grad():
        for name, weight in dead.network.named_parameters():
            if not name.startswith("classifier"):
                weight.zero_()
    models.save(dead, copied.folder)
    copied.accept(["model.safetensors", "model.json"])
    stages = copied.info["stages"]
    del stages["associate"]  # which needs a unit that answers
    copied.update(stages=stages)
    for stage in ("record", "experiment"):
        order.STAGES[stage](copied, silent)
    record = RunRecord(copied)
    assert not (copied / "experiment" / "convergence.csv").exists()
    assert set(record.table("experiment/caused.csv")["verdict"]) == {"silent"}
    assert not list((copied / "experiment").glob("AU*.png"))
    page = write_report(copied).read_text(encoding="utf-8")
    assert "none of 2 action units is shown to move a unit of conv3 by itself" in page


def test_a_run_without_the_experiment_leaves_it_out(copied, monkeypatch):
    settings = Settings.of(copied)
    called = []
    kept = {name: lambda *_, name=name, **_means: called.append(name) for name in order.STAGES}
    monkeypatch.setattr(order, "STAGES", kept)
    faces = {"faces": copied.info["stages"]["faces"]}
    copied.update(settings={**settings.entries(), "experiment": False}, stages=faces)
    order.run_all(copied)
    assert called == ["train", "record", "associate", "project", "report"]


def test_stimuli_that_are_none_are_refused_before_the_training(tmp_path):
    with pytest.raises(ArtifactError, match="holds no stimuli"):
        Settings(stimuli=str(tmp_path)).check()


def test_responses_that_are_not_numbers_are_one_sentence(copied, drawn_stimuli):
    broken = models.build("paper", RunRecord(copied).model.expressions, 48, seed=0)
    state = broken.network.state_dict()
    name = next(iter(state))
    state[name][0] = np.inf
    broken.network.load_state_dict(state)
    plan = making.Plan(("conv2",), untrained=1, permutations=9)
    with pytest.raises(CallError, match="answers NaN"):
        making.experiment(broken, read_stimuli(drawn_stimuli), plan)
