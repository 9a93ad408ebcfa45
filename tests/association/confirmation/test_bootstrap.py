"""Every resampled effect equals the effect of the rows repeated as they were drawn."""

import numpy as np
import pytest
from scipy import stats

from facslens.association.confirmation.bootstrap import (
    resample_subjects,
    resampled_auprc,
    resampled_f1,
    resampled_pearson,
)
from facslens.association.distances.concordance import resampled_concordance
from facslens.errors import NotEnoughDataError


def people(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Twelve subjects of four rows; responses have ties."""
    subject = np.repeat(np.arange(12), 4)
    label = (rng.random(48) < 0.4).astype(float)
    return np.round(rng.normal(size=48) + label, 0), label, subject


def repeated(weights: np.ndarray, subject: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(subject)), weights[subject].astype(int))


def average_precision(response: np.ndarray, label: np.ndarray) -> float:
    """By its definition: the precision at the threshold of every present row."""
    own = response[label == 1]
    return float(np.mean([label[response >= r].mean() for r in own]))


def test_they_equal_repeating_the_rows(rng: np.random.Generator) -> None:
    response, label, subject = people(rng)
    weights, _ = resample_subjects(label, subject, 40, seed=0)
    auroc = resampled_concordance(response, label, subject, weights)
    auprc = resampled_auprc(response, label, subject, weights)
    pearson = resampled_pearson(response, label, subject, weights)
    f1 = resampled_f1(response >= 1, label, subject, weights)
    for b, weight in enumerate(weights):
        rows = repeated(weight, subject)
        r, y = response[rows], label[rows]
        p, q = r[y == 1], r[y == 0]
        # Sums of a few dozen doubles: 1e-9 is far above their rounding.
        assert auroc[b] == pytest.approx(stats.mannwhitneyu(p, q).statistic / (len(p) * len(q)))
        assert auprc[b] == pytest.approx(average_precision(r, y), rel=1e-9)
        assert pearson[b] == pytest.approx(stats.pearsonr(r, y).statistic, rel=1e-9)
        hits, false, missed = (np.sum((r >= 1) & (y == 1)), np.sum(r[y == 0] >= 1), np.sum(p < 1))
        assert f1[b] == pytest.approx(2 * hits / (2 * hits + false + missed))


def test_within_strata_only_rows_of_one_stratum_compare(rng: np.random.Generator) -> None:
    response, label, subject = people(rng)
    strata = rng.integers(0, 3, 48)
    weights, _ = resample_subjects(label, subject, 20, seed=1, strata=strata)
    got = resampled_concordance(response, label, subject, weights, strata)
    for b, weight in enumerate(weights):
        won = made = 0.0
        rows = repeated(weight, subject)
        for i in rows[label[rows] == 1]:
            for j in rows[label[rows] == 0]:
                if strata[i] == strata[j]:
                    made += 1
                    won += np.sign(response[i] - response[j]) / 2 + 0.5
        assert got[b] == pytest.approx(won / made)


def test_resamples_of_one_class_are_drawn_again_and_counted() -> None:
    label, subject = np.array([1, 1, 0, 0]), np.array([0, 1, 2, 3])
    weights, redrawn = resample_subjects(label, subject, 2000, seed=0)
    assert (weights.sum(axis=1) == 4).all()
    assert (weights[:, :2].sum(axis=1) > 0).all()
    assert (weights[:, 2:].sum(axis=1) > 0).all()
    # One in eight draws holds one class only; 2000/7 = 286 are redrawn, give or take 18.
    assert redrawn == pytest.approx(286, abs=72)
    with pytest.raises(NotEnoughDataError, match="label has one class only: resampling"):
        resample_subjects(np.ones(3), np.arange(3), 10, seed=0)


def test_a_resample_needs_a_stratum_with_both_classes() -> None:
    label, subject = np.array([1, 0, 1, 0]), np.array([0, 1, 2, 3])
    strata = np.array([5, 5, 7, 8])
    weights, redrawn = resample_subjects(label, subject, 500, seed=0, strata=strata)
    assert (weights[:, :2] > 0).all()  # nobody else can be compared
    assert redrawn > 0
    with pytest.raises(NotEnoughDataError, match="one class only in every stratum"):
        resample_subjects(label, subject, 10, seed=0, strata=np.arange(4))


def test_what_is_undefined_is_nan() -> None:
    ones = np.ones((1, 3))
    subject, same = np.arange(3), np.full(3, 0.1)
    assert np.isnan(resampled_pearson(same, np.array([0.0, 1, 1]), subject, ones)).all()
    assert np.isnan(resampled_auprc(same, np.zeros(3), subject, ones)).all()
    assert np.isnan(resampled_concordance(same, np.ones(3), subject, ones)).all()
    assert np.isnan(resampled_f1(np.zeros(3, bool), np.zeros(3), subject, ones)).all()
    # Never said although present: 0 by the definition.
    assert resampled_f1(np.zeros(3, bool), np.ones(3), subject, ones).tolist() == [0]
