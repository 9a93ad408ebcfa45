import numpy as np
import pytest
from scipy import io

from facslens.datasets import tfd_file
from facslens.datasets.archive import read_bytes
from facslens.datasets.check import check
from facslens.datasets.images import read_grey
from facslens.datasets.labels import FER2013
from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load, read
from facslens.errors import CallError, DataError

LABELS = [-1, 1, 2, 3, 4, 5, 6, 7, -1, 4]
PEOPLE = [-1, 11, 11, 12, 13, 14, 15, 15, -1, -1]
# Fold 1, and fold 2 that moves the parts on; 0 is unlabelled.
FIRST = [0, 1, 1, 1, 2, 2, 3, 3, 0, 1]
SECOND = [0, 2, 2, 2, 3, 3, 1, 1, 0, 2]


def stored(**changes):
    """Ten faces of 12×12 as TFD stores them."""
    rng = np.random.default_rng(5)
    folds = np.array([FIRST, SECOND, FIRST, FIRST, FIRST]).T
    return {
        "images": rng.integers(0, 256, (10, 12, 12), dtype=np.uint8),
        "labs_ex": np.array(LABELS, dtype=np.int8)[:, None],
        "labs_id": np.array(PEOPLE, dtype=float)[:, None],
        "folds": folds.astype(np.uint8),
        **changes,
    }


def write(path, **changes):
    content = {name: value for name, value in stored(**changes).items() if value is not None}
    io.savemat(path, content, do_compression=True)
    return path


@pytest.fixture
def root(tmp_path):
    write(tmp_path / "TFD_48x48.mat")
    return tmp_path


def test_labelled_faces_have_expression_person_and_part(root):
    faces = load(f"tfd:{root}")
    columns = ["image", "subject", "expression", "split"]
    table = faces.table[columns].astype(object).where(faces.table[columns].notna(), None)
    assert [tuple(row) for row in table.itertuples(index=False)] == [
        ("TFD_48x48/000001", "11", "anger", "train"),
        ("TFD_48x48/000002", "11", "disgust", "train"),
        ("TFD_48x48/000003", "12", "fear", "train"),
        ("TFD_48x48/000004", "13", "happiness", "validation"),
        ("TFD_48x48/000005", "14", "sadness", "validation"),
        ("TFD_48x48/000006", "15", "surprise", "test"),
        ("TFD_48x48/000007", "15", "neutral", "test"),
        ("TFD_48x48/000009", None, "happiness", "train"),
    ]
    assert faces.notes == ("faces without a label (labs_ex is -1) are left out: 2 of 10",)


def test_the_grey_levels_are_those_of_the_file(root):
    images = stored()["images"]
    faces = load(f"tfd:{root / 'TFD_48x48.mat'}")
    for path, name in zip(faces.table["path"], faces.table["image"], strict=True):
        np.testing.assert_array_equal(read_grey(path), images[int(name.split("/")[1])])
    assert not [d for d in check(f"tfd:{root}").defects if d.kind == "bad image"]


def test_another_fold_has_other_parts(root):
    splits = load(f"tfd:{root},fold=2").table["split"].tolist()
    names = {1: "train", 2: "validation", 3: "test"}
    assert splits == [names[part] for part in SECOND if part]
    with pytest.raises(CallError, match="fold is '6': expected which fold says the parts"):
        load(f"tfd:{root},fold=6")


def test_a_person_in_two_parts_is_an_error(tmp_path):
    people = np.array(PEOPLE)
    people[4] = 11
    write(tmp_path / "TFD_48x48.mat", labs_id=people[:, None])
    with pytest.raises(DataError, match="the subject '11' has two splits in tfd: expected one"):
        load(f"tfd:{tmp_path}")


def test_a_labelled_face_in_no_part_is_counted(tmp_path):
    folds = stored()["folds"].copy()
    folds[3, 0] = 0
    write(tmp_path / "TFD_48x48.mat", folds=folds)
    faces = load(f"tfd:{tmp_path}")
    assert faces.notes[1:] == ("faces in no part of fold 1 are left out: 1 of 10",)
    assert "TFD_48x48/000003" not in set(faces.table["image"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"labs_ex": np.array([8, 1.5, *LABELS[2:]])[:, None]},
            r"are no number from 1 to 7, nor -",
        ),
        ({"labs_ex": None}, r"it has no variable labs_ex; expected TFD_48x48.mat with images"),
        ({"images": np.zeros((10, 12, 12))}, r"its images are float64 of the shape \(10, 12, 12\)"),
        ({"images": np.zeros((10, 144), np.uint8)}, r"its images are uint8 of the shape \(10, 144"),
        ({"labs_id": np.zeros((9, 1))}, r"its labs_id have the shape \(9, 1\), expected"),
        ({"labs_id": np.array([["a"] * 10], dtype=object).T}, "its labs_id are no real numbers"),
        ({"folds": np.ones((10, 2))}, None),
        ({"folds": np.ones((10, 0))}, "has 0 folds: expected five"),
    ],
)
def test_what_a_file_lacks_is_named(tmp_path, changes, message):
    file = write(tmp_path / "TFD_48x48.mat", **changes)
    if message is None:
        with pytest.raises(DataError, match="has 2 folds: expected five"):
            load(f"tfd:{file},fold=3")
    else:
        with pytest.raises(DataError, match=message):
            load(f"tfd:{file}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is no MATLAB file of version 5"),
        (b"\x80\x04\x95" + b"x" * 200, "it is no MATLAB file of version 5"),
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM", r"it is of MATLAB 7.3, to be saved by"),
    ],
)
def test_a_file_of_something_else(tmp_path, content, message):
    (tmp_path / "TFD_48x48.mat").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load(f"tfd:{tmp_path}")


def test_a_missing_file_and_a_missing_face(root, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(
        DataError, match=r"TFD_48x48.mat does not exist: expected TFD_48x48.mat wit"
    ):
        load(f"tfd:{empty}")
    for name in ("0", "10", "x", "-1", "9" * 30):  # unlabelled, beyond the end, no number
        with pytest.raises(FileNotFoundError, match="there is no such labelled face"):
            read_bytes(root / "TFD_48x48.mat" / name)


def test_large_files_and_images_are_not_read(root, monkeypatch):
    monkeypatch.setattr(tfd_file, "MAX_BYTES", 10 * 144 - 1)
    with pytest.raises(DataError, match=r"it holds more than 0 MB"):
        load(f"tfd:{root}")


def test_damaged_files_are_read_or_refused_in_one_sentence(tmp_path, rng):
    content = write(tmp_path / "whole.mat").read_bytes()
    for number in range(60):
        damaged = bytearray(content)
        for place in rng.integers(0, len(damaged), 3):
            damaged[place] ^= 1 << rng.integers(8)
        if number % 3 == 0:
            del damaged[int(rng.integers(1, len(damaged))) :]
        file = tmp_path / f"{number}.mat"
        file.write_bytes(damaged)
        for defect in read(f"tfd:{file}").defects:
            assert "\n" not in defect.message


def test_the_expressions_count_as_fer2013_took_them_over():
    assert FER2013[0] == "anger"
    assert LAYOUTS["tfd"].official.images == 4178
