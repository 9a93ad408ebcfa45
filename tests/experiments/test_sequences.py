"""From neutral to peak: against rows written out and fitted anew, and on planted effects."""

import numpy as np
import pandas as pd
import pytest

from facslens.errors import CallError
from facslens.experiments.absolute import resampled
from facslens.experiments.effects import EFFECTS
from facslens.experiments.sequences import RIDGE, SEQUENCES, sequences

EXPRESSIONS = ("anger", "happiness", "surprise")
AUS = ("AU06", "AU12", "AU17")
SUBJECTS = 20


def faces(rng, together=0.9):
    """Four sequences a subject, two peak frames each; AU06 mostly comes with AU12."""
    found = []
    for subject in range(SUBJECTS):
        for number in range(4):
            smile = rng.random() < 0.5
            shown = {"AU12": smile, "AU06": smile == (rng.random() < together)}
            shown["AU17"] = rng.random() < 0.4
            base = {"subject": f"S{subject:02d}", "sequence": f"S{subject:02d}_{number}"}
            found.append(base | {"neutral": True} | dict.fromkeys(AUS, 0.0))
            found += [base | {"neutral": False} | {au: float(on) for au, on in shown.items()}] * 2
    table = pd.DataFrame(found)
    return table.drop(columns="neutral"), table["neutral"].to_numpy()


def said(table, rng, noise=0.3):
    """AU12 raises happiness by 3 logits, AU17 anger by 1, AU06 nothing; subjects differ."""
    level = rng.normal(size=(SUBJECTS, 3))[table["subject"].str[1:].astype(int)]
    logits = level + noise * rng.normal(size=(len(table), 3))
    logits[:, 1] += 3 * table["AU12"].fillna(0)
    logits[:, 0] += table["AU17"].fillna(0)
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def drawn(**changes):
    """On drawn faces: the change of happiness by action unit, ±0.5."""
    rows = [
        {"au": au, "grade": grade, "expression": "happiness", "logit": value,
         "logit_low": value - 0.5, "logit_high": value + 0.5}
        for au, value in changes.items() for grade in ("C", "E")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(EFFECTS))


@pytest.fixture
def made(rng):
    table, neutral = faces(rng)
    return table, said(table, rng), neutral


def written_out(table, probability, neutral, expression):
    """One row a sequence: subject, presence, and the change of the centred log-probability."""
    logs = np.log(probability)
    c = logs[:, expression] - logs.mean(axis=1)
    rows = []
    for name in sorted(table["sequence"].unique()):
        own = (table["sequence"] == name).to_numpy()
        first = table[own & ~neutral].iloc[0]
        rows.append((int(first["subject"][1:]), [first[au] for au in AUS],
                     c[own & ~neutral].mean() - c[own & neutral].mean()))  # fmt: skip
    subject, present, change = zip(*rows, strict=True)
    return np.array(subject), np.array(present), np.array(change)


def fitted(present, change, ridge=0.0):
    """By rows added to the design, one a coefficient, instead of the normal equations."""
    design = np.column_stack([np.ones(len(present)), present])
    more = np.sqrt(ridge) * np.eye(design.shape[1])[1:]
    design = np.vstack([design, more])
    return np.linalg.lstsq(design, np.append(change, np.zeros(len(more))), rcond=None)[0][1:]


def test_changes_agree_with_rows_written_out(made):
    table, probability, neutral = made
    order = np.random.default_rng(5).permutation(len(table))  # frames in any order
    table, probability, neutral = table.iloc[order], probability[order], neutral[order]
    found = sequences(table, probability, neutral, EXPRESSIONS, AUS, drawn())
    assert list(found.columns) == list(SEQUENCES)
    assert found[["au", "expression"]].apply(tuple, axis=1).tolist() == [
        (au, expression) for au in AUS for expression in EXPRESSIONS
    ]
    draws = resampled(SUBJECTS, 0)
    for e, expression in enumerate(EXPRESSIONS):
        subject, present, change = written_out(table, probability, neutral, e)
        again = [np.repeat(np.arange(len(subject)), draw[subject]) for draw in draws]
        partial = np.array([fitted(present[rows], change[rows]) for rows in again[:300]])
        own = found[found["expression"] == expression].reset_index(drop=True)
        np.testing.assert_allclose(own["partial"], fitted(present, change), atol=1e-9)
        for a in range(len(AUS)):
            on = present[:, a] == 1
            assert own["n_present"][a] == on.sum()
            assert own["n_absent"][a] == (~on).sum()
            assert own["change"][a] == pytest.approx(change[on].mean() - change[~on].mean())
            raw = [change[rows][on[rows]].mean() - change[rows][~on[rows]].mean() for rows in again]
            ends = np.quantile(raw, [0.025, 0.975])
            assert [own["change_low"][a], own["change_high"][a]] == pytest.approx(ends)
            # 300 of 2,000 resamples: the ends agree but for their own spread
            ends = np.quantile(partial[:, a], [0.025, 0.975])
            width = own["partial_high"][a] - own["partial_low"][a]
            assert own["partial_low"][a] == pytest.approx(ends[0], abs=0.25 * width)
            assert own["partial_high"][a] == pytest.approx(ends[1], abs=0.25 * width)
    assert (found["n_subjects"] == SUBJECTS).all()
    assert (found["ridge"] == 0).all()


