import numpy as np
import pytest

from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load, read
from facslens.errors import DataError

NAN = np.nan
HEADER = "# AU intensities of one trial\n# image     intensity\n"


@pytest.fixture
def root(tmp_path, write_image):
    """Two trials of SN001 and one of SN003."""
    codes(tmp_path, "SN001/A1", 1, HEADER + "000.jpg     0\n001.jpg     3\n")
    codes(tmp_path, "SN001/A1", 12, HEADER + "000.jpg     1\n001.jpg     0\n")
    codes(tmp_path, "SN001/B", 1, "Frame Intensity\n\n000.jpg     5\n")
    codes(tmp_path, "SN003/A1", 1, "000.jpg     2\n")
    for image in ("SN001/A1/000", "SN001/A1/001", "SN001/B/000", "SN003/A1/000"):
        write_image(tmp_path / "Images" / f"{image}.jpg")
    return tmp_path


def codes(root, trial, unit, text):
    file = root / "Labels" / trial / f"AU{unit}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_frame_has_the_intensities_of_its_image(root):
    faces = load(f"disfaplus:{root}")
    assert faces.name == "disfaplus"
    columns = ["image", "subject", "sequence", "frame"]
    assert faces.table[columns].to_numpy().tolist() == [
        ["Images/SN001/A1/000.jpg", "SN001", "SN001_A1", 0],
        ["Images/SN001/A1/001.jpg", "SN001", "SN001_A1", 1],
        ["Images/SN001/B/000.jpg", "SN001", "SN001_B", 0],
        ["Images/SN003/A1/000.jpg", "SN003", "SN003_A1", 0],
    ]
    grades = faces.table[["AU01_intensity", "AU12_intensity"]].to_numpy(dtype=float)
    np.testing.assert_array_equal(grades, [[0, 1], [3, 0], [5, NAN], [2, NAN]])
    np.testing.assert_array_equal(faces.presence(["AU12"])[:, 0], [1, 0, NAN, NAN])
    assert not faces.codings["AU12"].automatic
    assert faces.notes == ()


def test_presence_begins_at_a_grade_that_can_be_told(root):
    faces = load(f"disfaplus:{root},present=3")
    np.testing.assert_array_equal(faces.presence(["AU01"])[:, 0], [0, 1, 1, 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "000.jpg 9\n",
            r"line 1 of Labels/SN003/A1/AU1.txt says '9' for AU01: expected a whole number from",
        ),
        ("000.jpg 1\nrest 1\n", r"line 2 .* says 'rest' for the frame: expected a whole number"),
        ("000.jpg\n", r"line 1 .* has 1 values: expected 2"),
        ("no image\n", r"the label file .*AU1.txt names no image: expected lines such as 017.jpg"),
    ],
)
def test_a_line_that_cannot_be_is_named(root, text, message):
    codes(root, "SN003/A1", 1, text)
    with pytest.raises(DataError, match=f"^disfaplus: {message}"):
        load(f"disfaplus:{root}")


def test_what_lacks_an_image_or_a_code_is_counted(root, write_image):
    write_image(root / "Images" / "SN003" / "A2" / "000.jpg")
    (root / "Images" / "SN001" / "B" / "000.jpg").unlink()
    assert [d.message for d in read(f"disfaplus:{root}").defects] == [
        "1 of 4 coded frames have no image: SN001_B (1×)",
        "1 of 4 images have no code, left out: SN003_A2 (1×)",
    ]


def test_a_folder_of_something_else_is_refused(tmp_path, write_image):
    write_image(tmp_path / "anger" / "1.png")
    with pytest.raises(DataError, match="holds no image of a coded frame: expected Labels/SN001/"):
        load(f"disfaplus:{tmp_path}")


def test_the_official_counts():
    official = LAYOUTS["disfaplus"].official
    assert (official.source, official.subjects) == ("mavadati2016", 9)
