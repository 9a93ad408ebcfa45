import json
import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.datasets.base import Faces, make_table
from facslens.datasets.coding import Coding
from facslens.datasets.describe import describe
from facslens.errors import CallError

ROWS = [
    # subject, expression, split, AU06, AU12, AU12_intensity, grey
    ("p0", "happiness", "train", 1, 1, 5, 200),
    ("p0", "happiness", "train", 1, 1, 2.6, 100),
    ("p1", "happiness", "test", 0, 1, np.nan, 50),
    ("p1", "anger", "test", np.nan, 0, 0, 40),
    (None, None, None, np.nan, np.nan, np.nan, 30),
]
OPENFACE = Coding("OpenFace 2", automatic=True)


@pytest.fixture
def faces(tmp_path, rng):
    table = []
    for number, (subject, expression, split, six, twelve, grade, grey) in enumerate(ROWS):
        path = tmp_path / f"{number}.png"
        size = (32, 48) if number == 3 else (48, 48)
        levels = grey + rng.integers(-9, 10, size)
        Image.fromarray(levels.clip(0, 255).astype(np.uint8)).save(path)
        table.append(
            {
                "image": path.name,
                "path": str(path),
                "subject": subject,
                "expression": expression,
                "split": split,
                "AU06": six,
                "AU12": twelve,
                "AU12_intensity": grade,
            }
        )
    return Faces(
        make_table(pd.DataFrame(table)), "made", ("one note",), {"AU12_intensity": OPENFACE}
    )


def test_faces_are_counted_by_expression_and_part(faces):
    found = describe(faces)
    assert (found.images, found.subjects, found.sequences, found.nobody) == (5, 2, 0, 1)
    assert [(c.name, c.images, c.subjects, c.splits) for c in found.expressions] == [
        ("anger", 1, 1, {"train": 0, "test": 1}),
        ("happiness", 3, 2, {"train": 2, "test": 1}),
        (None, 1, 0, {"train": 0, "test": 0}),
    ]
    assert [(c.name, c.images, c.subjects) for c in found.splits] == [
        ("train", 2, 1), ("test", 2, 1), (None, 1, 0)
    ]  # fmt: skip
    assert found.notes == ("one note",)


def test_action_units_are_present_absent_or_unknown(faces):
    six, twelve, grade = describe(faces).units
    assert (six.au, six.kind, six.present, six.absent, six.unknown) == ("AU06", "presence", 2, 1, 2)
    assert (six.subjects, six.splits) == (1, {"train": 2, "test": 0})
    assert (twelve.present, twelve.absent, twelve.unknown, twelve.subjects) == (3, 1, 1, 2)
    assert (six.coding, twelve.coding, grade.coding) == (None, None, OPENFACE)


def test_an_intensity_has_grades_and_says_nothing_of_presence(faces):
    *_, grade = describe(faces).units
    assert (grade.au, grade.kind) == ("AU12", "intensity")
    assert (grade.present, grade.absent, grade.subjects, grade.splits) == (None, None, None, {})
    assert grade.grades == {"0": 1, "A": 0, "B": 0, "C": 1, "D": 0, "E": 1}
    assert (grade.known, grade.unknown) == (3, 2)
    assert (grade.least, grade.most) == (0, 5)
    assert grade.median == pytest.approx(2.6, rel=1e-6)  # a float32


def test_shares_are_of_what_is_known(faces):
    found = describe(faces)
    assert found.by_expression.rows == ("anger", "happiness")
    assert found.by_expression.present == ((0, 0), (2, 3))
    assert found.by_expression.known == ((0, 1), (3, 3))
    assert np.isnan(found.by_expression.share[0, 0])
    assert found.by_expression.share[1].tolist() == [2 / 3, 1]
    # of the three faces with AU12, AU06 is present in two; of both with AU06, AU12 in both
    assert found.together.rows == found.together.aus == ("AU06", "AU12")
    assert found.together.share.tolist() == [[1, 1], [2 / 3, 1]]


def test_images_are_described(faces, tmp_path):
    (tmp_path / "4.png").write_text("nothing")
    found = describe(faces)
    assert found.unread == 1
    assert found.sizes.frequent == ((48, 48, 3), (48, 32, 1))
    assert found.level.least == pytest.approx(40, abs=1)
    assert found.level.most == pytest.approx(200, abs=1)
    assert found.level.counts[12] == 1  # 200 of 256, in sixteenths
    assert sum(found.level.counts) == 4
    assert found.contrast.median == pytest.approx(math.sqrt((19**2 - 1) / 12), abs=0.3)
    assert found.by_subject == {"p0": 2, "p1": 2}
    assert (found.faces_a_subject.counts[:2], found.faces_a_subject.high) == ((0, 2), 17)


def test_the_same_pixels_and_nearly_the_same_are_counted(faces, tmp_path):
    for number in (1, 2):
        (tmp_path / f"{number}.png").write_bytes((tmp_path / "0.png").read_bytes())
    near = np.asarray(Image.open(tmp_path / "0.png")).copy()
    near[0, 0] ^= 1
    Image.fromarray(near).save(tmp_path / "3.png")
    found = describe(faces)
    assert found.identical == 3
    assert [(r.cause, r.images) for r in found.repeats] == [("split", 3), ("subject", 3)]


def test_json_has_no_pixels_and_null_for_nan(faces):
    content = describe(faces).as_json()
    text = json.dumps(content, allow_nan=False)
    assert json.loads(text) == content
    assert content["by_expression"]["share"][0] == [None, 0.0]
    assert content["units"][2]["coding"] == {"by": "OpenFace 2", "automatic": True, "rule": ""}
    assert content["means"][0] == {"of": "all", "images": 5, "people": 2, "drawn": False}
    assert content["level"]["counts"][12] == 1


@pytest.mark.parametrize("aus", [{}, {"AU12": np.nan}], ids=["no unit", "unknown"])
def test_nothing_is_described_as_nothing(aus):
    table = pd.DataFrame({"image": [], "path": []}).assign(**aus)
    empty = Faces(make_table(table), "empty")
    found = describe(empty)
    assert (found.images, found.expressions, found.splits, found.repeats) == (0, (), (), ())
    assert math.isnan(found.level.median)
    assert [u.known for u in found.units] == [0] * len(aus)
    assert np.isnan(found.together.share).all()
    json.dumps(found.as_json(), allow_nan=False)


def test_what_has_errors_is_left_out_and_counted(tmp_path, write_image):
    write_image(tmp_path / "joy" / "a.png")
    write_image(tmp_path / "bored" / "b.png")
    found = describe(f"folder:{tmp_path}")
    assert (found.errors, found.images) == (1, 1)
    with pytest.raises(CallError, match="names no dataset layout"):
        describe("bogus:x")
