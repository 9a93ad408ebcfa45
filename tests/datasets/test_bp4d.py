import numpy as np
import pytest

from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load, read
from facslens.errors import DataError

NAN = np.nan


@pytest.fixture
def root(tmp_path, write_image):
    """Two tasks, with the first row as BP4D and as BP4D+ write it.

    Of F001_T1 nobody looked for AU02; of M002_T3 one frame of AU12 could not be coded.
    """
    occurrence(tmp_path, "F001_T1", "0,1,2,3,12\n10,1,9,9,0\n11,0,9,9,1\n")
    occurrence(tmp_path, "M002_T3", "1,1,2,12\n5,0,1,9\n6,1,0,1\n")
    intensity(tmp_path, "F001_T1", 12, "10,0\n11,4\n")
    intensity(tmp_path, "F001_T1", 6, "11,9\n10,3\n")
    for image in ("F001/T1/0010", "F001/T1/0011", "M002/T3/005", "M002/T3/006"):
        write_image(tmp_path / "2D+3D" / f"{image}.jpg")
    return tmp_path


def occurrence(root, task, text):
    file = root / "AUCoding" / "AU_OCC" / f"{task}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def intensity(root, task, unit, text):
    file = root / "AUCoding" / "AU_INT" / f"AU{unit:02d}" / f"{task}_AU{unit:02d}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def messages(root, level):
    return [d.message for d in read(f"bp4d:{root}").defects if d.level == level]


@pytest.mark.parametrize("name", ["bp4d", "bp4dplus"])
def test_occurrence_is_presence_and_nine_is_unknown(root, name):
    faces = load(f"{name}:{root}")
    assert faces.name == name
    columns = ["image", "subject", "sequence", "frame"]
    assert faces.table[columns].to_numpy().tolist() == [
        ["2D+3D/F001/T1/0010.jpg", "F001", "F001_T1", 10],
        ["2D+3D/F001/T1/0011.jpg", "F001", "F001_T1", 11],
        ["2D+3D/M002/T3/005.jpg", "M002", "M002_T3", 5],
        ["2D+3D/M002/T3/006.jpg", "M002", "M002_T3", 6],
    ]
    assert faces.aus == ("AU01", "AU02", "AU12")
    np.testing.assert_array_equal(
        faces.presence(), [[1, NAN, 0], [0, NAN, 1], [0, 1, NAN], [1, 0, 1]]
    )
    assert not any(coding.automatic for coding in faces.codings.values())


def test_an_intensity_is_never_taken_for_presence(root):
    table = load(f"bp4d:{root}").table
    assert "AU06" not in table.columns
    np.testing.assert_array_equal(table["AU06_intensity"], [3, NAN, NAN, NAN])
    np.testing.assert_array_equal(table["AU12_intensity"], [0, 4, NAN, NAN])


def test_what_is_unknown_is_counted_but_not_what_nobody_looked_for(root):
    assert messages(root, "warning") == [
        f"2 values below {root} are unknown (9), of action units that are coded elsewhere in "
        f"their task"
    ]


def test_occurrence_and_intensity_that_contradict_one_another_are_counted(root):
    intensity(root, "F001_T1", 12, "10,2\n11,0\n")
    assert messages(root, "warning")[-1] == (
        f"occurrence and intensity below {root} contradict one another, both are kept: AU12 (2×)"
    )


def test_numbers_that_are_no_action_unit_are_named(root):
    occurrence(root, "F001_T1", "0,1,61\n10,1,1\n11,0,0\n")
    assert messages(root, "warning")[-1] == (
        f"the occurrence files below {root} code what is no action unit: 61 (1×)"
    )


def test_what_lacks_an_image_or_a_code_is_counted(root, write_image):
    write_image(root / "2D+3D" / "F001" / "T1" / "0001.jpg")
    (root / "2D+3D" / "M002" / "T3" / "005.jpg").unlink()
    assert messages(root, "warning")[:2] == [
        "1 of 4 coded frames have no image: M002_T3 (1×)",
        "1 of 4 images have no code, left out: F001_T1 (1×)",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,1\n10,2\n", r"line 2 of .*F001_T1.csv says '2' for AU01: expected 0, 1, or 9 where u"),
        ("0,1\n10\n", r"line 2 of .* has 1 values: expected 2"),
        ("0,1,1\n10,1,1\n", r"the first row of .* is '0,1,1'…: expected the number of each action"),
        ("frame,x\n10,1\n", r"the first row of .* is 'frame,x'…: expected the number"),
    ],
)
def test_a_table_that_cannot_be_is_named(root, text, message):
    occurrence(root, "F001_T1", text)
    with pytest.raises(DataError, match=f"^bp4d: {message}"):
        load(f"bp4d:{root}")


def test_an_intensity_that_cannot_be_is_named(root):
    intensity(root, "F001_T1", 12, "10,6\n")
    with pytest.raises(
        DataError,
        match=r"says '6' for AU12: expected a whole number from 0 to 5, or 9 where unknown",
    ):
        load(f"bp4d:{root}")


def test_two_files_of_one_name_are_named(root):
    (root / "old").mkdir()
    (root / "old" / "F001_T1.csv").write_text("0,1\n10,0\n")
    assert messages(root, "error") == [
        "old/F001_T1.csv codes what another file of that name does: expected one"
    ]


def test_archives_that_are_not_unpacked_are_told(tmp_path):
    occurrence(tmp_path, "F001_T1", "0,1\n10,1\n")
    (tmp_path / "F001.zip").write_text("x")
    with pytest.raises(DataError, match=r"expected AUCoding/AU_OCC/F001_T1.csv and .*, unpacked"):
        load(f"bp4d:{tmp_path}")


def test_the_official_counts():
    official = LAYOUTS["bp4d"].official
    assert (official.source, official.subjects, official.sequences) == ("zhang2014", 41, 328)
    official = LAYOUTS["bp4dplus"].official
    assert (official.source, official.subjects) == ("zhang2016", 140)
