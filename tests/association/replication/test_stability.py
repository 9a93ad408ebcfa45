"""Units of different trainings: who is whose partner, and which mappings return."""

import itertools

import numpy as np
import pytest

from facslens.association import associate
from facslens.association.replication.stability import correlations, match_units, stability
from facslens.errors import CallError

AUS = ["AU01", "AU06", "AU12", "AU20", "AU23", "AU25", "AU26", "AU27"]


def training(order, *, seed: int, silent=("AU27",)):
    """Eight units that detect the AUs in an order of their own, but for the silent ones."""
    labels = (np.random.default_rng(9).random((80, 8)) < 0.4).astype(float)
    responses = np.random.default_rng(seed).normal(size=(80, 9)) + 10
    responses[:, 8] = 0
    for unit, au in enumerate(order):
        responses[:, unit] += 3 * labels[:, au] * (AUS[au] not in silent)
    return associate(responses, labels, aus=AUS, distance="auroc", permutations=99, layer="conv3")


def test_the_assignment_equals_trying_every_one(rng) -> None:
    one, other = rng.random((4, 6)), rng.random((5, 6))
    rows, partners, correlation = match_units(one, other)
    table = np.array([[np.corrcoef(a, b)[0, 1] for b in other] for a in one])
    best = max(
        sum(table[i, j] for i, j in enumerate(order))
        for order in itertools.permutations(range(5), 4)
    )
    assert correlation.sum() == pytest.approx(best)
    np.testing.assert_allclose(correlation, table[rows, partners])
    np.testing.assert_allclose(correlations(one, other), table)


def test_flat_profiles_correlate_with_none() -> None:
    one = np.array([[0.5, 0.5, 0.5], [0.9, 0.5, 0.1]])
    np.testing.assert_allclose(correlations(one, one), [[0, 0], [0, 1]])


def test_mappings_that_return() -> None:
    orders = [(0, 1, 2, 3, 4, 5, 6, 7), (2, 0, 7, 1, 6, 5, 4, 3), (1, 2, 0, 3, 7, 4, 5, 6)]
    found = stability([training(o, seed=k) for k, o in enumerate(orders)], "conv3")
    aus = found.aus.set_index("au")
    for au in AUS[:-1]:
        row = aus.loc[au]
        assert (row["runs"], row["accepted"], row["pairs"]) == (3, 3, 6)
        assert (row["returned_au"], row["returned_unit"]) == (1, 1)
        assert row["correlation"] > 0.8
    assert (aus.loc["AU27", "accepted"], aus.loc["AU27", "pairs"]) == (0, 0)
    assert aus.loc["AU27", ["returned_au", "returned_unit", "correlation"]].isna().all()
    first = found.matches.query("run == 0 and other == 1").set_index("unit")["unit_other"]
    assert first.loc[range(7)].tolist() == [orders[1].index(au) for au in range(7)]
    assert len(found.matches) == 3 * 8  # the dead unit has no profile
    assert abs(found.chance) < 0.3


def test_a_mapping_that_does_not_return() -> None:
    runs = [training(range(8), seed=1), training(range(8), seed=2, silent=("AU12", "AU27"))]
    aus = stability(runs, "conv3").aus.set_index("au")
    assert (aus.loc["AU12", "pairs"], aus.loc["AU12", "returned_au"]) == (1, 0)
    assert aus.loc["AU12", "accepted"] == 1
    assert (aus.loc["AU01", "pairs"], aus.loc["AU01", "returned_unit"]) == (2, 1)


def test_errors() -> None:
    run = training(range(8), seed=1)
    with pytest.raises(CallError, match="1 training: needs two or more"):
        stability([run], "conv3")
    with pytest.raises(CallError, match="no layer 'conv1': it has conv3"):
        stability([run, run], "conv1")
    with pytest.raises(CallError, match="profiles over 2 and 2 action units: needs three"):
        match_units(np.ones((3, 2)), np.ones((3, 2)))
