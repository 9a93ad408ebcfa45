import numpy as np
import pandas as pd
import pytest

from facslens.datasets.facs import facs_values
from facslens.datasets.load import load, read
from facslens.errors import DataError

NAN = np.nan


def values(*cells):
    defects = []
    return facs_values(pd.Series(cells, dtype="string"), "FACS", "t.csv", defects), defects


def test_codes_in_the_letters_of_the_manual():
    table, defects = values("6+12C+L14", "1+2B+T23", "0", None)
    expected = {
        "AU01": [0, 1, 0, NAN],
        "AU02": [0, 1, 0, NAN],
        "AU02_intensity": [0, 2, 0, NAN],
        "AU06": [1, 0, 0, NAN],
        "AU12": [1, 0, 0, NAN],
        "AU12_intensity": [3, 0, 0, NAN],
        "AU14": [NAN, 0, 0, NAN],
        "AU23": [0, NAN, 0, NAN],
    }
    pd.testing.assert_frame_equal(table, pd.DataFrame(expected, dtype=np.float32))
    assert [(d.level, d.message) for d in defects] == [
        (
            "warning",
            "FACS of t.csv has codes of a part of the face, or that are uncertain: these action "
            "units are unknown: L14 (1×), T23 (1×)",
        )
    ]


@pytest.mark.parametrize(
    ("cell", "presence", "intensity"),
    [
        ("12", 1, NAN), ("12A", 1, 1), ("12E", 1, 5), ("12e", 1, 5), ("AU12b", 1, 2),
        ("L12B", NAN, NAN), ("12R", NAN, NAN), ("AUB12C", NAN, NAN), ("T12", NAN, NAN),
        ("L12B+R12B", 1, 2), ("L12B+R12C", 1, NAN), ("T12A B12A", 1, 1), ("L12B+T12B", NAN, NAN),
        ("12?", NAN, NAN), ("12C?", NAN, NAN), ("L12+R12?", NAN, NAN), ("12B+12C", 1, NAN),
        ("6 + 12D", 1, 4), ("6,12D", 1, 4), ("6;AU 12D", 1, 4), ("6", 0, 0), ("0", 0, 0),
        ("12B+L12C", 1, NAN), ("", NAN, NAN),
    ],
)  # fmt: skip
def test_what_one_cell_says_of_one_action_unit(cell, presence, intensity):
    """A second face with 12A makes sure that there are both columns."""
    table, _ = values(cell or None, "12A")
    assert table.loc[0, ["AU12", "AU12_intensity"]].tolist() == pytest.approx(
        [presence, intensity], nan_ok=True
    )


def test_what_is_no_code_is_one_error_and_the_face_is_unknown():
    table, defects = values("12", "smile", "12+6X", "12F", "5")
    assert table["AU12"].tolist() == pytest.approx([1, NAN, NAN, NAN, 0], nan_ok=True)
    assert [(d.kind, d.message) for d in defects] == [
        (
            "bad value",
            "row 3 of t.csv: FACS is 'smile': expected FACS codes such as 6+12C+L14, or empty; 2 "
            "more cells are not read (facs=none leaves the column out)",
        )
    ]


def test_numbers_that_are_no_action_unit_are_counted():
    table, defects = values("12+64", "51B+64")
    assert table.columns.tolist() == ["AU12"]
    assert defects[0].message == (
        "FACS of t.csv has codes of no known action unit, ignored: 51B (1×), 64 (2×)"
    )


def test_a_table_may_have_a_column_of_codes(tmp_path, write_image):
    for name in "ab":
        write_image(tmp_path / f"{name}.png")
    file = tmp_path / "t.csv"
    file.write_text("path,expression,FACS,AU04\na.png,joy,6+12C,0\nb.png,sad,1+15,1\n")
    faces = load(f"table:{file}")
    assert faces.aus == ("AU01", "AU04", "AU06", "AU12", "AU15")
    np.testing.assert_array_equal(faces.presence(), [[0, 0, 1, 1, 0], [1, 1, 0, 0, 1]])
    assert faces.table["AU12_intensity"].tolist() == [3, 0]
    assert load(f"table:{file},facs=none").aus == ("AU04",)
    file.write_text(file.read_text().replace("FACS", "codes"))
    assert load(f"table:{file}").aus == ("AU04",)
    assert load(f"table:{file},facs=codes").aus == faces.aus
    file.write_text(file.read_text().replace("codes", "FACS").replace("AU04", "AU12"))
    with pytest.raises(DataError, match="has columns and FACS codes for AU12, AU12_intensity: "):
        load(f"table:{file}")
    rest = read(f"table:{file}").faces(strict=False)
    np.testing.assert_array_equal(rest.presence(["AU12"]), [[0], [1]])
    assert "AU12_intensity" not in rest.table.columns
