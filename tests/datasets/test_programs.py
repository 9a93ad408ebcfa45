"""Tables as other programs write them: small copies of their columns, and what is refused."""

import numpy as np
import pytest

from facslens.datasets.check import check
from facslens.datasets.coding import Coding
from facslens.datasets.load import load, read
from facslens.datasets.programs import PROGRAMS, origins_of
from facslens.errors import CallError, DataError

NAN = np.nan
#: What FaceReader 6.1 writes above its table; its columns end in tabs.
ABOVE = (
    "Video analysis detailed log\t\t\n"
    "Face Model:\tGeneral61\t\n"
    "Frame rate:\t29.97\t\n"
    "\t\t\n"
    "Video Time\tNeutral\tAction Unit 12 - Lip Corner Puller\tAction Unit 18 - Lip Puckerer\n"
)
LOG = (
    f"{ABOVE}"
    "00:00.0\t0.1\tNotActive\tA\n"
    "00:00.1\t0.2\tE\tNotActive\n"
    "00:00.2\tFIT_FAILED\tFIT_FAILED\tFIT_FAILED\n"
    "00:00.3\tFIND_FAILED\tFIND_FAILED\tFIND_FAILED\n"
)


@pytest.fixture
def write(tmp_path, write_image):
    """Write pictures 1.png to 4.png and a table of them; give the table's specification."""
    for number in range(1, 5):
        write_image(tmp_path / f"{number}.png")

    def table(text, keys="", encoding="utf-8"):
        file = tmp_path / "codes.csv"
        file.write_bytes(text.encode(encoding))
        return f"table:{file},expression=none{keys}"

    return table


def messages(spec, level="error"):
    return [d.message for d in read(spec).defects if d.level == level]


def codes(spec, *columns):
    faces = load(spec)
    return faces.table[list(columns)].to_numpy(dtype=float).tolist(), {
        column: coding.words for column, coding in faces.codings.items()
    }


def test_py_feat_writes_probabilities(write):
    text = "input,frame,FaceScore,AU12,AU43,happiness\n1.png,0,0.9,0.25,1,0.8\n2.png,0,,,,\n"
    values, words = codes(write(text), "AU12_probability", "AU43_probability")
    np.testing.assert_array_equal(values, [[0.25, 1], [NAN, NAN]])
    by = "py-feat, a program"
    assert words == {"AU12_probability": by, "AU43_probability": by}
    values, words = codes(write(text, ",present=0.5"), "AU12", "AU43")
    np.testing.assert_array_equal(values, [[0, 1], [NAN, NAN]])
    assert words["AU43"] == f"{by} (present from a probability of 0.5 on)"
    assert words["AU43_probability"] == by
    whole = "input,FaceScore,AU12\n1.png,1,1\n"
    assert codes(write(whole, ",kind=presence"), "AU12")[0] == [[1]]


def test_openface_2_writes_both_and_names_frames_only(write):
    text = (
        "frame, face_id, timestamp, confidence, success, AU12_r, AU12_c, AU28_c\n"
        "1, 0, 0.0, 0.98, 1, 2.5, 1.0, 0.0\n"
        "2, 0, 0.1, 0.98, 0, 0.0, 0.0, 0.0\n"
        "9, 0, 0.9, 0.98, 1, 1.0, 0.0, 0.0\n"
    )
    (message,) = messages(write(text))
    assert "lacks the column for the path" in message
    assert (
        "OpenFace 2 may write one row a frame: then path= makes the name of each picture" in message
    )
    spec = write(text, ",path={frame}.png")
    values, words = codes(spec, "frame", "AU12", "AU12_intensity", "AU28")
    np.testing.assert_array_equal(values, [[1, 1, 2.5, 0], [2, NAN, NAN, NAN]])
    assert set(words.values()) == {"OpenFace 2, a program"}
    assert messages(spec, "warning") == [
        "1 of 3 rows of codes.csv have no picture and are left out, the first of them row 4 of "
        f"codes.csv: the image 9.png does not exist in {spec[6:].rpartition('/')[0]}",
        "in 1 of 3 rows of codes.csv OpenFace lost the face (success 0, or a confidence below "
        "0.725): their action units are unknown",
    ]
    assert len(load(write(text, ",path={row+1}.png")).table) == 3
    assert messages(write(text, ",path=none{frame}.png"))  # no picture at all is an error


