"""Tables of videos, such as those of CASME II and SAMM, whose columns make up the image's path."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facslens.datasets.load import load, read
from facslens.datasets.made_paths import made_paths
from facslens.errors import DataError

NAN = np.nan
CASME2 = (
    "Subject,Filename,,OnsetFrame,ApexFrame,OffsetFrame,,Action Units,Estimated Emotion\n"
    "1,EP02_01f,,46,59,86,,12,happiness\n"
    "17,EP05_02,,1,24,40,,4+L10+14,disgust\n"
    "17,EP06_01,,5,12.0,33,,4+7,others\n"
)
CASME2_KEYS = (
    "path=sub{Subject:02d}/{Filename}/reg_img{ApexFrame:1d}.jpg,expression=Estimated Emotion,"
    "facs=Action Units,sequence=none,labels=others:unknown,repression:unknown"
)
SAMM = (
    "Subject,Filename,Inducement Code,Onset Frame,Apex Frame,Offset Frame,Duration,Micro,"
    "Action Units,Estimated Emotion,Objective Classes,Notes\n"
    "6,006_1_2,1,5562,5588,5632,71,Micro - 1/2,AU12A+AU14,Anger,7,\n"
    "013,013_6_4,6,9,22,50,42,Micro - 1/2,4C,Other,2,\n"
)
SAMM_KEYS = (
    "path={Subject:03d}/{Filename}/{Subject:03d}_{Apex Frame:05d}.jpg,"
    "expression=Estimated Emotion,facs=Action Units,labels=other:unknown"
)


@pytest.fixture
def casme2(tmp_path, write_image):
    for image in ("sub01/EP02_01f/reg_img59", "sub17/EP05_02/reg_img24", "sub17/EP06_01/reg_img12"):
        write_image(tmp_path / "Cropped" / f"{image}.jpg")
    (tmp_path / "casme2.csv").write_text(CASME2)
    return f"table:{tmp_path}/casme2.csv,images={tmp_path}/Cropped"


def test_a_table_with_the_columns_of_casme2_gives_its_apex_frames(casme2):
    faces = load(f"{casme2},{CASME2_KEYS}")
    columns = ["image", "subject", "expression"]
    assert faces.table[columns].to_numpy(dtype=object, na_value=None).tolist() == [
        ["sub01/EP02_01f/reg_img59.jpg", "1", "happiness"],
        ["sub17/EP05_02/reg_img24.jpg", "17", "disgust"],
        ["sub17/EP06_01/reg_img12.jpg", "17", None],
    ]
    np.testing.assert_array_equal(
        faces.presence(["AU04", "AU10", "AU12", "AU14"]),
        [[0, 0, 1, 0], [1, NAN, 0, 1], [1, 0, 0, 0]],
    )


def test_a_table_with_the_columns_of_samm_gives_its_apex_frames(tmp_path, write_image):
    write_image(tmp_path / "006" / "006_1_2" / "006_05588.jpg")
    write_image(tmp_path / "013" / "013_6_4" / "013_00022.jpg")
    (tmp_path / "samm.csv").write_text(SAMM)
    faces = load(f"table:{tmp_path}/samm.csv,{SAMM_KEYS}")
    assert list(faces.table["subject"]) == ["6", "013"]
    expression = faces.table["expression"].to_numpy(dtype=object, na_value=None)
    assert expression.tolist() == ["anger", None]
    np.testing.assert_array_equal(faces.presence(["AU04", "AU12"]), [[0, 1], [1, 0]])
    assert faces.table["AU04_intensity"].tolist() == [0, 3]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("{Clip}.jpg", r"casme2.csv lacks the column 'Clip', which path=\{Clip\}.jpg asks for: it"),
        ("{Filename:03d}.jpg", r"row 2 of casme2.csv has no path: expected an .*; 2 more like it"),
        ("{Filename}.jpg", r"row 2 of casme2.csv: the image EP02_01f.jpg does not exist in"),
    ],
)
def test_a_path_that_cannot_be_made_is_told(casme2, path, message):
    keys = "expression=none,sequence=none"
    with pytest.raises(DataError, match=message):
        load(f"{casme2},path={path},{keys}")


def test_an_apex_that_is_no_number_is_counted(casme2, tmp_path):
    (tmp_path / "casme2.csv").write_text(CASME2.replace(",24,", ",/,"))
    reading = read(f"{casme2},{CASME2_KEYS}")
    errors = [defect.message for defect in reading.defects if defect.level == "error"]
    assert errors == ["row 3 of casme2.csv has no path: expected an image file"]
    assert len(reading.rows) == 2


def test_a_number_is_shifted_and_filled():
    cells = pd.DataFrame({"frame": ["7", "12.0", "x", None, "1.5", "0"]}, dtype="string")
    names = made_paths(cells, "a/{frame:04d}-{frame-1}-{row:02}.jpg", Path("t.csv"), [])
    assert names[:2].tolist() == ["a/0007-6-01.jpg", "a/0012-11-02.jpg"]
    assert names[2:].isna().all()  # the last, because there is no frame -1
    assert made_paths(cells, "{frame}", Path("t.csv"), [])[:3].tolist() == ["7", "12", "x"]


def test_a_column_whose_name_looks_shifted_is_a_column():
    cells = pd.DataFrame({"take": ["3"], "take-1": ["b"]}, dtype="string")
    assert made_paths(cells, "{take-1}.jpg", Path("t.csv"), []).tolist() == ["b.jpg"]


def test_one_file_by_two_paths_is_one_image(tmp_path, write_image):
    write_image(tmp_path / "a.png")
    rows = f"path,expression\na.png,happy\n{tmp_path}/a.png,happy\n./a.png,happy\n"
    (tmp_path / "t.csv").write_text(rows)
    reading = read(f"table:{tmp_path}/t.csv")
    assert len(reading.rows) == 1
    assert [d.message for d in reading.defects] == [
        f"row 3 of t.csv: the image {tmp_path}/a.png occurs twice: expected one row per image; "
        "1 more like it"
    ]
