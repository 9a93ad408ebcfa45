import numpy as np
import pytest

from facslens.datasets.affectnet import read_label
from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load, read
from facslens.errors import DataError

HEAD = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,"
    "valence,arousal"
)
BOX = "134,134,899,899,181.64;530.91;188.32"
TRAINING = f"""\
{HEAD}
689/a.jpg,{BOX},1,0.785714,-0.055556
689/b.JPG,{BOX},0,-0.017253,0.004313
392/c.jpg,{BOX},7.0,0.1,0.2
392/d.jpg,{BOX},8,-2,-2
392/e.jpg,{BOX},9,-2,-2
392/f.jpg,{BOX},10,-2,-2
"""
VALIDATION = f"{HEAD}\n12/g.png,{BOX},4,0.1,0.2\n12/h.jpg,{BOX},10,-2,-2\n"
SHOWN = {
    "689/a.jpg": ("happiness", "train"),
    "689/b.JPG": ("neutral", "train"),
    "392/c.jpg": ("contempt", "train"),
    "392/d.jpg": ("?", "train"),
    "392/e.jpg": ("?", "train"),
    "12/g.png": ("fear", "validation"),
}


@pytest.fixture
def root(tmp_path, write_image):
    """The full set: two lists, and images of which those without a face may be missing."""
    lists = tmp_path / "Manually_Annotated_file_lists"
    lists.mkdir()
    (lists / "training.csv").write_text(TRAINING)
    (lists / "validation.csv").write_text(VALIDATION)
    for number, name in enumerate(SHOWN):
        write_image(tmp_path / "Manually_Annotated_Images" / name, number)
    return tmp_path


@pytest.fixture
def npy(tmp_path, write_image):
    """The form of 2021; labels are written as text there, and as numbers by some scripts."""
    for part, labels in {
        "train_set": {0: "1", 7: np.int64(6), 12: 2.0},
        "val_set": {0: "7", 3: np.array(["0"])},
    }.items():
        (tmp_path / part / "annotations").mkdir(parents=True)
        for number, label in labels.items():
            write_image(tmp_path / part / "images" / f"{number}.jpg")
            for kind, value in {"exp": label, "val": -0.5, "aro": 0.25, "lnd": [1.0] * 136}.items():
                np.save(tmp_path / part / "annotations" / f"{number}_{kind}.npy", value)
    return tmp_path


def shown(faces):
    table = faces.table.set_index("image").fillna({"expression": "?"})
    return {image: tuple(table.loc[image, ["expression", "split"]]) for image in table.index}


def test_the_tables_say_expression_and_part(root):
    faces = load(f"affectnet:{root}")
    assert shown(faces) == SHOWN
    assert faces.table["subject"].isna().all()
    assert faces.table["path"][0] == str(root / "Manually_Annotated_Images" / "12/g.png")
    assert faces.notes == (
        "images that show no face, by their label 10, are left out: training.csv (1×), "
        "validation.csv (1×)",
    )


def test_one_table_is_read_alone_and_from_another_place(root, tmp_path_factory):
    table = root / "Manually_Annotated_file_lists" / "validation.csv"
    assert shown(load(f"affectnet:{table}")) == {"12/g.png": ("fear", "validation")}
    elsewhere = tmp_path_factory.mktemp("lists") / "mine.csv"
    elsewhere.write_text(VALIDATION)
    images = root / "Manually_Annotated_Images"
    faces = load(f"affectnet:{elsewhere},images={images}")
    assert faces.table["expression"].tolist() == ["fear"]
    assert faces.table["split"].isna().all()


def test_a_list_that_a_network_made_is_refused(root):
    table = root / "automatically_annotated.csv"
    table.write_text(TRAINING)
    match = r"automatically_annotated.csv has the expressions that a network estimated: expected tr"
    with pytest.raises(DataError, match=match):
        load(f"affectnet:{table}")
    assert read(f"affectnet:{table}").rows.empty
    assert shown(load(f"affectnet:{root}")) == SHOWN  # beside the others it plays no part


def test_what_is_wrong_in_a_table_is_one_line_a_cause(root):
    (root / "Manually_Annotated_file_lists" / "training.csv").write_text(
        TRAINING.replace("e.jpg," + BOX + ",9", "e.jpg," + BOX + ",happy")
        + f"392/c.jpg,{BOX},7,0,0\n12/g.png,{BOX},11,0,0\n12/g.png,{BOX},,0,0\n"
        + f"1/x.jpg,{BOX},1,0,0\n,{BOX},1,0,0\n"
    )
    images = root / "Manually_Annotated_Images"
    errors = [d.message for d in read(f"affectnet:{root}").defects if d.level == "error"]
    assert errors == [
        "row 6 of training.csv: expression is 'happy': expected a number from 0 to 10; 2 more like "
        "it: '11' (1×), empty (1×)",
        "row 8 of training.csv: the image 392/c.jpg stands in row 4 of training.csv, too: expected "
        "one row",
        f"row 11 of training.csv: the image 1/x.jpg is not in {images} (images=); 1 more like it",
    ]


