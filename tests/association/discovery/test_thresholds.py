"""The best cut, against trying all of them."""

import numpy as np
import pytest

from facslens.association.discovery.thresholds import best_thresholds
from facslens.association.distances.units import Units


def f1(said: np.ndarray, label: np.ndarray) -> float:
    hits = np.sum(said & (label == 1))
    return 2 * hits / (2 * hits + np.sum(said & (label == 0)) + np.sum(~said & (label == 1)))


def test_no_cut_is_better(rng: np.random.Generator) -> None:
    responses = np.maximum(np.round(rng.normal(size=(40, 5)), 1), 0)  # ties, as rectified units do
    labels = (rng.random((40, 3)) < 0.3).astype(float)
    labels[rng.random((40, 3)) < 0.1] = np.nan
    threshold, best = best_thresholds(Units(responses), labels)
    for unit, au in np.ndindex(5, 3):
        known = ~np.isnan(labels[:, au])
        response, label = responses[known, unit], labels[known, au]
        every = max(f1(response >= cut, label) for cut in response)
        assert best[unit, au] == pytest.approx(every)
        assert f1(response >= threshold[unit, au], label) == pytest.approx(every)


def test_nobody_to_detect_is_nan() -> None:
    threshold, best = best_thresholds(
        Units(np.arange(3.0)[:, None]), np.array([[0.0], [0], [np.nan]])
    )
    assert np.isnan(threshold).all()
    assert np.isnan(best).all()


def test_of_equal_cuts_the_highest() -> None:
    # 4 alone: 2/3; all of 4, 3, 2: 2·2/(3 + 2) = 4/5; with 1, 0 to come, nothing better
    threshold, best = best_thresholds(
        Units(np.array([[4.0], [3], [2], [0]])), np.array([[1.0], [0], [1], [0]])
    )
    assert (threshold.item(), best.item()) == (1.0, 0.8)
    threshold, _ = best_thresholds(Units(np.array([[2.0], [1]])), np.array([[1.0], [1]]))
    assert threshold.item() == 1.0  # everything present: the smallest response
