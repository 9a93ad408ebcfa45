import numpy as np
import pytest
from PIL import Image

from facslens.datasets.check import check
from facslens.datasets.defects import Defect
from facslens.datasets.load import load
from facslens.errors import CallError

SUBJECT = r",subject=p\d+"


@pytest.fixture
def root(tmp_path, write_image):
    """A whole dataset: five subjects, each angry and happy."""
    for subject in range(5):
        for expression in ("anger", "happy"):
            write_image(tmp_path / expression / f"p{subject}_{expression}.png")
    return tmp_path


def found(result, level=None):
    return [(d.kind, d.where) for d in result.defects if level in (None, d.level)]


def message(result):
    (defect,) = result.defects
    return defect.message


def test_a_whole_dataset_has_no_defect_and_is_counted(root):
    result = check(f"folder:{root}{SUBJECT}")
    assert result.defects == ()
    assert result.ok
    assert (result.images, result.subjects, result.sequences) == (10, 5, 0)
    assert result.expressions == {"anger": 5, "happiness": 5}
    assert result.aus == {}


def test_progress_is_told_after_every_image(root):
    calls = []
    check(load(f"folder:{root}{SUBJECT}"), lambda *call: calls.append(call))
    assert calls == [(i, 10) for i in range(1, 11)]


def test_every_broken_image_is_named_and_the_rest_is_still_looked_at(root, write_bomb):
    (root / "anger" / "p0_text.png").write_text("smile")
    whole = (root / "anger" / "p0_anger.png").read_bytes()
    (root / "anger" / "p1_cut.png").write_bytes(whole[: len(whole) // 2])
    Image.new("L", (1, 1)).save(root / "anger" / "p2_tiny.png")
    write_bomb(root / "anger" / "p3_bomb.png", 20_000, 20_000)
    (root / "anger" / "p4_gone.png").symlink_to(root / "nowhere.png")
    result = check(f"folder:{root}{SUBJECT}")
    assert [(d.where, d.message.rpartition(".png ")[2].split(":")[0]) for d in result.defects] == [
        ("anger/p0_text.png", "is no image, whatever its name says"),
        ("anger/p1_cut.png", "is broken or cannot be read"),
        ("anger/p2_tiny.png", "is 1×1 pixels"),
        ("anger/p3_bomb.png", "has more than 33 megapixels"),
        ("anger/p4_gone.png", "does not exist"),
    ]
    assert {d.kind for d in result.defects} == {"bad image"}
    assert not result.ok
    assert result.images == 15


def test_defects_of_the_reading_come_with_those_of_the_images(root, write_image):
    (root / "fear").mkdir()
    write_image(root / "bored" / "p1.png")
    (root / "happy" / "p1_text.png").write_text("smile")
    assert found(check(f"folder:{root}{SUBJECT}")) == [
        ("empty folder", "fear"),
        ("bad name", "bored/p1.png"),
        ("bad image", "happy/p1_text.png"),
    ]


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("ck48:{}/none", "missing path"),
        ("ckplus:{}", "empty folder"),
        ("folder:{}", "empty folder"),
        ("table:{}/t.csv", "missing column"),
    ],
)
def test_nothing_to_read_is_one_defect_and_no_faces(tmp_path, spec, kind):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "t.csv").write_text("name,expression\na.png,joy\n")
    folder = tmp_path / "x" if spec.startswith("table") else tmp_path / "y"
    (tmp_path / "y").mkdir()
    result = check(spec.format(folder))
    assert [defect.kind for defect in result.defects] == [kind]
    assert (result.images, result.expressions) == (0, {})


def test_values_and_disagreeing_labels_of_a_table_are_found(root):
    (root / "t.csv").write_text(
        "path,expression,subject,AU12\n"
        "anger/p0_anger.png,anger,p0,7\n"
        "anger/p1_anger.png,anger,p1,yes\n"
        "anger/p1_anger.png,fear,p1,1\n"
        "anger/p2_anger.png,anger,p2,1\n"
        "anger/none.png,anger,p2,1\n"
    )
    result = check(f"table:{root / 't.csv'}")
    assert found(result) == [
        ("duplicate name", "row 4 of t.csv"),
        ("missing path", "row 6 of t.csv"),
        ("bad value", "row 2 of t.csv"),
    ]
    assert (result.images, result.subjects, result.aus) == (3, 3, {"AU12": 1})


def test_the_same_pixels_under_two_names_are_a_warning_that_tells_what_differs(root, write_image):
    for name in ("anger/p1_x", "happy/p2_y"):
        write_image(root / f"{name}.png", 1)
    write_image(root / "happy" / "p2_z.bmp", 1)
    result = check(f"folder:{root}{SUBJECT}")
    assert result.ok
    assert result.defects == (
        Defect(
            "identical images",
            "anger/p1_x.png",
            "anger/p1_x.png shows the same pixels as happy/p2_y.png, happy/p2_z.bmp, although "
            "their expressions differ: anger, happiness, although their subjects differ: p1, p2",
            "warning",
        ),
    )


