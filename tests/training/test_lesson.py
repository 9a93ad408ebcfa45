"""What is learned, and what cannot be."""

import numpy as np
import pandas as pd
import pytest
import torch

from facslens.datasets.base import Faces, make_table
from facslens.datasets.load import load
from facslens.errors import CallError
from facslens.preprocess import ahead, normalise
from facslens.preprocess.input import grey_contrast
from facslens.training import module
from facslens.training.lesson import Lesson, expressions
from facslens.training.module import LabelledFaces


@pytest.fixture
def faces():
    rows = pd.DataFrame(
        {
            "image": [f"{i}.png" for i in range(6)],
            "path": [f"{i}.png" for i in range(6)],
            "subject": ["B", "B", "A", "A", "C", "D"],
            "expression": ["fear", "anger", "fear", None, "sadness", "fear"],
            "split": ["train", "train", "train", "train", "validation", "test"],
        }
    )
    return Faces(make_table(rows), "six")


def test_expressions_are_those_of_known_faces_in_their_usual_order(faces) -> None:
    found = expressions(faces)
    assert found.label == "expression"
    assert found.classes == ("anger", "fear", "sadness")
    assert found.train.table["image"].tolist() == ["0.png", "1.png", "2.png"]
    assert found.validation.table["image"].tolist() == ["4.png"]


def test_classes_are_numbered_in_their_order(faces) -> None:
    """By hand: B B A A with the classes A, B."""
    assert LabelledFaces(faces.part("train"), ("A", "B"), grey_contrast(48), "subject").classes == [
        1,
        1,
        0,
        0,
    ]
    some = expressions(faces)
    assert LabelledFaces(some.train, some.classes, grey_contrast(48)).classes == [1, 0, 1]


@pytest.mark.parametrize(("room", "reads"), [(2, [3, 1]), (0, [3, 3])])
def test_faces_that_have_room_are_read_once(monkeypatch, room, reads) -> None:
    """Three faces, two epochs: with room for two, the second epoch reads the third alone."""
    faces = load("synthetic")
    some = faces.where(np.arange(len(faces)) < 3)
    monkeypatch.setattr(module, "KEPT", room * 48 * 48 + 1)
    read, reading = [], ahead.pictures
    expected = normalise.read(list(some.table["path"]), grey_contrast(48))

    def pictures(paths, into):
        read.extend(paths)
        return reading(paths, into)

    monkeypatch.setattr(ahead, "pictures", pictures)
    shown = LabelledFaces(some, some.expressions, grey_contrast(48))
    for count in reads:
        read.clear()
        found = [shown[index] for index in range(3)]
        assert len(read) == count
        assert torch.equal(torch.stack([face for face, _ in found]), expected)


def test_a_face_without_a_class_or_in_both_parts_is_one_sentence(faces) -> None:
    train, validation = faces.part("train"), faces.part("validation")
    with pytest.raises(CallError, match=r"^the subject of the image '4.png' is 'C': expected one"):
        Lesson(train, validation, "subject", ("A", "B"))
    with pytest.raises(CallError, match=r"^the expression of the image '3.png' is none: expected"):
        Lesson(train, validation, "expression", ("anger", "fear", "sadness"))
    with pytest.raises(CallError, match=r"^the image '0.png' is in both parts"):
        Lesson(train, train, "subject", ("A", "B"))
