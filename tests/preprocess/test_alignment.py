import numpy as np
import pytest
from scipy.optimize import minimize

from facslens.preprocess.alignment import Similarity, fitted


def test_the_way_back_undoes_the_way(rng):
    way = Similarity(1.5 - 0.4j, 3 + 7j)
    points = rng.normal(size=(5, 2))
    np.testing.assert_allclose(way.inverse()(way(points)), points, atol=1e-12)


def test_a_similarity_is_a_turn_a_scale_and_a_shift():
    angle, scale = np.radians(30), 2.5
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    way = Similarity(complex(scale * np.exp(1j * angle)), 1 - 2j)
    points = np.array([[1.0, 4.0], [-2.0, 0.5]])
    np.testing.assert_allclose(way(points), points @ matrix.T + [1, -2])


def test_points_moved_by_a_similarity_give_it_back(rng):
    way = Similarity(0.3 + 1.1j, -4 + 2j)
    points = rng.normal(size=(3, 2))
    found = fitted(points, way(points))
    np.testing.assert_allclose([found.turn, found.shift], [way.turn, way.shift])


def test_the_least_squares_are_those_of_a_general_optimiser(rng):
    start, end = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))

    def squares(parameters):
        a, b, x, y = parameters
        moved = start @ np.array([[a, b], [-b, a]]) + [x, y]
        return ((moved - end) ** 2).sum()

    best = minimize(squares, np.zeros(4), tol=1e-12)
    found = fitted(start, end)
    parameters = [found.turn.real, found.turn.imag, found.shift.real, found.shift.imag]
    np.testing.assert_allclose(parameters, best.x, atol=1e-5)  # the optimiser's own accuracy


def test_a_mirror_image_is_not_followed():
    face = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 2.0]])
    mirrored = face * [-1, 1]
    found = fitted(face, mirrored)
    assert np.abs(found(face) - mirrored).max() > 0.5


def test_a_single_place_has_no_similarity():
    assert np.isnan(fitted(np.ones((3, 2)), np.eye(3)[:, :2]).turn)


def test_nothing_comes_back_from_a_point():
    with pytest.raises(ZeroDivisionError):
        Similarity(0j, 1j).inverse()
