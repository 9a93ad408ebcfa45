"""Shares of an effect: against loops, and on known chains."""

import numpy as np
import pandas as pd
import pytest

from facslens.experiments import mediation as module
from facslens.experiments.absolute import Interval, resampled
from facslens.experiments.mediation import Way


def test_a_share_is_the_ratio_of_means_with_an_interval_over_people(rng):
    whole = rng.normal(3, 1, 12)
    part = 0.3 * whole + rng.normal(0, 0.2, 12)
    found = module.share(part, whole, seed=5)
    draws = []
    for counts in resampled(12, 5):
        people = np.repeat(np.arange(12), counts)
        draws.append(part[people].mean() / whole[people].mean())
    assert found.value == pytest.approx(part.mean() / whole.mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])))


def test_a_share_of_nothing_is_no_number():
    found = module.share(np.ones(4), np.array([1.0, -1.0, 2.0, -2.0]), seed=0)
    assert np.isnan([found.value, found.low, found.high]).all()


def test_half_is_the_smallest_number_that_carries_as_much_and_may_lack():
    assert module.half((1, 2, 5), (0.2, 0.5, 0.9)) == 2
    assert module.half((1, 2, 5), (0.2, 0.3, 0.49)) is None
    assert module.half((1,), (float("nan"),)) is None


def test_the_random_comparison_counts_ties_against_the_finding():
    whole = np.full(6, 2.0)
    parts = np.stack([np.full(6, 1.0), np.full(6, 2.0)])
    random = np.array([[0.5, 0.2], [0.1, 0.4], [0.6, 0.9]])
    way = Way.of(parts, whole, random, seed=0)
    assert [one.value for one in way.own] == [0.5, 1.0]
    assert [one.value for one in way.random] == pytest.approx([0.4, 0.5])
    assert way.p == pytest.approx((3 / 4, 1 / 4))  # two of three reach ½, none reaches 1


def _ways(shares):
    parts = np.array(shares)[:, None] * np.ones(5)
    random = np.tile(np.array(shares) / 4, (3, 1))
    return {way: Way.of(parts, np.ones(5), random, seed=0) for way in module.WAYS}


def test_the_summary_says_what_goes_round_and_which_unit_carries_most():
    row = module.summary_row(
        Interval(2.0, 1.0, 3.0), (1, 2, 5), _ways((0.2, 0.6, 0.8)), np.array([0.1, 0.2, 0.15])
    )
    assert row["round"] == pytest.approx(0.2)
    assert (row["all_removed"], row["all_restored"]) == pytest.approx((0.8, 0.8))
    assert (row["half_removed"], row["half_random_removed"]) == (2, None)
    assert (row["largest"], row["largest_unit"], row["n_units"]) == (0.2, 1, 3)


def test_a_curve_begins_with_nothing():
    rows = module.curve_rows((1, 2), _ways((0.5, 1.0)))
    assert [row["k"] for row in rows] == [0, 1, 2]
    assert rows[0]["removed"] == rows[0]["random_restored_high"] == 0
    assert rows[1]["removed_low"] == pytest.approx(0.5)
    assert rows[2]["random_removed"] == pytest.approx(0.25)
    assert set(rows[1]) | {"layer", "au", "expression", "n_people"} == set(module.COLUMNS["curves"])


def test_carriers_are_listed_in_order_with_those_that_carry_half():
    places = np.stack([np.linspace(0, 1, 30), np.full(30, 0.5)], axis=1)
    order = np.arange(30)[::-1]
    rows = module.carrier_rows(order, np.arange(30) / 30, np.arange(30) / 60, 25, places)
    assert len(rows) == 25
    assert [row["unit"] for row in rows[:3]] == [29, 28, 27]
    assert all(row["half"] for row in rows)
    assert rows[0]["row"] == 1.0
    few = module.carrier_rows(order, np.zeros(30), np.zeros(30), None, places)
    assert len(few) == module.LISTED
    assert not any(row["half"] for row in few)


def test_an_action_units_own_units_are_said_with_what_shows_them():
    own = pd.DataFrame({"unit": [4, 9], "shown_as": ["caused, observed", "observed"]})
    row = module.detector_row(own, Interval(2.0, 1.0, 3.0), _ways((0.4,)))
    assert (row["units"], row["shown_as"], row["n_units"]) == ("4 9", "caused, observed", 2)
    assert row["removed"] == pytest.approx(0.4)
    assert row["p_removed"] == pytest.approx(1 / 4)


def test_the_centre_of_a_change_lies_where_it_is_largest():
    square = np.zeros((3, 6, 6))
    square[0, 5, 0] = 4.0
    square[0, 5, 5] = 3.9  # the other half of the face
    square[1, 2:4, 2:4] = 1.0
    found = module.centre(square)
    assert found[0].tolist() == pytest.approx([5.5 / 6, 0.5 / 6])
    assert found[1].tolist() == pytest.approx([0.5, 0.5])
    assert np.isnan(found[2]).all()


def test_what_detectors_realise_is_a_mean_of_shares_over_people(rng):
    wholes = rng.normal(3, 0.5, (3, 10))
    owns, randoms = wholes * np.array([[0.5], [0.2], [0.1]]), wholes * 0.1
    owns = owns + rng.normal(0, 0.1, owns.shape)
    through = [
        module.Through(own, random, whole, p)
        for own, random, whole, p in zip(owns, randoms, wholes, (0.01, 0.05, 0.4), strict=True)
    ]
    row = module.realised_row(through, seed=7)
    shares = [own.mean() / whole.mean() for own, whole in zip(owns, wholes, strict=True)]
    assert row["share"] == pytest.approx(np.mean(shares))
    assert row["random"] == pytest.approx(0.1)
    assert row["difference"] == pytest.approx(np.mean(shares) - 0.1)
    assert (row["n_aus"], row["n_people"], row["n_ahead"]) == (3, 10, 2)
    draws = []
    for counts in resampled(10, 7):
        people = np.repeat(np.arange(10), counts)
        draws.append(
            np.mean([o[people].sum() / w[people].sum() for o, w in zip(owns, wholes, strict=True)])
        )
    ends = np.quantile(draws, [0.025, 0.975])
    assert (row["share_low"], row["share_high"]) == pytest.approx(tuple(ends))
    assert row["difference_low"] == pytest.approx(ends[0] - 0.1)
