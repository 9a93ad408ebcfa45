"""A table that says which columns are which action units."""

from pathlib import Path

import numpy as np
import pytest

from facslens.datasets.coding import Coding
from facslens.datasets.load import load, read

SHAPES = "image,browInnerUp,mouthSmileLeft,mouthSmileRight\n1.png,0.5,0.25,0.75\n2.png,0.1,,0.5\n"
HEADER = "column,au,kind,join\n"
SMILE = "mouthSmileLeft,AU12,probability,{0}\nmouthSmileRight,12,probability,{0}\n"


@pytest.fixture
def write(tmp_path, write_image):
    for number in (1, 2):
        write_image(tmp_path / f"{number}.png")

    def table(translation, text=SHAPES, keys=""):
        (tmp_path / "shapes.csv").write_text(text)
        (tmp_path / "which.csv").write_text(translation)
        where = f"table:{tmp_path / 'shapes.csv'},expression=none"
        return f"{where},aus={tmp_path / 'which.csv'}{keys}"

    return table


def errors(spec):
    return [d.message for d in read(spec).defects if d.level == "error"]


@pytest.mark.parametrize(("join", "value"), [("max", 0.75), ("mean", 0.5), ("min", 0.25)])
def test_columns_become_one_action_unit_as_it_is_said(write, join, value):
    spec = write(HEADER + "browInnerUp,au_1,probability,\n" + SMILE.format(join))
    faces = load(spec + ",coded=MediaPipe,present=0.5")
    np.testing.assert_array_equal(
        faces.table[["AU01_probability", "AU12_probability"]],
        np.float32([[0.5, value], [0.1, np.nan]]),  # unknown where a side is
    )
    np.testing.assert_array_equal(faces.presence(), [[1, value >= 0.5], [0, np.nan]])
    assert faces.codings["AU12_probability"].words == "MediaPipe, a program"
    assert faces.notes == ()


def test_other_columns_are_no_action_units_then(write):
    text = "image,AU06,x\n1.png,1,3\n2.png,0,C\n"
    faces = load(write("column,au,kind\nx,AU12,intensity\n", text))
    assert [c for c in faces.table.columns if c.startswith("AU")] == ["AU12_intensity"]
    assert faces.table["AU12_intensity"].tolist() == [3, 3]


def test_a_known_program_is_named_for_its_own_columns(write):
    text = "image,FaceScore,AU12,smile\n1.png,1,0.5,0.25\n2.png,1,0,1\n"
    which = "column,au,kind\nAU12,AU12,probability\nsmile,AU06,probability\n"
    faces = load(write(which, text))
    assert faces.codings == {"AU12_probability": Coding("py-feat", automatic=True)}
    assert any("are of several coders: py-feat, a program" in note for note in faces.notes)


@pytest.mark.parametrize(
    ("translation", "message"),
    [
        ("column,au\nx,1\n", "which.csv lacks the column 'kind': expected column, au and kind"),
        (f"{HEADER}smile,12,presence,\n", "row 2 of which.csv: shapes.csv has no column 'smile'"),
        (f"{HEADER}browInnerUp,47,presence,\n", "'47' is no action unit: expected one such as"),
        (f"{HEADER}browInnerUp,1,score,\n", "'score' is no kind: expected presence, intensity or"),
        (HEADER + SMILE.format(""), "has 2 columns for AU12 probability (mouthSmileLeft, mouthS"),
        (HEADER + SMILE.format("sum"), "say in the column join how they become one, by max, mean"),
        (f"{HEADER}browInnerUp,1,presence,\n", "row 2 of shapes.csv: browInnerUp is '0.5'"),
    ],
)
def test_what_is_wrong_is_said_once(write, translation, message):
    (error,) = errors(write(translation))
    assert message in error


def test_the_example_in_the_book_is_one(write):
    example = Path(__file__).parents[2] / "docs" / "blendshapes.csv"
    columns = [row.split(",")[0] for row in example.read_text().splitlines()[1:]]
    text = f"image,{','.join(columns)}\n1.png,0.5,0.25,0.75,1,0.125,0,0\n"
    faces = load(write(example.read_text(), text))
    units = faces.table.filter(like="AU").iloc[0].to_dict()
    assert units == {
        "AU01_probability": 0.5, "AU02_probability": 0.25, "AU12_probability": 0.125,
        "AU15_probability": 0,
    }  # fmt: skip