def test_libreface_writes_presence_intensity_and_an_expression_of_its_own(write, tmp_path):
    text = (
        "frame_idx,frame_time_in_ms,au_1,au_12,au_12_intensity,facial_expression\n"
        "1,0.0,0,1,4.321,Happiness\n2,33.3,1,0,0.5,Neutral\n"
    )
    spec = write(text, ",path={frame_idx}.png")
    values, words = codes(spec, "AU01", "AU12", "AU12_intensity")
    np.testing.assert_array_equal(values, np.float32([[0, 1, 4.321], [1, 0, 0.5]]))
    assert set(words.values()) == {"LibreFace, a program"}
    assert "expression" not in words
    spec = spec.replace("expression=none", "expression=facial_expression")
    faces = load(spec)
    assert list(faces.table["expression"]) == ["happiness", "neutral"]
    assert faces.codings["expression"] == Coding("LibreFace", automatic=True)
    assert "the expressions of codes.csv were estimated by LibreFace, a program" in faces.notes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_log_of_facereader_is_graded_and_its_failures_are_unknown(write, encoding, end):
    spec = write(LOG.replace("\n", end), ",path={row}.png", encoding)
    values, words = codes(spec, "AU12_intensity", "AU18_intensity")
    np.testing.assert_array_equal(values, [[0, 1], [5, 0], [NAN, NAN], [NAN, NAN]])
    assert set(words.values()) == {"FaceReader, a program"}
    assert messages(spec, "warning") == [
        "FaceReader found no face, or could not fit its model, where codes.csv says FIND_FAILED "
        "(of 1 rows) and FIT_FAILED (of 1 rows): the action units of these rows are unknown"
    ]
    values, words = codes(f"{spec},present=2", "AU12")
    np.testing.assert_array_equal(values, [[0], [1], [NAN], [NAN]])


def test_rows_of_a_log_are_named_as_a_spreadsheet_does(write):
    (message,) = messages(write(f"{ABOVE}0\t0\tF\tA\n", ",path={row}.png"))
    assert message.startswith("row 6 of codes.csv: Action Unit 12 - Lip Corner Puller is 'F'")


def test_numbers_of_facereader_are_no_grades(write):
    log = f"{ABOVE}0\t0\t0.25\t1\n1\t0\tFIT_FAILED\tFIT_FAILED\n"
    (message,) = messages(write(log, ",path={row}.png"))
    assert "FaceReader's numbers from 0 to 1, which are neither the letters A to E" in message
    asked = write(log, ",path={row}.png,kind=probability")
    values, _ = codes(asked, "AU12_probability", "AU18_probability")
    np.testing.assert_array_equal(values, [[0.25, 1], [NAN, NAN]])


def test_a_matrix_of_netfacs_has_numbers_for_names(write):
    text = "image,1,2,12\n1.png,1,0,1\n2.png,0,1,\n"
    values, words = codes(write(text), "AU01", "AU02", "AU12")
    np.testing.assert_array_equal(values, [[1, 0, 1], [0, 1, NAN]])
    assert words == {}
    assert codes(write(text, ",coded=people"), "AU01")[1]["AU01"] == "FACS coders"
    # one number alone, or one that FACS does not have, may be anything
    assert load(write("image,1\n1.png,1\n")).aus == ()
    assert load(write("image,1,2,3\n1.png,1,0,1\n")).aus == ()
    assert load(write("image,1,2,AU01\n1.png,1,0,1\n")).aus == ("AU01",)


@pytest.mark.parametrize(
    "header", ["AU01_r,AU02_r,AU03_r,AU04_r", "au_0,au_1,au_2,au_3", "AU1,AU2,AU3,AU4"]
)
def test_indices_of_a_networks_outputs_are_no_action_units(write, header):
    (message,) = messages(write(f"image,confidence,success,{header}\n1.png,1,1,0,0,0,0\n"))
    assert message.startswith("codes.csv numbers 4 columns without a gap (")
    assert "the outputs of a network in their order, and no action units" in message
    assert read(write(f"image,{header}\n1.png,0,0,0,0\n")).faces(strict=False).aus == ()