def test_what_only_comes_along_moves_nothing_by_itself(made):
    table, probability, neutral = made
    effects = drawn(AU06=1.0, AU12=2.0, AU17=-0.2)
    found = sequences(table, probability, neutral, EXPRESSIONS, AUS, effects)
    happy = found[found["expression"] == "happiness"].set_index("au")
    # centred over three expressions, two thirds of what is planted on one
    assert happy.loc["AU12", "partial"] == pytest.approx(2.0, abs=0.25)
    assert happy.loc["AU06", "change"] > 1  # in company
    assert happy.loc["AU06", "partial_low"] < 0 < happy.loc["AU06", "partial_high"]
    assert happy["drawn"].to_dict() == {"AU06": 1.0, "AU12": 2.0, "AU17": -0.2}
    assert happy.loc["AU12", "same"]
    assert pd.isna(happy.loc["AU06", "same"])  # real faces do not say
    assert pd.isna(happy.loc["AU17", "same"])  # drawn faces do not say
    other = sequences(table, probability, neutral, EXPRESSIONS, AUS, drawn(AU12=-2.0))
    other = other.set_index(["au", "expression"])
    assert not other.loc[("AU12", "happiness"), "same"]
    assert other.loc[("AU06", "happiness"), ["drawn", "same"]].isna().all()


def test_codes_that_determine_one_another_take_a_penalty(rng):
    table, neutral = faces(rng, together=1.0)
    probability = said(table, rng)
    found = sequences(table, probability, neutral, EXPRESSIONS, AUS, drawn())
    happy = found[found["expression"] == "happiness"].set_index("au")
    assert (happy["ridge"] == RIDGE).all()
    _, present, change = written_out(table, probability, neutral, 1)
    np.testing.assert_allclose(happy["partial"], fitted(present, change, RIDGE), atol=1e-9)
    assert happy.loc["AU06", "partial"] == pytest.approx(happy.loc["AU12", "partial"])  # shared


def test_few_subjects_and_unknown_codes(made):
    table, probability, neutral = made
    few = table["AU17"].where(table["subject"] < "S04", 0.0)
    found = sequences(table.assign(AU17=few), probability, neutral, EXPRESSIONS, AUS, drawn())
    assert found["au"].unique().tolist() == ["AU06", "AU12"]  # four subjects are too few
    unknown = table["AU06"].where(table["subject"] > "S01")
    found = sequences(
        table.assign(AU06=unknown), probability, neutral, EXPRESSIONS, AUS, drawn()
    ).set_index(["au", "expression"])
    assert found.loc[("AU06", "anger"), ["n_present", "n_absent"]].sum() == 4 * (SUBJECTS - 2)
    assert found.loc[("AU12", "anger"), ["n_present", "n_absent"]].sum() == 4 * SUBJECTS
    kept = (table["subject"] > "S01").to_numpy()  # the partial change is of those with all codes
    alone = sequences(
        table[kept].reset_index(drop=True), probability[kept], neutral[kept], EXPRESSIONS, AUS,
        drawn(),
    ).set_index(["au", "expression"])  # fmt: skip
    np.testing.assert_allclose(found["partial"], alone["partial"], atol=1e-12)


def test_without_neutral_frames_there_are_no_rows(made):
    table, probability, neutral = made
    for none in (neutral & False, neutral | True):
        found = sequences(table, probability, none, EXPRESSIONS, AUS, drawn())
        assert (len(found), list(found.columns)) == (0, list(SEQUENCES))
    unnamed = table.assign(sequence=None)
    assert sequences(unnamed, probability, neutral, EXPRESSIONS, AUS, drawn()).empty
    unknown = table.assign(**dict.fromkeys(AUS, np.nan))
    assert sequences(unknown, probability, neutral, EXPRESSIONS, AUS, drawn()).empty


def test_a_probability_of_0_is_the_smallest_number(made):
    table, probability, neutral = made
    probability = probability.astype(np.float32)
    probability[7] = [1.0, 0.0, 0.0]
    found = sequences(table, probability, neutral, EXPRESSIONS, AUS, drawn())
    numbers = found[["change", "partial", "partial_low", "partial_high"]].to_numpy()
    assert np.isfinite(numbers).all()


def test_numbers_that_are_missing_are_one_sentence(made):
    table, probability, neutral = made
    probability[3, 0] = np.nan
    with pytest.raises(CallError, match="expected a number for each of 240 images and 3"):
        sequences(table, probability, neutral, EXPRESSIONS, AUS, drawn())
