import os
import sys
import zipfile
from pathlib import Path

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
        ("path,expression\nfaces/a.png,joy\n./faces/a.png,joy\n", "faces/a.png occurs twice"),
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
        "disgust, fear, happiness, sadness, surprise or empty (labels= maps others: raf, "
        "affectnet, fer2013, or label:expression,label:expression)",
        "row 2 of labels.csv: AU01 is '7': expected 0, 1 or empty (kind= tells of probabilities "
        "or intensities); 1 more like it: 'yes' (1×)",
    ]
    rest = read(spec).faces(strict=False)
    assert rest.table["image"].tolist() == ["faces/a.png"]
    np.testing.assert_array_equal(rest.presence(), [[NAN, 1]])


def test_many_defects_of_one_cause_are_one_line(write):
    spec = write(
        "path,expression,frame,AU01,AU02,AU04_r\n"
        + "faces/a.png,bored,x,9,9,7\nz,bored,y,8,1,8\ny,joyful,1,9,0.5,\n,joy,2,,,\n" * 2
    )
    root = spec[6:-11]
    assert messages(spec) == [
        f"row 3 of labels.csv: the image z does not exist in {root}; 3 more like it",
        "row 5 of labels.csv has no path: expected an image file; 1 more like it",
        "row 6 of labels.csv: the image faces/a.png occurs twice: expected one row per image",
        "row 2 of labels.csv: 'bored' is no expression: expected neutral, anger, contempt, "
        "disgust, fear, happiness, sadness, surprise or empty (labels= maps others: raf, "
        "affectnet, fer2013, or label:expression,label:expression); 5 more like it: 'bored' (3×), "
        "'joyful' (2×)",
        "row 2 of labels.csv: frame is 'x': expected a whole number or empty; 3 more like it: "
        "'y' (2×), 'x' (1×)",
        "row 2 of labels.csv: AU01 is '9': expected 0, 1 or empty (unknown=9 where it means that, "
        "as in bp4d); 5 more like it",
        "row 3 of labels.csv: AU01 is '8': expected 0, 1 or empty (kind= tells of probabilities "
        "or intensities); 3 more like it: '0.5' (2×), '8' (1×)",
        "row 2 of labels.csv: AU04_r is '7': expected 0 to 5, A to E or empty; 3 more like it: "
        "'8' (2×), '7' (1×)",
    ]


@pytest.mark.parametrize(
    ("sign", "said"),
    [("9", "9"), ("9", "bp4d"), ("999", "emotionet"), ("-1", "affwild2"), ("-1", "-1"),
     ("9.0", "9"), ("9", "-1,9"), ("999", "bp4d,emotionet")],
)  # fmt: skip
def test_a_number_may_stand_for_unknown(write, sign, said):
    text = (
        f"path,expression,AU01,AU02,AU04_r\nfaces/a.png,joy,{sign},1,{sign}\n"
        f"faces/b.png,{sign},0,{sign},2\n"
    )
    faces = load(write(text, f",unknown={said}"))
    np.testing.assert_array_equal(faces.presence(), [[NAN, 1], [0, NAN]])
    np.testing.assert_array_equal(faces.table["AU04_intensity"], [NAN, 2])
    assert faces.table["expression"].isna().tolist() == [False, True]
    (note,) = faces.notes
    assert note.startswith("3 cells of action units in labels.csv are unknown, as asked (")
    dataset = {"9": "bp4d", "9.0": "bp4d", "999": "emotionet", "-1": "affwild2"}[sign]
    assert (
        f"(unknown={sign} where it means that, as in {dataset}); 1 more" in messages(write(text))[1]
    )


@pytest.mark.parametrize(
    ("labels", "cells", "expressions"),
    [
        ("raf", "1234567", "surprise fear disgust happiness sadness anger neutral"),
        ("affectnet", "01234567", "neutral happiness sadness surprise fear disgust anger contempt"),
        ("fer2013", "0123456", "anger disgust fear happiness sadness surprise neutral"),
    ],
)
def test_the_numbers_of_datasets_are_known(
    write, tmp_path, write_image, labels, cells, expressions
):
    for cell in cells:
        write_image(tmp_path / "n" / f"{cell}.png")
    text = "path,expression\n" + "".join(f"n/{cell}.png,{cell}.0\n" for cell in cells)
    table = load(write(text, f",labels={labels}")).table
    assert table["expression"].tolist() == expressions.split()
    assert len(messages(write(text.replace("6.0", "66"), f",labels={labels}"))) == 1


