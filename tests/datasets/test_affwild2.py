import numpy as np
import pytest

from facslens.datasets.load import load, read
from facslens.errors import DataError

NAN = np.nan
UNITS = "AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26"
FACES = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"


def units(*present):
    """A line that has the action units at these places."""
    return ",".join("1" if place in present else "0" for place in range(12))


@pytest.fixture
def root(tmp_path, write_image):
    """Two videos with action units and expressions, one with expressions alone."""
    lines = [UNITS, units(0), units(6, 10), ",".join(["-1"] * 12), units()]
    label(tmp_path, "AU_Detection_Challenge/Train_Set/video1", lines)
    label(tmp_path, "AU_Detection_Challenge/Validation_Set/2_right", [UNITS, units(11)])
    label(tmp_path, "EXPR_Classification_Challenge/Train_Set/video1", [FACES, 6, 4, -1, 7])
    label(tmp_path, "EXPR_Classification_Challenge/Validation_Set/3", [FACES, 0, 1])
    label(tmp_path, "VA_Estimation_Challenge/Train_Set/video1", ["valence,arousal", "0.1,0.2"])
    for image in ("video1/00001", "video1/00002", "video1/00003", "video1/00004"):
        write_image(tmp_path / "cropped_aligned" / f"{image}.jpg")
    for image in ("2_right/00001", "3/00002"):
        write_image(tmp_path / "cropped_aligned" / f"{image}.jpg")
    return tmp_path


def label(root, name, lines):
    file = root / f"{name}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines))


def messages(root, level):
    return [d.message for d in read(f"affwild2:{root}").defects if d.level == level]


def test_each_line_after_the_first_is_a_frame_from_one_on(root):
    faces = load(f"affwild2:{root}")
    assert faces.name == "affwild2"
    columns = ["image", "sequence", "frame", "split"]
    assert faces.table[columns].to_numpy().tolist() == [
        ["cropped_aligned/2_right/00001.jpg", "2_right", 1, "validation"],
        ["cropped_aligned/3/00002.jpg", "3", 2, "validation"],
        ["cropped_aligned/video1/00001.jpg", "video1", 1, "train"],
        ["cropped_aligned/video1/00002.jpg", "video1", 2, "train"],
        ["cropped_aligned/video1/00004.jpg", "video1", 4, "train"],
    ]
    np.testing.assert_array_equal(
        faces.presence(["AU01", "AU12", "AU25", "AU26"]),
        [[0, 0, 0, 1], [NAN] * 4, [1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]],
    )
    expression = faces.table["expression"].to_numpy(dtype=object, na_value=None)
    assert expression.tolist() == [None, "anger", "surprise", "happiness", None]
    assert faces.table["subject"].isna().all()
    assert len(faces.aus) == 12
    assert faces.codings == {}


def test_a_video_may_be_taken_for_a_person(root):
    faces = load(f"affwild2:{root},assume_independent=yes")
    assert faces.table["subject"].equals(faces.table["sequence"])


def test_what_is_unknown_is_counted(root):
    assert messages(root, "warning") == [
        f"1 file that is not read lies below {root}, by ending: .txt (1×)",
        "1 of 6 coded frames have no image: 3 (1×)",
        "1 of 6 images have no code, left out: video1 (1×)",
        f"1 of 5 faces below {root} show another expression (7): unknown",
    ]


def test_every_number_is_its_expression(root):
    label(root, "EXPR_Classification_Challenge/Train_Set/video1", [FACES, 0, 2, 3, 5])
    table = load(f"affwild2:{root}").table
    shown = table[table["sequence"] == "video1"]["expression"].tolist()
    assert shown == ["neutral", "disgust", "fear", "sadness"]


def test_one_part_counts_where_the_labels_are_in_two(root):
    label(root, "EXPR_Classification_Challenge/Train_Set/2_right", [FACES, 0])
    faces = load(f"affwild2:{root}")
    assert faces.table["split"][0] == "validation"
    assert faces.notes[-1] == (
        f"1 videos below {root} are in one part by their action units and in another by their "
        f"expressions, the former counts: 2_right"
    )


def test_aligned_crops_are_read_and_others_beside_them_counted(root, write_image):
    write_image(root / "cropped" / "video1" / "00001.jpg")
    faces = load(f"affwild2:{root}")
    assert all(image.startswith("cropped_aligned/") for image in faces.table["image"])
    assert f"1 images below {root} lie beside those in cropped_aligned, left out" in faces.notes


def test_a_blank_line_is_a_frame_of_which_nothing_is_known(root):
    lines = [UNITS, units(0), "", units(6)]
    label(root, "AU_Detection_Challenge/Train_Set/video1", lines)
    table = load(f"affwild2:{root}").table
    shown = table[table["sequence"] == "video1"]
    np.testing.assert_array_equal(shown["AU12"], [0, NAN, 1, NAN])
    assert shown["frame"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([UNITS, units() + ",0"], r"line 2 of AU.*video1.txt has 14 values: expected 13"),
        ([UNITS, "2" + units()[1:]], r"line 2 of .* says '2' for AU01: expected 0, 1, or -1 wher"),
        (["AU1,AU01", "0,1"], r"the first line of .* names an action unit twice: expected once"),
    ],
)
def test_a_line_that_cannot_be_is_named(root, lines, message):
    label(root, "AU_Detection_Challenge/Train_Set/video1", lines)
    with pytest.raises(DataError, match=f"^affwild2: {message}"):
        load(f"affwild2:{root}")


def test_a_number_that_is_no_expression_is_named(root):
    label(root, "EXPR_Classification_Challenge/Train_Set/video1", [FACES, 8])
    with pytest.raises(DataError, match=r"says '8' for expression: expected a number from 0 to 7,"):
        load(f"affwild2:{root}")


def test_two_label_files_of_one_sort_are_named(root):
    label(root, "AU_Detection_Challenge/Validation_Set/video1", [UNITS, units()])
    assert messages(root, "error") == [
        "AU_Detection_Challenge/Validation_Set/video1.txt labels video1, as another file does: "
        "expected one"
    ]


def test_a_folder_of_something_else_is_refused(tmp_path, write_image):
    write_image(tmp_path / "anger" / "1.png")
    with pytest.raises(DataError, match="holds no image of a coded frame: expected AU_Detection_C"):
        load(f"affwild2:{tmp_path}")
