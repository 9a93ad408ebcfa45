"""Beyond the other action units: planted confounding is taken off, planted effects stay."""

import numpy as np
import pandas as pd
import pytest

from facslens.association.confounds import (
    RIDGE,
    Part,
    confound_table,
    partial_effects,
    relative_ranks,
    residuals,
)

AUS = ["AU06", "AU12", "AU27"]


def part(rng: np.random.Generator, people: int) -> Part:
    """AU06 comes with AU12. Unit 0 detects AU12, unit 1 AU06; unit 2 is constant."""
    rows = 4 * people
    smile = rng.random(rows) < 0.5
    cheek = np.where(rng.random(rows) < 0.2, ~smile, smile)
    labels = np.stack([cheek, smile, rng.random(rows) < 0.3], 1).astype(float)
    responses = rng.normal(size=(rows, 3)) + 3 * np.stack([smile, cheek, smile], 1)
    responses[:, 2] = 1
    return Part(
        {"conv3": responses},
        pd.DataFrame(labels, columns=AUS),
        pd.Series([f"{i:04d}" for i in range(rows)]),
        pd.Series(np.repeat([f"S{i}" for i in range(people)], 4)),
    )


def mapping(*pairs: tuple[int | None, str], confirmable: bool = True) -> pd.DataFrame:
    frame = pd.DataFrame(pairs, columns=["unit", "au"]).astype({"unit": "Int64"})
    return frame.assign(layer="conv3", confirmable=confirmable)


def test_what_only_comes_along_is_taken_off(rng: np.random.Generator) -> None:
    discovery, test = part(rng, 60), part(rng, 30)
    pairs = mapping((0, "AU12"), (0, "AU06"), (1, "AU06"), (None, "AU27"))
    got = partial_effects(pairs, discovery, test)
    plain = np.corrcoef(discovery.responses["conv3"][:, 0], discovery.labels["AU06"])[0, 1]
    assert plain > 0.4  # without the other AUs unit 0 passes for a detector of AU06
    assert got.loc[[0, 2], "partial_test_low"].min() > 0.2
    assert abs(got.loc[1, "partial"]) < 0.15
    assert got.loc[1, "partial_test"] < 0.15
    assert got.loc[1, "partial_test_low"] < 0
    assert got.loc[3].filter(like="partial").isna().all()


def test_no_interval_where_the_pair_cannot_be_confirmed(rng: np.random.Generator) -> None:
    discovery, test = part(rng, 60), part(rng, 30)
    got = partial_effects(mapping((0, "AU12"), (2, "AU12"), confirmable=False), discovery, test)
    assert np.isfinite(got.loc[0, "partial_test"])
    assert np.isnan(got.loc[0, "partial_test_low"])
    assert got.loc[1].filter(like="partial").isna().all()  # the constant unit
    nothing = partial_effects(mapping((None, "AU12")), discovery, test)
    assert nothing.filter(like="partial").isna().all(axis=None)


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


def test_unknown_and_constant_predictors_count_as_their_mean(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    gaps = np.column_stack([x, np.full(20, np.nan), np.ones(20)])
    np.testing.assert_allclose(residuals(gaps, y, gaps, y)[0], residuals(x, y, x, y)[0])


def test_ranks_of_other_responses() -> None:
    own, other = relative_ranks(np.array([[3.0], [1], [2]]), np.array([[0.0], [2.5], [9]]))
    np.testing.assert_allclose(own.ravel(), [5 / 6, 1 / 6, 3 / 6])
    np.testing.assert_allclose(other.ravel(), [0, 2 / 3, 1])


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