def test_words_are_mapped_and_some_stand_for_unknown(write):
    text = (
        "path,expression\nfaces/a.png,suprise\nfaces/b.png,10\nfaces/c.png,sad\nfaces/d.png, WUT \n"
    )
    table = load(write(text, ",labels=suprise:surprise,010:unknown,Wut:angry")).table
    assert table["expression"].fillna("?").tolist() == ["surprise", "?", "sadness", "anger"]


def test_columns_that_name_no_action_unit_are_counted(write):
    spec = write("path,expression,AU61,AU12_x,audio\nfaces/a.png,joy,1,2,3\n")
    assert load(spec).notes == (
        "labels.csv has columns that name no action unit, or several, ignored: AU12_x (1×), "
        "AU61 (1×)",
    )


def test_bytes_that_are_no_text_are_refused(write):
    with pytest.raises(DataError, match="is no readable CSV file in UTF-8: its line 2 is in anoth"):
        load(write("path,expression\nfaces/é.png,joy\n", encoding="latin-1"))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none: .*none.csv does not exist: expected a CSV file"):
        load(f"table:{tmp_path / 'none.csv'}")
    with pytest.raises(DataError, match=r"is a folder: expected a CSV file"):
        load(f"table:{tmp_path}")


@pytest.mark.parametrize("word", ["NA", "N/A", "nan", "NaN", "None", "null", "NULL", "n/a", "<NA>"])
def test_only_an_empty_cell_is_missing(write, tmp_path, write_image, word):
    """Somebody may be called so: taken for missing, his faces would count as several people."""
    write_image(tmp_path / "faces" / word / "x.png")
    spec = write(
        "path,expression,subject,sequence\n"
        f"faces/{word}/x.png,joy,{word},{word}\nfaces/a.png,joy,{word},\nfaces/b.png,joy, ,\n",
        ",assume_independent=yes",
    )
    table = load(spec).table.set_index("image")
    assert table["subject"].to_dict() == {
        f"faces/{word}/x.png": word, "faces/a.png": word, "faces/b.png": "faces/b.png",
    }  # fmt: skip
    assert table["sequence"].isna().sum() == 2
    for column in ("expression", "split", "frame", "AU12"):
        text = "path,expression" + (f",{column}" if column != "expression" else "")
        cells = f"faces/a.png,{'joy,' if column != 'expression' else ''}{word}"
        (message,) = messages(write(f"{text}\n{cells}\n"))
        assert f"{word!r}" in message


@pytest.mark.parametrize("column", ["split", "Usage", "SPLIT"])
def test_splits_in_the_words_that_people_use(write, column):
    words = {"a": "Training", "b": "PublicTest", "c": "PrivateTest", "d": "dev"}
    lines = [f"faces/{name}.png,joy,{word}" for name, word in words.items()]
    table = load(write("\n".join([f"path,expression,{column}", *lines]))).table
    assert table["split"].tolist() == ["train", "validation", "test", "validation"]
    for word in ("val", "valid", "VALIDATION"):
        table = load(write(f"path,expression,{column}\nfaces/a.png,joy,{word}\n")).table
        assert table["split"].tolist() == ["validation"]


def test_a_split_of_some_faces_only_is_refused(write):
    text = "path,expression,split\nfaces/a.png,joy,train\nfaces/b.png,joy,\n"
    assert messages(write(text)) == [
        "1 of 2 faces of labels.csv are in no split, the others in train: expected all of them, "
        "or none"
    ]


def test_where_openface_lost_the_face_the_units_are_unknown(write):
    spec = write(
        "path,expression,success,confidence,AU12_c,AU12_r\nfaces/a.png,joy,1,0.98,1,2\n"
        "faces/b.png,joy,0,0.9,0,0\nfaces/c.png,joy,1,0.3,0,0\nfaces/d.png,joy,1,,0,0\n"
    )
    faces = load(spec)
    np.testing.assert_array_equal(faces.presence(), [[1], [NAN], [NAN], [NAN]])
    np.testing.assert_array_equal(faces.table["AU12_intensity"], [2, NAN, NAN, NAN])
    assert faces.notes == (
        "in 3 of 4 rows of labels.csv OpenFace lost the face (success 0, or a confidence below "
        "0.725): their action units are unknown",
    )
    np.testing.assert_array_equal(  # nor are they absent where presence follows from intensity
        load(spec.replace("labels.csv", "labels.csv,present=1")).presence(), faces.presence()
    )


