"""Reading expressions beside guessing them."""

import numpy as np
import pandas as pd
import pytest

from facslens.training.chance import recognition

NAMES = ("anger", "fear", "happiness", "neutral")


def table_of(true, predicted):
    return pd.DataFrame({"true": true, "predicted": predicted, **dict.fromkeys(NAMES, 0.25)})


def test_mean_recall_and_its_interval_agree_with_loops(rng) -> None:
    true = rng.choice(NAMES[:3], 120)
    predicted = np.where(rng.random(120) < 0.5, true, rng.choice(NAMES, 120))
    people = pd.Series([f"S{n}" for n in rng.integers(0, 9, 120)])
    found = recognition(table_of(true, predicted), people, resamples=300, seed=4)
    recalls = [np.mean(predicted[true == name] == name) for name in NAMES[:3]]
    assert found.recall.value == pytest.approx(np.mean(recalls))
    assert found.accuracy.value == pytest.approx(np.mean(true == predicted))
    names = list(pd.unique(people))
    counts = np.random.default_rng(4).multinomial(9, np.full(9, 1 / 9), size=300)
    means, shares = [], []
    for row in counts:
        rows = np.concatenate(
            [np.flatnonzero(people == n) for n, k in zip(names, row, strict=True) for _ in range(k)]
        )
        t, p = true[rows], predicted[rows]
        means.append(np.mean([np.mean(p[t == name] == name) for name in np.unique(t)]))
        shares.append(np.mean(t == p))
    for interval, values in ((found.recall, means), (found.accuracy, shares)):
        ends = np.quantile(values, [0.025, 0.975])
        np.testing.assert_allclose([interval.low, interval.high], ends)
    assert (found.faces, found.left_out, found.groups, found.classes) == (120, 0, 9, 3)
    assert found.beyond_chance is True


def test_guessing_in_any_proportion_is_rarely_beyond_chance() -> None:
    """One in forty by the lower end of a 95 % interval, somewhat more for few people."""
    beyond = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        true = rng.choice(NAMES, 400, p=[0.1, 0.1, 0.2, 0.6])
        guess = rng.choice(NAMES, 400, p=rng.dirichlet([1, 1, 1, 1]))
        people = pd.Series(rng.integers(0, 40, 400))
        beyond += recognition(table_of(true, guess), people, resamples=200).beyond_chance is True
    assert beyond <= 10


def test_a_network_below_the_commonest_share_may_still_read() -> None:
    true = ["neutral"] * 80 + ["fear"] * 20
    predicted = ["neutral"] * 50 + ["fear"] * 50
    found = recognition(table_of(true, predicted), pd.Series(list(range(10)) * 10))
    assert found.accuracy.value == 0.7  # always saying neutral has 0.8
    assert found.beyond_chance is True


def test_what_the_network_cannot_name_is_left_out() -> None:
    table = table_of(["fear", "contempt", None] * 4, ["fear", "fear", "fear"] * 4)
    found = recognition(table, pd.Series(range(12)))
    assert (found.faces, found.left_out, found.classes) == (4, 4, 1)
    assert found.beyond_chance is None  # one expression can be guessed
    few = recognition(
        table_of(["fear", "anger"] * 2, ["fear", "anger"] * 2), pd.Series([1, 2, 3, 4])
    )
    assert (few.recall.value, few.beyond_chance) == (1.0, None)
    nobody = recognition(table_of([], []).astype({"true": "object"}), pd.Series([], dtype=float))
    assert (nobody.faces, nobody.groups, nobody.beyond_chance) == (0, 0, None)
    assert np.isnan(nobody.recall.value)
