"""Chosen pairs on other people: the interval, and the words for it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from facslens.association import confirm
from facslens.errors import CallError


def mapping(*pairs: tuple[int | None, str | None], layer: str = "conv3") -> pd.DataFrame:
    frame = pd.DataFrame(pairs, columns=["unit", "au"]).assign(layer=layer, view="au_to_unit")
    return frame.astype({"unit": "Int64", "au": "string"})


def people(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Twelve subjects of four sequences; unit 0 detects AU12, unit 1 nothing; AU27 is rare."""
    subject = np.repeat(np.arange(12), 4)
    labels = np.stack([rng.random(48) < 0.5, (subject < 3) & (rng.random(48) < 0.5)], 1)
    labels[0] = [True, True]
    responses = rng.normal(size=(48, 2))
    responses[:, 0] += 1.5 * labels[:, 0]
    return responses, labels.astype(float), subject


def test_the_words(rng: np.random.Generator) -> None:
    responses, labels, subject = people(rng)
    chosen = mapping((0, "AU12"), (1, "AU12"), (0, "AU27"), (None, "AU06"), (2, None))
    got = confirm(chosen, responses, labels, subject=subject, aus=["AU12", "AU27"])
    assert got["status"].tolist() == [
        "confirmed", "not confirmed", "not enough data", "none", "none",
    ]  # fmt: skip
    assert got["confirmable"].tolist() == [True, True, False, False, False]
    assert got["n_test_present"].tolist()[:2] == [labels[:, 0].sum()] * 2
    assert got.loc[0, "auroc_test_low"] > 0.5
    interval = got.loc[:1, ["auroc_test_low", "auroc_test", "auroc_test_high"]].to_numpy()
    assert (np.diff(interval, axis=1) > 0).all()
    assert np.isfinite(got.loc[2, "auroc_test"])
    assert np.isnan(got.loc[2, "auroc_test_low"])
    p, q = responses[labels[:, 0] == 1, 0], responses[labels[:, 0] == 0, 0]
    expected = stats.mannwhitneyu(p, q).statistic / (len(p) * len(q))
    assert got.loc[0, "auroc_test"] == pytest.approx(expected)


def test_the_interval_covers(rng: np.random.Generator) -> None:
    """Responses that say nothing have a true AUROC of ½; 95 % intervals over people cover it."""
    covered = 0
    for repeat in range(100):
        subject = np.repeat(np.arange(24), 3)
        labels = (rng.random((72, 1)) < 0.4).astype(float)
        person = rng.normal(size=(24, 1))[subject]  # sequences of a person are alike
        responses = rng.normal(size=(72, 1)) + person
        got = confirm(
            mapping((0, "AU12")), responses, labels, subject=subject, aus=[12], resamples=200,
            seed=repeat,
        )  # fmt: skip
        covered += got.loc[0, "auroc_test_low"] <= 0.5 <= got.loc[0, "auroc_test_high"]
    # Percentile intervals of 24 people cover a little less than 95 %.
    assert 84 <= covered <= 100


def test_order_of_images_and_pairs_plays_no_part(rng: np.random.Generator) -> None:
    responses, labels, subject = people(rng)
    sequence = np.arange(48)
    order = rng.permutation(48)
    one = confirm(
        mapping((0, "AU12"), (1, "AU12")), responses, labels, subject=subject,
        sequence=sequence, aus=[12, 27],
    )  # fmt: skip
    two = confirm(
        mapping((1, "AU12"), (0, "AU12")), responses[order], labels[order], subject=subject[order],
        sequence=sequence[order], aus=[12, 27],
    )  # fmt: skip
    pd.testing.assert_frame_equal(one, two[::-1].reset_index(drop=True))


