"""p-values hold their level, exactly where all arrangements can be listed."""

import numpy as np
import pytest
from scipy import stats

from facslens.association.discovery.correction import (
    benjamini_hochberg,
    detector_statistic,
    max_t,
    null_maxima,
    p_values,
    standardise,
)
from facslens.association.discovery.permutation import null_distances, permutation_rows
from facslens.association.distances.table import distances
from facslens.association.distances.units import Units


def test_standardise_equals_doing_it_by_loops(rng: np.random.Generator) -> None:
    value, null = rng.normal(size=(3, 2)), rng.normal(size=(3, 2, 15))
    s = standardise(value, null)
    for k, j in np.ndindex(3, 2):
        everything = np.r_[value[k, j], null[k, j]]
        z = (everything - everything.mean()) / everything.std()
        assert s.rank_z[k, j] == pytest.approx(z[0])
        np.testing.assert_allclose(s.null_z[k, j], z[1:])
        assert s.z[k, j] == pytest.approx((value[k, j] - null[k, j].mean()) / null[k, j].std())


def test_both_scales_rank_alike(rng: np.random.Generator) -> None:
    s = standardise(rng.normal(size=(50, 1)) * 5, rng.normal(size=(50, 1, 19)))
    assert (np.argsort(s.z, axis=0) == np.argsort(s.rank_z, axis=0)).all()


def test_a_null_without_spread_cannot_be_tested() -> None:
    null = np.stack([np.full(9, 0.3), np.linspace(0, 1, 9), np.r_[np.nan, np.ones(8)]])[:, None]
    s = standardise(np.array([[0.3], [2.0], [2.0]]), null.astype(np.float32))
    assert np.isnan(s.z.ravel()).tolist() == [True, False, True]
    rounding = np.array([0.3, np.nextafter(np.float32(0.3), np.float32(1))] * 5, np.float32)
    assert np.isnan(standardise(np.array([[2.0]]), rounding[None, None]).z).all()
    p = p_values(s.rank_z, s.null_z)
    assert np.isnan(p.ravel()).tolist() == [True, False, True]
    maxima = null_maxima(detector_statistic(s.null_z, np.full_like(s.null_z, 0.9)))
    np.testing.assert_array_equal(maxima, s.null_z[1])  # the others take no part
    p_au, _ = max_t(s.rank_z, maxima.astype(float))
    np.testing.assert_array_equal(p_au, p)


def test_max_t_equals_the_double_loop(rng: np.random.Generator) -> None:
    units, aus, n = 6, 3, 99
    value, null = rng.normal(size=(units, aus)) + 1, rng.normal(size=(units, aus, n))
    auroc, null_auroc = rng.random((units, aus)), rng.random((units, aus, n))
    s = standardise(value, null)
    p_au, p_layer = max_t(
        detector_statistic(s.rank_z, auroc),
        null_maxima(detector_statistic(s.null_z, null_auroc)),
    )
    allowed = np.where(null_auroc > 0.5, s.null_z, -np.inf)
    for k, j in np.ndindex(units, aus):
        if auroc[k, j] <= 0.5:
            assert p_au[k, j] == p_layer[k, j] == 1
            continue
        by_au = sum(max(allowed[:, j, b]) >= s.rank_z[k, j] for b in range(n))
        by_layer = sum(allowed[..., b].max() >= s.rank_z[k, j] for b in range(n))
        assert p_au[k, j] == (1 + by_au) / 100
        assert p_layer[k, j] == (1 + by_layer) / 100


@pytest.mark.parametrize("name", ["kl", "auprc"])
def test_over_all_arrangements_the_level_is_exact(name: str, rng: np.random.Generator) -> None:
    """Let each arrangement be the observed one in turn: at most a share α has p ≤ α."""
    responses = np.round(rng.normal(size=(7, 3)), 1)
    labels = np.array([[1, 0], [1, 1], [0, 1], [0, 0], [0, 0], [0, 0], [1, 0.0]])
    rows = permutation_rows(labels, 10_000, seed=0)
    everything = np.concatenate([labels[None], labels[rows]])
    smallest, alone = [], []
    for observed in everything:
        null_rows = permutation_rows(observed, 10_000, seed=0)
        assert len(null_rows) == len(everything) - 1
        value, auroc = distances(responses, observed, [name, "auroc"])
        null, null_auroc = null_distances(Units(responses), observed, null_rows, [name, "auroc"])
        s = standardise(value, null)
        maxima = null_maxima(detector_statistic(s.null_z, null_auroc)).astype(float)
        smallest.append(max_t(detector_statistic(s.rank_z, auroc), maxima)[1].min())
        alone.append(p_values(s.rank_z, s.null_z)[0, 0])
    for alpha in (0.01, 0.05, 0.1, 0.3):
        assert np.mean(np.array(smallest) <= alpha + 1e-12) <= alpha
        assert np.mean(np.array(alone) <= alpha + 1e-12) <= alpha


@pytest.mark.parametrize("name", ["kl", "wasserstein", "auprc", "pearson"])
def test_p_is_uniform_under_a_true_null(name: str, rng: np.random.Generator) -> None:
    responses = rng.normal(size=(40, 400))  # independent units, so independent p-values
    labels = np.zeros((40, 1))
    labels[:15] = 1
    rows = permutation_rows(labels, 199, seed=1)
    s = standardise(
        distances(responses, labels, name)[0],
        null_distances(Units(responses), labels, rows, [name])[0],
    )
    p = p_values(s.rank_z, s.null_z).ravel()
    # Kolmogorov's bound on 400 values at 1e-4 is 0.11; the steps of 1/200 add 0.005.
    assert stats.kstest(p, "uniform").statistic < 0.115


def test_max_t_rarely_finds_what_is_not_there() -> None:
    rng = np.random.default_rng(7)
    found = 0
    for repeat in range(200):
        responses = np.maximum(rng.normal(size=(30, 12)), 0)
        labels = (rng.random((30, 2)) < [0.2, 0.5]).astype(float)
        labels[:2] = [[0, 0], [1, 1]]
        rows = permutation_rows(labels, 99, seed=repeat)
        value, auroc = distances(responses, labels, ["kl", "auroc"])
        null, null_auroc = null_distances(Units(responses), labels, rows, ["kl", "auroc"])
        s = standardise(value, null)
        maxima = null_maxima(detector_statistic(s.null_z, null_auroc)).astype(float)
        found += (max_t(detector_statistic(s.rank_z, auroc), maxima)[1] <= 0.05).any()
    # 10 of 200 are expected at 5 %; more than 20 has a probability below 0.002.
    assert 1 <= found <= 20


def test_benjamini_hochberg_equals_stepping_up(rng: np.random.Generator) -> None:
    p = rng.random((6, 5)) ** 2
    p[1, 2] = np.nan
    q = benjamini_hochberg(p)
    known = np.sort(p[~np.isnan(p)])
    for k, j in np.ndindex(p.shape):
        if np.isnan(p[k, j]):
            assert np.isnan(q[k, j])
            continue
        larger = [(len(known) * x / (rank + 1)) for rank, x in enumerate(known) if x >= p[k, j]]
        assert q[k, j] == pytest.approx(min(1, *larger))
    assert np.isnan(benjamini_hochberg(np.array([np.nan]))).all()
