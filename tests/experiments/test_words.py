"""Each sentence against its tables: what it claims is read from it and looked up again."""

import re

import numpy as np
import pandas as pd
import pytest

from facslens.action_units import ACTION_UNITS, INTERACTING, PROTOTYPES, WHEN
from facslens.experiments.interactions import LESS, MORE, UNKNOWN
from facslens.experiments.words import CALLED, CLAIMS, SHARES, WORDS, points, words

NAN = float("nan")


def effects(expression, *rows):
    """Rows of au, mean and half width of the logit, the same of the probability, member."""
    made = []
    for au, logit, half, chance, spread, member in rows:
        row = {"au": au, "grade": "E", "expression": expression, "n_people": 20}
        row |= {"logit": logit, "logit_low": logit - half, "logit_high": logit + half}
        row |= {"probability": chance, "probability_low": chance - spread}
        row |= {"probability_high": chance + spread, "prototype": member, "differs": None}
        if member is not None and logit == logit:
            row["differs"] = logit - half <= 0 if member else logit - half > 0
        made += [row, row | {"grade": "C", "logit_low": 9.0, "probability_low": 9.0}]
    table = pd.DataFrame(made)
    return table.astype({"prototype": "boolean", "differs": "boolean"})


def needed(expression, whole, *rows):
    """Rows of au and the mean loss, ±0.1."""
    return pd.DataFrame(
        [
            {"expression": expression, "au": au, "n_people": 10, "whole": whole,
             "whole_low": whole - 0.1, "whole_high": whole + 0.1, "needed": loss,
             "needed_low": loss - 0.1, "needed_high": loss + 0.1}
            for au, loss in rows
        ]
    )  # fmt: skip


def interactions(expression, *rows):
    columns = ["aus", "together", "sum_alone", "more"]
    return pd.DataFrame(rows, columns=columns).assign(expression=expression)


def told(tables, expression):
    found = words(tables, [expression])
    assert list(found.columns) == list(WORDS)
    assert set(found["expression"]) <= {expression}
    return dict(found[["claim", "sentence"]].itertuples(index=False, name=None))


SURPRISE = effects(
    "surprise",
    ("AU26", 2.0, 0.3, 0.40, 0.05, True),
    ("AU05", 1.0, 0.3, 0.21, 0.05, True),
    ("AU27", 1.1, 0.3, 0.13, 0.05, False),
    ("AU01", 0.2, 0.3, 0.01, 0.05, True),
    ("AU02", -0.4, 0.3, -0.06, 0.05, True),
    ("AU12", -2.0, 0.3, -0.25, 0.05, False),
    ("AU43", -1.0, 0.3, -0.125, 0.05, False),
    ("AU25", 0.5, 0.3, 0.02, 0.01, False),
    ("AU10", 0.5, 0.3, 0.02, 0.05, False),  # the score rises, the probability is not shown to
)


def test_a_paragraph_sentence_by_sentence():
    tables = {
        "effects": SURPRISE,
        "needed": needed(
            "surprise", 2.0, ("AU01", 0.05), ("AU02", -0.3), ("AU05", 0.68), ("AU26", 1.5)
        ),
        "interactions": interactions(
            "surprise",
            ("AU01 AU02", 0.3, 0.1, MORE), ("AU01 AU05", 1.0, 1.4, LESS),
            ("AU01 AU02 AU05", 1.0, 1.0, UNKNOWN), ("AU06 AU12", 1.0, 0.2, MORE),
        ),
    }  # fmt: skip
    assert told(tables, "surprise") == {
        "strongest": "The network calls a face surprised most readily when only the jaw drops "
        "(AU26, +40 points of probability).",
        "further": "The probability rises half as much when the upper lids are raised (AU05) and "
        "a third as much when the mouth is stretched open (AU27), and less under 1 more.",
        "lowered": "The probability falls most when the lip corners are pulled up (AU12, −25 "
        "points) and when the eyes are closed (AU43, −12 points), and less under 1 more.",
        "silent": "It differs from the prototype: the score is not shown to rise when only the "
        "inner brows are raised (AU01), and falls when only the outer brows are raised (AU02).",
        "outsiders": "It differs from the prototype: the score rises when only the mouth is "
        "stretched open (AU27), the lips part (AU25) or the upper lip is raised (AU10), which are "
        "no part of it.",
        "needed": "Under the whole prototype the score loses three quarters without AU26 and a "
        "third without AU05; it rises further without AU02; it is not shown to lose anything "
        "without AU01.",
        "together": "Together, AU01 and AU02 change the score by +0.30, more than the sum of each "
        "alone (+0.10); AU01 and AU05 change the score by +1.00, less than the sum of each alone "
        "(+1.40).",
    }


def test_a_tie_is_as_much():
    tables = {"effects": effects(
        "fear", ("AU05", 1.0, 0.2, 0.20, 0.05, None), ("AU01", 1.0, 0.2, 0.20, 0.05, None),
    )}  # fmt: skip
    found = told(tables, "fear")
    assert found["strongest"].endswith("raised (AU05, +20 points of probability).")
    assert found["further"] == (
        "The probability rises as much when the inner brows are raised (AU01)."
    )


