"""The identity network of a run is trained once, kept, and read back."""

import json

import pytest
import torch

from facslens.controls import identity as control
from facslens.errors import ArtifactError
from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages import identity as module
from facslens.stages.faces import run_faces
from facslens.stages.identity import keep_identity
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


def test_a_run_without_a_network_is_one_sentence(drawn_ck48, tmp_path) -> None:
    made = Run.create(
        tmp_path / "run", data=f"ck48:{drawn_ck48}", seed=0, settings=Settings().entries()
    )
    run_faces(made, silent)
    with pytest.raises(ArtifactError, match=r"has no model\.json: run `facslens train"):
        keep_identity(RunRecord(made), tmp_path / "out")
