import json

import pytest

from facslens.datasets.load import load
from facslens.datasets.splits import khorrami_folds
from facslens.errors import ArtifactError, CallError
from facslens.models.model import build
from facslens.training import crossval
from facslens.training.crossval import cross_validate
from facslens.training.recipe import Recipe


@pytest.fixture(scope="module")
def faces(drawn_ck48):
    return load(f"ck48:{drawn_ck48}")


def cross(faces, folder, **changes):
    choices = {
        "architecture": "paper",
        "size": 48,
        "seed": 0,
        "recipe": Recipe(epochs=2, batch_size=16),
        "folder": folder,
        **changes,
    }
    return cross_validate(faces, khorrami_folds(faces, 3), **choices)


def test_every_face_is_tested_once_and_a_second_call_trains_nothing(faces, tmp_path, monkeypatch):
    first = cross(faces, tmp_path)
    assert sorted(first.predictions["image"]) == sorted(faces.table["image"])
    assert first.predictions["split"].unique().tolist() == ["test"]
    assert first.confusion.to_numpy().sum() == len(faces)
    summary = json.loads(json.dumps(first.summary()))
    assert summary["accuracy_mean"] == pytest.approx(sum(summary["folds"]) / 3)
    assert summary["images"] == 144

    monkeypatch.setattr(crossval, "fit", lambda *_a, **_k: pytest.fail("it trained again"))
    assert cross(faces, tmp_path).summary() == first.summary()


def test_the_folder_of_another_cross_validation_is_refused(faces, tmp_path, monkeypatch):
    class StopError(Exception):
        pass

    def stop(*_args, **_choices):
        raise StopError

    monkeypatch.setattr(crossval, "fit", stop)
    with pytest.raises(StopError):
        cross(faces, tmp_path)
    with pytest.raises(ArtifactError, match="holds a cross-validation with another seed"):
        cross(faces, tmp_path, seed=1)


def test_a_fold_is_observed_once(faces, tmp_path, monkeypatch):
    calls = []

    def observe(_model, split_faces):
        calls.append(len(split_faces.part("test")))
        return split_faces.part("test").table[["image"]]

    recipe = Recipe(epochs=1, batch_size=16)
    first = cross(faces, tmp_path, recipe=recipe, observe=observe)
    assert sorted(first.observed["image"]) == sorted(faces.table["image"])
    assert first.observed["fold"].unique().tolist() == [0, 1, 2]
    assert len(calls) == 3
    monkeypatch.setattr(crossval, "fit", lambda *_a, **_k: pytest.fail("it trained again"))
    again = cross(faces, tmp_path, recipe=recipe, observe=observe)
    assert again.observed.equals(first.observed)
    assert cross(faces, tmp_path, recipe=recipe).observed is None


def test_folds_of_another_beginning_are_not_mixed(faces, tmp_path, monkeypatch):
    begun = [build("paper", ("anger", "fear"), 48, seed=s) for s in (1, 2)]
    given = []

    class StopError(Exception):
        pass

    def stop(*_args, init, **_choices):
        given.append(init)
        raise StopError

    monkeypatch.setattr(crossval, "fit", stop)
    for _ in range(2):  # the second call goes on with the folder of the first
        with pytest.raises(StopError):
            cross(faces, tmp_path, init=begun[0])
    assert given == [begun[0], begun[0]]
    for other in (None, begun[1]):
        with pytest.raises(ArtifactError, match="holds a cross-validation with another init"):
            cross(faces, tmp_path, init=other)


def test_a_folder_that_an_older_version_left_has_no_beginning(faces, tmp_path, monkeypatch):
    monkeypatch.setattr(crossval, "fit", lambda *_a, **_k: pytest.fail("it trained"))
    with pytest.raises(pytest.fail.Exception, match="it trained"):
        cross(faces, tmp_path)
    settings = json.loads((tmp_path / "crossval.json").read_text())
    assert settings.pop("init") is None
    (tmp_path / "crossval.json").write_text(json.dumps(settings))
    with pytest.raises(pytest.fail.Exception, match="it trained"):
        cross(faces, tmp_path)
    with pytest.raises(ArtifactError, match="with another init"):
        cross(faces, tmp_path, init=build("paper", ("anger", "fear"), 48, seed=1))


def test_folds_cannot_begin_from_a_network_of_the_same_faces(faces, tmp_path):
    split = khorrami_folds(faces, 3)[2]
    recipe = Recipe(epochs=1, batch_size=16)
    begun = crossval.fit(faces.with_split(split), recipe=recipe).model
    with pytest.raises(
        CallError, match="trained on the same faces with another split, and thus on people who"
    ):
        cross(faces, tmp_path, init=begun)