def test_layers_and_no_pairs_at_all(rng: np.random.Generator) -> None:
    responses, labels, subject = people(rng)
    frame = pd.DataFrame(labels, columns=["AU12", "AU27"])
    both = pd.concat([mapping((0, "AU12")), mapping((0, "AU12"), layer="conv1")])
    layers = {"conv3": responses, "conv1": -responses}
    got = confirm(both, layers, frame, subject=subject)
    assert got["auroc_test"].sum() == pytest.approx(1)
    nothing = confirm(mapping((None, "AU12")), responses, frame, subject=subject)
    assert nothing["status"].tolist() == ["none"]
    assert nothing.dtypes.to_dict() == got.dtypes.to_dict()


def test_unknown_labels_and_sequences(rng: np.random.Generator) -> None:
    responses, labels, subject = people(rng)
    twice, frames = np.repeat(np.arange(48), 2), np.repeat(responses, 2, axis=0)
    unknown = labels.copy()
    unknown[5] = np.nan
    known = np.arange(48) != 5
    chosen = mapping((0, "AU12"))
    got = confirm(
        chosen, frames, unknown[twice], sequence=twice, subject=subject[twice], aus=[12, 27]
    )
    want = confirm(chosen, responses[known], labels[known], subject=subject[known], aus=[12, 27])
    pd.testing.assert_frame_equal(got, want)


def test_a_unit_that_is_constant_here_has_no_interval(rng: np.random.Generator) -> None:
    responses, labels, subject = people(rng)
    responses[:, 0] = 0
    got = confirm(mapping((0, "AU12")), responses, labels, subject=subject, aus=[12, 27])
    assert got.filter(like="auroc").isna().all(axis=None)
    assert got["status"].tolist() == ["not confirmed"]


def test_errors(rng: np.random.Generator) -> None:
    responses, labels, subject = people(rng)
    chosen, aus = mapping((0, "AU12")), ["AU12", "AU27"]
    with pytest.raises(CallError, match="resamples is 0: needs at least 1"):
        confirm(chosen, responses, labels, subject=subject, aus=aus, resamples=0)
    with pytest.raises(CallError, match="level is 95"):
        confirm(chosen, responses, labels, subject=subject, aus=aus, level=95.0)
    with pytest.raises(CallError, match="labels has no column for AU12, which the mapping names"):
        confirm(chosen, responses, labels, subject=subject, aus=["AU01", "AU27"])
    with pytest.raises(CallError, match=r"responses has 2 units for layer 'conv3', but .* unit 7"):
        confirm(mapping((7, "AU12")), responses, labels, subject=subject, aus=aus)
    with pytest.raises(CallError, match="responses lacks the layer 'conv3'"):
        confirm(chosen, {"conv1": responses}, labels, subject=subject, aus=aus)
    both = pd.concat([chosen, mapping((0, "AU12"), layer="conv1")])
    with pytest.raises(CallError, match="responses is one array, but the mapping has the layers"):
        confirm(both, responses, labels, subject=subject, aus=aus)


def test_effects_beside_auroc_are_measured_too(rng: np.random.Generator) -> None:
    responses, labels, subject = people(rng)
    chosen = mapping((0, "AU12"), (1, "AU12")).assign(threshold=[0.8, np.nan])
    got = confirm(chosen, responses, labels, subject=subject, aus=[12, 27])
    label = labels[:, 0]
    said = responses[:, 0] >= 0.8
    f1 = 2 * np.sum(said & (label == 1)) / (said.sum() + label.sum())
    assert got.loc[0, "f1_test"] == pytest.approx(f1)
    assert np.isnan(got.loc[1, "f1_test"])  # discovery chose no threshold
    pearson = stats.pearsonr(responses[:, 0], label).statistic
    assert got.loc[0, "pearson_test"] == pytest.approx(pearson)
    precision = [label[responses[:, 0] >= r].mean() for r in responses[label == 1, 0]]
    assert got.loc[0, "auprc_test"] == pytest.approx(np.mean(precision))
    for effect in ("auprc", "pearson", "f1"):
        low, value, high = got.loc[
            0, [f"{effect}_test_low", f"{effect}_test", f"{effect}_test_high"]
        ]
        assert low < value < high
    assert got["n_test_subjects"].tolist() == [12, 12]
    assert got["n_undefined"].tolist() == [0, 0]


