import pytest

from facslens.datasets.check import check
from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load, read
from facslens.errors import DataError

NAMES = {
    "KA.AN1.39.tiff": ("KA", "anger"),
    "KA.DI2.43.tiff": ("KA", "disgust"),
    "KL.FE4.48.tiff": ("KL", "fear"),
    "KL.HA2.159.tiff": ("KL", "happiness"),
    "YM.NE1.26.tiff": ("YM", "neutral"),
    "YM.SA3.5.tiff": ("YM", "sadness"),
    "YM.SU3.60.tiff": ("YM", "surprise"),
}


@pytest.fixture
def root(tmp_path, write_image):
    for number, name in enumerate(NAMES):
        write_image(tmp_path / "jaffe" / name, number)
    (tmp_path / "jaffe" / "README_FIRST.txt").write_text("semantic ratings")
    return tmp_path


def test_the_name_says_subject_and_expression(root):
    faces = load(f"jaffe:{root}")
    table = faces.table.set_index("image")
    found = {name: tuple(table.loc[f"jaffe/{name}", ["subject", "expression"]]) for name in NAMES}
    assert found == NAMES
    assert len(table) == 7
    assert table[["sequence", "frame", "split"]].isna().all(axis=None)
    assert faces.notes == (f"1 file that is not read lies below {root}, by ending: .txt (1×)",)


def test_images_of_another_format_and_case_are_read(tmp_path, write_image):
    write_image(tmp_path / "ka.su1.36.jpg")
    table = load(f"jaffe:{tmp_path}").table
    assert table[["subject", "expression"]].to_numpy().tolist() == [["KA", "surprise"]]


def test_other_names_are_one_line_with_a_count(root, write_image):
    for name in ("KA.XX1.1.tiff", "KA.AN.tiff", "face.tiff"):
        write_image(root / "jaffe" / name)
    match = r"jaffe/KA.AN.tiff: expected a name such as KA.AN1.39.tiff; 2 more like it$"
    with pytest.raises(DataError, match=match):
        load(f"jaffe:{root}")


def test_an_image_that_stands_twice_is_an_error(root, write_image):
    write_image(root / "copy" / "KA.AN1.39.tiff")
    match = r"KA.AN1.39.tiff occurs twice: as copy/KA.AN1.39.tiff and as jaffe/KA.AN1.39.tiff"
    with pytest.raises(DataError, match=match):
        load(f"jaffe:{root}")


def test_no_image_and_no_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"holds no image of jaffe: expected images such as KA.AN1"):
        load(f"jaffe:{tmp_path}")
    with pytest.raises(DataError, match="gone does not exist: expected a folder"):
        load(f"jaffe:{tmp_path / 'gone'}")


def test_a_broken_image_is_named_by_the_check(root):
    (root / "jaffe" / "KA.AN1.39.tiff").write_bytes(b"II*\0")
    bad = [d.where for d in check(f"jaffe:{root}").defects if d.kind == "bad image"]
    assert bad == ["jaffe/KA.AN1.39.tiff"]


def test_the_makers_count_213_images_of_ten_women():
    layout = LAYOUTS["jaffe"]
    assert (layout.official.images, layout.official.subjects) == (213, 10)
    assert not layout.seen
    assert read(f"jaffe:{__file__}").rows.empty
