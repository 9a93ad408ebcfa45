"""Nobody whom a network has learned from confirms what is found in it."""

import pandas as pd
import pytest

import facslens as fl
from facslens.datasets.base import Faces, make_table
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


def frames(name: str, *subjects: str) -> Faces:
    """One image of each subject, in a dataset of that name; half of them are trained on."""
    files = [f"{name}/{subject}.png" for subject in subjects]
    parts = ["train", "test"] * len(subjects)
    rows = {"image": files, "path": files, "subject": subjects, "split": parts[: len(subjects)]}
    return Faces(make_table(pd.DataFrame(rows)), name)


@pytest.fixture
def trained(monkeypatch) -> dict[str, object]:
    """What a training on DISFA notes: it has learned from SN001 and SN003."""
    monkeypatch.setattr(Faces, "digest", lambda faces: faces.name)
    return contents(frames("disfa", "SN001", "SN002", "SN003", "SN004"))


@pytest.mark.parametrize(
    ("name", "subject", "seen"),
    [
        ("disfaplus", "SN001", True),
        ("disfaplus", "SN002", False),  # tested there, so nothing was learned from them
        ("disfaplus", "SN013", False),
        ("bp4d", "SN001", False),
        ("mine", "SN001", False),
    ],
)
def test_people_are_known_in_the_other_dataset_that_shows_them(trained, name, subject, seen):
    assert trained["people"] == ["DISFA SN001", "DISFA SN003"]
    held = frames(name, subject)
    for noted in (trained, {"init": {"training": trained}}):
        assert has_seen(noted, held, list(held.table["image"])) is seen
    assert not has_seen(trained, held, [])


def test_cohn_kanade_is_the_same_people_in_both_layouts(monkeypatch):
    monkeypatch.setattr(Faces, "digest", lambda faces: faces.name)
    noted = contents(frames("ck48", "S005", "S010"))
    held = frames("ckplus", "S005")
    assert has_seen(noted, held, list(held.table["image"]))
    assert "people" not in contents(frames("fer2013", "1"))
