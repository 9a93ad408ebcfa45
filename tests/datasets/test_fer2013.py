"""The one CSV file that FER2013 is distributed as."""

import numpy as np
import pytest

from facslens.datasets.check import check
from facslens.datasets.fer2013 import read_fer2013
from facslens.datasets.ferplus import read_ferplus
from facslens.datasets.images import read_grey
from facslens.datasets.labels import FER2013
from facslens.datasets.load import load, read
from facslens.errors import DataError

USAGES = ("Training", "Training", "PublicTest", "PrivateTest", "Training")
EMOTIONS = (3, 0, 6, 5, 1)


@pytest.fixture
def faces(rng):
    """Five faces of 10×10 grey levels; the last is a copy of the third, with another label."""
    levels = rng.integers(0, 256, (5, 10, 10), dtype=np.uint8)
    levels[4] = levels[2]
    return levels


def write(path, faces, emotions=EMOTIONS, usages=USAGES, head="emotion,pixels,Usage", end="\n"):
    lines = [head]
    for levels, emotion, usage in zip(faces, emotions, usages, strict=True):
        cells = {
            "emotion": str(emotion),
            "pixels": " ".join(map(str, levels.ravel())),
            "usage": usage,
        }
        lines.append(",".join(cells[name.strip().lower()] for name in head.split(",")))
    path.write_bytes((end.join(lines) + end).encode())
    return path


@pytest.mark.parametrize(
    ("name", "head", "end"),
    [
        ("fer2013.csv", "emotion,pixels,Usage", "\n"),
        ("icml_face_data.csv", "emotion, Usage, pixels", "\r\n"),
    ],
)
def test_levels_labels_and_parts(tmp_path, faces, name, head, end):
    write(tmp_path / name, faces, head=head, end=end)
    names = [
        "FER2013Train/fer0000000.png",
        "FER2013Train/fer0000001.png",
        "FER2013Valid/fer0000002.png",
        "FER2013Test/fer0000003.png",
    ]  # the fifth, a training copy of the validation face, is left out
    table = read_fer2013(tmp_path).faces().table.set_index("image")
    assert sorted(table.index) == sorted(names)
    table = table.loc[names]
    assert list(table["expression"]) == ["happiness", "anger", "neutral", "surprise"]
    assert list(table["split"]) == ["train", "train", "validation", "test"]
    for path, levels in zip(table["path"], faces, strict=False):
        np.testing.assert_array_equal(read_grey(path), levels)


def test_copies_are_noted_and_the_file_may_be_named(tmp_path, faces):
    path = write(tmp_path / "mine.csv", faces)
    reading = read(f"fer2013:{path}")
    assert [d.message for d in reading.defects] == [
        "1 copies of faces that another part holds are left out"
    ]
    assert len(load(f"fer2013:{path}")) == 4


def test_many_rows_of_one_cause_are_one_line(tmp_path, faces):
    path = write(tmp_path / "fer2013.csv", faces, (3, 7, 8, 7, 1))
    errors = [d.message for d in read_fer2013(path).defects if d.level == "error"]
    assert errors == [
        "row 3 of fer2013.csv has the unknown emotion '7'; 2 more like it: emotion '8' (1×), "
        "emotion '7' (1×)"
    ]


def test_what_is_wrong_with_a_row_is_named_and_the_others_are_read(tmp_path, faces):
    path = write(
        tmp_path / "fer2013.csv", faces, (3, 7, 6, 5, 1), (*USAGES[:3], "Test", "Training")
    )
    with path.open("a") as file:
        file.write("3,1 2 3\n\n")
    reading = read_fer2013(path)
    assert [(d.where, d.message) for d in reading.defects if d.level == "error"] == [
        ("row 3", "row 3 of fer2013.csv has the unknown emotion '7'"),
        ("row 5", "row 5 of fer2013.csv has the unknown Usage 'Test'"),
        ("row 7", "row 7 of fer2013.csv has 2 cells: expected 3"),
    ]
    assert len(reading.rows) == 2


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("1 2 3", "its cell holds 3 grey levels: expected a square"),
        ("", "its cell holds 0 grey levels: expected a square"),
        ("256 " * 100, "its cell holds something that is no grey level from 0 to 255"),
        ("a " * 100, "its cell holds something that is no grey level from 0 to 255"),
    ],
)
def test_a_cell_that_is_no_image_is_a_bad_image(tmp_path, faces, cell, message):
    path = write(tmp_path / "fer2013.csv", faces)
    with path.open("a") as file:
        file.write(f"2,{cell},Training\n")
    reading = read_fer2013(path)
    with pytest.raises(DataError, match=message):
        read_grey(reading.rows["path"].iloc[-1])
    bad = [d for d in check(f"fer2013:{path}").defects if d.kind == "bad image"]
    assert [d.where for d in bad] == ["FER2013Train/fer0000005.png"]


def test_files_that_are_none(tmp_path):
    (tmp_path / "fer2013.csv").write_text("emotion,pixels\n3,1 2\n")
    for path, message in [
        (tmp_path / "gone.csv", "does not exist: expected a CSV file"),
        (tmp_path, "has no column usage: expected emotion, pixels and Usage"),
    ]:
        with pytest.raises(DataError, match=message):
            read_fer2013(path).faces()
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n")
    with pytest.raises(DataError, match="has no rows: expected a header line and one row per face"):
        read_fer2013(tmp_path).faces()
    (tmp_path / "fer2013.csv").unlink()
    with pytest.raises(DataError, match=r"holds no fer2013\.csv: expected a CSV file"):
        read_fer2013(tmp_path).faces()


def test_real_faces_come_back_as_they_are_in_the_other_layout(tmp_path, data_folder):
    archive = data_folder / "ferplus.zip"
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    known = read_ferplus(archive, "fer2013").faces().table.iloc[:300]
    levels = [read_grey(path) for path in known["path"]]
    emotions = [FER2013.index(expression) for expression in known["expression"]]
    path = write(tmp_path / "fer2013.csv", levels, emotions, ["Training"] * 300)
    table = read_fer2013(path).faces().table
    assert list(table["expression"]) == list(known["expression"])
    for path, expected in zip(table["path"], levels, strict=True):
        np.testing.assert_array_equal(read_grey(path), expected)
