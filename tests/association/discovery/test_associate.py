"""The whole way from arrays to the table: what is there is found, what is not is not."""

import importlib

import numpy as np
import pandas as pd
import pytest

from facslens.association import DISTANCES, Association, associate, concatenate
from facslens.association.discovery.result import COLUMNS
from facslens.errors import CallError, NotEnoughDataError

AUS = ["AU01", "AU06", "AU12", "AU27"]


def planted(rng: np.random.Generator, sequences: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Unit 3 detects AU12, unit 4 is suppressed by it; 0 is dead, 1 constant, 2 and 5 noise."""
    labels = (rng.random((sequences, 4)) < [0.3, 0.4, 0.4, 0.03]).astype(float)
    labels[0] = [1, 1, 1, 1]
    noise = rng.normal(size=(sequences, 6)) + 5
    noise[:, 0] = 0
    noise[:, 1] = 0.1
    noise[:, 3] += 3 * labels[:, 2]
    noise[:, 4] -= 3 * labels[:, 2]
    return noise, labels


@pytest.fixture
def planted_result(rng: np.random.Generator) -> Association:
    responses, labels = planted(rng)
    return associate(responses, labels, aus=AUS, distance="all", permutations=199, layer="conv3")


def test_the_table(planted_result: Association) -> None:
    table = planted_result.table
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 4 * 3 * 7  # live units × eligible AUs × distances
    assert set(table["layer"]) == {"conv3"}
    assert set(table["null"]) == {"free"}
    assert list(table["distance"].unique()) == list(DISTANCES)
    assert not table.isna().any(axis=None)
    np.testing.assert_allclose(table["z"], (table["value"] - table["null_mean"]) / table["null_sd"])
    assert table["p"].between(1 / 200, 1).all()
    # Not so for unsigned distances: there max-T asks for AUROC > ½ too, and p does not.
    auroc = table.query("distance == 'auroc'")
    assert (auroc["p"] <= auroc["p_maxT_au"]).all()
    assert (table["p_maxT_au"] <= table["p_maxT"]).all()
    assert (table["p"] <= table["q"] + 1e-12).all()
    counts = table.groupby("au")[["n_present", "n_absent"]].first()
    assert (counts.sum(axis=1) == 60).all()


def test_what_was_not_tested_is_named(planted_result: Association) -> None:
    assert planted_result.units["status"].tolist() == ["dead", "constant", *["live"] * 4]
    coverage = planted_result.coverage.set_index("au")
    assert coverage["eligible"].tolist() == [True, True, True, False]
    assert "with it, needs 10" in coverage.loc["AU27", "reason"]
    assert coverage.loc["AU12", "name"] == "lip corner puller"
    assert coverage["subjects_present"].isna().all()


@pytest.mark.parametrize("name", DISTANCES)
def test_the_planted_detector_is_found_and_the_suppressed_unit_is_not(
    planted_result: Association, name: str
) -> None:
    table = planted_result.table.query("distance == @name").set_index(["unit", "au"])
    assert table.loc[(3, "AU12"), "p_maxT"] == 1 / 200
    assert table.loc[(4, "AU12"), "p_maxT"] == 1
    if not DISTANCES[name].signed:
        assert table.loc[(4, "AU12"), "p"] == 1 / 200  # far away, and yet no detector
    best = planted_result.mapping(name).query("view == 'au_to_unit' and au == 'AU12'")
    assert best["unit"].tolist() == [3]


def test_a_mean_over_frames_is_what_counts(rng: np.random.Generator) -> None:
    responses, labels = planted(rng)
    repeats = rng.integers(1, 4, len(labels))
    names = np.repeat([f"S{i:03d}" for i in range(len(labels))], repeats)
    frames = np.repeat(responses, repeats, axis=0)
    frames[:, 3] += rng.normal(size=len(frames)) * 0.1
    order = rng.permutation(len(names))
    result = associate(
        frames[order],
        np.repeat(labels, repeats, axis=0)[order],
        sequence=names[order],
        aus=AUS,
        permutations=50,
    )
    assert result.units["status"].tolist() == ["dead", "constant", *["live"] * 4]
    means = pd.DataFrame(frames).groupby(names).mean().to_numpy(copy=True)
    means[:, 1] = 0.1
    by_hand = associate(means, labels, aus=AUS, permutations=50)
    pd.testing.assert_frame_equal(result.table, by_hand.table, rtol=1e-4)
    pd.testing.assert_frame_equal(result.effects, by_hand.effects)


def test_blocks_of_units_change_nothing(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses, labels = planted(rng)
    whole = associate(responses, labels, permutations=50, distance=["js", "auroc"])
    module = importlib.import_module("facslens.association.discovery.associate")
    monkeypatch.setattr(module, "_NULL_VALUES_AT_ONCE", 1)  # one unit at a time
    steps: list[tuple[int, int]] = []
    single = associate(
        responses,
        labels,
        permutations=50,
        distance=["js", "auroc"],
        progress=lambda done, of: steps.append((done, of)),
    )
    # Matrix products may round differently in other shapes.
    pd.testing.assert_frame_equal(single.table, whole.table, rtol=1e-5)
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_unknown_labels_take_no_part(rng: np.random.Generator) -> None:
    responses, labels = planted(rng, 80)
    labels[rng.random(80) < 0.2] = np.nan  # no file for these faces
    labels[rng.random(80) < 0.1, 2] = np.nan  # AU12 not scored for those
    result = associate(responses, labels, aus=AUS, distance="all", permutations=99)
    coverage = result.coverage.set_index("au")
    assert coverage.loc["AU12", "n_absent"] == (labels[:, 2] == 0).sum()
    assert (coverage["n_present"] + coverage["n_absent"] < 80).all()
    # A row with one unknown label is still permuted; one that knows nothing is not.
    assert result.nulls["sequences"].tolist() == [(~np.isnan(labels[:, :3]).all(axis=1)).sum()]
    assert result.nulls["sequences"].item() > (~np.isnan(labels).any(axis=1)).sum()
    assert result.table.query("unit == 3 and au == 'AU12'")["p_maxT"].max() == 1 / 100
    assert not result.table.isna().any(axis=None)


def test_strata_ask_what_is_known_beyond_them(rng: np.random.Generator) -> None:
    expression = np.repeat(["anger", "happiness", "surprise"], 40)
    happy = expression == "happiness"
    labels = (rng.random((120, 1)) < np.where(happy, 0.8, 0.1)[:, None]).astype(float)
    responses = rng.normal(size=(120, 2))
    responses[:, 0] += 3 * happy  # a detector of the expression
    responses[:, 1] += 3 * labels[:, 0]  # a detector of the AU
    free = associate(responses, labels, permutations=199)
    within = associate(responses, labels, strata=expression, permutations=199)
    assert set(within.table["null"]) == {"within_expression"}
    assert (free.table["p_maxT"] == 1 / 200).all()
    assert within.table["p_maxT"][0] > 0.05
    assert within.table["p_maxT"][1] == 1 / 200
    np.testing.assert_array_equal(within.table["value"], free.table["value"])
    both = concatenate([free, within])
    assert both.mapping().query("view == 'au_to_unit'")["unit"].tolist() == [1, 0]
    conditional = both.mapping(null="within_expression").query("view == 'au_to_unit'")
    assert conditional["unit"].tolist() == [1]


def test_few_arrangements_are_counted_exactly() -> None:
    responses, labels = np.arange(6.0)[:, None], np.array([[0], [0], [0], [0], [1], [1]])
    result = associate(responses, labels, distance="auroc", min_present=2)
    assert result.nulls["permutations"].tolist() == [14]  # 6 choose 2, less the one observed
    assert result.table["p"].tolist() == [1 / 15]
    assert result.table["p_maxT"].tolist() == [1 / 15]


def test_subjects_must_suffice(rng: np.random.Generator) -> None:
    responses, labels = planted(rng)
    subject = np.arange(60) // 15  # four of them
    with pytest.raises(NotEnoughDataError, match=r"no action unit has enough faces .* needs 5"):
        associate(responses, labels, subject=subject, aus=AUS)
    result = associate(responses, labels, subject=subject, aus=AUS, min_subjects=4, permutations=9)
    assert result.coverage["subjects_absent"].tolist() == [4, 4, 4, 4]


def test_order_of_images_and_seed(rng: np.random.Generator) -> None:
    responses, labels = planted(rng)
    names = [f"S{i:02d}" for i in range(60)]
    order = rng.permutation(60)
    one = associate(responses, labels, sequence=names, permutations=50)
    two = associate(
        responses[order], labels[order], sequence=[names[i] for i in order], permutations=50
    )
    other = associate(responses, labels, sequence=names, permutations=50, seed=1)
    pd.testing.assert_frame_equal(one.table, two.table)
    assert not one.table["null_mean"].equals(other.table["null_mean"])
    assert one.table["value"].equals(other.table["value"])


def test_layers_are_joined(rng: np.random.Generator) -> None:
    responses, labels = planted(rng)
    parts = [
        associate(responses, labels, layer=layer, permutations=9) for layer in ("conv1", "conv2")
    ]
    joined = concatenate(parts)
    assert joined.table["layer"].unique().tolist() == ["conv1", "conv2"]
    assert len(joined.units) == 12
    assert len(joined.coverage) == 4
    with pytest.raises(CallError, match="hold layer 'conv1', null 'free', distance 'kl' twice"):
        concatenate([parts[0], parts[0]])
    with pytest.raises(CallError, match="differ in coverage"):
        concatenate([parts[0], associate(responses, 1 - labels, layer="conv3", permutations=9)])
    with pytest.raises(CallError, match="associations is empty"):
        concatenate([])


def test_names_of_units_and_labels(rng: np.random.Generator) -> None:
    responses, labels = planted(rng)
    frame = pd.DataFrame(labels, columns=["1", "au6", "AU_12", "AU 27"])
    result = associate(responses, frame, units=[10, 11, 12, 13, 14, 15], permutations=9)
    assert result.table["unit"].unique().tolist() == [12, 13, 14, 15]
    assert result.coverage["au"].tolist() == AUS
    with pytest.raises(CallError, match="units has 5 different numbers for 6 columns"):
        associate(responses, labels, units=[1, 1, 2, 3, 4, 5])


def test_errors(rng: np.random.Generator) -> None:
    responses, labels = planted(rng)
    with pytest.raises(CallError, match="distance 'emd' is not known"):
        associate(responses, labels, distance="emd")
    with pytest.raises(CallError, match="permutations is 0: needs at least 1"):
        associate(responses, labels, permutations=0)
    with pytest.raises(CallError, match="labels has no column with both 0 and 1"):
        associate(responses, np.ones((60, 2)))
    with pytest.raises(CallError, match="labels has 59 rows and responses 60"):
        associate(responses, labels[1:])
    with pytest.raises(
        NotEnoughDataError, match="no unit of 'conv1' is live: all 2 respond equally"
    ):
        associate(responses[:, :2], labels, layer="conv1")


def test_within_subject_keeps_what_belongs_to_the_person(rng: np.random.Generator) -> None:
    subject = np.repeat(np.arange(30), 4)
    person = rng.normal(size=30)
    chance = 1 / (1 + np.exp(-3 * person))[subject]  # who shows it, and how the person looks
    labels = (rng.random((120, 1)) < chance[:, None]).astype(float)
    responses = rng.normal(size=(120, 2)) + np.stack([2 * person[subject], 3 * labels[:, 0]], 1)
    free = associate(responses, labels, subject=subject, permutations=199)
    within = associate(responses, labels, subject=subject, permutations=199, within_subject=True)
    assert set(within.table["null"]) == {"within_subject"}
    assert (free.table["p_maxT"] == 1 / 200).all()
    assert within.table["p_maxT"][0] > 0.05
    assert within.table["p_maxT"][1] == 1 / 200
    moving = [s for s in range(30) if 0 < labels[subject == s].sum() < 4]
    assert within.nulls["movable"].tolist() == [4 * len(moving)]
    assert free.nulls["movable"].tolist() == [120]
    both = associate(
        responses, labels, subject=subject, strata=np.arange(120) % 2, permutations=99,
        within_subject=True,
    )  # fmt: skip
    assert set(both.table["null"]) == {"within_expression_and_subject"}
    with pytest.raises(CallError, match="within_subject is true, but subject is missing"):
        associate(responses, labels, within_subject=True)


def test_effects_of_every_pair(planted_result: Association) -> None:
    responses, labels = planted(np.random.default_rng(20190409))  # as the fixture has them
    strata = np.arange(60) % 3
    within = associate(responses, labels, aus=AUS, strata=strata, permutations=9, layer="conv3")
    both = concatenate([planted_result, within])
    assert len(both.effects) == len(within.effects)
    row = both.effects.set_index(["unit", "au"]).loc[(3, "AU12")]
    assert row["auroc"] == pytest.approx(planted_result.effects["auroc"].max())
    assert row["auroc_within"] > 0.9
    assert row["n_within"] == sum(
        min(labels[strata == s, 2].sum(), (1 - labels[strata == s, 2]).sum()) for s in range(3)
    )
    said = responses[:, 3] >= row["threshold"]
    assert row["f1"] == pytest.approx(2 * labels[said, 2].sum() / (said.sum() + labels[:, 2].sum()))
    mapped = both.mapping("kl").query("view == 'au_to_unit' and au == 'AU12'").iloc[0]
    assert (
        mapped["p_maxT_within"] == within.table.query("unit == 3 and au == 'AU12'")["p_maxT"].item()
    )
    assert mapped["n_within"] == row["n_within"]
    assert both.nulls["null"].tolist() == ["free", "within_expression"]
    alone = planted_result.mapping("kl")
    assert alone[["p_maxT_within", "auroc_within", "n_within"]].isna().all(axis=None)


def test_an_au_of_one_person_is_named_and_the_others_are_tested(rng: np.random.Generator) -> None:
    responses, labels = planted(rng, 80)
    subject = np.arange(80) // 4
    labels[:, 1] = subject == 3
    result = associate(responses, labels, subject=subject, aus=AUS, min_present=4, permutations=19)
    coverage = result.coverage.set_index("au")
    assert coverage.loc["AU06", "reason"] == "1 subject with it, needs 5"
    assert "AU06" not in set(result.table["au"])
    assert "AU12" in set(result.table["au"])


@pytest.mark.parametrize(("rarer", "enough"), [(9, False), (10, True)])
def test_an_effect_within_strata_needs_ten_sequences(
    rarer: int, enough: bool, rng: np.random.Generator
) -> None:
    labels = np.zeros((60, 1))
    labels[:rarer] = labels[30:] = 1  # the second stratum all show it
    result = associate(rng.normal(size=(60, 2)), labels, strata=np.arange(60) // 30, permutations=9)
    assert result.effects["n_within"].tolist() == [rarer, rarer]
    assert result.effects["auroc_within"].notna().tolist() == [enough, enough]


def test_a_stratum_with_one_sequence_stays_in_place(rng: np.random.Generator) -> None:
    responses, labels = planted(rng)
    strata = np.where(np.arange(60) == 7, "contempt", "happiness")
    result = associate(responses, labels, strata=strata, permutations=19)
    assert result.nulls["movable"].tolist() == [59]
    assert not result.table.isna().any(axis=None)


def test_an_au_that_follows_its_stratum_cannot_be_tested_there(rng: np.random.Generator) -> None:
    responses, labels = planted(rng)
    strata = labels[:, 1]  # AU06 is the expression
    result = associate(responses, labels, aus=AUS, strata=strata, distance="all", permutations=19)
    of_au = result.table.query("au == 'AU06'")
    assert of_au[["z", "p", "p_maxT_au", "p_maxT", "q"]].isna().all(axis=None)
    assert of_au["value"].notna().all()
    assert result.table.query("au != 'AU06'").notna().all(axis=None)
    effects = result.effects.query("au == 'AU06'")
    assert (effects["n_within"] == 0).all()
    assert effects["auroc_within"].isna().all()
    with pytest.raises(NotEnoughDataError, match="in every row of each stratum"):
        associate(responses, labels[:, 1:2], strata=strata)


def test_few_arrangements_say_what_no_p_can_fall_below(rng: np.random.Generator) -> None:
    labels = np.array([[1.0]] * 2 + [[0.0]] * 4)
    result = associate(rng.normal(size=(6, 3)), labels, distance="auroc", min_present=2)
    assert result.nulls[["permutations", "exact"]].to_numpy().tolist() == [[14, True]]
    assert result.nulls["smallest_p"].item() == pytest.approx(1 / 15)
    assert (result.table["p"] >= 1 / 15).all()
    assert result.mapping()["unit"].isna().any()  # nothing can be accepted: "none"
    drawn = associate(
        rng.normal(size=(6, 3)), labels, distance="auroc", min_present=2, permutations=14
    )
    assert drawn.nulls["exact"].tolist() == [False]


def test_everything_equal_or_unknown_is_said(rng: np.random.Generator) -> None:
    responses, labels = planted(rng)
    labels[:, 0] = 1
    labels[:, 1] = np.nan
    labels[:10, 2] = np.nan
    result = associate(responses, labels, aus=AUS, permutations=9)
    coverage = result.coverage.set_index("au")
    assert coverage.loc["AU01", "reason"] == "0 sequences without it, needs 1"
    assert coverage.loc["AU06", "reason"].startswith("0 sequences with it, needs 10")
    assert set(result.table["au"]) == {"AU12"}
    assert result.nulls["sequences"].tolist() == [50]  # ten know nothing of AU12
