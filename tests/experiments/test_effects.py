"""What an action unit does to the expression: against loops over people, and on known effects."""

import itertools

import numpy as np
import pandas as pd
import pytest

from facslens.errors import CallError
from facslens.experiments.absolute import resampled
from facslens.experiments.effects import agreement, centred, effects, members

EXPRESSIONS = ("anger", "happiness", "surprise")
PROTOTYPES = {"happiness": ("AU06", "AU12"), "surprise": ("AU26",), "fear": ("AU01", "AU26")}
AUS = ("AU06", "AU12", "AU26")


def rows(people=12, settings=2):
    found = []
    for person, setting in itertools.product(range(people), range(settings)):
        base = {"person": f"P{person:02d}", "setting": setting, "side": "", "grade": "", "aus": ""}
        base["half"] = "choosing" if person % 2 else "measuring"
        found.append(base | {"kind": "rest"})
        for au in AUS:
            grades = ("C", "D", "E") if person < 6 else ("C", "E")
            found += [base | {"kind": "alone", "aus": au, "grade": grade} for grade in grades]
        if person < 6:
            whole = base | {"kind": "together", "grade": "D"}
            found += [whole | {"aus": "AU06 AU12"}, whole | {"aus": "AU26"}]
            found += [whole | {"kind": "without", "aus": au} for au in ("AU06", "AU12")]
    return pd.DataFrame(found)


def answers(table, rng, noise=0.5):
    """AU12 makes happiness by 3 at E, AU26 surprise by 2, AU06 nothing; people differ strongly."""
    strength = {"": 0.0, "C": 0.6, "D": 0.8, "E": 1.0}
    person = table["person"].str[1:].astype(int).to_numpy()
    level = rng.normal(size=(12, 3))[person] * 2
    own = np.zeros((len(table), 3))
    for row, (aus, grade) in enumerate(zip(table["aus"], table["grade"], strict=True)):
        own[row, 1] = 3 * strength[grade] * ("AU12" in aus)
        own[row, 2] = 2 * strength[grade] * ("AU26" in aus)
    constant = rng.normal(size=(len(table), 1)) * 9  # which no probability depends on
    return level + own + constant + noise * rng.normal(size=(len(table), 3))


@pytest.fixture
def made(rng):
    table = rows()
    return table, answers(table, rng)


