"""What action units do together: against a recursion over loops, and on planted interactions."""

import itertools

import numpy as np
import pandas as pd
import pytest

from facslens.errors import CallError
from facslens.experiments.absolute import resampled
from facslens.experiments.effects import centred
from facslens.experiments.interactions import (
    INTERACTIONS,
    LESS,
    MORE,
    UNKNOWN,
    interactions,
)

EXPRESSIONS = ("fear", "happiness", "surprise")
SET = ("AU01", "AU02", "AU05")
PEOPLE = 12
#: Planted on fear: alone, and what sets add beyond their smaller sets.
ALONE = {"AU01": 1.0, "AU02": 0.5, "AU05": 2.0}
ADDED = {("AU01", "AU02"): 1.5, ("AU02", "AU05"): -1.5, SET: 0.9}


def rows():
    found = []
    for person, setting in itertools.product(range(PEOPLE), range(2)):
        base = {"person": f"P{person:02d}", "setting": setting, "side": "", "grade": "D"}
        base["half"] = "choosing" if person % 2 else "measuring"
        found.append(base | {"kind": "rest", "aus": "", "grade": ""})
        for au in SET:
            found.append(base | {"kind": "alone", "aus": au})
            found.append(base | {"kind": "alone", "aus": au, "grade": "E"})
        if person < 8 and setting == 0:
            found += [
                base | {"kind": "pair", "aus": " ".join(pair)}
                for pair in itertools.combinations(SET, 2)
            ]
            found.append(base | {"kind": "without", "aus": " ".join(SET)})
    return pd.DataFrame(found)


def planted(aus):
    """v by what each subset adds."""
    subsets = (s for n in (2, 3) for s in itertools.combinations(aus, n))
    return sum(ALONE[au] for au in aus) + sum(ADDED.get(subset, 0.0) for subset in subsets)


@pytest.fixture
def made(rng):
    table = rows()
    level = rng.normal(size=(PEOPLE, 3))[table["person"].str[1:].astype(int)] * 2
    own = np.zeros((len(table), 3))
    own[:, 0] = [planted(tuple(aus.split())) * (1.5 if grade == "E" else 1.0)
                 for aus, grade in zip(table["aus"], table["grade"], strict=True)]  # fmt: skip
    return table, level + own + 0.1 * rng.normal(size=own.shape)


def by_loops(table, logits, expression):
    """Per person of setting 0: v of every set, and the dividends by recursion."""
    c = centred(logits)[:, expression]
    key = ["person", "setting", "kind", "aus", "grade"]
    place = {row: i for i, row in enumerate(table[key].itertuples(index=False, name=None))}
    found = []
    for person in sorted(table["person"].unique())[:8]:
        rest = c[place[person, 0, "rest", "", ""]]
        v = {(): 0.0}
        for n, kind in ((1, "alone"), (2, "pair"), (3, "without")):
            for subset in itertools.combinations(SET, n):
                v[subset] = c[place[person, 0, kind, " ".join(subset), "D"]] - rest
        dividend = {}
        for n in range(1, 4):
            for subset in itertools.combinations(SET, n):
                smaller = [t for t in dividend if set(t) < set(subset)]
                dividend[subset] = v[subset] - sum(dividend[t] for t in smaller)
        found.append((v, dividend))
    return found


def test_interactions_agree_with_a_recursion_over_people(made):
    table, logits = made
    found = interactions(table, logits, EXPRESSIONS, [SET])
    assert list(found.columns) == list(INTERACTIONS)
    assert found["aus"].unique().tolist() == ["AU01 AU02", "AU01 AU05", "AU02 AU05", " ".join(SET)]
    draws = resampled(8, 0)
    for row in found.to_dict("records"):
        people = by_loops(table, logits, EXPRESSIONS.index(row["expression"]))
        subset = tuple(row["aus"].split())
        whole = np.array([v[subset] for v, _ in people])
        alone = np.array([sum(v[au,] for au in subset) for v, _ in people])
        dividend = np.array([d[subset] for _, d in people])
        assert row["n_people"] == 8  # all were drawn with 8 people in one setting
        assert row["together"] == pytest.approx(whole.mean())
        assert row["sum_alone"] == pytest.approx(alone.mean())
        for name, values in (("beyond", whole - alone), ("interaction", dividend)):
            assert row[name] == pytest.approx(values.mean(), abs=1e-12)
            ends = np.quantile(draws @ values / 8, [0.025, 0.975])
            assert [row[f"{name}_low"], row[f"{name}_high"]] == pytest.approx(ends, abs=1e-12)


def test_planted_interactions_are_found_and_named(made):
    found = interactions(*made, EXPRESSIONS, [SET]).set_index(["aus", "expression"])
    fear = found.xs("fear", level="expression")
    # centred over three expressions, two thirds of what is planted on one
    for subset, added in ADDED.items():
        assert fear.loc[" ".join(subset), "interaction"] == pytest.approx(added * 2 / 3, abs=0.15)
    assert fear["more"].to_dict() == {
        "AU01 AU02": MORE, "AU01 AU05": UNKNOWN, "AU02 AU05": LESS, " ".join(SET): MORE,
    }  # fmt: skip
    beyond = fear.loc[" ".join(SET), "beyond"]  # that of both pairs, too
    assert beyond == pytest.approx((1.5 - 1.5 + 0.9) * 2 / 3, abs=0.15)


def test_what_was_not_drawn_is_left_out(made):
    table, logits = made
    none = interactions(table, logits, EXPRESSIONS, [("AU06", "AU12")])
    assert none.empty
    assert list(none.columns) == list(INTERACTIONS)
    kept = ((table["kind"] != "pair") | (table["aus"] != "AU01 AU05")).to_numpy()
    found = interactions(table[kept], logits[kept], EXPRESSIONS, [SET])
    assert found["aus"].unique().tolist() == ["AU01 AU02", "AU02 AU05"]  # the triple needs it
    only = (table["kind"] != "alone").to_numpy()
    assert interactions(table[only], logits[only], EXPRESSIONS, [SET]).empty


@pytest.mark.parametrize(
    ("expressions", "spoil", "sentence"),
    [
        (("fear",), None, "logits has 3 columns: expected one for each of 1"),
        (EXPRESSIONS, np.nan, "the logits of image 4 are not finite"),
    ],
)
def test_bad_logits_are_one_sentence(made, expressions, spoil, sentence):
    table, logits = made
    if spoil is not None:
        logits[4, 1] = spoil
    with pytest.raises(CallError, match=sentence):
        interactions(table, logits, expressions, [SET])


def test_one_output_is_one_sentence(made):
    table, logits = made
    with pytest.raises(CallError, match="reads 1 expression: a change towards an expression"):
        interactions(table, logits[:, :1], ("fear",), [SET])
    with pytest.raises(CallError, match="reads 0 expressions"):
        interactions(table, logits[:, :0], (), [SET])
