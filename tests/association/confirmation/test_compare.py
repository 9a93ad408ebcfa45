"""One detector against others on the same people."""

import numpy as np
import pytest
from scipy import stats

from facslens.association.confirmation.bootstrap import resample_subjects
from facslens.association.confirmation.compare import compare
from facslens.errors import CallError


def auroc(response: np.ndarray, label: np.ndarray) -> float:
    p, q = response[label == 1], response[label == 0]
    return float(stats.mannwhitneyu(p, q).statistic / (len(p) * len(q)))


@pytest.fixture
def people(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Twelve subjects of four rows; column 0 is a good detector, 1 a weak one, 2 none."""
    subject = np.repeat(np.arange(12), 4)
    label = (rng.random(48) < 0.5).astype(float)
    label[:2] = 1, 0
    response = rng.normal(size=(48, 3)) + np.outer(label, [3.0, 0.8, 0.0])
    return response, label, subject


def test_the_interval_equals_repeating_rows_and_comparing(people) -> None:
    response, label, subject = people
    got = compare(response[:, 0], response[:, 1:], label, subject, resamples=40, seed=3)
    weights, redrawn = resample_subjects(label, subject, 40, seed=3)
    differences = []
    for weight in weights:
        rows = np.repeat(np.arange(48), weight[subject].astype(int))
        one, two, three = (auroc(response[rows, c], label[rows]) for c in range(3))
        differences.append(one - (two + three) / 2)
    assert got.difference_low == pytest.approx(np.quantile(differences, 0.025))
    assert got.difference_high == pytest.approx(np.quantile(differences, 0.975))
    assert got.n_redrawn == redrawn
    assert got.auroc == pytest.approx(auroc(response[:, 0], label))
    assert got.others == pytest.approx(
        (auroc(response[:, 1], label) + auroc(response[:, 2], label)) / 2
    )
    assert got.difference == pytest.approx(got.auroc - got.others)
    assert got.verdict == "better"


def test_worse_and_the_same(people) -> None:
    response, label, subject = people
    worse = compare(response[:, 2], response[:, :1], label, subject, seed=0)
    assert worse.verdict == "worse"
    same = compare(response[:, 0], response[:, :1], label, subject, seed=0)
    assert (same.difference_low, same.difference_high, same.verdict) == (0, 0, "not better")


def test_what_is_undefined_is_left_out_and_counted(people) -> None:
    response, label, subject = people
    others = np.column_stack([response[:, 1], np.full(48, np.nan), np.zeros(48)])
    got = compare(response[:, 0], others, label, subject, seed=0)
    want = compare(response[:, 0], response[:, 1:2], label, subject, seed=0)
    assert (got.n_others, got.others, got.verdict) == (1, want.others, want.verdict)
    assert np.isnan(got.others_low).tolist() == [False, True, True]
    nobody = compare(np.full(48, np.nan), others, label, subject, seed=0)
    assert nobody.verdict == "none"
    assert np.isnan([nobody.auroc, nobody.difference, nobody.difference_low]).all()


@pytest.mark.parametrize("positive", [0, 1, 4])
def test_too_few_positive_people_get_no_interval(people, positive: int) -> None:
    response, _, subject = people
    label = (subject < positive).astype(float)
    got = compare(response[:, 0], response[:, 1:], label, subject, seed=0)
    assert got.verdict == "not enough data"
    assert np.isnan([got.low, got.difference_low, got.difference_high]).all()
    assert np.isnan(got.auroc) == (positive == 0)


def test_no_people_at_all() -> None:
    none = np.zeros(0)
    got = compare(none, np.zeros((0, 2)), none, none.astype(int), seed=0)
    assert got.verdict == "not enough data"
    assert np.isnan(got.auroc)


def test_unknown_labels_play_no_part(people) -> None:
    response, label, subject = people
    label = label.copy()
    label[5] = np.nan
    known = np.arange(48) != 5
    got = compare(response[:, 0], response[:, 1:], label, subject, seed=0)
    want = compare(response[known, 0], response[known, 1:], label[known], subject[known], seed=0)
    assert got.difference_low == want.difference_low
    assert got.n_present + got.n_absent == 47


def test_equal_detectors_are_seldom_told_apart(rng: np.random.Generator) -> None:
    """Of two equally good detectors 95 % intervals over people exclude 0 in about 5 %."""
    found = 0
    for repeat in range(100):
        subject = np.repeat(np.arange(24), 3)
        label = (rng.random(72) < 0.4).astype(float)
        response = rng.normal(size=(72, 2)) + label[:, None]
        got = compare(response[:, 0], response[:, 1:], label, subject, resamples=200, seed=repeat)
        found += got.verdict != "not better"
    # Percentile intervals of 24 people cover a little less than 95 %.
    assert found <= 16


def test_errors(people) -> None:
    response, label, subject = people
    with pytest.raises(CallError, match="48, 48, 47 and 48 rows: all need the same number"):
        compare(response[:, 0], response[:, 1:], label[1:], subject, seed=0)
    with pytest.raises(CallError, match="resamples is 0"):
        compare(response[:, 0], response[:, 1:], label, subject, resamples=0, seed=0)
    with pytest.raises(CallError, match=r"level is 1\.0"):
        compare(response[:, 0], response[:, 1:], label, subject, level=1.0, seed=0)