def test_a_confidence_that_is_not_openfaces_plays_no_part(write):
    spec = write("path,expression,success,confidence,AU12\nfaces/a.png,joy,0,0.1,1\n")
    assert load(spec).notes == ()
    np.testing.assert_array_equal(load(spec).presence(), [[1]])


def test_every_column_that_tells_of_an_action_unit_is_read_or_named(write):
    columns = {
        "AU12L": 1, "AU12R": 1, "AU14r": 1, "AU02_r_L": 1, "AU15 left": 1,
        "AU1+2": 1, "AU25/26": 1, "AU101": 1, "mean AU9": 1, "Brow Lowerer": 1,
        "AU 06 (c)": 1, "au 4 (r)": 3, "Action Unit 17 - Chin Raiser": 0, "AU-05": 1,
    }  # fmt: skip
    cells = ",".join(str(value) for value in columns.values())
    faces = load(write(f"path,expression,{','.join(columns)}\nfaces/a.png,joy,{cells}\n"))
    assert faces.aus == ("AU05", "AU06", "AU17")
    np.testing.assert_array_equal(faces.presence(), [[1, 1, 0]])
    assert faces.table["AU04_intensity"].tolist() == [3]
    assert faces.notes == (
        "labels.csv has columns that are of one side of the face, or may be, ignored: "
        "AU02_r_L (1×), AU12L (1×), AU12R (1×), AU14r (1×), AU15 left (1×)",
        "labels.csv has columns that name no action unit, or several, ignored: AU1+2 (1×), "
        "AU101 (1×), AU25/26 (1×), Brow Lowerer (1×), mean AU9 (1×)",
    )


