import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.datasets.check import check
from facslens.datasets.coding import PEOPLE
from facslens.datasets.images import read_grey
from facslens.datasets.load import load, read
from facslens.errors import DataError

NAN = np.nan


@pytest.fixture
def root(tmp_path, write_image):
    """Three sequences as CK+ has them.

    S005_001 is surprise with AU01 (C), AU02 (ungraded) and AU27 (E); S010_002 is coded
    with a single AU09 but has no emotion; S011_003 is happy and not coded.
    """
    for take, frames in {"S005_001": 6, "S010_002": 5, "S011_003": 2}.items():
        for frame in range(1, frames + 1):
            write_image(tmp_path / "cohn-kanade-images" / path(take, frame, ".png"))
    label(tmp_path, "Emotion", "S005_001", 6, "   7.0000000e+00\n")
    label(tmp_path, "Emotion", "S011_003", 2, "   5.0000000e+00\n")
    facs = "   1.0000000e+00   3.0000000e+00\n   2.0000000e+00   0.0000000e+00\n"
    label(tmp_path, "FACS", "S005_001", 6, facs + "   2.7000000e+01   5.0000000e+00\n")
    label(tmp_path, "FACS", "S010_002", 5, "   9.0000000e+00   2.0000000e+00\n")
    (tmp_path / "Emotion" / "S010" / "002").mkdir(parents=True)
    label(tmp_path, "Landmarks", "S005_001", 6, "   1.0e+02   2.0e+02\n", kind="landmarks")
    return tmp_path


def path(take, frame, ending):
    subject, sequence = take.split("_")
    return f"{subject}/{sequence}/{take}_{frame:08d}{ending}"


def label(root, folder, take, frame, text, kind=None):
    file = root / folder / path(take, frame, f"_{kind or folder.lower()}.txt")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def rows(faces, sequence, *columns):
    return faces.table[faces.table["sequence"] == sequence][list(columns)].to_numpy().tolist()


def defects(root, level):
    return [(d.kind, d.message) for d in read(f"ckplus:{root}").defects if d.level == level]


def test_a_labelled_sequence_begins_neutral_and_ends_with_its_expression(root):
    faces = load(f"ckplus:{root}")
    assert faces.name == "ckplus"
    assert rows(faces, "S005_001", "frame", "subject", "expression") == [
        [1, "S005", "neutral"],
        [4, "S005", "surprise"],
        [5, "S005", "surprise"],
        [6, "S005", "surprise"],
    ]
    assert faces.table["image"][0] == "cohn-kanade-images/S005/001/S005_001_00000001.png"
    assert faces.notes == ()


def test_listed_units_are_present_and_others_absent(root):
    faces = load(f"ckplus:{root}")
    assert faces.aus == ("AU01", "AU02", "AU09", "AU27")
    columns = {c for c in faces.table.columns if c.startswith("AU")}
    assert faces.codings == dict.fromkeys(columns, PEOPLE)
    peak, neutral = [1, 1, 0, 1], [0, 0, 0, 0]
    np.testing.assert_array_equal(
        faces.where((faces.table["sequence"] == "S005_001").to_numpy()).presence(),
        [neutral, peak, peak, peak],
    )


def test_zero_means_present_but_not_graded(root):
    faces = load(f"ckplus:{root}")
    columns = [f"{au}_intensity" for au in faces.aus]
    first, last = [rows(faces, "S005_001", *columns)[i] for i in (0, -1)]
    np.testing.assert_array_equal(first, [0, 0, 0, 0])
    np.testing.assert_array_equal(last, [3, NAN, 0, 5])


def test_a_coded_sequence_without_emotion_keeps_its_peak(root):
    faces = load(f"ckplus:{root}")
    assert rows(faces, "S010_002", "frame", "AU09", "AU09_intensity", "AU01") == [
        [frame, 1, 2, 0] for frame in (3, 4, 5)
    ]
    assert faces.table["expression"][faces.table["sequence"] == "S010_002"].isna().all()


def test_a_sequence_without_facs_file_has_unknown_units(root):
    faces = load(f"ckplus:{root}")
    assert rows(faces, "S011_003", "frame", "expression") == [[1, "neutral"], [2, "happiness"]]
    units = faces.where((faces.table["sequence"] == "S011_003").to_numpy()).presence()
    assert np.isnan(units).all()


