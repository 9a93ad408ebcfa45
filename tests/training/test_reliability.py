import numpy as np
import pytest

from facslens.training.intervals import wilson
from facslens.training.reliability import reliability


def test_the_figures_equal_a_slow_count(rng):
    probability = rng.dirichlet([0.5] * 4, size=300)
    true = rng.integers(0, 4, 300)
    found = reliability(probability, true)
    gap, brier = 0.0, 0.0
    for number in range(15):
        inside = [
            (max(row), bool(np.argmax(row) == label))
            for row, label in zip(probability, true, strict=True)
            if number / 15 < max(row) <= (number + 1) / 15
        ]
        line = found.table.iloc[number]
        assert line["count"] == len(inside)
        if inside:
            confidence, accuracy = np.mean([c for c, _ in inside]), np.mean([r for _, r in inside])
            gap += len(inside) / 300 * abs(confidence - accuracy)
            assert line["confidence"] == pytest.approx(confidence)
            assert line["accuracy"] == pytest.approx(accuracy)
            assert line["accuracy_low"] == wilson(sum(r for _, r in inside), len(inside)).low
        else:
            assert np.isnan(line["confidence"])
            assert np.isnan(line["accuracy"])
    for row, label in zip(probability, true, strict=True):
        brier += sum((p - (i == label)) ** 2 for i, p in enumerate(row)) / 300
    assert found.ece == pytest.approx(gap)
    assert found.brier == pytest.approx(brier)
    assert found.confidence == pytest.approx(np.mean([max(row) for row in probability]))


def test_drawn_from_its_own_probabilities_it_is_calibrated(rng):
    probability = rng.dirichlet([0.7] * 3, size=40_000)
    true = (rng.random((40_000, 1)) > probability.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    found = reliability(probability, true)
    # bins of some 2,700 faces stray by 0.009 and so by 0.007 on average
    assert found.ece < 0.012
    assert found.brier == pytest.approx((1 - (probability**2).sum(axis=1)).mean(), abs=0.01)


def test_sure_and_right_is_no_error_and_sure_and_wrong_the_largest():
    sure = np.eye(2)[[0, 0, 1]]
    right, wrong = reliability(sure, np.array([0, 0, 1])), reliability(sure, np.array([1, 1, 0]))
    assert (right.ece, right.brier) == (0, 0)
    assert (wrong.ece, wrong.brier) == (1, 2)
    assert right.table["count"].tolist() == [0] * 14 + [3]


def test_no_faces_give_no_figures():
    found = reliability(np.zeros((0, 3)), np.zeros(0, dtype=int))
    assert np.isnan([found.ece, found.brier, found.confidence]).all()
    assert found.table["count"].sum() == 0
