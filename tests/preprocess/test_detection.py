import numpy as np
import pytest

from facslens.preprocess.alignment import Similarity
from facslens.preprocess.detection import Detection, plausible

FACE = np.array([[30.0, 40.0], [70.0, 42.0], [50.0, 80.0]])


def test_a_face_moves_with_its_picture():
    face = Detection(10.0, 20.0, 80.0, 60.0, 0.9, FACE)
    moved = face.moved(Similarity(0.5 + 0j, 3 - 4j))
    assert moved.box == (8.0, 6.0, 40.0, 30.0)
    assert moved.score == 0.9
    np.testing.assert_allclose(moved.points, FACE / 2 + [3, -4])


def test_a_box_stays_upright_where_the_face_turns():
    moved = Detection(10.0, 20.0, 80.0, 60.0, 0.9).moved(Similarity(1j, 0j))
    # the middle (50, 50) goes to (-50, 50)
    assert moved.box == (-90.0, 20.0, 80.0, 60.0)
    assert moved.points is None


def turned(degrees):
    turn = complex(np.exp(1j * np.radians(degrees)))
    return Similarity(turn, (50 + 50j) * (1 - turn))(FACE)


@pytest.mark.parametrize("degrees", [0, 40, -40, 90, 180])
def test_landmarks_of_a_turned_head_are_plausible(degrees):
    assert plausible(turned(degrees), (0.0, 0.0, 100.0, 100.0))


@pytest.mark.parametrize(
    "points",
    [FACE * [-1, 1] + [100, 0], FACE + 30, FACE * [1, 0] + [0, 50], FACE * np.nan],
    ids=["mirrored", "outside", "in a line", "undefined"],
)
def test_landmarks_of_no_face_are_not(points):
    assert not plausible(points, (0.0, 0.0, 100.0, 100.0))
