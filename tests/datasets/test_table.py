import numpy as np
import pytest

from facslens.datasets.load import load, read
from facslens.errors import DataError

NAN = np.nan


@pytest.fixture
def write(tmp_path, write_image):
    """Write four images and a table of them; give the table's specification."""
    for name in "abcd":
        write_image(tmp_path / "faces" / f"{name}.png")

    def table(text, keys="", encoding="utf-8"):
        file = tmp_path / "labels.csv"
        file.write_text(text, encoding=encoding)
        return f"table:{file}{keys}"

    return table


def messages(spec, level="error"):
    return [d.message for d in read(spec).defects if d.level == level]


def test_a_table_of_paths_expressions_and_units(write):
    faces = load(
        write(
            "path,expression,subject,sequence,frame,split,AU1,au_12,AU 4\n"
            "faces/b.png,Happy,002,002_1,7,Train,0,1,\n"
            "faces/a.png,sad,001,001_1,3.0,test,1.0,0,1\n"
        )
    )
    assert faces.name == "labels"
    first = ["image", "subject", "sequence", "frame", "expression", "split"]
    assert faces.table[first].to_numpy().tolist() == [
        ["faces/a.png", "001", "001_1", 3, "sadness", "test"],
        ["faces/b.png", "002", "002_1", 7, "happiness", "train"],
    ]
    assert faces.table["path"][0].endswith("/faces/a.png")
    assert faces.aus == ("AU01", "AU04", "AU12")
    np.testing.assert_array_equal(faces.presence(), [[1, 1, 0], [0, NAN, 1]])


def test_openface_columns_say_their_kind(write):
    faces = load(
        write(
            "frame, filename, emotion, confidence, AU01_r, AU45_r, AU01_c, AU28_c\n"
            "1, faces/a.png, happy, 0.98, 2.34, 0.00, 1.00, 0.00\n"
        )
    )
    assert faces.aus == ("AU01", "AU28")
    row = faces.table.iloc[0]
    assert row[["AU01_intensity", "AU45_intensity", "AU01", "AU28"]].tolist() == [
        np.float32(2.34),
        0,
        1,
        0,
    ]


def test_py_feat_columns_are_probabilities_and_present_from_a_value_on(write):
    text = "input,expression,AU01,AU43\nfaces/a.png,fear,0.5,0.49\nfaces/b.png,fear,,1\n"
    faces = load(write(text, ",kind=probability"))
    assert faces.aus == ()
    np.testing.assert_array_equal(faces.table["AU43_probability"], np.float32([0.49, 1]))
    faces = load(write(text, ",kind=probability,present=0.5"))
    np.testing.assert_array_equal(faces.presence(), [[1, 0], [NAN, 1]])


def test_grades_may_be_letters(write):
    text = "path,expression,AU12,AU06_r\nfaces/a.png,happy,C,5\nfaces/b.png,happy,e,2\n"
    faces = load(write(text, ",kind=intensity,present=4"))
    np.testing.assert_array_equal(faces.table["AU12_intensity"], [3, 5])
    np.testing.assert_array_equal(faces.presence(), [[1, 0], [0, 1]])


def test_presence_that_is_given_is_not_overruled(write):
    text = "path,expression,AU12_c,AU12_r\nfaces/a.png,happy,0,5\n"
    np.testing.assert_array_equal(load(write(text, ",present=1")).presence(), [[0]])


