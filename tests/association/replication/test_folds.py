"""Folds pooled: pairs within a fold only, and an interval over all people."""

import numpy as np
import pandas as pd
import pytest

from facslens.association import associate
from facslens.association.replication.folds import beside, choose_units, fold_table, pool_folds
from facslens.association.sample import make_sample
from facslens.errors import NotEnoughDataError


def folds(rng: np.random.Generator, known: float = 1.5) -> pd.DataFrame:
    """Three folds of eight people; each fold's responses have a level of their own."""
    parts = []
    for fold in range(3):
        label = np.tile([1.0, 0, 0, 1], 8)
        parts.append(
            pd.DataFrame(
                {
                    "fold": fold, "au": "AU12", "layer": "conv3", "unit": fold,
                    "accepted": fold > 0,
                    "subject": [f"S{fold}{i}" for i in np.repeat(range(8), 4)],
                    "expression": ["fear", "fear", "anger", "anger"] * 8,
                    "response": 10 * fold + known * label + rng.normal(size=32), "label": label,
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def test_pairs_are_made_within_a_fold(rng: np.random.Generator) -> None:
    table = folds(rng)
    row = pool_folds(table, seed=0).iloc[0]
    won = made = won_within = made_within = 0.0
    for one in table[table["label"] == 1].itertuples():
        for two in table[table["label"] == 0].itertuples():
            if one.fold == two.fold:
                won, made = won + (one.response > two.response), made + 1
                if one.expression == two.expression:
                    won_within += one.response > two.response
                    made_within += 1
    assert row["auroc"] == pytest.approx(won / made)
    assert row["auroc_within"] == pytest.approx(won_within / made_within)
    assert row["auroc_low"] < row["auroc"] < row["auroc_high"]
    assert row["status"] == row["status_within"] == "confirmed"
    assert row[["folds", "accepted", "n_present", "n_absent", "subjects"]].tolist() == [
        3, 2, 48, 48, 24,
    ]  # fmt: skip
    assert row["n_within"] == 48


def test_the_level_of_a_network_plays_no_part(rng: np.random.Generator) -> None:
    table = folds(rng, known=0.0)
    # Fold 2 answers most and shows the AU most: no pair crosses folds, so nothing comes of it.
    table.loc[(table["fold"] == 2) & (table.index % 8 != 1), "label"] = 1.0
    row = pool_folds(table, seed=0).iloc[0]
    assert row["status"] == "not confirmed"
    assert row["auroc_low"] < 0.5 < row["auroc_high"]


def test_too_little_is_not_enough_data(rng: np.random.Generator) -> None:
    table = folds(rng)
    table["label"] = (table["subject"] == "S01").astype(float)  # one person shows it
    row = pool_folds(table, seed=0).iloc[0]
    assert row["status"] == row["status_within"] == "not enough data"
    assert row[["auroc", "auroc_low", "auroc_within"]].isna().all()
    follows = folds(rng).assign(expression=lambda t: np.where(t["label"] == 1, "fear", "anger"))
    row = pool_folds(follows, seed=0).iloc[0]
    assert (row["status"], row["status_within"], row["n_within"]) == (
        "confirmed", "not enough data", 0,
    )  # fmt: skip
    with pytest.raises(NotEnoughDataError, match="no fold chose a unit"):
        pool_folds(table.iloc[:0], seed=0)


def test_a_fold_chooses_the_best_unit_and_leaves_its_responses(rng: np.random.Generator) -> None:
    labels = (rng.random((60, 2)) < 0.4).astype(float)
    responses = rng.normal(size=(60, 5))
    responses[:, 3] += 3 * labels[:, 0]
    responses[:, 4] -= 3 * labels[:, 0]  # suppressed: no candidate
    chosen = choose_units(
        associate(responses, labels, aus=[12, 27], permutations=99, layer="conv3")
    )
    assert chosen["au"].tolist() == ["AU12", "AU27"]  # the best, accepted or not
    assert chosen.loc[0, ["unit", "accepted"]].tolist() == [3, True]
    assert not chosen.loc[1, "accepted"]
    labels[4, 0] = np.nan
    sample = make_sample(
        responses, labels, subject=np.repeat(["b", "a"], 30), strata=np.tile(["x", "y"], 30)
    )
    table = fold_table(
        chosen, sample, aus=["AU12", "AU27"], people=["a", "b"], expressions=["x", "y"]
    )
    own = table[table["au"] == "AU12"]
    keep = np.arange(60) != 4
    np.testing.assert_array_equal(own["response"], responses[keep, 3])
    assert own["subject"].tolist() == np.repeat(["b", "a"], 30)[keep].tolist()
    assert own["expression"].tolist() == np.tile(["x", "y"], 30)[keep].tolist()
    assert len(table) == 119


def test_untrained_networks_stand_beside_the_trained_one_on_the_same_pairs(
    rng: np.random.Generator,
) -> None:
    def of_fold(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(response=rng.normal(size=len(table)) + table["fold"])

    table = folds(rng)
    others = [of_fold(table), of_fold(table), of_fold(table)]
    others[2] = others[2][others[2]["fold"] != 1]  # it chose no unit in fold 1
    parts = []
    for fold, own in table.groupby("fold"):
        parts.append(beside(own, [other[other["fold"] == fold] for other in others]))
    joined = pd.concat(parts, ignore_index=True)
    np.testing.assert_array_equal(joined["untrained_1"], others[0]["response"])
    assert joined["untrained_3"].isna().sum() == 32
    row = pool_folds(joined, seed=3).iloc[0]
    alone = [pool_folds(other, seed=3).iloc[0]["auroc"] for other in others[:2]]
    assert row["seeds"] == 2
    assert row["auroc_untrained"] == pytest.approx(np.mean(alone))
    assert row["difference"] == pytest.approx(row["auroc"] - np.mean(alone))
    assert row["status_untrained"] == row["status_untrained_within"] == "better"
    plain = pool_folds(table, seed=3).iloc[0]
    assert row[plain.index].equals(plain)  # the trained network's own columns stay


def test_the_interval_of_the_difference_is_paired(rng: np.random.Generator) -> None:
    """A second derivation: subjects drawn one by one, pairs counted one by one."""
    table = folds(rng, known=0.4)
    table["untrained_1"] = table["response"] + rng.normal(size=len(table)) / 4
    row = pool_folds(table, seed=0, resamples=400).iloc[0]

    def share(rows: pd.DataFrame, column: str) -> float:
        won = made = 0.0
        for _, fold in rows.groupby("fold"):
            one = fold.loc[fold["label"] == 1, column].to_numpy()[:, None]
            two = fold.loc[fold["label"] == 0, column].to_numpy()
            won, made = won + (one > two).sum() + (one == two).sum() / 2, made + one.size * two.size
        return won / made

    people = dict(list(table.groupby("subject")))
    draws = []
    for _ in range(400):
        drawn = pd.concat([people[n] for n in rng.choice(list(people), len(people))])
        draws.append(share(drawn, "response") - share(drawn, "untrained_1"))
    low, high = np.quantile(draws, [0.025, 0.975])
    # The ends of two bootstraps of 400 differ by chance, here by a few hundredths of their width.
    assert row["difference_low"] == pytest.approx(low, abs=0.015)
    assert row["difference_high"] == pytest.approx(high, abs=0.015)
    assert row["difference_high"] - row["difference_low"] < row["auroc_high"] - row["auroc_low"]


def test_without_an_untrained_choice_there_is_no_difference(rng: np.random.Generator) -> None:
    row = pool_folds(folds(rng).assign(untrained_1=np.nan), seed=0).iloc[0]
    assert (row["seeds"], row["status"], row["status_untrained"]) == (0, "confirmed", "none")
    assert np.isnan(row["difference"])
