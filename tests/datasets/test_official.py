import pandas as pd
import pytest

from facslens.datasets.base import Faces, make_table
from facslens.datasets.layout import Official
from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.official import differences


@pytest.fixture
def faces():
    rows = [
        {"image": f"{n}.png", "path": f"{n}.png", "subject": f"p{n % 3}", "expression": expression}
        for n, expression in enumerate(["fear", "fear", "anger", "neutral", None])
    ]
    return Faces(make_table(pd.DataFrame(rows)), "made")


def said(faces, **official):
    return [
        (d.where, d.message.removeprefix("made: "))
        for d in differences(faces, Official("somebody", **official))
    ]


def test_what_agrees_and_what_nobody_states_is_no_difference(faces):
    assert said(faces, images=5, subjects=3) == []
    assert said(faces, expressions={"fear": 2, "anger": 1, "neutral": 1}) == []
    assert said(faces) == []


def test_missing_and_extra_have_a_count(faces):
    assert said(faces, images=9, subjects=2) == [
        ("images", "of the 9 images of the whole, 4 are missing or left out (somebody)"),
        ("subjects", "there are 3 subjects, 1 more than in the whole (somebody)"),
    ]


def test_every_expression_that_differs_is_in_one_line(faces):
    assert said(faces, expressions={"fear": 1, "anger": 1, "disgust": 6}) == [
        (
            "expressions",
            "images differ in number from the whole (somebody): neutral 1 of 0, fear 2 of 1, "
            "disgust 0 of 6",
        )
    ]


def test_what_is_not_known_at_all_is_not_missing(faces):
    assert said(faces, sequences=7) == []
    unknown = Faces(faces.table.assign(expression=pd.array([None] * 5, dtype="string")), "made")
    assert said(unknown, expressions={"fear": 1}) == []


@pytest.mark.parametrize("name", LAYOUTS)
def test_official_numbers_add_up(name):
    official = LAYOUTS[name].official
    if official is not None and official.images is not None and official.expressions:
        assert sum(official.expressions.values()) <= official.images