def test_the_same_pixels_with_other_units_are_told(root, write_image):
    for name in "ab":
        write_image(root / f"{name}.png", 1)
    (root / "t.csv").write_text(
        "path,expression,subject,AU01,AU12\na.png,joy,s,1,0\nb.png,joy,s,1,1\n"
    )
    (defect, *_) = check(f"table:{root / 't.csv'}").defects
    assert (
        defect.message
        == "a.png shows the same pixels as b.png, although their action units differ: AU12"
    )


def test_what_is_to_be_known_of_images_is_one_line_for_all_of_them(root, rng):
    for number in range(4):
        deep = rng.integers(0, 16384, (48, 48)).astype(np.uint16)
        Image.fromarray(deep).save(root / "anger" / f"p{number}_deep.png")
    result = check(f"folder:{root}{SUBJECT}")
    assert found(result) == [("doubtful image", "anger/p0_deep.png")]
    assert result.ok
    assert message(result).startswith(
        "each of 4 images (anger/p0_deep.png, anger/p1_deep.png, anger/p2_deep.png and 1 more) "
        "has 16 bits of which the upper two are hardly used, and was read as a dark picture: "
    )


@pytest.mark.parametrize(
    ("size", "whole"),
    [
        ((1920, 1080), True),
        ((1080, 1920), True),  # a telephone's
        ((640, 480), True),
        ((1024, 1024), False),
        ((300, 400), False),  # the box of a face
        ((251, 200), True),
        ((250, 200), False),
        ((200, 320), False),
        ((200, 321), True),
        ((60, 40), False),
    ],
)
def test_whole_photographs_are_one_warning(root, rng, size, whole):
    for number in range(2):
        levels = rng.integers(0, 256, size[::-1], dtype=np.uint8)
        Image.fromarray(levels).save(root / "anger" / f"p{number}_more.png", compress_level=1)
    result = check(f"folder:{root}{SUBJECT}")
    assert found(result) == ([("no crop", "anger/p0_more.png")] if whole else [])
    assert result.ok
    width, height = size
    assert not whole or message(result) == (
        f"2 of 12 images have the size and shape of whole photographs, not of cropped faces, such "
        f"as anger/p0_more.png with {width}×{height} pixels: cut the faces out with facslens data "
        f"crop"
    )


def test_a_large_photograph_is_judged_by_its_own_size(root, monkeypatch):
    Image.effect_noise((400, 240), 50).save(root / "anger" / "p0_more.jpg")
    monkeypatch.setattr("facslens.datasets.images.MAX_PIXELS", 90_000)
    notes = check(f"folder:{root}{SUBJECT}").defects
    assert [d.kind for d in notes] == ["doubtful image", "no crop"]
    assert "p0_more.jpg with 400×240 pixels" in notes[1].message


def test_a_file_name_in_two_folders_is_a_warning(root, write_image):
    write_image(root / "happy" / "p0_anger.png")
    result = check(f"folder:{root}{SUBJECT}")
    assert found(result, "warning") == [("duplicate name", "anger/p0_anger.png")]
    assert message(result) == (
        "1 file name occurs in more than one folder: anger/p0_anger.png, happy/p0_anger.png"
    )


def test_an_expression_with_one_face_or_one_subject_is_found(root, write_image):
    write_image(root / "fear" / "p1_x.png")
    write_image(root / "sad" / "p2_x.png")
    write_image(root / "sad" / "p2_y.png")
    result = check(f"folder:{root}{SUBJECT}")
    assert found(result, "error") == [("few faces", "fear")]
    assert ("few subjects", "sadness") in found(result, "warning")


def test_one_or_two_subjects_are_too_few(root):
    for subject in (2, 3, 4):
        for file in root.glob(f"*/p{subject}_*"):
            file.unlink()
    result = check(f"folder:{root}{SUBJECT}")
    assert found(result) == [("few subjects", root.name)]
    assert message(result).startswith(f"{root.name} has 2 subjects: 1 for testing and 1 for")
    for file in root.glob("*/p1_*"):
        file.unlink()
    result = check(f"folder:{root}{SUBJECT}")
    assert ("few subjects", root.name) in found(result, "error")
    assert "one subject only: " in result.defects[-1].message


def test_unknown_subjects_are_found_unless_independence_was_said(root):
    result = check(f"folder:{root}")
    assert found(result, "error") == [("missing subjects", root.name)]
    assert message(result).startswith("10 of 10 faces have no known subject: tell it")
    assert check(f"folder:{root},assume_independent=yes").ok