def probability(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def test_effects_agree_with_loops_over_people(made):
    table, logits = made
    found = effects(table, logits, EXPRESSIONS, PROTOTYPES)
    key = ["person", "setting", "kind", "aus", "grade"]
    place = {tuple(row): i for i, row in enumerate(table[key].itertuples(index=False, name=None))}
    draws = resampled(12, 0)
    for row in found.to_dict("records"):
        e = EXPRESSIONS.index(row["expression"])
        changes = {}
        # in the order of the halves: choosing people first
        for person in sorted(table["person"].unique(), key=lambda p: (int(p[1:]) % 2 == 0, p)):
            one = []
            for setting in range(2):
                shown = place.get((person, setting, "alone", row["au"], row["grade"]))
                rest = place[person, setting, "rest", "", ""]
                if shown is not None:
                    one.append([
                        (logits[shown, e] - logits[shown].mean())
                        - (logits[rest, e] - logits[rest].mean()),
                        probability(logits[shown])[e] - probability(logits[rest])[e],
                    ])  # fmt: skip
            changes[person] = np.mean(one, axis=0) if one else None
        known = [change for change in changes.values() if change is not None]
        assert row["n_people"] == len(known)
        assert [row["logit"], row["probability"]] == pytest.approx(np.mean(known, axis=0))
        if row["grade"] == "E" and row["au"] == "AU12":
            values = np.array(list(changes.values()))
            means = [draw @ values / 12 for draw in draws]
            low, high = np.quantile(means, [0.025, 0.975], axis=0)
            assert [row["logit_low"], row["probability_low"]] == pytest.approx(low)
            assert [row["logit_high"], row["probability_high"]] == pytest.approx(high)


def test_a_constant_over_expressions_does_nothing(made, rng):
    table, logits = made
    shifted = logits + 50 * rng.normal(size=(len(logits), 1))
    pd.testing.assert_frame_equal(
        effects(table, logits, EXPRESSIONS, PROTOTYPES),
        effects(table, shifted, EXPRESSIONS, PROTOTYPES),
    )
    np.testing.assert_allclose(centred(shifted), centred(logits), atol=1e-9)


def test_where_the_network_departs_from_the_prototypes(made):
    table, logits = made
    found = effects(table, logits, EXPRESSIONS, PROTOTYPES)
    full = found[found["grade"] == "E"].set_index(["au", "expression"])
    differs = full["differs"].dropna().to_dict()
    assert not differs["AU12", "happiness"]
    assert differs["AU06", "happiness"]  # a member, without effect
    assert not differs["AU26", "happiness"]
    assert full.loc[("AU12", "anger"), ["prototype", "differs"]].isna().all()  # no convention
    assert found.loc[found["grade"] == "C", "differs"].isna().all()


def test_the_matrix_agrees_with_the_prototypes_as_counting_pairs_says(made):
    table, logits = made
    value, low, high = agreement(table, logits, EXPRESSIONS, PROTOTYPES)
    found = effects(table, logits, EXPRESSIONS, PROTOTYPES)
    full = found[(found["grade"] == "E") & found["prototype"].notna()]
    members, others = (full[full["prototype"] == m]["logit"] for m in (True, False))
    pairs = [(a > b) + (a == b) / 2 for a in members for b in others]
    assert value == pytest.approx(np.mean(pairs))
    assert low <= value <= high
    assert value > 0.7


def test_what_is_needed_and_what_is_enough(made):
    table, logits = made
    found = members(table, logits, EXPRESSIONS, PROTOTYPES).set_index(["expression", "au"])
    assert list(found.index) == [
        ("happiness", "AU06"), ("happiness", "AU12"), ("surprise", "AU26"),
    ]  # fmt: skip
    assert (found["n_people"] == 6).all()
    one = found.loc[("happiness", "AU12")]
    assert one["needed_low"] > 0
    assert one["alone_low"] > 0
    assert found.loc[("happiness", "AU06"), "needed_low"] < 0.4
    assert found.loc[("surprise", "AU26"), "needed"] == found.loc[("surprise", "AU26"), "whole"]
    c = centred(logits)
    keys = table[["person", "setting", "kind", "aus"]].apply(tuple, axis=1).tolist()
    keys = [(*key, grade) for key, grade in zip(keys, table["grade"], strict=True)]
    changes = []
    for person in range(6):
        own = []
        for setting in range(2):
            whole, rest = (
                c[keys.index((f"P{person:02d}", setting, kind, aus, "D")), 1]
                for kind, aus in (("together", "AU06 AU12"), ("without", "AU06"))
            )
            own.append(whole - rest)
        changes.append(np.mean(own))
    assert one["needed"] == pytest.approx(np.mean(changes))


def test_other_numbers_of_expressions_are_one_sentence(made):
    table, logits = made
    with pytest.raises(CallError, match="logits has 3 columns: expected one for each of 2"):
        effects(table, logits, EXPRESSIONS[:2], PROTOTYPES)


@pytest.mark.parametrize("measure", [effects, members, agreement])
def test_logits_that_are_no_numbers_are_one_sentence(made, measure):
    table, logits = made
    logits[7, 2] = np.nan
    with pytest.raises(CallError, match="the logits of image 7 are not finite"):
        measure(table, logits, EXPRESSIONS, PROTOTYPES)


@pytest.mark.parametrize("measure", [effects, members, agreement])
def test_one_output_is_one_sentence(made, measure):
    table, logits = made
    with pytest.raises(CallError, match="the network reads 1 expression"):
        measure(table, logits[:, :1], ("fear",), PROTOTYPES)


def test_a_head_of_other_names_has_effects_and_no_prototypes(made):
    table, logits = made
    names = ("smirk", "yawn", "frown")
    found = effects(table, logits, names, PROTOTYPES)
    same = effects(table, logits, EXPRESSIONS, PROTOTYPES)
    assert found["logit"].tolist() == same["logit"].tolist()
    assert found[["prototype", "differs"]].isna().all(axis=None)
    assert members(table, logits, names, PROTOTYPES).empty
    assert np.isnan(agreement(table, logits, names, PROTOTYPES)).all()
