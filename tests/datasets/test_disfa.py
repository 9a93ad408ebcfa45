import numpy as np
import pytest

from facslens.datasets.check import check
from facslens.datasets.coding import PEOPLE
from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load, read
from facslens.errors import CallError, DataError

NAN = np.nan


@pytest.fixture
def root(tmp_path, write_image):
    """Two people, three coded frames each, of which the first has an image of each.

    SN001 has AU01 (0, 1, 4) and AU12 (5, 0, 2); of SN002 nobody coded AU12.
    """
    codes(tmp_path, "SN001", 1, "1,0\n2,1\n3,4\n")
    codes(tmp_path, "SN001", 12, "1,5\n2,0\n3,2\n")
    codes(tmp_path, "SN002", 1, "1,2\r\n2,2\r\n3,0\r\n")
    for frame in (1, 2, 3):
        write_image(tmp_path / "Images" / "SN001" / f"{frame:05d}.png")
    for frame in (2, 3):
        write_image(tmp_path / "Images" / "SN002" / f"{frame:05d}.png")
    return tmp_path


def codes(root, subject, unit, text):
    file = root / "ActionUnit_Labels" / subject / f"{subject}_au{unit}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def rows(faces, *columns):
    return faces.table[list(columns)].to_numpy().tolist()


def warnings(spec):
    return [d.message for d in read(spec).defects if d.level == "warning"]


def test_a_frame_has_the_intensities_of_its_line(root):
    faces = load(f"disfa:{root}")
    assert faces.name == "disfa"
    assert rows(faces, "image", "subject", "sequence", "frame") == [
        ["Images/SN001/00001.png", "SN001", "SN001", 1],
        ["Images/SN001/00002.png", "SN001", "SN001", 2],
        ["Images/SN001/00003.png", "SN001", "SN001", 3],
        ["Images/SN002/00002.png", "SN002", "SN002", 2],
        ["Images/SN002/00003.png", "SN002", "SN002", 3],
    ]
    grades = faces.table[["AU01_intensity", "AU12_intensity"]].to_numpy(dtype=float)
    np.testing.assert_array_equal(grades, [[0, 5], [1, 0], [4, 2], [2, NAN], [0, NAN]])
    np.testing.assert_array_equal(faces.presence(), [[0, 1], [1, 0], [1, 1], [1, NAN], [0, NAN]])
    assert faces.table["expression"].isna().all()
    assert dict(faces.codings) == dict.fromkeys(
        ("AU01", "AU01_intensity", "AU12", "AU12_intensity"), PEOPLE
    )


@pytest.mark.parametrize(("present", "expected"), [(1, [0, 1, 1]), (2, [0, 0, 1]), (5, [0, 0, 0])])
def test_presence_begins_at_a_grade_that_can_be_told(root, present, expected):
    faces = load(f"disfa:{root},present={present}")
    assert faces.presence(["AU01"])[:3, 0].tolist() == expected


def test_what_lacks_an_image_or_a_code_is_counted(root, write_image):
    write_image(root / "Images" / "SN001" / "00004.png")
    assert warnings(f"disfa:{root}") == [
        "1 of 6 coded frames have no image: SN002 (1×)",
        "1 of 6 images have no code, left out: SN001 (1×)",
    ]


def test_images_counted_from_zero_are_moved_and_that_is_said(root, write_image):
    write_image(root / "Images" / "SN001" / "00000.png")
    faces = load(f"disfa:{root}")
    assert rows(faces, "image", "frame", "AU01_intensity")[:3] == [
        ["Images/SN001/00000.png", 1, 0.0],
        ["Images/SN001/00001.png", 2, 1.0],
        ["Images/SN001/00002.png", 3, 4.0],
    ]
    assert any("image 0 is taken for frame 1 (SN001)" in note for note in faces.notes)
    assert rows(load(f"disfa:{root},first=1"), "image", "frame")[0] == ["Images/SN001/00001.png", 1]


def test_one_camera_is_read_and_the_other_counted(root, write_image):
    (root / "Images").rename(root / "LeftCamera")
    for frame in (1, 2):
        write_image(root / "x" / "RightVideoSN001_comp" / f"frame_det_{frame:06d}.png")
    left, right = load(f"disfa:{root}"), load(f"disfa:{root},camera=right")
    assert len(left) == 5
    assert rows(right, "image", "subject") == [
        [f"x/RightVideoSN001_comp/frame_det_{frame:06d}.png", "SN001"] for frame in (1, 2)
    ]
    assert left.notes[0].startswith(f"2 of 7 images below {root} are of the right camera, left out")


