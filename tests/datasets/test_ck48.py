import csv

import numpy as np
import pytest

from facslens.datasets.coding import PEOPLE, Coding
from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load, read
from facslens.datasets.splits import holdout
from facslens.errors import DataError

#: expression folder → file names
SMALL = {
    "anger": ["S011_004_00000019", "S011_004_00000020", "S011_004_00000021"],
    "happy": ["S011_006_00000011", "S011_006_00000012", "S011_006_00000013"],
    "surprise": ["S999_001_00000016", "S999_001_00000017", "S999_001_00000018"],
}
CODES = """subject,sequence,emotion,AU1,AU12
S011,S011_004,anger,0,0
S011,S011_006,happy,0,1
"""


@pytest.fixture
def root(tmp_path, write_image):
    for folder, names in SMALL.items():
        for name in names:
            write_image(tmp_path / "CK+48" / folder / f"{name}.png")
    (tmp_path / "facs.csv").write_text(CODES)
    return tmp_path


def defects(root, **keys):
    text = "".join(f",{key}={value}" for key, value in keys.items())
    return [(d.kind, d.message) for d in read(f"ck48:{root}{text}").defects]


def test_a_name_tells_subject_sequence_and_frame(root):
    faces = load(f"ck48:{root}")
    assert (faces.name, len(faces)) == ("ck48", 9)
    first = faces.table.iloc[0]
    assert first[["image", "subject", "sequence", "frame", "expression"]].tolist() == [
        "anger/S011_004_00000019.png",
        "S011",
        "S011_004",
        19,
        "anger",
    ]
    assert first["path"] == str(root / "CK+48/anger/S011_004_00000019.png")
    assert faces.expressions == ("anger", "happiness", "surprise")
    assert faces.table["split"].isna().all()


def test_every_frame_has_the_codes_of_its_sequence_and_none_without_a_row(root):
    faces = load(f"ck48:{root}")
    assert faces.aus == ("AU01", "AU12")
    expected = [[0, 0]] * 3 + [[0, 1]] * 3 + [[np.nan, np.nan]] * 3
    np.testing.assert_array_equal(faces.presence(), expected)


def test_people_coded_unless_the_columns_are_of_a_program(root):
    assert load(f"ck48:{root}").codings == {"AU01": PEOPLE, "AU12": PEOPLE}
    header = "sequence,success,AU12_c,AU12_r,AU 6\n"
    (root / "facs.csv").write_text(f"{header}S011_004,1,1,2.5,1\nS011_006,0,0,0,1\n")
    faces = load(f"ck48:{root}")
    openface = Coding("OpenFace 2", automatic=True)
    assert faces.codings == {"AU12": openface, "AU12_intensity": openface, "AU06": PEOPLE}
    expected = [[1, 1]] * 3 + [[1, np.nan]] * 3 + [[np.nan, np.nan]] * 3
    np.testing.assert_array_equal(faces.presence(), expected)


def test_the_inner_folder_gives_the_same_faces_without_codes(root):
    faces = load(f"ck48:{root / 'CK+48'}")
    assert faces.table["image"].equals(load(f"ck48:{root}").table["image"])
    assert faces.aus == ()
    coded = load(f"ck48:{root / 'CK+48'},aus={root / 'facs.csv'}")
    assert coded.digest() == load(f"ck48:{root}").digest()


def test_what_unpacking_leaves_behind_is_passed_over(root):
    (root / "__MACOSX" / "CK+48" / "anger").mkdir(parents=True)
    (root / "__MACOSX" / "CK+48" / "anger" / "._S011_004_00000019.png").write_text("x")
    (root / "CK+48" / "anger" / ".DS_Store").write_text("x")
    (root / "CK+48" / "readme.txt").write_text("x")
    assert len(load(f"ck48:{root}")) == 9


@pytest.mark.parametrize(
    ("codes", "kind", "message"),
    [
        (CODES.replace("S011_004,anger", "S011_004,fear"), "labels disagree",
         "S011_004 has the expression anger in the names of its images and fear in facs.csv"),
        (CODES.replace("S011,S011_006", "S012,S011_006"), "labels disagree",
         "S011_006 has the subject S011 in the names of its images and S012 in facs.csv"),
        (CODES + "S011,S011_004,anger,1,0\n", "duplicate name",
         "facs.csv has two rows for the sequence S011_004: expected one"),
        (CODES.replace("happy,0,1", "happy,0,7"), "bad value",
         "row 3 of facs.csv: AU12 is '7': expected 0, 1 or empty"),
        (CODES.replace("sequence", "clip"), "missing column",
         "lacks the column 'sequence': it has subject, clip, emotion, AU1, AU12"),
        ("", "bad table", "facs.csv is no readable CSV file in UTF-8: No columns"),
        ("sequence,AU1\n", "bad table", "facs.csv has no rows: expected a header line"),
    ],
)  # fmt: skip
def test_codes_that_cannot_be_are_named(root, codes, kind, message):
    (root / "facs.csv").write_text(codes)
    ((found, text),) = defects(root)
    assert found == kind
    assert message in text
    with pytest.raises(DataError, match=r"^ck48: "):
        load(f"ck48:{root}")


def test_codes_that_were_asked_for_have_to_be_there(root):
    (found,) = defects(root, aus=root / "none.csv")
    assert found == ("missing path", f"{root / 'none.csv'} does not exist: expected a CSV file")


