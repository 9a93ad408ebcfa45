"""Ridge regression: against its normal equations, for one label and for many."""

import numpy as np
import pytest

from facslens.association.ridge import grouped_folds, ridge


def test_ridge_solves_its_normal_equations(rng: np.random.Generator) -> None:
    for rows, units in ((30, 7), (7, 30)):
        x, y = rng.normal(size=(rows, units)) + 2, (rng.random(rows) < 0.5).astype(float)
        weights, intercept = ridge(x, y, (0.01, 3.0))
        for k, penalty in enumerate((0.01, 3.0)):
            centred = x - x.mean(axis=0)
            normal = centred.T @ centred + rows * penalty * np.eye(units)
            want = np.linalg.solve(normal, centred.T @ (y - y.mean()))
            np.testing.assert_allclose(weights[:, k], want, atol=1e-10)
            assert intercept[k] == pytest.approx(y.mean() - x.mean(axis=0) @ want)


def test_folds_keep_subjects_together() -> None:
    subject = np.repeat([4, 9, 11, 2, 7, 30, 31], 3)
    fold = grouped_folds(subject, 5, seed=1)
    assert all(len(set(fold[subject == s])) == 1 for s in set(subject))
    assert sorted(np.bincount(fold[::3])) == [1, 1, 1, 2, 2]


def test_many_labels_at_once_are_each_by_itself(rng: np.random.Generator) -> None:
    for rows, units in ((30, 7), (7, 30)):
        x, y = rng.normal(size=(rows, units)), rng.normal(size=(rows, 2, 3))
        weights, intercept = ridge(x, y)
        assert weights.shape == (units, 7, 2, 3)
        for place in np.ndindex(2, 3):
            own, level = ridge(x, y[(slice(None), *place)])
            np.testing.assert_allclose(weights[(..., *place)], own, atol=1e-10)
            np.testing.assert_allclose(intercept[(..., *place)], level, atol=1e-10)
