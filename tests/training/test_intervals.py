import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, norm

from facslens.training.intervals import f1_intervals, wilson, with_intervals
from facslens.training.predictions import confusion, per_class

NAMES = ["anger", "fear", "sadness"]


@pytest.mark.parametrize(("hits", "count"), [(1, 10), (37, 90), (2000, 3579), (9, 10)])
def test_wilsons_bounds_are_where_the_score_test_turns(hits, count):
    """Found as the roots of its definition, without the closed form."""
    z, share = norm.ppf(0.975), hits / count

    def excess(p: float) -> float:
        return abs(share - p) - z * np.sqrt(p * (1 - p) / count)

    found = wilson(hits, count)
    assert found.value == share
    assert found.low == pytest.approx(brentq(excess, 1e-9, share), abs=1e-9)
    assert found.high == pytest.approx(brentq(excess, share, 1 - 1e-9), abs=1e-9)


def test_wilsons_interval_at_the_ends_and_of_nothing():
    assert wilson(0, 5).low == 0
    assert wilson(5, 5).high == 1
    assert 0 < wilson(5, 5).low < 1
    assert np.isnan([wilson(0, 0).value, wilson(0, 0).low, wilson(0, 0).high]).all()


def test_wilsons_interval_covers_about_as_often_as_it_says():
    """Summed over all outcomes of 60 cases, averaged over true proportions: no simulation."""
    bounds = [(wilson(k, 60).low, wilson(k, 60).high) for k in range(61)]
    truths = np.linspace(0.05, 0.95, 91)
    covered = [
        sum(binom.pmf(k, 60, p) for k, (low, high) in enumerate(bounds) if low <= p <= high)
        for p in truths
    ]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.01)


def test_f1_intervals_are_those_of_resampled_faces():
    """Against drawing the faces themselves and counting each time."""
    rng = np.random.default_rng(3)
    true = rng.choice(NAMES, 120, p=[0.5, 0.3, 0.2])
    wrong = rng.random(120) < 0.3
    read = pd.DataFrame({"true": true, "predicted": np.where(wrong, rng.choice(NAMES, 120), true)})
    counts = confusion(read, NAMES)
    drawn = []
    for _ in range(1500):
        again = read.iloc[rng.integers(0, 120, 120)]
        drawn.append(per_class(confusion(again, NAMES))["f1"].to_numpy())
    expected = np.quantile(drawn, [0.025, 0.975], axis=0)
    mean = np.quantile(np.mean(drawn, axis=1), [0.025, 0.975])
    found = f1_intervals(counts, resamples=8000, seed=1)
    # 0.015: three standard errors of a 2.5 % quantile of 1,500 draws with deviation 0.05
    for i, name in enumerate(NAMES):
        interval = found.classes[name]
        assert interval.value == pytest.approx(per_class(counts)["f1"].iloc[i], abs=1e-12)
        assert [interval.low, interval.high] == pytest.approx(expected[:, i], abs=0.015)
    assert [found.macro.low, found.macro.high] == pytest.approx(mean, abs=0.015)


def test_a_class_that_is_never_there_has_no_f1_and_neither_has_the_mean():
    counts = pd.DataFrame([[5, 1, 0], [0, 6, 0], [0, 0, 0]], index=NAMES, columns=NAMES)
    found = f1_intervals(counts, resamples=100)
    assert np.isnan([found.classes["sadness"].value, found.classes["sadness"].low]).all()
    assert found.undefined == {"anger": 0, "fear": 0, "sadness": 100}
    assert np.isnan([found.macro.value, found.macro.low, found.macro.high]).all()


def test_no_faces_give_no_figures():
    found = f1_intervals(pd.DataFrame(0, index=NAMES, columns=NAMES), resamples=10)
    assert np.isnan(found.macro.value)
    assert found.undefined == dict.fromkeys(NAMES, 10)


def test_the_table_has_recall_of_the_shown_and_precision_of_the_predicted():
    counts = pd.DataFrame([[8, 2], [4, 6]], index=NAMES[:2], columns=NAMES[:2])
    table = with_intervals(counts)
    anger = table.loc["anger"]
    assert anger[["count", "predicted", "recall"]].tolist() == [10, 12, 0.8]
    assert anger["precision"] == pytest.approx(8 / 12)
    assert [anger["recall_low"], anger["recall_high"]] == [wilson(8, 10).low, wilson(8, 10).high]
    assert anger["precision_low"] == wilson(8, 12).low
    assert anger["f1_low"] < anger["f1"] < anger["f1_high"]
    assert anger["f1"] == pytest.approx(16 / 22)