def test_a_detector_of_the_expression_is_none_within_it(rng: np.random.Generator) -> None:
    subject = np.repeat(np.arange(20), 4)
    happy = np.tile([True, True, False, False], 20)
    labels = (rng.random(80) < np.where(happy, 0.7, 0.3)).astype(float)[:, None]
    responses = np.stack([4 * happy, 4 * labels[:, 0]], 1) + rng.normal(size=(80, 2))
    chosen = mapping((0, "AU12"), (1, "AU12"))
    words = np.where(happy, "happiness", "fear")
    got = confirm(chosen, responses, labels, subject=subject, strata=words, aus=[12])
    assert got["status"].tolist() == ["confirmed", "confirmed"]
    assert got["status_within"].tolist() == ["not confirmed", "confirmed"]
    rarer = sum(min(labels[h].sum(), (1 - labels[h]).sum()) for h in (happy, ~happy))
    assert got["n_within_test"].tolist() == [rarer, rarer]
    assert got.loc[0, "auroc_within_test"] == pytest.approx(0.5, abs=0.15)
    assert got.loc[1, "auroc_within_test_low"] > 0.9

    few = confirm(chosen, responses, labels, subject=subject, strata=words, aus=[12], min_within=50)
    assert few["status_within"].tolist() == ["not enough data"] * 2
    assert few["n_within_test"].tolist() == [rarer, rarer]
    assert few.filter(like="auroc_within").isna().all(axis=None)
    without = confirm(chosen, responses, labels, subject=subject, aus=[12])
    assert without["status_within"].tolist() == ["not enough data"] * 2
    assert without["n_within_test"].isna().all()


def test_a_unit_that_only_one_person_excites_has_correlations_left_out(
    rng: np.random.Generator,
) -> None:
    responses, labels, subject = people(rng)
    responses[:, 0] = (subject == 3) * 2.0
    got = confirm(mapping((0, "AU12")), responses, labels, subject=subject, aus=[12, 27])
    # (11/12)¹² of the 2,000 resamples, 704, lack that person; standard deviation 21.
    assert got.loc[0, "n_undefined"] == pytest.approx(704, abs=85)
    assert got.filter(like="pearson").notna().all(axis=None)


def test_as_many_as_are_needed_are_enough(rng: np.random.Generator) -> None:
    responses, labels, subject = people(rng)
    own, strata = mapping((0, "AU12")), np.arange(48) % 2
    shown = len(np.unique(subject[labels[:, 0] == 1]))
    rarer = sum(
        min(part.sum(), len(part) - part.sum())
        for part in (labels[strata == s, 0] for s in (0, 1))
    )  # fmt: skip

    def found(min_subjects: int, min_within: float) -> list[bool]:
        got = confirm(
            own, responses, labels, subject=subject, strata=strata, aus=[12, 27], resamples=20,
            min_subjects=min_subjects, min_within=int(min_within),
        ).iloc[0]  # fmt: skip
        return [got["status"] != "not enough data", got["status_within"] != "not enough data"]

    assert found(shown, rarer) == [True, True]
    assert found(shown, rarer + 1) == [True, False]
    assert found(shown + 1, rarer) == [False, False]


def test_a_response_at_the_threshold_says_present(rng: np.random.Generator) -> None:
    responses, labels, subject = people(rng)
    responses[:, 0] = labels[:, 0]
    got = confirm(
        mapping((0, "AU12")).assign(threshold=1.0), responses, labels, subject=subject,
        aus=[12, 27], resamples=20,
    )  # fmt: skip
    assert got.loc[0, "f1_test"] == 1