def test_columns_can_be_named_or_left_out(write, tmp_path):
    text = "where,felt,who,subject\na.png,joy,x,1\nb.png,,y,1\n"
    keys = f",path=where,expression=FELT,subject=who,images={tmp_path / 'faces'}"
    table = load(write(text, keys)).table
    assert table["image"].tolist() == ["a.png", "b.png"]
    assert table["subject"].tolist() == ["x", "y"]
    assert table["expression"].isna().tolist() == [False, True]
    table = load(
        write("path,AU01,subject\nfaces/a.png,1,x\n", ",expression=none,subject=none")
    ).table
    assert table[["expression", "subject"]].isna().all(axis=None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_paths_are_taken_in_every_spelling(write, tmp_path, encoding):
    text = f"image,label\nfaces\\a.png,joy\n./faces//b.png,joy\n{tmp_path}/faces/c.png,joy\n"
    table = load(write(text, encoding=encoding)).table
    assert {"faces/a.png", "faces/b.png"} < set(table["image"])
    assert sorted(table["path"]) == [str(tmp_path / "faces" / f"{n}.png") for n in "abc"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,expression\nx,joy\n", "lacks the column for the path: expected path, image, file"),
        ("path,AU12\nfaces/a.png,1\n", "lacks the column for the expression: expected expression,"),
        ("path,expression,AU12\nfaces/a.png,joy,7\n",
         r"row 2 of labels.csv: AU12 is '7': expected 0, 1 or empty \(kind= tells of prob"),
        ("path,expression,AU12\nfaces/a.png,joy,yes\n", "row 2 of labels.csv: AU12 is 'yes'"),
        ("path,expression,AU12\nfaces/a.png,joy,1\nfaces/b.png,joy,0.4\n", "row 3 .* is '0.4'"),
        ("path,expression,AU12_r\nfaces/a.png,joy,6\n", "AU12_r is '6': expected 0 to 5, A to E"),
        ("path,expression,AU12_r\nfaces/a.png,joy,F\n", "AU12_r is 'F': expected 0 to 5, A to E"),
        ("path,expression,AU12_r\nfaces/a.png,joy,inf\n", "AU12_r is 'inf': expected 0 to 5"),
        ("path,expression,AU1_probability\nfaces/a.png,joy,-1\n", "is '-1': expected 0 to 1 or"),
        ("path,expression,AU1,AU01\nfaces/a.png,joy,1,0\n", "two columns for AU01: .* is 'AU01'"),
        ("path,expression,AU1,AU1\nfaces/a.png,joy,1,0\n", "two columns for AU01"),
        ("path,expression\nfaces/a.png,3\n", "row 2 of labels.csv: '3' is no expression: expected"),
        ("path,expression\nfaces/z.png,joy\n", "row 2 .*: the image faces/z.png does not exist"),
        ("path,expression\nfaces,joy\n", "row 2 of labels.csv: the image faces is a folder"),
        ("path,expression\nfaces/a.png,joy\n,joy\n", "row 3 of labels.csv has no path"),
        ("path,expression\nfaces/a.png,joy\n./faces/a.png,joy\n", "faces/a.png stands twice"),
        ("path,expression,frame\nfaces/a.png,joy,1.5\n", "frame is '1.5': expected a whole number"),
        ("path,expression,split\nfaces/a.png,joy,late\n", "'late' is no split: expected train"),
        ("path,expression,sequence,subject\nfaces/a.png,joy,s,x\nfaces/b.png,joy,s,y\n",
         "the sequence 's' has two subjects in labels.csv: expected one"),
        ("path,expression,split,subject\nfaces/a.png,joy,train,x\nfaces/b.png,joy,test,x\n",
         "the subject 'x' has two splits in labels.csv: expected one"),
        ("", "labels.csv is no readable CSV file in UTF-8: No columns to parse"),
        ("path,expression\n", "labels.csv has no rows: expected a header line and one row"),
        ("path,expression\nfaces/a.png,joy,1\n", "is no readable CSV file in UTF-8: Length of"),
    ],
)  # fmt: skip
def test_a_defect_is_raised_and_does_not_spoil_the_rest(write, text, message):
    spec = write(text)
    assert len(messages(spec)) == 1
    with pytest.raises(DataError, match=rf"^labels: .*{message}"):
        load(spec)
    rest = read(spec).faces(strict=False)
    assert set(rest.expressions) <= {"happiness"}


def test_all_defects_are_found_in_one_pass(write):
    spec = write("path,expression,AU01,AU02\nfaces/a.png,bored,7,1\nnone.png,joy,0,yes\n")
    assert messages(spec) == [
        f"row 3 of labels.csv: the image none.png does not exist in {spec[6:-11]}",
        "row 2 of labels.csv: 'bored' is no expression: expected neutral, anger, contempt, "
        "disgust, fear, happiness, sadness, surprise or empty",
        "row 2 of labels.csv: AU01 is '7': expected 0, 1 or empty (kind= tells of probabilities "
        "or intensities)",
        "row 3 of labels.csv: AU02 is 'yes': expected 0, 1 or empty (kind= tells of "
        "probabilities or intensities)",
    ]
    rest = read(spec).faces(strict=False)
    assert rest.table["image"].tolist() == ["faces/a.png"]
    np.testing.assert_array_equal(rest.presence(), [[NAN, 1]])


def test_columns_that_name_no_action_unit_are_counted(write):
    spec = write("path,expression,AU61,AU12_x,audio\nfaces/a.png,joy,1,2,3\n")
    assert load(spec).notes == (
        "labels.csv has columns that name no action unit, ignored: AU12_x (1×), AU61 (1×)",
    )


def test_bytes_that_are_no_text_are_refused(write):
    with pytest.raises(DataError, match="is no readable CSV file in UTF-8: 'utf-8' codec"):
        load(write("path,expression\nfaces/é.png,joy\n", encoding="latin-1"))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none: .*none.csv does not exist: expected a CSV file"):
        load(f"table:{tmp_path / 'none.csv'}")
    with pytest.raises(DataError, match=r"is a folder: expected a CSV file"):
        load(f"table:{tmp_path}")
