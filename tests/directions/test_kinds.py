import sys

import numpy as np
import pytest

from facslens.directions import kinds
from facslens.directions.gathered import Gathered
from facslens.directions.rotation import random_rotation
from facslens.errors import CallError

AUS = ("AU01", "AU12")


def gathered(rng, added, noise, blocks=60, level=0.0):
    """Maps (units, 4, 4) of noise; each action unit adds its vector at one place of its own."""
    units = len(noise)
    found = Gathered(units, AUS)
    for _ in range(blocks):
        rest = (noise @ rng.normal(size=(units, 16)) + level).reshape(units, 4, 4)
        alone = np.stack([rest, rest])
        for place, vector in enumerate(added):
            alone[place, :, place, 3] += vector
        found.add(rest, alone, np.array([0, 1]))
    return found


def test_a_probe_finds_what_an_action_unit_adds(rng):
    added = rng.normal(size=(2, 6)) * 5
    found = kinds.probe(gathered(rng, added, np.eye(6)))
    assert found.names == AUS
    cosine = (found.weight * added).sum(axis=1) / np.linalg.norm(added, axis=1)
    assert (cosine > 0.97).all()


def test_a_probe_turns_away_from_what_varies_anyway(rng):
    """Where two units rise together in every face, their difference tells more than their sum."""
    noise = np.array([[3.0, 0.3], [3.0, -0.3]])
    own = gathered(rng, np.array([[1.0, 0.0], [0.0, 1.0]]), noise, blocks=400)
    found = kinds.probe(own)
    plain = own.moved - own.mean
    shrunk = own.covariance + kinds.SHRINKAGE * np.trace(own.covariance) / 2 * np.eye(2)
    expected = plain @ np.linalg.inv(shrunk)
    np.testing.assert_allclose(
        found.weight, expected / np.linalg.norm(expected, axis=1, keepdims=True)
    )
    assert found.weight[0, 0] > 0.6
    assert found.weight[0, 1] < -0.6


def test_an_action_unit_that_nobody_showed_has_no_probe(rng):
    own = Gathered(3, ("AU01", "AU12", "AU25"))
    rest, alone = rng.normal(size=(3, 4, 4)), rng.normal(size=(2, 3, 4, 4))
    own.add(rest, alone, np.array([0, 2]))
    assert kinds.probe(own).names == ("AU01", "AU25")


def test_an_average_place_reads_zero(rng):
    own = gathered(rng, np.ones((2, 6)), np.eye(6), level=7.0)
    for kind in (kinds.probe, kinds.principal, kinds.random):
        found = kind(own)
        np.testing.assert_allclose(found.weight @ own.mean + found.offset, 0, atol=1e-9)
        np.testing.assert_allclose(np.linalg.norm(found.weight, axis=1), 1)


def test_principal_axes_fall_in_variance_and_come_in_both_senses(rng):
    noise = np.diag([1.0, 5.0, 3.0])
    found = kinds.principal(gathered(rng, np.zeros((2, 3)), noise, blocks=300))
    assert found.names == ("axis 1+", "axis 2+", "axis 3+", "axis 1−", "axis 2−", "axis 3−")
    np.testing.assert_allclose(np.abs(found.weight[:3]), np.eye(3)[[1, 2, 0]], atol=0.05)
    np.testing.assert_array_equal(found.weight[3:], -found.weight[:3])


def test_non_negative_factors_find_the_parts_that_maps_are_sums_of(rng):
    parts = np.array([[1.0, 1, 0, 0, 0], [0, 0, 0, 1, 2]])
    own = Gathered(5, AUS)
    for _ in range(80):
        amounts = rng.exponential(size=(32, 2)) * (rng.random((32, 2)) < 0.4)
        maps = (amounts @ parts).T.reshape(5, 2, 4, 4).transpose(1, 0, 2, 3)
        own.add(maps[0], maps[1:], np.array([0]))
    found = kinds.nonnegative(own)
    assert (found.weight >= 0).all()
    nearest = found.weight @ (parts / np.linalg.norm(parts, axis=1, keepdims=True)).T
    assert (nearest.max(axis=0) > 0.98).all()


def test_maps_below_zero_have_no_such_factors(rng):
    with pytest.raises(CallError, match="maps fall below 0"):
        kinds.nonnegative(gathered(rng, np.zeros((2, 3)), np.eye(3)))


def test_without_scikit_learn_one_sentence_says_what_to_install(rng, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    with pytest.raises(CallError, match=r"pip install 'facslens\[directions\]'"):
        kinds.nonnegative(gathered(rng, np.zeros((2, 3)), np.eye(3)))


def test_random_directions_are_a_rotation_that_the_seed_decides(rng):
    own = gathered(rng, np.zeros((2, 6)), np.eye(6))
    found = kinds.random(own)
    np.testing.assert_allclose(found.weight, random_rotation(6, own.seed))
    np.testing.assert_allclose(found.weight @ found.weight.T, np.eye(6), atol=1e-12)


def test_kinds_are_put_in_order_and_wrong_ones_refused():
    assert kinds.check_kinds(["probe", "random"]) == ("random", "probe")
    with pytest.raises(CallError, match="kinds is 'pca': expected some of random, principal"):
        kinds.check_kinds(["probe", "pca"])
    with pytest.raises(CallError, match="kinds is empty"):
        kinds.check_kinds([])
