import pytest

from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load, read
from facslens.errors import CallError, DataError

EXPRESSIONS = {
    "AF": "fear",
    "AN": "anger",
    "DI": "disgust",
    "HA": "happiness",
    "NE": "neutral",
    "SA": "sadness",
    "SU": "surprise",
}


@pytest.fixture
def root(tmp_path, write_image):
    """Two people: AF01 in both sessions, all expressions straight; BM35 from all angles."""
    for number, code in enumerate(EXPRESSIONS):
        write_image(tmp_path / "KDEF" / "AF01" / f"AF01{code}S.JPG", number)
        write_image(tmp_path / "KDEF" / "BF01" / f"BF01{code}S.JPG", 10 + number)
    for number, angle in enumerate(("FL", "HL", "S", "HR", "FR")):
        write_image(tmp_path / "KDEF" / "BM35" / f"BM35HA{angle}.JPG", 20 + number)
    return tmp_path


def test_both_sessions_are_of_the_same_person(root):
    table = load(f"kdef:{root}").table.set_index("image")
    for session in "AB":
        for code, expression in EXPRESSIONS.items():
            row = table.loc[f"KDEF/{session}F01/{session}F01{code}S.JPG"]
            assert (row["subject"], row["expression"]) == ("F01", expression)
    assert table["subject"].value_counts().to_dict() == {"F01": 14, "M35": 1}
    assert table[["sequence", "frame", "split"]].isna().all(axis=None)


def test_other_angles_are_counted_and_can_be_asked_for(root):
    assert load(f"kdef:{root}").notes == (
        f"left out of {root}: 4 photographs from other angles (angles=): FL (1×), FR (1×), "
        "HL (1×), HR (1×)",
    )
    half = load(f"kdef:{root},angles=hl,HR")
    assert half.table["image"].tolist() == ["KDEF/BM35/BM35HAHL.JPG", "KDEF/BM35/BM35HAHR.JPG"]
    every = load(f"kdef:{root},angles=all")
    assert (len(every), every.notes) == (19, ())


def test_an_angle_that_is_none_is_refused(root):
    with pytest.raises(CallError, match=r"angles is 'left': expected S for straight"):
        load(f"kdef:{root},angles=left")


def test_averaged_faces_and_two_cut_names_are_left_out_and_counted(root, write_image):
    for name in ("AKDEF/FAFS.JPG", "AKDEF/MSUFL.JPG", "KDEF/AF31/AF31V.JPG", "KDEF/AM31/AM31H.JPG"):
        write_image(root / name)
    faces = load(f"kdef:{root}")
    assert len(faces) == 15
    assert faces.notes[1:] == (
        f"left out of {root}: 2 averaged faces, such as AKDEF/FAFS.JPG",
        f"left out of {root}: 2 whose name does not say the expression: KDEF/AF31/AF31V.JPG, "
        "KDEF/AM31/AM31H.JPG",
    )


def test_other_names_are_one_line_with_a_count(root, write_image):
    for name in ("AF01XXS.JPG", "CF01ANS.JPG", "AF1ANS.JPG", "AF01ANS.png"):
        write_image(root / name)
    match = r"AF01ANS.png: expected a name such as AF01ANS.JPG; 3 more like it$"
    with pytest.raises(DataError, match=match):
        load(f"kdef:{root}")


def test_a_folder_of_other_angles_only_says_which_are_missing(tmp_path, write_image):
    write_image(tmp_path / "AF01ANFL.JPG")
    match = r"holds no image of kdef: expected photographs such as AF01ANS.JPG, of the angles S$"
    with pytest.raises(DataError, match=match):
        load(f"kdef:{tmp_path}")
    assert [d.level for d in read(f"kdef:{tmp_path}").defects] == ["warning", "error"]


def test_the_makers_count_980_straight_photographs_of_4900():
    official = LAYOUTS["kdef"].official
    assert official.images == 70 * 7 * 2 == 4900 / 5 == sum(official.expressions.values())
    assert official.subjects == 70
