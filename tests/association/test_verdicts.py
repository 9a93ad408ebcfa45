"""Verdicts: each outcome in its own words, from numbers alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from facslens.association.verdicts import (
    SENTENCES,
    Cause,
    Effect,
    Grounds,
    gather,
    sentences,
    verdict,
    verdict_table,
)

NAN = float("nan")
FOUND = Grounds(
    "AU12", "conv3", 84, "confirmed", people=24, auroc=Effect(0.97, 0.93, 0.99), n_within=3
)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "detected by unit 84 of conv3; on 24 unseen people its response is larger with AU12 "
             "than without in 97 of 100 pairs of faces (95 % interval 93–99)."),
        ({}, "within one expression? Not enough data (3 sequences, needs 10)."),
        ({"n_within": 1}, "Not enough data (1 sequence, needs 10)."),
        ({"within": Effect(0.8, 0.7, 0.9), "n_within": 30},
         "within one expression? Yes, in 80 of 100 pairs of faces (95 % interval 70–90)."),
        ({"within": Effect(0.6, 0.4, 0.8), "n_within": 30}, "Not shown: 60 of 100 pairs"),
        ({"partial": Effect(0.4, 0.2, 0.6)},
         "Beyond the other action units? Yes, partial correlation 0.40 (0.20 to 0.60)."),
        ({"partial": Effect(0.1, -0.2, 0.3)}, "action units? Not shown, partial"),
        ({"partial": Effect(0.1, NAN, NAN)}, "action units? Not enough data."),
        ({"inseparable": ("AU06", "AU25")}, "These faces cannot tell AU12 from AU06 or AU25."),
        ({"control": Effect(0.12, 0.05, 0.2)},
         "Learned? Yes, 12 (5 to 20) more of 100 pairs than in the untrained network."),
        ({"control": Effect(0.01, -0.05, 0.1)}, "Learned? Not shown, 1 (-5 to 10) more"),
        ({"cause": Cause("happiness", 10, -1.445, -0.084, 0.01, 0.111)},
         "Does the network use it? Yes, without its 10 units the score of happiness changes by "
         "-1.45, without as many like units by -0.08 (q = 0.010); 11 more of 100 of its faces are "
         "misread."),
        ({"cause": Cause("fear", 1, -0.1, -0.2, 0.6, -0.02)},
         "Not shown, without it the score of fear changes by -0.10, without a like unit by -0.20 "
         "(q = 0.600); 2 fewer of 100 of its faces are misread."),
        ({"cause": Cause("fear", 1, -0.3, -0.2, 0.04, 0.0)},
         "use it? Yes, without it the score of fear changes by -0.30, without a like unit by "
         "-0.20 (q = 0.040); as many of its faces are read rightly as before."),
        ({"cause": Cause("fear", 1, NAN, NAN, NAN, NAN)},
         "Does the network use it? Not enough data."),
        ({"auroc": Effect(0.999, 0.99, 1.0)}, "in more than 99 of 100 pairs of faces "
                                              "(95 % interval 99–100)."),
        ({"status": "not confirmed", "auroc": Effect(0.6, 0.4, 0.7)},
         "AU12, lip corner puller: no; unit 84 of conv3 was chosen, but on 24 unseen people its "
         "response is larger with AU12 than without in 60 of 100 pairs"),
        ({"status": "not confirmed", "auroc": Effect(NAN, NAN, NAN)},
         "but it answers all of the 24 unseen people alike."),
        ({"status": "not enough data"}, "too few of the 24 unseen people show it."),
        ({"unit": None, "status": "none"}, "no unit of conv3 tells it apart beyond chance."),
        ({"unit": None, "status": "not enough data", "reason": "1 subject with it, needs 5"},
         "AU12, lip corner puller: not enough data (1 subject with it, needs 5)."),
    ],
)  # fmt: skip
def test_the_words(changes: dict[str, object], sentence: str) -> None:
    assert sentence in verdict(replace(FOUND, **changes))


def test_the_sentences_make_the_verdict() -> None:
    told = sentences(replace(FOUND, control=Effect(0.12, 0.05, 0.2)))
    assert list(told) == ["found", "within", "learned"]
    assert told["learned"].startswith("Learned?")
    assert verdict(replace(FOUND, control=Effect(0.12, 0.05, 0.2))) == (
        "AU12, lip corner puller: " + " ".join(told.values())
    )


def test_what_was_not_measured_is_not_mentioned() -> None:
    assert "Learned?" not in verdict(FOUND)
    assert "use it?" not in verdict(FOUND)
    assert "Beyond" not in verdict(FOUND)
    assert "within one expression" not in verdict(replace(FOUND, status="not confirmed"))


def test_tables_are_read() -> None:
    row = {"view": "au_to_unit", "layer": "conv3", "n_test_subjects": 24, "n_within_test": 12}
    row |= dict.fromkeys(["partial_test", "partial_test_low", "partial_test_high"], np.nan)
    for name in ("auroc_test", "auroc_within_test"):
        row |= {name: 0.9, f"{name}_low": 0.8, f"{name}_high": 0.95}
    rows = [
        {**row, "au": "AU12", "unit": 84, "rank": 1, "status": "confirmed"},
        {**row, "au": "AU12", "unit": 9, "rank": 2, "status": "not confirmed"},
        {**row, "au": "AU27", "unit": np.nan, "rank": np.nan, "status": "none"},
        {**row, "au": "AU12", "unit": 5, "rank": 1, "status": "confirmed", "layer": "conv1"},
    ]
    coverage = pd.DataFrame(
        {"au": ["AU06", "AU12", "AU27"], "reason": ["2 subjects with it, needs 5", "", ""]}
    )
    confounds = pd.DataFrame({"au": ["AU12"], "inseparable": ["AU06"]})
    found = gather(pd.DataFrame(rows), coverage, confounds, "conv3")
    assert [(e.au, e.unit, e.status) for e in found] == [
        ("AU06", None, "not enough data"), ("AU12", 84, "confirmed"), ("AU27", None, "none"),
    ]  # fmt: skip
    assert found[0].reason == "2 subjects with it, needs 5"
    assert found[1].within == Effect(0.9, 0.8, 0.95)
    assert found[1].inseparable == ("AU06",)
    table = verdict_table(pd.DataFrame(rows), coverage, confounds, "conv3")
    assert table["verdict"].str.startswith(("AU06, cheek", "AU12, lip", "AU27, mouth")).all()
    assert table["unit"].isna().tolist() == [True, False, True]
    more = verdict_table(
        pd.DataFrame(rows), coverage, confounds, "conv3", control={"AU12": Effect(0.12, 0.05, 0.2)}
    )
    assert list(more.columns[5:]) == list(SENTENCES)
    assert more["learned"].isna().tolist() == [True, False, True]
    joined = [" ".join(row.dropna()) for _, row in more[list(SENTENCES)].iterrows()]
    assert all(v.endswith(f": {j}") for v, j in zip(more["verdict"], joined, strict=True))
