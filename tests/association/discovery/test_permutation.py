"""Permutations of label rows: what moves, what stays, and when all of them are listed."""

import itertools

import numpy as np
import pytest

from facslens.association.discovery.permutation import (
    movable_rows,
    null_distances,
    permutation_rows,
)
from facslens.association.distances.table import distances
from facslens.association.distances.units import Units
from facslens.errors import CallError, LabelsFixedError


def as_set(matrices: np.ndarray) -> set[tuple[float, ...]]:
    return {tuple(np.nan_to_num(m, nan=-1).ravel()) for m in matrices}


def test_few_arrangements_are_listed_once_each_without_the_given_one() -> None:
    labels = np.array([[1, 0], [1, 0], [0, 1], [0, 0], [0, 0.0]])
    rows = permutation_rows(labels, 1000, seed=0)
    # Kinds of rows: two, one, two of five: 5!/(2! 1! 2!) = 30.
    assert rows.shape == (29, 5)
    everything = as_set(np.array([labels[list(p)] for p in itertools.permutations(range(5))]))
    assert as_set(labels[rows]) == everything - as_set(labels[None])


def test_strata_are_never_left(rng: np.random.Generator) -> None:
    labels = (rng.random((40, 3)) < 0.5).astype(float)
    strata = rng.integers(0, 3, 40)
    rows = permutation_rows(labels, 50, seed=1, strata=strata)
    assert (strata[rows] == strata).all()
    assert (np.sort(rows, axis=1) == np.arange(40)).all()
    assert len(as_set(labels[rows])) == 50


def test_strata_are_enumerated_together() -> None:
    labels = np.array([[1], [0], [0], [1], [0.0]])
    rows = permutation_rows(labels, 1000, seed=0, strata=np.array([0, 0, 0, 1, 1]))
    assert len(as_set(labels[rows])) == len(rows) == 3 * 2 - 1
    assert (labels[rows][:, :3].sum(axis=1) == 1).all()


def test_a_listing_of_many_rows_is_no_deep_recursion() -> None:
    labels = np.zeros((1500, 1))
    labels[3] = 1
    assert permutation_rows(labels, 2000, seed=0).shape == (1499, 1500)


def test_unknown_moves_with_its_row(rng: np.random.Generator) -> None:
    labels = np.array([[1, np.nan], [0, 1], [0, 0], [1, 1]])
    for moved in labels[permutation_rows(labels, 5, seed=0)]:
        assert as_set(moved) == as_set(labels)  # the same rows, elsewhere


def test_seeded() -> None:
    labels = np.eye(30)
    one, same, other = (permutation_rows(labels, 20, seed=s) for s in (4, 4, 5))
    assert (one == same).all()
    assert (one != other).any()


def test_a_fair_draw() -> None:
    labels = np.arange(12.0)[:, None]
    rows = permutation_rows(labels, 6000, seed=0)
    share = (rows[:, 0, None] == np.arange(12)).mean(axis=0)
    # Standard deviation √(1/12 · 11/12 / 6000) = 0.0036; four of them.
    np.testing.assert_allclose(share, 1 / 12, atol=0.0144)


def test_errors() -> None:
    labels = np.array([[1.0], [1.0], [0.0]])
    with pytest.raises(CallError, match="permutations is 0: needs at least 1"):
        permutation_rows(labels, 0, seed=0)
    with pytest.raises(LabelsFixedError, match="labels is the same in every row: permuting needs"):
        permutation_rows(np.ones((4, 2)), 10, seed=0)
    with pytest.raises(LabelsFixedError, match="in every row of each stratum of strata"):
        permutation_rows(labels, 10, seed=0, strata=np.array([0, 0, 1]))


def test_null_distances_are_those_of_the_permuted_labels(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_chunks = "facslens.association.discovery.permutation._LABELS_AT_ONCE"
    monkeypatch.setattr(many_chunks, 500)
    responses = rng.normal(size=(30, 4))
    labels = (rng.random((30, 2)) < 0.4).astype(float)
    rows = permutation_rows(labels, 25, seed=0)
    null = null_distances(Units(responses), labels, rows, ["kl", "ks"])
    for b in range(25):
        one = distances(responses, labels[rows[b]], ["kl", "ks"])
        np.testing.assert_allclose(null[..., b], one, rtol=1e-5)


def test_an_unknown_label_is_a_value_of_its_own() -> None:
    labels = np.array([[1.0], [0.0], [np.nan]])
    rows = permutation_rows(labels, 1000, seed=0)
    assert len({tuple(np.nan_to_num(labels[r, 0], nan=2)) for r in rows}) == len(rows) == 5
    assert movable_rows(np.array([[0.0], [np.nan], [1.0]]), np.array([0, 0, 1])) == 2