@pytest.mark.parametrize(
    ("peak", "frames"), [(1, [1, 6]), (5, [1, 2, 3, 4, 5, 6]), (9, [*range(1, 7)])]
)
def test_the_number_of_peak_frames_can_be_told(root, peak, frames):
    faces = load(f"ckplus:{root},peak={peak}")
    assert [frame for (frame,) in rows(faces, "S005_001", "frame")] == frames
    assert rows(faces, "S005_001", "expression").count(["neutral"]) == 1


def test_the_only_frame_of_a_sequence_shows_its_expression(root, write_image):
    write_image(root / "cohn-kanade-images" / path("S012_001", 1, ".png"))
    label(root, "Emotion", "S012_001", 1, "3.0")
    assert rows(load(f"ckplus:{root}"), "S012_001", "frame", "expression") == [[1, "disgust"]]


def test_nested_folders_and_leftovers_change_nothing(root, write_image):
    plain = load(f"ckplus:{root}")
    for folder in ("Emotion", "FACS"):
        (root / folder).rename(root / "x")
        (root / f"{folder}_labels").mkdir()
        (root / "x").rename(root / f"{folder}_labels" / folder)
    junk = root / "__MACOSX" / "cohn-kanade-images" / path("S005_001", 9, ".png")
    junk.parent.mkdir(parents=True)
    junk.write_text("x")
    (root / "cohn-kanade-images" / "S005" / ".DS_Store").write_text("x")
    (root / "cohn-kanade-images" / "S005" / "001" / "._S005_001_00000007.png").write_text("x")
    write_image(root / "CK+48" / "surprise" / "S005_001_00000006.png")  # other crops beside
    nested = load(f"ckplus:{root}")
    assert nested.table.equals(plain.table)
    assert nested.digest() == plain.digest()


def test_grey_and_colour_frames_are_mixed(root):
    file = root / "cohn-kanade-images" / path("S005_001", 6, ".png")
    Image.open(file).convert("RGB").save(file)
    assert read_grey(file).ndim == 2
    assert not [d for d in check(f"ckplus:{root}").defects if d.kind == "bad image"]


@pytest.mark.parametrize(
    ("number", "expression"),
    [
        (0, "neutral"),
        (1, "anger"),
        (2, "contempt"),
        (3, "disgust"),
        (4, "fear"),
        (5, "happiness"),
        (6, "sadness"),
        (7, "surprise"),
    ],
)
def test_the_numbers_of_the_emotion_files(root, number, expression):
    label(root, "Emotion", "S005_001", 6, f"   {number}.0000000e+00\n")
    assert rows(load(f"ckplus:{root}"), "S005_001", "expression")[-1] == [expression]


def test_codes_beyond_the_vocabulary_are_counted_and_codes_of_one_side_unknown(root):
    label(root, "FACS", "S010_002", 5, "9.0 2.0\n6.4e+01 0.0\n61 1\n64 0\nR1 2\nL2 0\n")
    faces = load(f"ckplus:{root}")
    peak = faces.where((faces.table["sequence"] == "S010_002").to_numpy()).presence()[-1]
    np.testing.assert_array_equal(peak, [NAN, NAN, 1, 0])
    assert faces.notes == (
        "the FACS files have codes of one side of the face or of no known action unit, "
        "ignored: 61 (1×), 64 (2×), L2 (1×), R1 (1×)",
    )


@pytest.mark.parametrize(
    ("folder", "text", "message"),
    [
        ("Emotion", "8.0\n", r"_emotion.txt says '8.0': expected one number from 0 to 7"),
        ("Emotion", "sad\n", r"_emotion.txt says 'sad': expected one number from 0 to 7"),
        ("Emotion", "3.5\n", r"says '3.5': expected one number"),
        ("FACS", "1.0 7.0\n", r"_facs.txt has the line '1.0 7.0': expected an action unit and its"),
        ("FACS", "inf 1.0\n", r"has the line 'inf 1.0': expected an action unit"),
        ("FACS", "yes 1.0\n", r"has the line 'yes 1.0': expected an action unit"),
        ("FACS", "1.0\n", r"has the line '1.0': expected an action unit and its intensity"),
    ],
)
def test_a_label_that_cannot_be_is_named(root, folder, text, message):
    label(root, folder, "S005_001", 6, text)
    with pytest.raises(DataError, match=rf"^ckplus: the .* {folder}/S005/001/.*{message}"):
        load(f"ckplus:{root}")


