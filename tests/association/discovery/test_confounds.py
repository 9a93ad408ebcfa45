"""Action units that come together are named; the ridge regression equals a second derivation."""

import numpy as np
import pytest

from facslens.association.discovery.confounds import RIDGE, confound_table, residuals


def test_residuals_equal_least_squares_with_rows_for_the_ridge(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    new_x, new_y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    left, new_left = residuals(x, y, new_x, new_y)
    standard, new = ((v - x.mean(0)) / x.std(0) for v in (x, new_x))
    # A ridge penalty is three more rows, √(λ n) on the diagonal, that ask for 0.
    rows = np.vstack([standard, np.sqrt(RIDGE * 40) * np.eye(3)])
    beta = np.linalg.lstsq(rows, np.vstack([y - y.mean(0), np.zeros((3, 2))]), rcond=None)[0]
    np.testing.assert_allclose(left, y - y.mean(0) - standard @ beta, atol=1e-12)
    np.testing.assert_allclose(new_left, new_y - y.mean(0) - new @ beta, atol=1e-12)


def test_the_ridge_by_hand() -> None:
    # Standardised x is ±1 and y = x: β = 4 / (4 + 0.01 · 4), so 1 − 1/1.01 of y is left.
    x = np.array([[0.0], [0], [2], [2]])
    left, new = residuals(x, x - 1, x[:1], x[:1] - 1)
    np.testing.assert_allclose(left, (x - 1) * (1 - 1 / 1.01))
    np.testing.assert_allclose(new, left[:1])


def test_unknown_and_constant_predictors_count_as_their_mean(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    gaps = np.column_stack([x, np.full(20, np.nan), np.ones(20)])
    np.testing.assert_allclose(residuals(gaps, y, gaps, y)[0], residuals(x, y, x, y)[0])


def test_who_cannot_be_told_apart(rng: np.random.Generator) -> None:
    one = (rng.random(100) < 0.4).astype(float)
    two = one.copy()
    two[:9] = 1 - two[:9]
    labels = np.stack([one, two, (rng.random(100) < 0.4), np.ones(100)], 1).astype(float)
    aus = ["AU01", "AU02", "AU12", "AU25"]
    table = confound_table(labels, aus).set_index("au")
    assert table["inseparable"].tolist() == ["AU02", "AU01", "", ""]
    assert table.loc["AU01", ["closest", "n_differ"]].tolist() == ["AU02", 9]
    assert table.loc["AU01", "phi"] == pytest.approx(np.corrcoef(one, two)[0, 1])
    assert 0.5 < table.loc["AU01", "explained"] < 1
    assert table.loc["AU25", ["closest", "phi", "explained"]].isna().all()
    more = labels.copy()
    more[9, 1] = 1 - more[9, 1]  # ten sequences part them now, of ten people or of one
    assert (confound_table(more, aus)["inseparable"] == "").all()
    person = np.r_[np.zeros(10), np.arange(1, 91)]
    assert confound_table(more, aus, person).loc[0, "inseparable"] == "AU02"