def test_a_sequence_in_two_expressions_is_a_defect_with_and_without_codes(root, write_image):
    write_image(root / "CK+48" / "fear" / "S999_001_00000015.png")
    ((kind, message),) = defects(root)
    assert kind == "labels disagree"
    assert message == "the sequence S999_001 lies in the folders of two expressions: fear, surprise"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("bored/S011_004_00000022.png", "bad name", "lies in 'bored': expected a folder named"),
        ("anger/face.png", "bad name", "expected a name such as S011_004_00000019.png"),
        ("copy/anger/S011_004_00000019.png", "duplicate name", "19.png occurs twice: as anger/"),
    ],
)  # fmt: skip
def test_an_image_in_the_wrong_place_is_named(root, write_image, name, kind, message):
    write_image(root / "CK+48" / name)
    ((found, text),) = defects(root)
    assert found == kind
    assert message in text


def test_all_defects_are_found_at_once_and_the_first_is_raised(root, write_image):
    (root / "CK+48" / "fear").mkdir()
    write_image(root / "CK+48" / "anger" / "face.png")
    (root / "facs.csv").write_text(CODES.replace("0,1", "yes,1"))
    assert [kind for kind, _ in defects(root)] == ["empty folder", "bad name", "bad value"]
    with pytest.raises(DataError, match=r"ck48: the folder .*fear holds no image.*and 2 more: "):
        load(f"ck48:{root}")


def test_an_empty_or_missing_folder_is_said_to_be_so(tmp_path):
    ((kind, message),) = defects(tmp_path)
    assert (kind, message) == (
        "empty folder",
        f"the folder {tmp_path} is empty: expected images below it",
    )
    with pytest.raises(DataError, match=r"ck48: .*/none does not exist: expected a folder"):
        load(f"ck48:{tmp_path / 'none'}")


def test_the_real_faces_are_all_there(data_folder):
    faces = load(f"ck48:{data_folder / 'ck48'}")
    table = faces.table
    assert (len(faces), table["sequence"].nunique()) == (807, 269)
    assert table["subject"].nunique() == 94
    assert table["expression"].value_counts().to_dict() == {
        "anger": 105,
        "contempt": 45,
        "disgust": 150,
        "fear": 66,
        "happiness": 165,
        "sadness": 72,
        "surprise": 204,
    }
    assert (table.groupby("sequence").size() == 3).all()
    assert len(faces.aus) == 23
    assert not np.isnan(faces.presence()).any()
    with (data_folder / "ck48" / "facs.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    for code in (1, 12, 27):
        sequences = sum(row[f"AU{code}"] == "1" for row in rows)
        assert (table[f"AU{code:02d}"] == 1).sum() == 3 * sequences
    assert holdout(faces).value_counts().sum() == 807
    assert table["subject"][holdout(faces) == "test"].nunique() == 24


def test_folders_that_say_a_split_are_kept_or_refused(tmp_path, write_image):
    for name in ("train/anger/S010_001_00000019", "test/happy/S011_001_00000019"):
        write_image(tmp_path / f"{name}.png")
    assert load(f"ck48:{tmp_path}").table["split"].tolist() == ["train", "test"]
    write_image(tmp_path / "test/happy/S010_002_00000019.png")
    with pytest.raises(DataError, match="ck48: the subject 'S010' has two splits in ck48"):
        load(f"ck48:{tmp_path}")


def test_the_whole_has_three_frames_of_each_labelled_sequence_of_ckplus():
    official, sequences = LAYOUTS["ck48"].official, LAYOUTS["ckplus"].official
    assert official.images == 3 * official.sequences == sum(official.expressions.values()) == 981
    assert official.subjects == 118
    assert sequences.expressions == {"neutral": 327, **official.expressions}
    assert (sequences.sequences, sequences.subjects) == (593, 123)


def test_the_real_part_lacks_the_subjects_that_are_kept_back(data_folder):
    if not (data_folder / "ck48").is_dir():
        pytest.skip(f"no {data_folder / 'ck48'}")
    faces, official = load(f"ck48:{data_folder / 'ck48'}"), LAYOUTS["ck48"].official
    counts = faces.table["expression"].value_counts()
    assert faces.table["subject"].nunique() == 94 < official.subjects
    assert all(0 < counts[name] < most for name, most in official.expressions.items())


def test_many_defects_of_one_cause_are_one_line(tmp_path, write_image):
    for number in range(4):
        write_image(tmp_path / "CK+48" / "anger" / f"S01{number}_001_00000001.png")
        write_image(tmp_path / "CK+48" / "fear" / f"S01{number}_001_00000002.png")
        write_image(tmp_path / "CK+48" / "fear" / f"face{number}.png")
    codes = "".join(f"S01{n}_001,fear,1\n" * 2 for n in range(4))
    (tmp_path / "facs.csv").write_text(f"sequence,emotion,AU1\n{codes}")
    assert [d.message for d in read(f"ck48:{tmp_path}").defects] == [
        "CK+48/fear/face0.png: expected a name such as S011_004_00000019.png; 3 more like it",
        "the sequence S010_001 lies in the folders of two expressions: anger, fear; 3 more like "
        "it: S011_001 (1×), S012_001 (1×), S013_001 (1×)",
        "facs.csv has two rows for the sequence S010_001: expected one; 3 more like it: "
        "S011_001 (1×), S012_001 (1×), S013_001 (1×)",
        "the sequence S010_001 has the expression anger in the names of its images and fear in "
        "facs.csv: expected them to agree; 3 more like it: S011_001 (1×), S012_001 (1×), "
        "S013_001 (1×)",
    ]