def test_an_empty_label_file_says_nothing(root):
    label(root, "FACS", "S005_001", 6, "\n")
    faces = load(f"ckplus:{root}")
    assert np.isnan(rows(faces, "S005_001", "AU09")).all()
    assert "S005_001_00000006_facs.txt is empty: what it should say is" in faces.notes[0]


def test_two_files_of_a_sequence_have_to_agree(root):
    label(root, "Emotion", "S005_001", 5, "2.0")
    label(root, "FACS", "S005_001", 5, "2.0 1.0")
    assert [kind for kind, _ in defects(root, "error")] == ["labels disagree", "labels disagree"]
    with pytest.raises(DataError, match="says surprise, another file of the sequence says contem"):
        load(f"ckplus:{root}")


def test_a_frame_that_stands_twice_is_a_defect(root, write_image):
    write_image(root / "copy" / path("S005_001", 6, ".png"))
    ((kind, message),) = defects(root, "error")
    assert kind == "duplicate name"
    assert message.startswith("S005_001_00000006.png occurs twice: as cohn-kanade-images/S005/001/")


def test_missing_images_and_labels_are_told(root, write_image):
    (root / "cohn-kanade-images" / path("S005_001", 6, ".png")).unlink()
    label(root, "FACS", "S050_001", 9, "1.0 1.0")
    write_image(root / "cohn-kanade-images" / path("S060_001", 1, ".png"))
    assert [message for _, message in defects(root, "warning")] == [
        "the sequence S005_001 is labelled at frame 6, its last image is frame 5: images may be "
        "missing",
        "the sequence S050_001 has labels but no image: it is left out",
        "1 sequence has neither emotion nor FACS file, left out: S060_001",
    ]


def test_a_folder_of_something_else_is_refused(tmp_path, write_image):
    write_image(tmp_path / "anger" / "1.png")
    with pytest.raises(DataError, match="holds no labelled sequence: expected cohn-kanade-images/"):
        load(f"ckplus:{tmp_path}")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_label_files_may_begin_with_a_mark_and_be_of_utf16(root, encoding):
    before = load(f"ckplus:{root}").table
    for file in root.glob("*/*/*/*_[ef][ma][oc]*.txt"):
        file.write_bytes(file.read_text().replace("\n", "\r\n").encode(encoding))
    pd.testing.assert_frame_equal(load(f"ckplus:{root}").table, before)


def test_many_label_files_of_one_cause_are_one_line(root):
    label(root, "Emotion", "S005_001", 6, "9\n")
    label(root, "Emotion", "S011_003", 2, "joy\n")
    label(root, "FACS", "S005_001", 6, "1 x\n2 6\n27 5\n")
    assert defects(root, "error") == [
        (
            "bad value",
            "the emotion file Emotion/S005/001/S005_001_00000006_emotion.txt says '9': expected "
            "one number from 0 to 7; 1 more like it",
        ),
        (
            "bad value",
            "the FACS file FACS/S005/001/S005_001_00000006_facs.txt has the line '1 x': expected "
            "an action unit and its intensity from 0 to 5; 1 more like it",
        ),
    ]


def test_the_protocol_tells_the_phases(root):
    faces = load(f"ckplus:{root}")
    assert rows(faces, "S005_001", "frame", "phase") == [
        [1, "neutral"], [4, "onset"], [5, "onset"], [6, "apex"],
    ]  # fmt: skip
    apex = load(f"ckplus:{root},by=peak")
    assert rows(apex, "S005_001", "frame", "expression") == [[1, "neutral"], [6, "surprise"]]
    assert rows(apex, "S011_003", "frame") == [[1], [2]]  # by the protocol, though nobody coded it


def test_a_last_frame_that_is_not_the_labelled_one_is_no_apex(root):
    (root / "cohn-kanade-images" / path("S005_001", 6, ".png")).unlink()
    faces = load(f"ckplus:{root}").table
    last = faces[(faces["sequence"] == "S005_001") & (faces["frame"] == 5)]
    assert last["phase"].isna().all()