@pytest.mark.parametrize(
    "row",
    [
        ("AU05", 0.1, 0.2, 0.2, 0.05, None),  # the score is not shown to rise
        ("AU05", 1.0, 0.2, 0.02, 0.05, None),  # the probability is not
        ("AU05", -1.0, 0.2, -0.2, 0.05, None),
        ("AU05", NAN, NAN, NAN, NAN, None),
    ],
)
def test_none_is_said_as_none(row):
    found = told({"effects": effects("happiness", row)}, "happiness")
    assert found.pop("strongest") == (
        "No action unit alone is shown to make the network call a face happy."
    )
    lowered = found.pop("lowered", None)
    if row[1] < 0:
        assert lowered == (
            "The probability falls when the upper lids are raised (AU05, −20 points)."
        )
    else:
        assert lowered is None
    assert not found


def test_an_expression_without_prototype_has_no_departures():
    table = effects("neutral", ("AU24", 1.0, 0.2, 0.1, 0.02, None))
    empty = {
        "effects": table,
        "needed": needed("fear", 1.0, ("AU01", 0.5), ("AU05", 0.5)),
        "interactions": interactions("neutral", ("AU01 AU02", 1.0, 0.2, MORE)),
    }
    assert list(told(empty, "neutral")) == ["strongest"]


def test_names_of_another_head_are_quoted():
    found = told({"effects": effects("smirk", ("AU14", 1.0, 0.2, 0.1, 0.02, None))}, "smirk")
    assert found["strongest"].startswith("The network gives a face the label “smirk” most readily")
    none = told({"effects": effects("smirk", ("AU14", 0.0, 0.2, 0.0, 0.02, None))}, "smirk")
    assert none["strongest"].endswith("make the network give a face the label “smirk”.")
    assert told({"effects": SURPRISE}, "smirk") == {
        "strongest": "No action unit alone is shown to make the network give a face the label "
        "“smirk”."
    }


def test_an_unknown_effect_agrees_with_nothing():
    rows = ("AU14", 1.0, 0.2, 0.1, 0.02, True), ("AU12", NAN, NAN, NAN, NAN, False)
    assert "agrees" not in told({"effects": effects("contempt", *rows)}, "contempt")


def test_agreement_is_said_too():
    table = effects(
        "contempt", ("AU14", 1.0, 0.2, 0.1, 0.02, True), ("AU12", -1.0, 0.2, -0.1, 0.02, False)
    )
    assert told({"effects": table}, "contempt")["agrees"] == (
        "By single action units it departs nowhere from the prototype."
    )


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (needed("anger", 0.05, ("AU04", 0.5), ("AU05", 0.2)),
         "Under the whole prototype the score is not shown to rise."),
        (needed("anger", NAN, ("AU04", 0.5), ("AU05", 0.2)),
         "Under the whole prototype the score is not shown to rise."),
        (needed("anger", 1.0, ("AU04", 0.0), ("AU05", 0.05)),
         "Under the whole prototype the score is not shown to lose anything without AU05 or AU04."),
        (needed("anger", 1.0, ("AU04", 1.2), ("AU05", NAN)),
         "Under the whole prototype the score loses more than all without AU04; it is not shown to "
         "lose anything without AU05."),
        (needed("anger", 1.0, ("AU04", 0.12), ("AU05", -0.4)),
         "Under the whole prototype the score loses a tenth without AU04; it rises further "
         "without AU05."),
    ],
)  # fmt: skip
def test_what_a_prototype_loses(table, sentence):
    tables = {"effects": effects("anger", ("AU04", 0.0, 1.0, 0.0, 1.0, None)), "needed": table}
    assert told(tables, "anger")["needed"] == sentence


def test_a_prototype_of_one_loses_nothing_worth_saying():
    tables = {"effects": SURPRISE, "needed": needed("surprise", 1.0, ("AU26", 1.0))}
    assert "needed" not in told(tables, "surprise")


def test_no_interaction_is_said_of_the_largest_set():
    table = interactions(
        "surprise", ("AU01 AU02", 0.3, 0.2, UNKNOWN), ("AU01 AU02 AU05", 1.0, 0.9, UNKNOWN)
    )
    assert told({"effects": SURPRISE, "interactions": table}, "surprise")["together"] == (
        "No difference is shown between AU01, AU02 and AU05 together and the sum of each alone."
    )


def random_tables(rng, expressions):
    parts, lost, both = [], [], []
    for expression in expressions:
        prototype = PROTOTYPES.get(expression)
        rows = []
        for au in WHEN:
            logit, chance = rng.normal(), 0.2 * rng.normal()
            member = None if prototype is None else au in prototype
            spoilt = rng.random() < 0.05
            rows.append(
                (au, NAN if spoilt else logit, 0.3, NAN if spoilt else chance, 0.05, member)
            )
        parts.append(effects(expression, *rows))
        if prototype:
            lost.append(needed(expression, 1.0, *((au, rng.normal()) for au in prototype)))
        for aus in (" ".join(one) for one in INTERACTING):
            together, alone = rng.normal(size=2)
            more = rng.choice([MORE if together > alone else LESS, UNKNOWN])
            both.append(interactions(expression, (aus, together, alone, more)))
    names = ("effects", "needed", "interactions")
    return dict(zip(names, map(pd.concat, (parts, lost, both)), strict=True))