def test_an_expression_that_nobody_trains_is_found(root):
    faces = load(f"folder:{root}{SUBJECT}")
    split = faces.table["subject"].map(
        {"p0": "train", "p1": "train", "p2": "test", "p3": "test", "p4": "validation"}
    )
    sad = faces.table["subject"].isin(["p2", "p3"]) & (faces.table["expression"] == "anger")
    table = faces.table.assign(
        split=split, expression=faces.table["expression"].mask(sad, "sadness")
    )
    result = check(type(faces)(table, "made", ("one note",)))
    assert found(result) == [("left out", "made"), ("split", "sadness")]
    assert result.defects[1].message == "no face of sadness is in the training part of the split"


def test_missing_expressions_are_told(root):
    (root / "t.csv").write_text(
        "path,expression,subject\n"
        + "".join(f"anger/p{i}_anger.png,{'joy' if i else ''},p{i}\n" for i in range(5))
    )
    result = check(f"table:{root / 't.csv'}")
    assert found(result) == [("missing expressions", "t")]
    assert result.ok
    result = check(f"table:{root / 't.csv'},expression=none")
    assert found(result, "error") == [("missing expressions", "t")]
    (root / "t.csv").write_text(
        "path,subject,AU12\n" + "".join(f"anger/p{i}_anger.png,p{i},{i % 2}\n" for i in range(5))
    )
    assert check(f"table:{root / 't.csv'},expression=none").ok  # an audit needs none


def test_a_wrong_specification_is_no_defect():
    with pytest.raises(CallError, match="names no dataset layout"):
        check("bogus:x")


def test_a_part_of_a_dataset_is_told_from_what_its_makers_count(data_folder):
    result = check(f"ck48:{data_folder / 'ck48'}")
    assert result.ok
    assert [(d.kind, d.where) for d in result.defects] == [
        ("not as published", what) for what in ("images", "subjects", "sequences", "expressions")
    ]
    assert [d.message for d in result.defects] == [
        "ck48: of the 981 images of the whole, 174 are missing or left out (lucey2010)",
        "ck48: of the 118 subjects of the whole, 24 are missing or left out (lucey2010)",
        "ck48: of the 327 sequences of the whole, 58 are missing or left out (lucey2010)",
        "ck48: images differ in number from the whole (lucey2010): anger 105 of 135, "
        "contempt 45 of 54, disgust 150 of 177, fear 66 of 75, happiness 165 of 207, "
        "sadness 72 of 84, surprise 204 of 249",
    ]
    assert (result.images, result.subjects, result.sequences) == (807, 94, 269)
    assert (result.aus["AU25"], result.aus["AU22"]) == (438, 0)


def test_the_same_pixels_are_one_line_a_cause(root, write_image):
    for number in range(1, 4):
        for name in ("anger/p1", "anger/p2", "happy/p2"):
            write_image(root / f"{name}_same{number}.png", number)
    result = check(f"folder:{root}{SUBJECT}")
    same = [d.message for d in result.defects if d.kind == "identical images"]
    assert same == [
        "anger/p1_same1.png shows the same pixels as anger/p2_same1.png, happy/p2_same1.png, "
        "although their expressions differ: anger, happiness, although their subjects differ: "
        "p1, p2; 2 more like it"
    ]


def test_people_who_are_only_assumed_do_not_differ(root, write_image):
    for name in "ab":
        write_image(root / "anger" / f"{name}.png", 1)
    result = check(f"folder:{root},assume_independent=yes")
    assert [d.message for d in result.defects if d.kind == "identical images"] == [
        "anger/a.png shows the same pixels as anger/b.png"
    ]


def test_many_broken_images_of_one_reason_are_one_line(root):
    for number in range(7):
        (root / "anger" / f"p{number}_text.png").write_text("smile")
        Image.new("L", (1 + number, 2)).save(root / "anger" / f"p{number}_tiny.png")
    text, tiny = (d.message for d in check(f"folder:{root}{SUBJECT}").defects if d.level == "error")
    assert text.endswith(
        "; 6 more like it: anger/p1_text.png, anger/p2_text.png, anger/p3_text.png and 3 more"
    )
    assert "p0_tiny.png is 1×2 pixels: expected at least 8×8; 6 more like it" in tiny


def test_a_split_without_a_validation_part_is_a_warning(tmp_path, write_image):
    for number in range(4):
        for expression in ("angry", "happy"):
            part = "train" if number < 2 else "test"
            write_image(tmp_path / part / expression / f"p{number}_{expression}.png")
    result = check(f"folder:{tmp_path}{SUBJECT}")
    assert result.ok
    assert message(result) == (
        f"the split of {tmp_path.name} has no validation part, which a training needs"
    )
