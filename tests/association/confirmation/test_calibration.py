"""From responses to probabilities: known curves come back, and nothing says nothing."""

import numpy as np
import pytest
from scipy.optimize import minimize

from facslens.association.confirmation.calibration import (
    NO_CURVE,
    Curve,
    calibrate,
    fit_curve,
    leave_one_out,
)
from facslens.errors import CallError


def slow_fit(response: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Minimise the cross entropy as it is written, without derivatives."""
    n1, n0 = (label == 1).sum(), (label == 0).sum()

    def loss(numbers: np.ndarray) -> float:
        total = 0.0
        for r, y in zip(response, label, strict=True):
            p = 1 / (1 + np.exp(-(numbers[0] + numbers[1] * r)))
            t = (n1 + 1) / (n1 + 2) if y == 1 else 1 / (n0 + 2)
            total -= t * np.log(p) + (1 - t) * np.log(1 - p)
        return total

    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    found = minimize(loss, np.zeros(2), method="Nelder-Mead", options=options)
    return float(found.x[0]), float(found.x[1])


def people(rng: np.random.Generator, effect: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Twenty people of three sequences; their responses also differ by person."""
    subject = np.repeat(np.arange(20), 3)
    label = (rng.random(60) < 0.4).astype(float)
    response = rng.normal(size=60) + effect * label + 0.5 * rng.normal(size=20)[subject]
    return response, label, subject


def test_the_fit_equals_a_search(rng: np.random.Generator) -> None:
    for effect in (0.5, 1.0, 2.0):
        response, label, _ = people(rng, effect)
        curve = fit_curve(response, label)
        # Nelder and Mead end within 1e-9 in both numbers, which is 1e-6 of the flat minimum.
        assert (curve.intercept, curve.slope) == pytest.approx(slow_fit(response, label), rel=1e-5)


def test_a_known_curve_comes_back(rng: np.random.Generator) -> None:
    response = rng.normal(3, 2, 20_000)
    label = (rng.random(20_000) < Curve(-4.0, 1.5).probability(response)).astype(float)
    curve = fit_curve(response, label)
    # The standard errors of a logistic regression on these rows are 0.06 and 0.02.
    assert curve.slope == pytest.approx(1.5, abs=0.08)
    assert curve.intercept == pytest.approx(-4, abs=0.24)


def test_units_of_the_response_play_no_part(rng: np.random.Generator) -> None:
    response, label, _ = people(rng, 1.0)
    curve = fit_curve(response, label)
    for scale in (1e-6, 1e6):
        other = fit_curve(response * scale + 7 * scale, label)
        got = other.probability(response * scale + 7 * scale)
        np.testing.assert_allclose(got, curve.probability(response), rtol=1e-7)


def test_classes_apart_stay_finite() -> None:
    response, label = np.array([0.0, 0, 0, 1e4, 1e4]), np.array([0.0, 0, 0, 1, 1])
    curve = fit_curve(response, label)
    # Two kinds of rows and two numbers: each kind is said to be its target.
    np.testing.assert_allclose(curve.probability(np.array([0.0, 1e4])), [1 / 5, 3 / 4])
    apart = fit_curve(
        np.concatenate([np.arange(50.0), np.arange(1000.0, 1050)]), np.arange(100) // 50
    )
    assert np.isfinite([apart.intercept, apart.slope]).all()
    assert apart.probability(np.array([-1e9, 1e9])).tolist() == [0, 1]  # no overflow


@pytest.mark.parametrize(
    ("response", "label"),
    [
        ([1.0, 2, 3, 4], [1, 1, 0, 0]),  # falls
        ([1.0, 2, 1, 2], [1, 1, 0, 0]),  # flat
        ([2.0, 2, 2, 2], [1, 1, 0, 0]),
        ([1.0, 2, 3, 4], [1, 1, 1, 1]),
        ([0.1, 0.1 + 1e-9, 0.1, 0.1], [0, 1, 0, 0]),  # rounding of float32
        ([], []),
    ],
)
def test_no_curve(response: list[float], label: list[int]) -> None:
    assert fit_curve(np.array(response, dtype=float), np.array(label)) is NO_CURVE
    assert np.isnan(NO_CURVE.probability(np.array([1.0]))).all()


def test_leaving_one_out_by_hand(rng: np.random.Generator) -> None:
    response, label, subject = people(rng, 1.0)
    said, base, flat = leave_one_out(response, label, subject)
    assert flat == 0
    for row in (0, 31, 59):
        others = subject != subject[row]
        intercept, slope = slow_fit(response[others], label[others])
        assert said[row] == pytest.approx(
            1 / (1 + np.exp(-intercept - slope * response[row])), rel=1e-5
        )
        assert base[row] == pytest.approx(label[others].sum() / others.sum())


def test_skill_and_its_interval_by_repeating_people(rng: np.random.Generator) -> None:
    response, label, subject = people(rng, 1.5)
    found = calibrate(response, label, subject, resamples=400, seed=3)
    said, base, _ = leave_one_out(response, label, subject)
    assert found.brier == pytest.approx(np.mean((said - label) ** 2))
    assert found.brier_base == pytest.approx(np.mean((base - label) ** 2))
    assert found.skill == pytest.approx(1 - found.brier / found.brier_base)
    skills = []
    for _ in range(4000):  # another way to draw, so that only the distribution is the same
        rows = np.concatenate([np.flatnonzero(subject == s) for s in rng.integers(0, 20, 20)])
        off, off_base = ((p[rows] - label[rows]) ** 2 for p in (said, base))
        skills.append(1 - off.sum() / off_base.sum())
    low, high = np.quantile(skills, [0.025, 0.975])
    # An end of 400 draws has a standard error of about 0.02 here.
    assert found.skill_low == pytest.approx(low, abs=0.08)
    assert found.skill_high == pytest.approx(high, abs=0.08)
    assert found.holds
    assert found.curve == fit_curve(response, label)
    assert (found.n_present, found.n_absent) == (label.sum(), 60 - label.sum())
    assert (found.subjects, found.n_redrawn) == (20, 0)


def test_nothing_has_no_skill(rng: np.random.Generator) -> None:
    held = 0
    for seed in range(100):
        response, label, subject = people(rng, 0.0)
        held += calibrate(response, label, subject, resamples=200, seed=seed).holds
    assert held <= 5  # by the level of the interval 2.5; leaving one out costs skill besides


def test_too_few_people_and_unknown_labels(rng: np.random.Generator) -> None:
    response, label, subject = people(rng, 1.5)
    few = np.where(subject < 4, label, 0)
    found = calibrate(response, few, subject, seed=0)
    assert found.curve is NO_CURVE
    assert np.isnan([found.brier, found.skill, found.skill_low, found.error]).all()
    assert not found.holds
    assert found.subjects_present <= 4
    unknown = np.where(np.arange(60) % 7 == 0, np.nan, label)
    known = ~np.isnan(unknown)
    one = calibrate(response, unknown, subject, resamples=50, seed=0)
    assert one == calibrate(response[known], label[known], subject[known], resamples=50, seed=0)


def test_where_the_others_fall_the_base_rate_is_said() -> None:
    # Without the first person, whose two responses lie far apart, the others fall.
    response = np.array([-9.0, 9, 2, 1, 2, 1, 2, 1])
    label, subject = np.tile([0.0, 1], 4), np.repeat(np.arange(4), 2)
    said, base, flat = leave_one_out(response, label, subject)
    assert flat == 1
    assert said[:2].tolist() == base[:2].tolist() == [0.5, 0.5]
    assert calibrate(response, label, subject, min_subjects=2, resamples=20, seed=0).n_flat == 1


def test_errors(rng: np.random.Generator) -> None:
    response, label, subject = people(rng, 1.0)
    with pytest.raises(CallError, match="have 60, 59 and 60 rows: all need the same number"):
        calibrate(response, label[1:], subject, seed=0)
    with pytest.raises(CallError, match="resamples is 0: needs at least 1"):
        calibrate(response, label, subject, resamples=0, seed=0)
    with pytest.raises(CallError, match=r"level is 1\.0: needs to lie between 0 and 1"):
        calibrate(response, label, subject, level=1.0, seed=0)
