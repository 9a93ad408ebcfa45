"""FER2013 as folders of images, as Kaggle has it."""

import pytest

from facslens.datasets.labels import FER2013
from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load, read
from facslens.errors import DataError

NAMES = {
    "train/angry/Training_3908.jpg": ("anger", "train"),
    "train/happy/Training_1206.jpg": ("happiness", "train"),
    "train/neutral/Training_10002.jpg": ("neutral", "train"),
    "test/fear/PrivateTest_902573.jpg": ("fear", "test"),
    "test/sad/PublicTest_16131911.jpg": ("sadness", "validation"),
    "test/surprise/PublicTest_87012441.jpg": ("surprise", "validation"),
}


@pytest.fixture
def root(tmp_path, write_image):
    for number, name in enumerate(NAMES):
        write_image(tmp_path / name, number)
    return tmp_path


def test_the_name_says_the_part_and_the_folder_the_expression(root):
    faces = load(f"fer2013:{root}")
    table = faces.table.set_index("image")
    assert faces.name == "fer2013"
    assert {
        name: (table["expression"][name], table["split"][name]) for name in table.index
    } == NAMES
    assert table["path"]["test/fear/PrivateTest_902573.jpg"] == str(
        root / "test/fear/PrivateTest_902573.jpg"
    )
    assert table["subject"].isna().all()


def test_two_parts_in_the_test_folder_are_never_mixed_in_silence(root):
    assert load(f"fer2013:{root}").notes == (
        "the folder test holds faces of another part of FER2013, PublicTest (2×): they are read "
        "as their names say, PublicTest as validation and PrivateTest as test",
    )


def test_a_folder_of_any_images_tells_that_it_mixes_them(root):
    faces = load(f"folder:{root}")
    assert faces.notes == (
        "the part test mixes images that FER2013 calls PublicTest and PrivateTest: "
        f"fer2013:{root} keeps them apart, as validation and test",
    )
    assert faces.table["split"].value_counts().to_dict() == {"train": 3, "test": 3}


def test_numbered_folders_count_as_in_the_csv_file(tmp_path, write_image):
    for number in range(7):
        write_image(tmp_path / "train" / str(number) / f"Training_{number}.jpg", number)
    table = load(f"fer2013:{tmp_path}").table
    assert table["expression"].tolist() == list(FER2013)


def test_copies_of_faces_of_another_part_are_left_out(root, write_image):
    write_image(root / "train/happy/Training_5.jpg", 3)  # as the test face
    reading = read(f"fer2013:{root}")
    assert "1 copies of faces that another part holds are left out" in [
        d.message for d in reading.defects
    ]
    assert "train/happy/Training_5.jpg" not in set(reading.rows["image"])
    assert len(reading.rows) == 6


def test_a_training_face_in_the_test_folder_is_an_error(root, write_image):
    for number in (1, 2):
        write_image(root / f"test/happy/Training_{number}.jpg", 40 + number)
    match = (
        r"test/happy/Training_1.jpg lies in test, and its name says Training: expected them to "
        r"agree; 1 more like it$"
    )
    with pytest.raises(DataError, match=match):
        load(f"fer2013:{root}")


def test_what_has_another_name_or_folder_is_named_once(root, write_image):
    for name in ("train/angry/im0.png", "train/angry/im1.png", "train/bored/Training_1.jpg"):
        write_image(root / name)
    errors = [d.message for d in read(f"fer2013:{root}").defects if d.level == "error"]
    assert errors == [
        "train/angry/im0.png: expected a name such as train/angry/Training_3908.jpg (folder:PATH "
        "reads images of any name from such folders); 1 more like it",
        "train/bored/Training_1.jpg lies in 'bored': expected a folder named neutral | anger | "
        "disgust | fear | happiness | sadness | surprise",
    ]


def test_a_folder_without_images_is_told_both_forms(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    match = r"holds no fer2013\.csv: expected a CSV file, or images such as train/angry/Training_39"
    with pytest.raises(DataError, match=match):
        load(f"fer2013:{tmp_path}")


def test_the_makers_count_35887_faces():
    official = LAYOUTS["fer2013"].official
    assert official.images == 35887 == sum(official.expressions.values())
    assert set(official.expressions) == set(FER2013)
