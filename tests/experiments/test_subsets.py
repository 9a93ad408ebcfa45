"""Sets of units: the first ones, and random ones of equal size."""

import numpy as np
import pytest

from facslens.experiments import subsets as module


def test_steps_end_with_all_units():
    assert module.steps(176) == (1, 2, 5, 10, 20, 50, 176)
    assert module.steps(20) == (1, 2, 5, 10, 20)
    assert module.steps(1) == (1,)


def test_first_units_follow_the_order():
    marked = module.first(np.array([2, 0, 1]), (1, 2, 3))
    assert marked.tolist() == [[False, False, True], [True, False, True], [True, True, True]]


@pytest.mark.parametrize("wanted", [0.4, 3.0, 11.0, 1e9])
def test_random_sets_change_as_much_as_wanted(rng, wanted):
    sizes = rng.exponential(size=40)
    sizes[:5] = 0  # dead units
    found = module.of_equal_size(sizes, wanted, number=30, seed=3)
    assert found.shape == (30, 40)
    for order, marked in zip(module.random_orders(40, 30, 3), found, strict=True):
        reached = sizes[marked].sum()
        k = marked.sum()
        assert set(order[:k]) == set(np.flatnonzero(marked))
        for other in (k - 1, k + 1):  # no other prefix comes nearer
            if 1 <= other <= 40:
                assert abs(sizes[order[:other]].sum() - wanted) >= abs(reached - wanted) - 1e-9


def test_a_random_share_is_read_at_the_size_of_the_given_set():
    sizes = np.array([[1.0, 2.0, 4.0], [2.0, 3.0, 4.0]])
    shares = np.array([[0.5, 0.6, 1.0], [0.0, 0.5, 1.0]])
    found = module.at_size(sizes, shares, np.array([0.0, 1.5, 4.0]))
    np.testing.assert_allclose(found, [[0.0, 0.55, 1.0], [0.0, 0.0, 1.0]])