def test_an_image_in_both_parts_is_an_error(root):
    lists = root / "Manually_Annotated_file_lists"
    (lists / "validation.csv").write_text(f"{HEAD}\n689/a.jpg,{BOX},1,0,0\n")
    match = r"row 2 of validation.csv: the image 689/a.jpg stands in row 2 of training.csv, too"
    with pytest.raises(DataError, match=match):
        load(f"affectnet:{root}")


def test_a_table_of_something_else_is_refused(root):
    (root / "Manually_Annotated_file_lists" / "training.csv").write_text("path,label\na.jpg,1\n")
    with pytest.raises(
        DataError, match="lacks the column 'subDirectory_filePath': expected the ta"
    ):
        load(f"affectnet:{root}")


def test_numpy_files_hold_the_label_of_each_image(npy):
    faces = load(f"affectnet:{npy}")
    assert shown(faces) == {
        "train_set/images/0.jpg": ("happiness", "train"),
        "train_set/images/7.jpg": ("anger", "train"),
        "train_set/images/12.jpg": ("sadness", "train"),
        "val_set/images/0.jpg": ("contempt", "validation"),
        "val_set/images/3.jpg": ("neutral", "validation"),
    }
    assert faces.notes == ()
    assert load(f"affectnet:{npy},images=elsewhere").notes == (
        f"images=elsewhere plays no part: {npy} holds images beside their labels",
    )
    one = load(f"affectnet:{npy / 'val_set'}")
    assert shown(one) == {
        "images/0.jpg": ("contempt", "validation"),
        "images/3.jpg": ("neutral", "validation"),
    }


def test_what_is_wrong_with_numpy_files_is_one_line_a_cause(npy, write_image):
    labels = npy / "train_set" / "annotations"
    (labels / "0_exp.npy").unlink()
    np.save(labels / "7_exp.npy", np.array({"exp": 1}), allow_pickle=True)
    np.save(labels / "12_exp.npy", "12")
    np.save(labels / "99_exp.npy", "1")
    write_image(npy / "val_set" / "images" / "0.png")
    errors = [d.message for d in read(f"affectnet:{npy}").defects if d.level == "error"]
    assert errors == [
        "train_set/annotations/0_exp.npy of train_set/images/0.jpg does not exist",
        "train_set/annotations/12_exp.npy is 12: expected a number from 0 to 10",
        "train_set/annotations/7_exp.npy of train_set/images/7.jpg holds no label: it is no NumPy "
        "file of one number or text, or it holds a pickle",
        "labels in train_set without an image: 1, of 99",
        "val_set/images/0.png has the number of val_set/images/0.jpg: expected one image",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is no NumPy file"),
        (b"\x80\x04\x95", "it is no NumPy file"),  # a bare pickle
        (b"\x93NUMPY\x01\x00", "it is no NumPy file of one number or text, or it holds a pickle"),
        (b"x" * 5000, "more than"),
    ],
)
def test_a_file_that_holds_no_label(tmp_path, content, message):
    (tmp_path / "0_exp.npy").write_bytes(content)
    with pytest.raises((ValueError, OSError), match=message):
        read_label(tmp_path / "0_exp.npy")


@pytest.mark.parametrize("value", [[1, 2], [], ["7", "7"]])
def test_several_values_are_no_label(tmp_path, value):
    np.save(tmp_path / "0_exp.npy", value)
    with pytest.raises(ValueError, match=r"it holds \d+ bytes of .*, expected one value"):
        read_label(tmp_path / "0_exp.npy")


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("7", "7"),
        (" 3", "3"),
        (b"4", "4"),
        (6, "6"),
        (np.uint8(5), "5"),
        (2.0, "2"),
        (np.float32(1), "1"),
        (np.array([[8]], ">i4"), "8"),
        ("1.0", "1"),
        (np.nan, "nan"),
    ],
)
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_a_label_is_read_as_numpy_reads_it(tmp_path, value, label, version):
    with (tmp_path / "0_exp.npy").open("wb") as file:
        np.lib.format.write_array(file, np.asarray(value), version=version)
    assert read_label(tmp_path / "0_exp.npy") == label
    read = np.load(tmp_path / "0_exp.npy", allow_pickle=False).reshape(-1)[0]
    assert float(read) == pytest.approx(float(label), nan_ok=True)


def test_folders_of_something_else_say_what_is_expected(tmp_path, write_image):
    write_image(tmp_path / "happy" / "a.jpg")
    match = r"holds no image of affectnet: expected training.csv and validation.csv, or train_set/"
    with pytest.raises(DataError, match=match):
        load(f"affectnet:{tmp_path}")
    with pytest.raises(DataError, match="gone does not exist: expected a folder or table of Affec"):
        load(f"affectnet:{tmp_path / 'gone'}")


def test_the_makers_count_291651_faces_with_an_expression():
    official = LAYOUTS["affectnet"].official
    assert sum(official.expressions.values()) == 287651 + 4000
    assert len(official.expressions) == 8
