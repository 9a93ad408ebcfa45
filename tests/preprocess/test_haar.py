"""What is made of the boxes of cascades; OpenCV is stood for, so that its answers are known."""

import math
import sys
import types

import numpy as np
import pytest

from facslens.preprocess import haar
from facslens.preprocess.crop import TEMPLATE


class Cascade:
    """Finds what it was told to, and remembers what it was asked."""

    found: dict[str, list[tuple[int, int, int, int]]] = {}  # noqa: RUF012 - the fixture fills it
    asked: list[tuple[str, np.ndarray, dict[str, object]]] = []  # noqa: RUF012

    def __init__(self, path):
        self.name = "eye" if path.endswith("haarcascade_eye.xml") else "face"

    def detectMultiScale(self, picture, step, agree, **choices):  # noqa: N802 - OpenCV's name
        self.asked.append((self.name, picture.copy(), {"step": step, "agree": agree, **choices}))
        return np.array(self.found[self.name], dtype=np.int32).reshape(-1, 4)


@pytest.fixture
def opencv(monkeypatch, tmp_path):
    module = types.SimpleNamespace(
        __version__="4.10.0",
        __file__=str(tmp_path / "cv2" / "__init__.py"),
        CascadeClassifier=Cascade,
        COLOR_RGB2GRAY=7,
        cvtColor=lambda picture, code: picture[..., 0] if code == 7 else None,
    )
    monkeypatch.setitem(sys.modules, "cv2", module)
    monkeypatch.setattr(Cascade, "found", {"face": [], "eye": []})
    monkeypatch.setattr(Cascade, "asked", [])
    return Cascade


def picture():
    levels = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    levels[..., 1:] = 0
    return levels


def test_faces_come_as_boxes_without_scores_the_largest_first(opencv):
    opencv.found["face"] = [(5, 6, 30, 30), (40, 20, 60, 60), (0, 0, 24, 24)]
    found = haar.make()(picture())
    assert [face.box for face in found] == [(40, 20, 60, 60), (5, 6, 30, 30), (0, 0, 24, 24)]
    assert all(type(value) is float for face in found for value in face.box)
    assert all(math.isnan(face.score) and face.points is None for face in found)
    name, grey, choices = opencv.asked[0]
    assert name == "face"
    np.testing.assert_array_equal(grey, picture()[..., 0])
    assert choices == {"step": 1.1, "agree": 5, "minSize": (24, 24)}


def test_eyes_are_looked_for_in_the_upper_part_of_the_box(opencv):
    opencv.found["face"] = [(40, 20, 60, 50)]
    opencv.found["eye"] = [(38, 10, 10, 10), (12, 8, 10, 12)]
    (face,) = haar.make()(picture())
    name, upper, _ = opencv.asked[1]
    assert name == "eye"
    np.testing.assert_array_equal(upper, picture()[20:50, 40:100, 0])
    # middles of the two boxes, moved to where the upper part lies in the picture
    np.testing.assert_allclose(face.points[:2], [[57, 34], [83, 35]])
    right, left, mouth = np.array(TEMPLATE)
    # the mouth lies to the eyes as in the template: as complex numbers, one ratio
    shape = complex(*(mouth - right)) / complex(*(left - right))
    first, second, third = (complex(*point) for point in face.points)
    assert (third - first) / (second - first) == pytest.approx(shape)


def test_no_face_is_none(opencv):
    assert haar.make()(picture()) == []
