"""Choosing as the mapping does, and the row that says what the network is ahead by."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import facslens as fl
from facslens.association.confirmation.confirm import confirm
from facslens.association.discovery.associate import associate
from facslens.controls.champions import (
    COLUMNS,
    Champions,
    ComparisonDesign,
    Units,
    champions,
    compare_champions,
)
from facslens.errors import CallError


@pytest.fixture(scope="module")
def design(drawn_ck48) -> ComparisonDesign:
    faces = fl.split(fl.load_faces(f"ck48:{drawn_ck48}"), seed=0)
    return ComparisonDesign(faces.part("train", "validation"), faces.part("test"), "auroc", 99)


@pytest.fixture(scope="module")
def units(design) -> Units:
    """Unit 0 tells AU12 well, 1 a little, 2 nothing, 3 is dead, 4 is suppressed by AU12."""
    rng = np.random.default_rng(5)

    def respond(faces):
        noise = rng.normal(size=(len(faces), 5))
        values = noise + np.outer(faces.presence(["AU12"])[:, 0], [4, 1.2, 0, 0, -9])
        values[:, 3] = 0
        return values

    return Units(respond(design.discovery), respond(design.confirmation))


def test_the_choice_is_the_mappings_first(design, units) -> None:
    found = champions(units, design)
    table = design.discovery.table
    mapping = associate(
        units.discovery,
        table[list(design.discovery.aus)],
        sequence=table["sequence"],
        subject=table["subject"],
        distance="auroc",
        permutations=99,
    ).mapping()
    first = mapping.query("view == 'au_to_unit' and rank == 1").set_index("au")
    rows = found.table.set_index("au")
    assert rows.loc["AU12", "unit"] == first.loc["AU12", "unit"] == 0
    assert rows.loc["AU12", "accepted"]
    assert rows.loc["AU12", "auroc"] == first.loc["AU12", "auroc"]
    # a choice to compare with, that the mapping does not accept
    assert not pd.isna(rows.loc["AU17", "unit"])
    assert not rows.loc["AU17", "accepted"]
    # the response is the unit's mean over each sequence
    test = design.confirmation.table
    own = pd.Series(units.confirmation[:, 0]).groupby(test["sequence"].to_numpy()).mean()
    column = list(rows.index).index("AU12")
    np.testing.assert_allclose(found.response[:, column], own.to_numpy())


def test_the_row_says_what_the_network_is_ahead_by(design, units) -> None:
    trained = champions(units, design)
    weak = [Units(units.discovery[:, k : k + 1], units.confirmation[:, k : k + 1]) for k in (1, 2)]
    others = [champions(one, design) for one in weak]
    table = compare_champions(trained, others, design, control="weak", layer="conv3")
    assert tuple(table.columns) == COLUMNS
    row = table.set_index("au").loc["AU12"]
    assert (row["control"], row["layer"], row["seeds"], row["status"]) == (
        "weak", "conv3", 2, "better",
    )  # fmt: skip
    assert row["difference"] == pytest.approx(row["auroc_test"] - row["control_auroc_test"])
    assert row["control_auroc_test"] < 0.9 < row["auroc_test"]
    # its own interval is that of the mapping
    mapping = pd.DataFrame({"layer": ["l"], "unit": [0], "au": ["AU12"], "view": "au_to_unit"})
    test = design.confirmation.table
    same = confirm(
        mapping.astype({"unit": "Int64"}), units.confirmation,
        test[list(design.confirmation.aus)], subject=test["subject"], sequence=test["sequence"],
    )  # fmt: skip
    assert row["auroc_test"] == same.loc[0, "auroc_test"]
    assert row["confirmed"] == (same.loc[0, "status"] == "confirmed")


def test_bad_input_gives_rows_that_say_so(design, units) -> None:
    trained = champions(units, design)
    dead = Units(np.zeros_like(units.discovery), np.zeros_like(units.confirmation))
    none = champions(dead, design)
    assert none.table["unit"].isna().all()
    table = compare_champions(trained, [none], design, control="dead", layer="conv3")
    assert (table["seeds"] == 0).all()
    words = table.set_index("au")["status"]
    assert words["AU12"] == "none"
    assert set(words) == {"none", "not enough data"}  # three of the test subjects show AU17
    assert table["control_auroc_test"].isna().all()
    back = compare_champions(none, [trained], design, control="trained", layer="conv3")
    assert back.set_index("au")["status"]["AU12"] == "none"
    with pytest.raises(
        CallError, match="others is empty: the control 'dead' needs at least one seed"
    ):
        compare_champions(trained, [], design, control="dead", layer="conv3")


def test_nobody_held_out_and_a_rare_action_unit(design, units) -> None:
    discovery = design.discovery.table.copy()
    discovery["AU12"] = 0.0
    discovery.loc[discovery["sequence"] == discovery["sequence"].iloc[0], "AU12"] = 1.0
    rare = dataclasses.replace(
        design,
        discovery=dataclasses.replace(design.discovery, table=discovery),
        confirmation=design.confirmation.where(np.zeros(len(design.confirmation), bool)),
    )
    some = Units(units.discovery, units.confirmation[:0])
    found = champions(some, rare)
    table = compare_champions(found, [found], rare, control="same", layer="conv3")
    assert set(table["status"]) == {"not enough data"}
    row = table.set_index("au").loc["AU12"]
    assert pd.isna(row["unit"])
    assert np.isnan(row["auroc_test"])
    assert (table["n_test_present"] == 0).all()


def test_faces_without_action_units_are_refused(design) -> None:
    table = design.discovery.table.drop(columns=list(design.discovery.aus))
    bare = dataclasses.replace(design.discovery, table=table)
    with pytest.raises(CallError, match="discovery has no action unit labels"):
        ComparisonDesign(bare, bare)


def test_a_probe_has_no_unit_and_nothing_to_accept(design, units) -> None:
    trained = champions(units, design)
    probe = Champions(
        trained.table.assign(unit=pd.NA, accepted=pd.NA).astype(
            {"unit": "Int64", "accepted": "boolean"}
        ),
        trained.response,
    )
    table = compare_champions(trained, [probe], design, control="probe", layer="conv3")
    assert table["control_accepted"].isna().all()
    assert table["control_confirmed"].isna().all()
    assert (table["difference"] == 0).all()
