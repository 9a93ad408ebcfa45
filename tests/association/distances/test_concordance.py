"""Pairs that compare, against counting them one by one."""

import numpy as np
import pytest

from facslens.association.distances.concordance import concordance
from facslens.association.distances.table import distances


def by_hand(response: np.ndarray, label: np.ndarray, strata: np.ndarray) -> tuple[float, int, int]:
    won, made, rarer = 0.0, 0, 0
    for i in range(len(label)):
        for j in range(len(label)):
            if label[i] == 1 and label[j] == 0 and strata[i] == strata[j]:
                made += 1
                won += (response[i] > response[j]) + 0.5 * (response[i] == response[j])
    for s in set(strata):
        own = label[strata == s]
        rarer += min((own == 1).sum(), (own == 0).sum())
    return (won / made if made else float("nan")), made, rarer


def test_it_equals_counting_pairs_with_ties_and_unknown_labels(rng: np.random.Generator) -> None:
    responses = np.round(rng.normal(size=(50, 4)), 1)
    labels = (rng.random((50, 3)) < 0.4).astype(float)
    labels[rng.random((50, 3)) < 0.1] = np.nan
    strata = rng.integers(0, 5, 50)
    strata[0] = 9  # a stratum with a single row
    got = concordance(responses, labels, strata)
    for unit, au in np.ndindex(4, 3):
        value, pairs, rarer = by_hand(responses[:, unit], labels[:, au], strata)
        assert got.value[unit, au] == pytest.approx(value)
        assert (got.pairs[au], got.rarer[au]) == (pairs, rarer)


def test_one_stratum_is_the_auroc(rng: np.random.Generator) -> None:
    responses, labels = rng.normal(size=(30, 3)), (rng.random((30, 2)) < 0.5).astype(float)
    expected = distances(responses, labels, "auroc")[0]
    np.testing.assert_allclose(concordance(responses, labels).value, expected)


def test_a_label_that_follows_its_stratum_compares_nothing() -> None:
    labels, strata = np.array([[1.0], [1], [0], [0]]), np.array([0, 0, 1, 1])
    got = concordance(np.arange(4.0)[:, None], labels, strata)
    assert np.isnan(got.value).all()
    assert (got.pairs.tolist(), got.rarer.tolist()) == ([0], [0])


def test_a_unit_constant_within_a_stratum_ties_there() -> None:
    labels, strata = np.array([[1.0], [0], [1], [0]]), np.array([0, 0, 1, 1])
    got = concordance(np.array([[0.0], [0], [2], [1]]), labels, strata)
    assert got.value.item() == 0.75