#: What each verb claims of the rows of the effects.
CLAIMED = {
    "strongest": lambda row: row["logit_low"] > 0 and row["probability_low"] > 0,
    "further": lambda row: row["logit_low"] > 0 and row["probability_low"] > 0,
    "lowered": lambda row: row["logit_high"] < 0 and row["probability_high"] < 0,
    "silent": lambda row: row["prototype"] is True and row["logit_low"] <= 0,
    "outsiders": lambda row: row["prototype"] is False and row["logit_low"] > 0,
}


@pytest.mark.parametrize("seed", range(8))
def test_every_claim_is_in_the_tables_again(seed):
    """Random tables: action units, numbers and counts are read from the text and looked up."""
    expressions = list(CALLED)
    tables = random_tables(np.random.default_rng(seed), expressions)
    found = words(tables, expressions)
    assert {"strongest", "further", "lowered", "needed", "together"} <= set(found["claim"])
    full = tables["effects"][tables["effects"]["grade"] == "E"].astype({"prototype": object})
    for expression, claim, sentence in found.itertuples(index=False, name=None):
        assert sentence.endswith(".")
        own = {row["au"]: row for row in full[full["expression"] == expression].to_dict("records")}
        if claim in CLAIMED:
            right = {au for au, row in own.items() if CLAIMED[claim](row)}
            named = re.findall(r"AU\d\d", sentence)
            assert set(named) <= right or sentence.startswith("No action unit")
            for au in named:  # its phrase stands before it
                assert re.search(rf"{WHEN[au]} \({au}\b", sentence)
            more = int((re.findall(r"under (\d+) more", sentence) or ["0"])[0])
            listed = len(named) + more + (claim == "further")
            assert listed == len(right) or claim == "strongest"
            for au, change in re.findall(r"(AU\d\d), ([+−][\d.]+ points)", sentence):
                assert change == points(own[au]["probability"])
        if claim == "strongest":
            top = max((own[au]["probability"] for au in right), default=NAN)
            assert [own[au]["probability"] for au in named] == [top][: len(right)]
        if claim == "further":
            written = {f"{name} as much": size for size, name in SHARES}
            written |= {"as much": 1.0, "nearly as much": 0.9, "hardly at all": 0.0}
            ratios = "|".join(sorted(written, key=len, reverse=True))
            said = re.findall(rf"({ratios}) when [^(]+\((AU\d\d)", sentence)
            assert [au for _, au in said] == named
            for ratio, au in said:
                off = [abs(own[au]["probability"] / top - size) for size, _ in SHARES]
                assert off[[size for size, _ in SHARES].index(written[ratio])] == min(off)
        if claim == "needed":
            lost = tables["needed"][tables["needed"]["expression"] == expression].set_index("au")
            for part in re.split("; it ", sentence.rstrip(".")):
                aus = re.findall(r"AU\d\d", part)
                low, high = lost.loc[aus, "needed_low"], lost.loc[aus, "needed_high"]
                if "rises" in part:
                    assert (high < 0).all()
                elif "not shown" in part:
                    assert ((low <= 0) & (high >= 0)).all()
                else:
                    assert (low > 0).all()
            assert sorted(re.findall(r"AU\d\d", sentence)) == sorted(lost.index)
        if claim == "together":
            both = tables["interactions"]
            both = both[both["expression"] == expression].set_index("aus")
            for names, change, more, alone in re.findall(
                r"(AU[^;]+?) change the score by ([+−][\d.]+), (\w+ than the sum) of each alone "
                r"\(([+−][\d.]+)\)", sentence,
            ):  # fmt: skip
                row = both.loc[" ".join(re.findall(r"AU\d\d", names))]
                assert (row["more"], f"{row['together']:+.2f}", f"{row['sum_alone']:+.2f}") == (
                    more, change.replace("−", "-"), alone.replace("−", "-"),
                )  # fmt: skip


def test_a_further_table_is_one_more_claim(monkeypatch):
    monkeypatch.setitem(CLAIMS, "carried", lambda tables, _: tables.get("carriers", ""))
    tables = {"effects": SURPRISE}
    assert "carried" not in told(tables, "surprise")
    assert told({**tables, "carriers": "By unit 3."}, "surprise")["carried"] == "By unit 3."


def test_phrases_are_of_known_action_units():
    assert set(WHEN) <= set(ACTION_UNITS)
    members = {au for aus in PROTOTYPES.values() for au in aus}
    assert members <= set(WHEN)
    assert len(set(WHEN.values())) == len(WHEN)
