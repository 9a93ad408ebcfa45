"""Every distance against a second, slower derivation, by hand, and by its properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from scipy.spatial.distance import jensenshannon

from facslens.association.distances.table import (
    DEFAULT,
    DISTANCES,
    Distance,
    distance_names,
    distances,
)
from facslens.errors import CallError

UNSIGNED = ["kl", "js", "wasserstein", "ks"]


def histogram(sample: np.ndarray, whole: np.ndarray) -> np.ndarray:
    counts = np.histogram(sample, bins=20, range=(whole.min(), whole.max()))[0]
    return 0.99 * counts / len(sample) + 0.01 / 20


def average_precision(p: np.ndarray, q: np.ndarray) -> float:
    total = 0.0
    for threshold in np.unique(p):  # precision at each value, weighted by the hits it brings
        hits, false = np.sum(p >= threshold), np.sum(q >= threshold)
        total += np.sum(p == threshold) / len(p) * hits / (hits + false)
    return total


def slow(name: str, response: np.ndarray, label: np.ndarray) -> float:
    p, q = response[label == 1], response[label == 0]
    match name:
        case "kl":
            return stats.entropy(histogram(p, response), histogram(q, response))
        case "js":
            return jensenshannon(histogram(p, response), histogram(q, response), base=2)
        case "wasserstein":
            return stats.wasserstein_distance(p, q) / np.sqrt(
                np.mean((response - response.mean()) ** 2)
            )
        case "ks":
            return stats.ks_2samp(p, q).statistic
        case "auroc":
            return stats.mannwhitneyu(p, q).statistic / (len(p) * len(q))
        case "auprc":
            return average_precision(p, q)
        case "pearson":
            return stats.pearsonr(np.r_[p, q], np.r_[np.ones(len(p)), np.zeros(len(q))]).statistic
    raise AssertionError(name)


def samples(kind: str, rng: np.random.Generator) -> np.ndarray:
    normal = rng.normal(size=(90, 6))
    if kind == "rectified":
        return np.maximum(normal, 0)  # as after a ReLU: half of the responses tie at 0
    if kind == "few values":
        return rng.integers(0, 4, size=(90, 6)).astype(float)
    return normal


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("kind", ["continuous", "rectified", "few values"])
@pytest.mark.parametrize("unknown", [False, True])
def test_equals_the_slow_derivation(
    name: str, kind: str, unknown: bool, rng: np.random.Generator
) -> None:
    responses = samples(kind, rng)
    labels = (rng.random((90, 2, 3)) < [[0.1], [0.5]]).astype(float)
    if unknown:
        labels[rng.random(labels.shape) < 0.2] = np.nan
    got = distances(responses, labels, name)[0]
    want = [
        [[slow(name, responses[:, k], labels[:, j, b]) for b in range(3)] for j in range(2)]
        for k in range(6)
    ]
    # Both sides are sums of at most 90 float64 terms of order 1.
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("unknown", [False, True])
def test_float32_is_good_enough_for_a_null(unknown: bool, rng: np.random.Generator) -> None:
    responses = samples("rectified", rng)
    labels = (rng.random((90, 50)) < 0.3).astype(np.float32)
    if unknown:
        labels[rng.random(labels.shape) < 0.2] = np.nan
    exact, rough = distances(responses, labels), distances(responses, labels, dtype=np.float32)
    assert rough.dtype == np.float32
    # float32 carries 6e-8 a term; the square root of js makes 1e-7 out of 1e-14.
    np.testing.assert_allclose(rough, exact, rtol=2e-5, atol=2e-6)


def test_by_hand() -> None:
    responses = np.array([[1.0], [2.0], [2.0], [5.0]])
    label = np.array([0, 0, 1, 1])  # present: 2, 5; absent: 1, 2
    got = dict(zip(DISTANCES, distances(responses, label)[:, 0], strict=True))
    assert got["ks"] == 0.5
    assert got["auroc"] == (1 + 0.5 + 1 + 1) / 4
    assert got["auprc"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert got["wasserstein"] == pytest.approx((1 + 3) / 2 / np.sqrt(9 / 4))
    assert got["pearson"] == pytest.approx(2 / np.sqrt(9 / 4) / 2)
    # Bins 0, 5, 5, 19. P: half in 5, half in 19; Q: half in 0, half in 5; 0.0005 everywhere.
    full, empty = 0.495 + 0.0005, 0.0005
    assert got["kl"] == pytest.approx((full - empty) * np.log(full / empty))


def test_kl_of_samples_that_do_not_meet_is_finite() -> None:
    responses = np.r_[np.zeros(7), np.ones(5)][:, None]
    label = np.r_[np.zeros(7), np.ones(5)]
    # All of one sample in one bin: 0.9905 against 0.0005.
    assert distances(responses, label, "kl").item() == pytest.approx(0.99 * np.log(0.9905 / 0.0005))
    assert distances(responses, label, "ks").item() == 1
    assert distances(responses, label, "auroc").item() == 1


def test_the_reference_gives_range_and_spread() -> None:
    reference = np.array([[0.0], [20.0]])
    inside = np.array([[0.5], [19.5], [0.5], [19.5]])
    outside = np.array([[-50.0], [90.0], [-50.0], [90.0]])
    label = np.array([1, 1, 1, 0])
    both = [distances(r, label, "kl", reference=reference) for r in (inside, outside)]
    assert both[0] == both[1] > 0  # the same end bins
    shift = distances(
        np.array([[1.0], [6.0]]), np.array([0, 1]), "wasserstein", reference=reference
    )
    assert shift.item() == 5 / 10


def test_undefined_is_nan() -> None:
    responses = np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0]])
    labels = np.array([[1, 0, 1, np.nan], [1, 0, 0, 1], [1, 0, 0, np.nan]])
    got = distances(responses, labels)
    assert np.isnan(got[:, 0, [0, 1, 3]]).all()  # one class only
    assert np.isnan(got[:, 1]).all()  # a constant unit
    assert np.isfinite(got[:, 0, 2]).all()


def test_kl_is_biased_as_the_formula_says(rng: np.random.Generator) -> None:
    n1, n0, bins = 150, 300, 20
    responses = rng.random((n1 + n0, 20))
    labels = np.stack([rng.permutation(np.r_[np.ones(n1), np.zeros(n0)]) for _ in range(50)], 1)
    bias = (bins - 1) * (n1 + n0) / (2 * n1 * n0)
    # 1,000 values of standard deviation ~ bias·√(2/19): their mean is good to 1 %; the mixture
    # with 1 % uniform takes off about 2 %, terms of higher order add as much.
    assert distances(responses, labels, "kl").mean() == pytest.approx(bias, rel=0.1)


def test_the_bias_favours_rare_labels(rng: np.random.Generator) -> None:
    responses = rng.random((327, 20))
    means = []
    for n1 in (30, 150):
        label = np.r_[np.ones(n1), np.zeros(327 - n1)]
        labels = np.stack([rng.permutation(label) for _ in range(50)], 1)
        means.append(distances(responses, labels, "kl").mean())
    assert means[0] > 2.5 * means[1]
    assert means[0] == pytest.approx(0.35, abs=0.05)  # 0.35 nats of nothing


arrays = hnp.arrays(
    np.float64,
    st.tuples(st.integers(6, 25), st.integers(1, 4)),
    elements=st.integers(-20, 20).map(lambda i: i / 4),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    responses = draw(arrays)
    label = draw(hnp.arrays(np.float64, len(responses), elements=st.sampled_from([0, 1, np.nan])))
    return responses, label


@settings(max_examples=60)
@given(cases())
def test_ranges(case: tuple[np.ndarray, np.ndarray]) -> None:
    for name, value in zip(DISTANCES, distances(*case), strict=True):
        distance = DISTANCES[name]
        known = value[~np.isnan(value)]
        assert (known >= distance.low - 1e-12).all()
        assert (known <= distance.high + 1e-12).all()


@settings(max_examples=60)
@given(arrays)
def test_equal_samples_are_no_distance_apart(responses: np.ndarray) -> None:
    twice = np.concatenate([responses, responses])
    label = np.r_[np.ones(len(responses)), np.zeros(len(responses))]
    for name, value in zip(DISTANCES, distances(twice, label), strict=True):
        known = value[~np.isnan(value)]
        if not np.isnan(DISTANCES[name].neutral):
            # js is a square root: 1e-8 is 1e-16 before it.
            np.testing.assert_allclose(known, DISTANCES[name].neutral, atol=1e-7)


@settings(max_examples=60)
@given(cases(), st.integers(0, 2**32 - 1))
def test_blind_to_the_order_of_images_and_equivariant_to_that_of_units(
    case: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    responses, label = case
    rng = np.random.default_rng(seed)
    images, units = rng.permutation(len(responses)), rng.permutation(responses.shape[1])
    straight = distances(responses, label)
    shuffled = distances(responses[images][:, units], label[images])
    np.testing.assert_allclose(shuffled, straight[:, units], rtol=1e-9, atol=1e-7)


@settings(max_examples=40)
@given(cases())
def test_turning_a_unit_over_turns_the_signed_ones(case: tuple[np.ndarray, np.ndarray]) -> None:
    responses, label = case
    up, down = (distances(r, label, ["auroc", "pearson", "ks"]) for r in (responses, -responses))
    np.testing.assert_allclose(down[0], 1 - up[0], atol=1e-12)
    np.testing.assert_allclose(down[1], -up[1], atol=1e-12)
    np.testing.assert_allclose(down[2], up[2], atol=1e-12)


def test_integers_and_truth_values_will_do() -> None:
    responses = np.array([[200], [3], [100]], dtype=np.uint8)
    label = np.array([True, False, True])
    np.testing.assert_array_equal(
        distances(responses, label), distances(responses.astype(float), label.astype(float))
    )


def test_errors() -> None:
    with pytest.raises(CallError, match=r"labels has the shape \(3,\) and responses \(4, 1\)"):
        distances(np.zeros((4, 1)), np.zeros(3))


@pytest.mark.parametrize("distance", DISTANCES.values(), ids=lambda d: d.name)
def test_every_entry_can_be_written_about(distance: Distance) -> None:
    assert DISTANCES[distance.name] is distance
    assert distance.short
    assert distance.label
    assert distance.description
    assert distance.low < distance.high
    assert distance.binned == (distance.name in ("kl", "js"))


def test_names() -> None:
    assert DEFAULT in DISTANCES
    assert list(DISTANCES) == ["kl", "js", "wasserstein", "ks", "auroc", "auprc", "pearson"]
    assert [name for name, d in DISTANCES.items() if not d.signed] == UNSIGNED
    with pytest.raises(CallError, match="distance 'emd' is not known: expected one of kl, js"):
        distance_names(["kl", "emd"])
    with pytest.raises(CallError, match="distance is empty"):
        distance_names([])