def test_a_single_folder_of_images_may_be_of_any_camera(root):
    (root / "Images").rename(root / "Img_RightCamera")
    assert len(load(f"disfa:{root}")) == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "1,6\n",
            r"line 1 of Act.*SN001_au1.txt says '6' for AU01: expected a whole number from 0 to 5",
        ),
        ("1,0\n2,x\n", r"line 2 of .* says 'x' for AU01: expected a whole number from 0 to 5"),
        ("1,1.5\n", r"line 1 .* says '1.5' for AU01: expected a whole number from 0 to 5"),
        ("x,1\n", r"line 1 .* says 'x' for the frame: expected a whole number from 0 on"),
        ("1,1\n1,2\n", r"line 2 of .* codes the frame 1 a second time: expected once"),
        ("1,1,1\n", r"line 1 of .* has 3 values: expected 2, the frame's number and 1 after it"),
    ],
)
def test_a_line_that_cannot_be_is_named(root, text, message):
    codes(root, "SN001", 1, text)
    with pytest.raises(DataError, match=f"^disfa: {message}"):
        load(f"disfa:{root}")


def test_wrong_lines_of_one_cause_are_one_line_and_their_values_unknown(root):
    codes(root, "SN001", 1, "1,7\n2,8\n3,4\n")
    reading = read(f"disfa:{root}")
    assert [d.message for d in reading.defects if d.level == "error"] == [
        "line 1 of ActionUnit_Labels/SN001/SN001_au1.txt says '7' for AU01: expected a whole "
        "number from 0 to 5; 1 more like it: '8' (1×)"
    ]
    known = reading.faces(strict=False).presence(["AU01"])[:3, 0]
    np.testing.assert_array_equal(known, [NAN, NAN, 1])


def test_an_empty_cell_is_unknown(root):
    codes(root, "SN001", 1, "1,\n2,1\n3,0\n")
    np.testing.assert_array_equal(load(f"disfa:{root}").presence(["AU01"])[:3, 0], [NAN, 1, 0])


def test_two_label_files_or_images_of_one_frame_are_named(root, write_image):
    write_image(root / "Copy" / "SN001" / "1.png")
    other = root / "Old" / "SN001_au1.txt"
    other.parent.mkdir()
    other.write_text("1,1\n")
    errors = [d.message for d in read(f"disfa:{root}").defects if d.level == "error"]
    assert errors == [
        "the frame 1 of SN001 has two images: Copy/SN001/1.png and Images/SN001/00001.png",
        "Old/SN001_au1.txt codes AU01 of SN001, as another file does: expected one",
    ]


def test_videos_alone_are_told_how_to_extract(tmp_path):
    codes(tmp_path, "SN001", 1, "1,0\n")
    (tmp_path / "Video_LeftCamera").mkdir()
    (tmp_path / "Video_LeftCamera" / "LeftVideoSN001_comp.avi").write_text("x")
    with pytest.raises(DataError, match=r"first, such as ffmpeg -i LeftVideoSN001_comp.avi SN001/"):
        load(f"disfa:{tmp_path}")


def test_a_folder_of_something_else_is_refused(tmp_path, write_image):
    write_image(tmp_path / "anger" / "1.png")
    with pytest.raises(DataError, match="holds no image of a coded frame: expected ActionUnit_Lab"):
        load(f"disfa:{tmp_path}")


def test_a_camera_or_grade_that_is_none_is_refused(tmp_path):
    for key in ("camera=top", "present=0", "present=6", "first=2"):
        with pytest.raises(CallError, match="expected"):
            load(f"disfa:{tmp_path},{key}")


def test_twenty_thousand_lines_are_read_by_their_numbers(tmp_path, write_image):
    frames = range(1, 5001)
    for unit in (1, 2, 4, 26):
        codes(tmp_path, "SN001", unit, "".join(f"{frame},{frame % 6}\n" for frame in frames))
    for frame in (1, 2500, 5000):
        write_image(tmp_path / "SN001" / f"{frame}.png")
    faces = load(f"disfa:{tmp_path}")
    assert rows(faces, "frame", "AU26_intensity") == [[1, 1], [2500, 4], [5000, 2]]
    assert "4997 of 5000 coded frames have no image: SN001 (4997×)" in faces.notes


def test_the_official_counts():
    official = LAYOUTS["disfa"].official
    assert (official.source, official.subjects, official.sequences) == ("mavadati2013", 27, 27)


def test_faces_without_expressions_pass_the_check_with_a_warning(root):
    found = check(f"disfa:{root}")
    assert (found.images, found.subjects, found.sequences) == (5, 2, 2)
    assert found.aus == {"AU01": 3, "AU12": 2}
    errors = {d.kind for d in found.defects if d.level == "error"}
    assert errors == {"few subjects"}  # of these two people; none for the names of their frames
    warned = {d.kind: d.message for d in found.defects if d.level == "warning"}
    assert warned["missing expressions"] == "5 of 5 faces have no known expression"
    assert "duplicate name" not in warned
