"""The verdicts, on tables small enough to see through."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from facslens.association import disagreements, make_mapping
from facslens.association.discovery.mapping import COLUMNS
from facslens.errors import CallError

#: unit, au, value, null_mean, z, p_maxT, auroc
ROWS = [
    (0, "AU01", 0.9, 0.7, 4.0, 0.01, 0.80),
    (0, "AU12", 0.8, 0.2, 6.0, 0.01, 0.90),
    (0, "AU27", 0.5, 0.1, 5.0, 0.20, 0.70),
    (1, "AU01", 1.5, 0.7, 9.0, 1.00, 0.10),
    (1, "AU12", 0.7, 0.2, 7.0, 0.01, 0.85),
    (1, "AU27", 0.2, 0.1, 1.0, 0.90, 0.55),
    (2, "AU01", 0.1, 0.1, 0.0, 1.00, 0.50),
    (2, "AU12", 0.3, 0.2, 1.0, 0.60, 0.55),
    (2, "AU27", 0.6, 0.1, 2.0, 0.30, 0.60),
]


def tables(rows: list[tuple[object, ...]] = ROWS) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = ["unit", "au", "value", "null_mean", "z", "p_maxT", "auroc"]
    frame = pd.DataFrame(rows, columns=names).assign(
        layer="conv3", null="free", distance="kl", n_present=10, n_absent=20, p=0.01, q=0.02,
        auprc=0.5, pearson=0.1,
    )  # fmt: skip
    effects = frame[["layer", "unit", "au", "auroc", "auprc", "pearson"]]
    return frame.drop(columns=["auroc", "auprc", "pearson"]), effects


def pairs(mapping: pd.DataFrame, view: str) -> list[tuple[object, object]]:
    part = mapping[mapping["view"] == view].fillna({"au": "none"})
    units = [None if pd.isna(u) else int(u) for u in part["unit"]]
    return list(zip(units, part["au"], strict=True))


def test_tested() -> None:
    mapping = make_mapping(*tables())
    assert tuple(mapping.columns) == COLUMNS
    # AU12: unit 1 has the larger z. AU01: unit 1 lies farthest, but is suppressed.
    assert pairs(mapping, "au_to_unit") == [(0, "AU01"), (1, "AU12"), (0, "AU12"), (None, "AU27")]
    # Unit 0: AU01 has the larger distance, AU12 the larger one beyond its null.
    assert pairs(mapping, "unit_to_au") == [(0, "AU12"), (0, "AU01"), (1, "AU12"), (2, "none")]
    # 0.80 + 0.85 beats 0.90 alone.
    assert pairs(mapping, "one_to_one") == [(0, "AU01"), (1, "AU12"), (None, "AU27")]
    ranks = mapping.loc[mapping["view"] == "au_to_unit", "rank"]
    assert ranks.dropna().tolist() == [1, 1, 2]
    assert (mapping["distance"] == "kl").all()


def test_a_p_at_the_level_is_not_below_it() -> None:
    assert make_mapping(*tables(), alpha=0.01)["unit"].isna().sum() == 3 + 3
    assert pairs(make_mapping(*tables(), alpha=0.011), "one_to_one")[0] == (0, "AU01")


def test_the_free_null_decides_wherever_it_stands() -> None:
    table, effects = tables()
    within = table.assign(null="within_expression", p_maxT=1.0)
    mapping = make_mapping(pd.concat([within, table], ignore_index=True), effects)
    assert pairs(mapping, "one_to_one")[0] == (0, "AU01")
    assert set(mapping["p_maxT_within"].dropna()) == {1.0}
    alone = make_mapping(within, effects)
    assert alone.query("view == 'one_to_one'")["unit"].isna().all()


def test_plain_distance() -> None:
    mapping = make_mapping(*tables(), rank="distance")
    assert pairs(mapping, "au_to_unit") == [(1, "AU01"), (0, "AU12"), (2, "AU27")]
    assert pairs(mapping, "unit_to_au") == [(0, "AU01"), (1, "AU01"), (2, "AU27")]
    assert set(mapping["view"]) == {"au_to_unit", "unit_to_au"}
    assert (mapping["rank"] == 1).all()


def test_where_they_differ() -> None:
    found = disagreements(make_mapping(*tables()), make_mapping(*tables(), rank="distance"))
    assert found[["view", "of", "tested", "plain"]].to_numpy().tolist() == [
        ["au_to_unit", "AU01", "0", "1"],
        ["au_to_unit", "AU12", "1", "0"],
        ["au_to_unit", "AU27", "none", "2"],
        ["unit_to_au", "0", "AU12", "AU01"],
        ["unit_to_au", "1", "AU12", "AU01"],
        ["unit_to_au", "2", "none", "AU27"],
    ]


def test_nothing_accepted_is_none_everywhere() -> None:
    mapping = make_mapping(*tables(), alpha=0.001)
    assert len(mapping) == 3 + 3 + 3
    assert pairs(mapping, "one_to_one") == [(None, "AU01"), (None, "AU12"), (None, "AU27")]
    assert mapping["z"].isna().all()


def test_one_to_one_equals_trying_every_matching(rng: np.random.Generator) -> None:
    auroc, p = rng.random((4, 5)), rng.random((4, 5))
    rows = [(u, f"AU{a + 1:02d}", 1.0, 0.0, 1.0, p[u, a], auroc[u, a]) for u, a in np.ndindex(4, 5)]
    mapping = make_mapping(*tables(rows), alpha=0.6).query("view == 'one_to_one'")
    accepted = np.where((auroc > 0.5) & (p < 0.6), auroc, 0)
    best = max(sum(accepted[u, a] for u, a in enumerate(m)) for m in permutations(range(5), 4))
    assert mapping["auroc"].sum() == pytest.approx(best)
    assert mapping["unit"].dropna().is_unique
    assert (mapping["p_maxT"].dropna() < 0.6).all()


def test_layers_apart() -> None:
    table, effects = tables()
    two = [pd.concat([t, t.assign(layer="conv1")]) for t in (table, effects)]
    mapping = make_mapping(*two)
    for _, part in mapping.groupby("layer"):
        assert pairs(part, "one_to_one") == [(0, "AU01"), (1, "AU12"), (None, "AU27")]


def test_untestable_pairs_are_never_mapped() -> None:
    rows = [(0, "AU01", np.nan, np.nan, np.nan, np.nan, 0.9), *ROWS[1:]]
    assert pairs(make_mapping(*tables(rows)), "au_to_unit")[0] == (None, "AU01")


def test_errors() -> None:
    with pytest.raises(CallError, match="rank 'z' is not known: expected tested or distance"):
        make_mapping(*tables(), rank="z")
    with pytest.raises(CallError, match="distance 'js' was not tested: this association holds kl"):
        make_mapping(*tables(), distance="js")
    with pytest.raises(CallError, match=r"null 'shuffled' was not tested: .* holds free"):
        make_mapping(*tables(), null="shuffled")
