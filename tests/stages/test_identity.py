"""The identity network of a run is trained once, kept, and read back."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from facslens.cli.main import main
from facslens.controls import identity as control
from facslens.datasets.stimuli import read_stimuli
from facslens.errors import ArtifactError
from facslens.experiments.control import Control
from facslens.experiments.faces import compared
from facslens.experiments.trials import arrange
from facslens.preprocess import normalise
from facslens.preprocess.input import grey_contrast
from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages import experiment
from facslens.stages import identity as module
from facslens.stages.experiment import Plan, read_experiment, write_experiment
from facslens.stages.faces import run_faces
from facslens.stages.identity import WEIGHTS, Identity, keep_identity
from facslens.stages.train import run_train
from facslens.training.recipe import Recipe


@pytest.fixture(scope="module")
def folder(drawn_ck48, tmp_path_factory):
    settings = Settings(recipe=Recipe(epochs=1))
    place = tmp_path_factory.mktemp("runs") / "drawn"
    made = Run.create(place, data=f"ck48:{drawn_ck48}", seed=4, settings=settings.entries())
    run_faces(made, silent)
    run_train(made, silent)
    return place


@pytest.fixture(scope="module")
def kept(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("kept")
    return place, keep_identity(RunRecord.open(folder), place)


def test_what_is_kept_is_what_the_control_trains(folder, kept) -> None:
    record = RunRecord.open(folder)
    place, found = kept
    again = control.identity(record.faces, record.model, Recipe(epochs=1), seed=4)
    for name, value in again.model.network.state_dict().items():
        assert torch.equal(value, found.model.network.state_dict()[name])
    assert found.accuracy == again.accuracy
    lesson = control.people(record.faces, 4)
    assert (found.n_faces, found.n_held) == (len(lesson.train), len(lesson.validation))
    assert sorted(path.name for path in place.iterdir()) == [
        "identity.json",
        "identity.safetensors",
    ]


@pytest.mark.parametrize(("right", "learned"), [(0, False), (2, False), (3, True), (18, True)])
def test_what_is_no_better_than_a_guess_is_not_learned(kept, right, learned) -> None:
    """A guess names 1 of 18, 0.0556; after Wilson 2 of 18 is from 0.031, and 3 from 0.058."""
    model = kept[1].model
    assert len(model.expressions) == 18
    assert Identity(model, n_faces=90, n_held=18, accuracy=right / 18).learned is learned


def test_a_second_call_only_reads(folder, kept, monkeypatch) -> None:
    place, found = kept
    monkeypatch.setattr(module, "identity", None)
    again = keep_identity(RunRecord.open(folder), place)
    assert (again.n_faces, again.n_held, again.accuracy) == (
        found.n_faces, found.n_held, found.accuracy,
    )  # fmt: skip
    assert again.model.expressions == found.model.expressions
    assert again.model.training == json.loads(json.dumps(found.model.training))
    for name, value in again.model.network.state_dict().items():
        assert torch.equal(value, found.model.network.state_dict()[name])


def test_a_killed_training_is_made_again_and_ends_the_same(folder, kept, tmp_path) -> None:
    def stop(done, total, note):
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        keep_identity(RunRecord.open(folder), tmp_path, stop)
    assert not (tmp_path / "identity.json").exists()
    found = keep_identity(RunRecord.open(folder), tmp_path)
    for name, value in kept[1].model.network.state_dict().items():
        assert torch.equal(value, found.model.network.state_dict()[name])


def test_another_network_in_the_note_is_trained_again(folder, kept, tmp_path, monkeypatch) -> None:
    place, found = kept
    note = json.loads((place / "identity.json").read_text())
    note["order"]["network"] = "another"
    (tmp_path / "identity.json").write_text(json.dumps(note))
    (tmp_path / "identity.safetensors").write_bytes((place / "identity.safetensors").read_bytes())
    asked = []
    own = module.identity
    monkeypatch.setattr(module, "identity", lambda *a, **k: asked.append(1) or own(*a, **k))
    again = keep_identity(RunRecord.open(folder), tmp_path)
    assert asked == [1]
    assert again.accuracy == found.accuracy


def test_changed_weights_are_refused(folder, kept, tmp_path) -> None:
    place, _ = kept
    for path in place.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    file = tmp_path / "identity.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"identity\.safetensors is not what the training left"):
        keep_identity(RunRecord.open(folder), tmp_path)
    note = json.loads((tmp_path / "identity.json").read_text())
    (tmp_path / "identity.json").write_text(json.dumps({"order": note["order"]}))
    with pytest.raises(ArtifactError, match=r"identity\.json does not say what the training left"):
        keep_identity(RunRecord.open(folder), tmp_path)


def test_a_run_without_a_network_is_one_sentence(drawn_ck48, tmp_path) -> None:
    made = Run.create(
        tmp_path / "run", data=f"ck48:{drawn_ck48}", seed=0, settings=Settings().entries()
    )
    run_faces(made, silent)
    with pytest.raises(ArtifactError, match=r"has no model\.json: run `facslens train"):
        keep_identity(RunRecord(made), tmp_path / "out")


@pytest.fixture(scope="module")
def stimuli(draw_stimuli, tmp_path_factory):
    return draw_stimuli(tmp_path_factory.mktemp("stimuli") / "set")


def call(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["facslens", "experiment", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def test_the_command_compares_it_like_an_untrained_network(
    folder, kept, stimuli, tmp_path, monkeypatch, capsys
) -> None:
    """Its rows are those of a control made by hand from its own maps."""
    out = tmp_path / "out"
    usual = ("--stimuli", stimuli, "--layer", "conv3", "--untrained", 1, "--permutations", 9)
    assert call(monkeypatch, folder, *usual, "--identity", "--out", out) in (0, None)
    found = kept[1]
    percent = f"{100 * found.accuracy:.1f}"
    said = f"identity: 18 people, recognised in {percent}% of {found.n_held} held-out faces"
    poor = ": no better than a guess" in (printed := capsys.readouterr().out)
    assert said in printed
    assert poor is not found.learned
    assert json.loads((out / "identity.json").read_text())["learned"] is found.learned
    assert (out / WEIGHTS).read_bytes() == (kept[0] / WEIGHTS).read_bytes()
    controls = read_experiment(out).controls
    own = controls[controls["control"] == "identity"].set_index("au")

    drawn = read_stimuli(stimuli)
    few = compared(drawn)
    faces = normalise.read([stimuli / path for path in drawn.table["path"][few]], grey_contrast(48))
    with torch.inference_mode():
        maps = normalise.standardise(faces)
        for name, step in found.model.network.named_children():
            maps = step(maps)
            if name == "relu3":
                break
    by_hand = Control.of([arrange(drawn.table[few], maps.amax(dim=(2, 3)).numpy())])
    # the kernels of another batch size sum in another order, which may turn a tie
    np.testing.assert_allclose(own["auroc"], by_hand.tables.mean(axis=(1, 2)), atol=0.02)
    np.testing.assert_allclose(own["wins"], by_hand.wins, atol=0.2)
    assert own["candidate"].tolist() == by_hand.candidate.tolist()

    plain = tmp_path / "plain"
    assert call(monkeypatch, folder, *usual, "--out", plain) in (0, None)
    without = read_experiment(plain)
    rest = controls[controls["control"] != "identity"].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, without.controls)
    # it does not decide
    pd.testing.assert_frame_equal(read_experiment(out).caused, without.caused)
    assert call(monkeypatch, folder, *usual, "--out", out) == 2
    assert "made with other settings" in capsys.readouterr().err


def test_a_killed_experiment_does_not_train_again(folder, stimuli, tmp_path, monkeypatch) -> None:
    record, plan = RunRecord.open(folder), Plan(("conv1",), untrained=1, permutations=9)

    def stop(*_, **__):
        raise KeyboardInterrupt

    def make():
        return write_experiment(
            record.model,
            read_stimuli(stimuli),
            tmp_path / "out",
            plan,
            identity=lambda place: keep_identity(record, place).model,
        )

    with monkeypatch.context() as patch:
        patch.setattr(experiment, "ask", stop)
        with pytest.raises(KeyboardInterrupt):
            make()
    monkeypatch.setattr(module, "identity", None)
    assert "identity" in set(make().controls["control"])


def test_a_network_without_faces_is_one_sentence_and_leaves_nothing(
    tmp_path, monkeypatch, capsys
) -> None:
    assert call(monkeypatch, "compact", "--identity", "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "--identity needs the faces of a run: 'compact' is none" in " ".join(said.split())
    assert not (tmp_path / "out").exists()


def test_too_few_people_are_one_sentence_and_leave_nothing(
    folder, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(control, "MIN_PEOPLE", 19)
    assert call(monkeypatch, folder, "--identity", "--out", tmp_path / "out") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "shows 18 of the 18 people" in said
    assert "at least 19 are needed" in said
    assert not (tmp_path / "out").exists()


def test_without_a_folder_of_its_own_it_is_refused(folder, monkeypatch, capsys) -> None:
    assert call(monkeypatch, folder, "--identity") == 2
    assert "--identity needs --out DIR" in capsys.readouterr().err
