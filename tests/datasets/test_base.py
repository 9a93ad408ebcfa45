import numpy as np
import pandas as pd
import pytest

from facslens.datasets.base import COLUMNS, Faces, make_table
from facslens.datasets.labels import expression_name
from facslens.errors import CallError, DataError


def faces(**columns):
    rows = pd.DataFrame({"image": ["b.png", "a.png", "c.png"], "path": ["b", "a", "c"], **columns})
    return Faces(make_table(rows), "made")


@pytest.mark.parametrize(
    ("word", "expression"),
    [("happy", "happiness"), (" Angry ", "anger"), ("SURPRISE", "surprise"), ("bored", None)],
)
def test_expressions_have_one_name_each(word, expression):
    assert expression_name(word) == expression


def test_a_table_is_sorted_by_image_and_typed():
    table = faces(AU12=[1, None, 0], frame=[3, 1, 2], AU04_intensity=[None, 2, 5]).table
    assert list(table.columns) == [*COLUMNS, "AU04_intensity", "AU12"]
    assert table["image"].tolist() == ["a.png", "b.png", "c.png"]
    assert table["frame"].tolist() == [1, 3, 2]
    assert table["AU12"].dtype == np.float32
    np.testing.assert_array_equal(table["AU12"], [np.nan, 1, 0])


def test_presence_is_that_of_the_named_units_in_that_order():
    made = faces(AU12=[1, None, 0], AU01=[0, 1, 0], AU04_intensity=[1, 2, 3])
    assert made.aus == ("AU01", "AU12")
    np.testing.assert_array_equal(made.presence(["12", "au_1"]), [[np.nan, 1], [1, 0], [0, 0]])
    with pytest.raises(CallError, match="says nothing about the presence of AU04: it knows AU01, "):
        made.presence(["AU4"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"AU12": [0.5, 0, 1]}, r"AU12 is 0.5 for the image 'b.png': expected 0, 1 or empty"),
        (
            {"AU12_intensity": [6, 0, 1]},
            "AU12_intensity is 6 for the image 'b.png': expected 0 to 5",
        ),
        ({"AU12_probability": [0, -1, 1]}, "is -1 for the image 'a.png': expected 0 to 1"),
        ({"AU12_grade": [0, 1, 1]}, "has the column 'AU12_grade': expected image, path"),
        ({"expression": ["anger", "boredom", None]}, "'boredom' is no expression: expected one of"),
        ({"split": ["train", "dev", None]}, "'dev' is no split: expected one of train"),
        ({"sequence": ["s", "s", "t"], "subject": ["x", "y", "x"]}, "'s' belongs to two subjects"),
        (
            {"subject": ["x", "x", "y"], "split": ["train", "test", "train"]},
            "subject 'x' is in two splits: expected them to be disjoint",
        ),
    ],
)
def test_a_value_that_cannot_be_is_named(columns, message):
    with pytest.raises(DataError, match=message):
        faces(**columns)


def test_an_image_stands_once():
    rows = pd.DataFrame({"image": ["a.png", "a.png"], "path": ["a", "a"]})
    with pytest.raises(DataError, match=r"the image 'a.png' occurs twice"):
        Faces(make_table(rows), "made")
    with pytest.raises(DataError, match="lacks the column 'image'"):
        Faces(rows.drop(columns="image"), "made")


def test_parts_are_the_rows_of_their_splits():
    made = faces().with_split(pd.Series(["test", "train", None], index=[7, 8, 9]))
    assert made.part("train", "test").table["image"].tolist() == ["a.png", "b.png"]
    assert made.part("validation").table.empty
    with pytest.raises(CallError, match="'dev' is no split"):
        made.part("dev")
    with pytest.raises(CallError, match="the split has 2 rows: expected 3, one per face"):
        made.with_split(pd.Series(["test", "train"]))


def test_independence_is_assumed_only_of_unknown_subjects():
    made = faces(subject=["x", None, None]).assume_independent()
    assert made.table["subject"].tolist() == ["a.png", "x", "c.png"]
    assert made.notes == ("every face of an unknown subject counts as another person, as asked",)
    assert made.assume_independent().notes == made.notes


def test_the_digest_follows_labels_and_bytes_but_not_places(tmp_path):
    def digest(folder, content, expression):
        (tmp_path / folder).mkdir(exist_ok=True)
        file = tmp_path / folder / "a.png"
        file.write_bytes(content)
        rows = {"image": ["a.png"], "path": [str(file)], "expression": [expression]}
        return Faces(make_table(pd.DataFrame(rows)), "made").digest()

    one = digest("one", b"pixels", "anger")
    assert digest("two", b"pixels", "anger") == one
    assert digest("two", b"pixelz", "anger") != one
    assert digest("two", b"pixels", "fear") != one
    with pytest.raises(DataError, match=r"the image b cannot be read: No such file"):
        faces(expression=["fear"] * 3).where(np.array([False, True, False])).digest()
