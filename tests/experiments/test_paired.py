"""The exact test of paired differences: against listing all signs, other tests and simulations."""

import itertools

import numpy as np
import pytest
from scipy import stats

from facslens.experiments import paired
from facslens.experiments.paired import detectable, sign_flips, smallest_p


@pytest.mark.parametrize("people", [1, 2, 5, 10])
def test_p_is_that_of_listing_all_signs(rng, people):
    for _ in range(5):
        values = rng.normal(0.4, 1, people)
        flipped = [abs(np.dot(s, values)) for s in itertools.product((-1, 1), repeat=people)]
        expected = np.mean(np.array(flipped) >= abs(values.sum()) - 1e-9)
        assert sign_flips(values) == expected


def test_ties_count_as_reached():
    values = np.array([0.1, 0.2, 0.3, -0.1, 0.2, 0.0])  # many arrangements add up to the same
    flipped = [abs(np.dot(s, values)) for s in itertools.product((-1, 1), repeat=6)]
    assert sign_flips(values) == np.mean(np.array(flipped) >= 0.7 - 1e-9)


def test_p_of_as_many_people_as_are_counted_is_near_that_of_t(rng):
    values = rng.normal(0.3, 1, 30)
    assert sign_flips(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=0.1)
    assert sign_flips(np.abs(values)) == smallest_p(30) == 2**-29


def test_drawn_signs_agree_with_counted_ones(rng, monkeypatch):
    values = rng.normal(0.45, 1, 20)
    exact = sign_flips(values)
    monkeypatch.setattr(paired, "EXACT", 10)
    assert sign_flips(values, seed=1) == pytest.approx(exact, abs=4 * (exact / 1e5) ** 0.5)
    assert sign_flips(np.ones(60)) == smallest_p(60) == 1e-5


def test_what_is_undefined_and_what_never_differs():
    assert np.isnan(sign_flips(np.zeros(0)))
    assert sign_flips(np.zeros(8)) == 1


def test_p_is_uniform_where_members_of_pairs_are_alike(rng):
    found = np.array([sign_flips(rng.exponential(size=12) - rng.exponential(size=12))
                      for _ in range(2000)])  # fmt: skip
    for level in (0.05, 0.2, 0.5):  # four standard errors
        assert (found <= level).mean() == pytest.approx(level, abs=4 * (level / 2000) ** 0.5)


@pytest.mark.parametrize("level", [0.05, 0.05 / 138])
def test_the_detectable_difference_is_found_four_times_in_five(rng, level):
    least = detectable(2.0, 20, level)
    found = [sign_flips(rng.normal(least, 2.0, 20)) < level for _ in range(600)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)  # four standard errors


def test_nothing_is_detectable_where_p_cannot_be_small_enough():
    assert np.isnan(detectable(1.0, 5, 0.05))  # 2^-4 is above it
    assert detectable(1.0, 6, 0.05) > 0
    assert np.isnan(detectable(1.0, 12, 0.05 / 138))
    assert np.isnan([detectable(0.0, 30, 0.05), detectable(np.nan, 1, 0.05)]).all()
