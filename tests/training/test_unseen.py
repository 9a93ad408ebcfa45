"""Nobody whom a network has learned from confirms what is found in it."""

import pytest

import facslens as fl
from facslens.datasets.splits import halves, holdout
from facslens.errors import CallError
from facslens.training.unseen import contents, has_seen, split_for


@pytest.fixture(scope="module")
def faces(drawn_ck48):
    return fl.load_faces(f"ck48:{drawn_ck48}")


def test_other_faces_are_halved(faces) -> None:
    assert split_for({}, faces, 3).equals(halves(faces, 3))
    assert split_for({"faces": "of others", "split": ""}, faces, 3).equals(halves(faces, 3))


def test_faces_of_the_training_get_its_split_back(faces) -> None:
    own = faces.with_split(holdout(faces, 7))
    training = {**contents(own), "seed": 7}
    for noted in (training, {"seed": 1, "init": {"training": training}}):
        assert split_for(noted, faces, 3).equals(holdout(faces, 7))
        assert not has_seen(noted, own, [])
    with pytest.raises(CallError, match="trained on with a split that cannot be made again"):
        split_for({**training, "seed": 8}, faces, 3)
    assert has_seen(training, faces.with_split(holdout(faces, 8)), [])


def test_names_tell_faces_that_a_network_in_the_package_has_seen(faces) -> None:
    halved = faces.with_split(halves(faces))
    assert has_seen({"images": "FER2013Train/"}, halved, ["a.png", "FER2013Train/1.png"])
    assert not has_seen({"images": "FER2013Train/"}, halved, ["a.png"])
    assert not has_seen({"init": {"training": "nonsense"}}, halved, ["a.png"])
