"""The shared statistics, against slower derivations and at their edges."""

import numpy as np
import pytest

from facslens.statistics import calibration_bins, percentiles, resampled_p


def test_percentiles_leave_out_undefined_resamples(rng: np.random.Generator) -> None:
    draws = rng.normal(size=(2, 3, 40))
    draws[0, 1, :7] = draws[1, 2, 5] = np.nan
    draws[1, 0] = np.nan
    low, high = percentiles(draws, 0.9)
    assert low.shape == high.shape == (2, 3)
    assert np.isnan([low[1, 0], high[1, 0]]).all()
    for place in np.ndindex(2, 3):
        if place != (1, 0):
            defined = draws[place][~np.isnan(draws[place])]
            assert low[place] == pytest.approx(np.percentile(defined, 5), abs=1e-12)
            assert high[place] == pytest.approx(np.percentile(defined, 95), abs=1e-12)


def test_percentiles_cover_as_much_as_asked() -> None:
    draws = np.arange(1001.0)
    assert [float(end) for end in percentiles(draws)] == pytest.approx([25, 975])
    assert [float(end) for end in percentiles(draws, 0.5)] == pytest.approx([250, 750])
    assert np.isnan(percentiles(np.zeros((2, 0)))).all()


def test_what_was_observed_is_one_of_the_arrangements() -> None:
    assert resampled_p(0, 199).item() == 1 / 200
    np.testing.assert_array_equal(resampled_p(np.array([[0, 199]]), 199), [[1 / 200, 1]])


def test_true_probabilities_have_little_error(rng: np.random.Generator) -> None:
    said = rng.random(50_000)
    label = (rng.random(50_000) < said).astype(float)
    assert calibration_bins(said, label, 10).error < 0.01
    # Everybody is said to be 0.1 more likely than true.
    more = np.minimum(said + 0.1, 1)
    assert calibration_bins(more, label, 10).error == pytest.approx(0.095, abs=0.01)
    assert calibration_bins(np.array([1.0, 1.0]), np.array([1, 0]), 10).error == 0.5
    assert np.isnan(calibration_bins(np.zeros(0), np.zeros(0), 10).error)


def test_the_error_bin_by_bin(rng: np.random.Generator) -> None:
    said, label = rng.random(40), (rng.random(40) < 0.5).astype(float)
    total = 0.0
    for b in range(10):
        inside = [i for i in range(40) if b / 10 < said[i] <= (b + 1) / 10]
        if inside:
            total += len(inside) / 40 * abs(said[inside].mean() - label[inside].mean())
    found = calibration_bins(said, label, 10)
    assert found.error == pytest.approx(total)
    assert found.hits.sum() == label.sum()


def test_an_edge_belongs_to_the_bin_below_it_and_nought_to_the_first() -> None:
    found = calibration_bins(np.array([0.0, 0.25, 0.5, 0.75, 1.0]), np.ones(5), 4)
    assert found.count.tolist() == [2, 1, 1, 1]
    assert found.said.tolist() == [0.25, 0.5, 0.75, 1.0]