def test_beside_the_left_side_r_is_the_right_side_and_no_intensity(write):
    faces = load(write("path,expression,AU12_L,AU12_R,AU06_r\nfaces/a.png,joy,1,1,2\n"))
    assert faces.table.columns[7:].tolist() == ["AU06_intensity"]
    assert "may be, ignored: AU12_L (1×), AU12_R (1×)" in faces.notes[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("path,expression\nfaces/é.png,joy\n".encode("cp1252"),
         "its line 2 is in another encoding (byte 0xE9)"),
        (b"PK\x03\x04\x14\0" * 9, "it is an Excel workbook or another zip archive, to be saved as"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9, "it is an Excel workbook of before 2007, to be"),
        (b"PAR1\x15\0", "it is a Parquet file, to be saved as CSV in UTF-8"),
        (b"\x1f\x8b\x08", "it is a gzip archive"),
        (bytes(range(256)) * 4, "it holds zero bytes"),
        (b"\x89PNG\r\n\x1a\n" * 50, "its line 1 is in another encoding (byte 0x89)"),
        (b'path,expression\n"faces/a.png,joy\n', "Error tokenizing data"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_text_is_said_to_be_none(write, content, reason):
    spec = write("")
    Path(spec[6:]).write_bytes(content)
    (message,) = messages(spec)
    assert message.startswith(f"{spec[6:]} is no readable CSV file in UTF-8: {reason}")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("said", ["", "sep={}\n", "\n\n"])
@pytest.mark.parametrize("separator", ",;\t")
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_table_as_spreadsheets_save_it(write, encoding, said, separator, ends):
    comma = "." if separator == "," else ","
    text = (
        said.format(separator)
        + "path,expression,subject,AU12_r,AU06_c\nfaces/a.png,joy,x-1,2D5,1\n".replace(
            ",", separator
        ).replace("D", comma)
        + f'"faces/b.png"{separator}"joy"{separator}"x;,2"{separator}0{comma}25{separator}0\n'
    )
    spec = write("")
    Path(spec[6:]).write_bytes(text.replace("\n", ends).encode(encoding))
    table = load(spec).table
    assert table["image"].tolist() == ["faces/a.png", "faces/b.png"]
    assert table["subject"].tolist() == ["x-1", "x;,2"]
    assert table["AU12_intensity"].tolist() == [2.5, 0.25]
    assert table["AU06"].tolist() == [1, 0]


def test_a_decimal_comma_is_one_only_where_a_column_holds_numbers(write):
    """A subject may be called 1,5, and a coder may write 6,12 for two action units."""
    table = load(write("path;expression;subject;FACS;AU04_r\nfaces/a.png;joy;1,5;6,12;1,5\n")).table
    assert table["subject"].tolist() == ["1,5"]
    assert table[["AU06", "AU12"]].to_numpy().tolist() == [[1, 1]]
    assert table["AU04_intensity"].tolist() == [1.5]


def test_blank_rows_are_passed_over_and_counted_in_the_numbers_of_rows(write):
    """As spreadsheets number them; `sep=` is no row to them."""
    text = "path;expression;AU12;frame\n\n;;;\nfaces/a.png;joy;7;x\n\nfaces/z.png;bored;1;2\n\n"
    for begin, more in (("", 0), ("\n \n\n", 3), ("sep=;\n", 0), ("sep=;\n\n", 1)):
        found = [message.split(" of ")[0] for message in messages(write(begin + text))]
        assert found == [f"row {row + more}" for row in (6, 6, 4, 4)]


def test_a_cell_of_any_length_is_read(write):
    (message,) = messages(write(f"path,expression\nfaces/a.png,{'x' * 1_000_000}\n"))
    assert "xx' is no expression: expected neutral, anger, contempt, disgust, fear, hap" in message


def test_a_table_that_is_too_large_or_no_file_is_not_read(tmp_path):
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(1 << 40)
    os.mkfifo(tmp_path / "pipe.csv")
    assert messages(f"table:{tmp_path}/large.csv") == [
        f"{tmp_path}/large.csv cannot be read: it holds more than 512 MB"
    ]
    assert messages(f"table:{tmp_path}/pipe.csv") == [
        f"{tmp_path}/pipe.csv is a named pipe: expected a CSV file"
    ]


def test_names_of_images_are_made_printable(write, tmp_path, write_image):
    write_image(tmp_path / "faces" / "a\x1b[2J.png")
    table = load(write("path,expression\nfaces/a\x1b[2J.png,joy\n")).table
    assert table["image"].tolist() == ["faces/a�1B[2J.png"]
    assert Path(table["path"][0]).is_file()


@pytest.mark.skipif(sys.platform == "darwin", reason="its disks take both spellings for one")
def test_accents_may_be_spelled_otherwise_on_the_disk(write, tmp_path, write_image):
    """Folder in one normal form, file in the other, and the table in either."""
    composed, apart = "caf\u00e9", "cafe\u0301"
    write_image(tmp_path / composed / f"{apart}.png")
    write_image(tmp_path / composed / f"b{apart}.png")
    write_image(tmp_path / "faces" / f"{composed}.png")
    text = (
        f"path,expression\n{{0}}/{{0}}.png,joy\nfaces/{{0}}.png,joy\n{tmp_path}/{{0}}/b{{1}}.png,\n"
    )
    for first, second in ((composed, apart), (apart, composed)):
        reading = read(write(text.format(first, second)))
        assert reading.rows["image"].tolist()[:2] == [
            f"{composed}/{apart}.png", f"faces/{composed}.png",
        ]  # fmt: skip
        assert reading.defects == ()
    twice = f"path,expression\nfaces/{composed}.png,joy\nfaces/{apart}.png,joy\n"
    (message,) = messages(write(twice))
    assert message.endswith(
        f"the image faces/{composed}.png occurs twice: expected one row per image"
    )
    (message,) = messages(write("path,expression\nfaces/th\u00e9.png,joy\n"))
    assert "the image faces/th\u00e9.png does not exist in" in message
    for both in (composed, apart):  # two files that look alike stay two
        write_image(tmp_path / "faces" / f"{both}.png")
    assert load(write(twice)).table["image"].tolist() == [
        f"faces/{apart}.png", f"faces/{composed}.png",
    ]  # fmt: skip


def test_accents_may_be_spelled_otherwise_in_an_archive(write, tmp_path):
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.write(tmp_path / "faces" / "a.png", "cafe\u0301/the\u0301.png")
    spec = write("path,expression\ncaf\u00e9/th\u00e9.png,joy\n", f",images={tmp_path}/faces.zip")
    assert load(spec).table["image"].tolist() == ["cafe\u0301/the\u0301.png"]


def test_two_columns_of_one_name_are_refused(write):
    (message,) = messages(write("path,expression, subject,subject\nfaces/a.png,joy,a,b\n"))
    assert message.endswith("labels.csv has two columns called 'subject': expected one")
