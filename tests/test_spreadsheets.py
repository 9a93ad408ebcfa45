"""No cell of a table is run as a formula, and no number is changed on the way."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facslens.spreadsheets import defused, defused_cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+49 30",
        "-rm",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "=-0.5",
        "-",
        "--5",
        "-1e",
        "+1+1",
        "-0x1",
    ],
)
def test_what_could_be_a_formula_begins_with_an_apostrophe(text: str) -> None:
    assert defused_cell(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["-0.5", "+3", "-1e-05", "", "a=1", "AU12", -0.5, 7, None, True])
def test_everything_else_stays(cell: object) -> None:
    assert defused_cell(cell) is cell


@given(st.text(max_size=8))
def test_no_text_but_a_number_begins_like_a_formula(text: str) -> None:
    found = defused_cell(text)
    assert isinstance(found, str)
    if found.startswith(("=", "@", "\t", "\r")):
        float(found)  # a number may stand after blanks
    if found.startswith(("+", "-")):
        float(found)
    assert found in (text, f"'{text}")


def test_only_columns_of_text_change() -> None:
    table = pd.DataFrame(
        {
            "image": ["=a.png", "b.png", None],
            "split": pd.Categorical(["-x", "y", "-x"]),
            "value": [-1.5, 2.0, float("nan")],
            "unit": pd.array([-1, None, 2], dtype="Int64"),
            "live": [True, False, True],
            "when": pd.to_datetime(["2025-01-02"] * 3),
        }
    )
    found = defused(table)
    assert found["image"].tolist()[:2] == ["'=a.png", "b.png"]
    assert found["image"].isna().tolist() == [False, False, True]
    assert found["split"].tolist() == ["'-x", "y", "'-x"]
    for name in ("value", "unit", "live", "when"):
        pd.testing.assert_series_equal(found[name], table[name])
    assert table["image"].tolist()[0] == "=a.png"  # the given one is as it was


def test_numbers_read_as_text_are_numbers_still() -> None:
    written = "a,b\n-0.5,=1\n+2,-x\n"
    table = pd.read_csv(io.StringIO(written), dtype=str, keep_default_na=False)
    assert defused(table).to_csv(index=False) == "a,b\n-0.5,'=1\n+2,'-x\n"