def test_openface_3_is_refused_because_it_names_no_action_unit(write):
    text = (
        "timestamp\timage_path\tface_id\tface_detection\temotion\taction_units\n"
        "1.0\t1.png\t0\t[1, 2, 3, 4]\thappy\t[0.1, 0.2, 0, 0, 0, 0, 0, 0.9]\n"
    )
    with pytest.raises(DataError, match="OpenFace 3, whose column action_units lists numbers"):
        load(write(text))


def test_two_coders_of_one_action_unit_are_refused(write):
    text = "input,FaceScore,success,AU12,AU12_c,AU06_c\n1.png,1,1,0.5,1,0\n"
    (message,) = messages(write(text))
    assert message == (
        "codes.csv has AU12 of two coders: AU12 by py-feat, a program and AU12_c by OpenFace 2, a "
        "program; leave one of the columns out"
    )
    (message,) = messages(write("image,success,AU 12,AU12_r\n1.png,1,1,3\n"))
    assert "AU 12 by somebody (coded= says who) and AU12_r by OpenFace 2, a program" in message


def test_coders_of_different_action_units_are_named(write):
    text = "image,success,AU 6,AU12_c\n1.png,0,1,1\n"
    values, words = codes(write(text, ",coded=people"), "AU06", "AU12")
    # OpenFace has lost the face; what people coded stays
    np.testing.assert_array_equal(values, [[1, NAN]])
    assert words == {"AU06": "FACS coders", "AU12": "OpenFace 2, a program"}
    assert (
        "the action units of codes.csv are of several coders: FACS coders: AU06; OpenFace 2, a "
        "program: AU12"
    ) in messages(write(text, ",coded=people"), "warning")


def test_who_coded_is_said_where_the_columns_do_not_tell(write):
    text = "image,AU12,facs\n1.png,1,6\n"
    assert codes(write(text), "AU12", "AU06")[1] == {}
    words = codes(write(text, ",coded=Our CNN"), "AU12", "AU06")[1]
    assert words == {"AU12": "Our CNN, a program", "AU06": "Our CNN, a program"}
    theirs = write("image,success,AU12_c\n1.png,1,1\n", ",coded=people")
    assert codes(theirs, "AU12")[1] == {"AU12": "FACS coders"}
    assert messages(theirs, "warning") == [
        "codes.csv has the columns of OpenFace 2, and is read as coded by FACS coders, as asked"
    ]
    with pytest.raises(CallError, match="coded is '': expected who coded the action units"):
        read(write(text, ",coded= "))


def test_blendshapes_are_left_out_and_said(write):
    spec = write("image,browInnerUp,AU12\n1.png,0.5,1\n")
    assert load(spec).aus == ("AU12",)
    assert messages(spec, "warning") == [
        "codes.csv has blendshapes such as browInnerUp, which are no action units: they are left "
        "out, unless aus=FILE says which of them is which action unit"
    ]


def test_a_video_that_stands_for_its_frames_is_explained(write, tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"x")
    text = "input,frame,FaceScore,AU12\nfilm.mp4,0,1,0.5\nfilm.mp4,1,1,0.5\n"
    (message,) = messages(write(text))
    assert message.endswith("expected one row per image (path= can name the pictures of a video)")
    assert len(load(write(text, ",path={frame+1}.png"))) == 2


def test_check_says_who_coded(write):
    found = check(write("image,subject,success,AU12_c\n1.png,a,1,1\n2.png,b,1,0\n"))
    assert found.codings == {"AU12": Coding("OpenFace 2", automatic=True)}


def test_every_program_has_a_source_and_other_columns():
    for program in PROGRAMS:
        assert program.source
        alone = ["AU12", "AU12_r", "au_12", "Action Unit 12 - Lip Corner Puller", "12"]
        assert program not in origins_of(alone).programs
