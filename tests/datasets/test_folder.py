import os
import sys

import pytest

from facslens.datasets.load import load, read
from facslens.errors import CallError, DataError


@pytest.fixture
def root(tmp_path, write_image):
    for name in ("Happy/p01_a.png", "Happy/p02_a.jpg", "sub/anger/p01_b.png", "sub/anger/x.bmp"):
        write_image(tmp_path / name)
    return tmp_path


def test_the_folder_names_the_expression(root):
    table = load(f"folder:{root}").table
    assert table["image"].tolist() == [
        "Happy/p01_a.png",
        "Happy/p02_a.jpg",
        "sub/anger/p01_b.png",
        "sub/anger/x.bmp",
    ]
    assert table["expression"].tolist() == ["happiness", "happiness", "anger", "anger"]
    assert table["path"][3] == str(root / "sub/anger/x.bmp")
    assert table[["subject", "sequence", "frame", "split"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        (r"p\d+", ["p01", "p02", "p01", None]),
        (r"/p(\d+)_(a|b)", ["01", "02", "01", None]),
        (r"_(?P<letter>a|b)", ["a", "a", "b", None]),
        (r"(p)(?P<subject>\d{1,2})", ["01", "02", "01", None]),
    ],
)
def test_the_subject_is_found_in_the_path(root, subject, found):
    table = load(f"folder:{root},subject={subject}").table
    assert table["subject"].astype(object).where(table["subject"].notna(), None).tolist() == found


def test_independence_has_to_be_said_in_as_many_words(root):
    subjects = load(f"folder:{root},subject=p\\d+,assume_independent=yes").table["subject"]
    assert subjects.tolist() == ["p01", "p02", "p01", "sub/anger/x.bmp"]
    assert load(f"folder:{root},assume_independent=no").table["subject"].isna().all()


def test_the_dataset_is_named_after_its_folder(root, monkeypatch):
    monkeypatch.chdir(root)
    assert load("folder:.").name == root.name
    assert load("folder:.").table["path"][0] == str(root / "Happy/p01_a.png")


def test_all_that_is_wrong_is_found_at_once(root, write_image):
    (root / "fear").mkdir()
    write_image(root / "3" / "a.png")
    write_image(root / "loose.png")
    (root / "notes.txt").write_text("no image, but counted")
    assert [(d.kind, d.where) for d in read(f"folder:{root}").defects] == [
        ("empty folder", "fear"),
        ("left out", str(root)),
        ("bad name", "3/a.png"),
        ("bad name", "loose.png"),
    ]
    with pytest.raises(DataError, match=r"fear holds no image: fill it, or remove it \(and 2 more"):
        load(f"folder:{root}")


def test_an_image_outside_an_expression_folder_is_refused(root, write_image):
    write_image(root / "3" / "a.png")
    with pytest.raises(DataError, match=r"3/a.png lies in folder '3': expected a folder named neu"):
        load(f"folder:{root}")


def test_folders_of_other_names_are_one_error_each_and_can_be_mapped(tmp_path, write_image):
    for part, name in (("train", "1"), ("train", "2"), ("test", "1"), ("train", "suprise")):
        for take in "ab":
            write_image(tmp_path / part / name / f"{part}_{take}.png")
    spec = f"folder:{tmp_path}"
    assert [d.message.partition(": expected")[0] for d in read(spec).defects] == [
        "test/1/test_a.png lies in folder '1'",
        "train/2/train_a.png lies in folder '2'",
        "train/suprise/train_a.png lies in folder 'suprise'",
    ]
    hint = (
        r" \(labels= maps others: raf, affectnet, fer2013, or label:expression,label:expression\)"
    )
    with pytest.raises(DataError, match=rf"surprise{hint}; 3 more like it \(and 2 more: "):
        load(spec)
    (defect,) = read(f"{spec},labels=raf").defects
    assert defect.message.endswith("; 1 more like it")
    table = load(f"{spec},labels=1:angry,2:unknown,suprise:surprise").table
    assert table["expression"].fillna("?").tolist() == [
        *["anger"] * 4, *["?"] * 2, *["surprise"] * 2,
    ]  # fmt: skip
    assert table["split"].tolist() == [*["test"] * 2, *["train"] * 6]


def test_a_folder_with_an_umlaut_is_found_in_either_spelling(tmp_path, write_image):
    write_image(tmp_path / "U\u0308berraschung" / "a.png")
    table = load(f"folder:{tmp_path},labels=\u00dcberraschung:surprise").table
    assert table["expression"].tolist() == ["surprise"]


def test_nothing_but_text_is_no_dataset(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"holds no image: fill it, or remove it"):
        load(f"folder:{tmp_path}")
    with pytest.raises(DataError, match=r"notes.txt is a file: expected a folder"):
        load(f"folder:{tmp_path / 'notes.txt'}")


def test_linked_folders_are_followed_once_and_dead_links_are_listed(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "sad"
    (root / "Happy").rename(elsewhere)
    (root / "happy").symlink_to(elsewhere)
    (root / "sub" / "loop").symlink_to(root)
    (root / "sub" / "anger" / "gone.png").symlink_to(root / "nowhere.png")
    table = load(f"folder:{root}").table
    assert table["expression"].tolist() == ["happiness", "happiness", "anger", "anger", "anger"]
    assert "sub/anger/gone.png" in table["image"].tolist()


def test_a_folder_that_cannot_be_listed_is_a_defect(root, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("anger"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="sub/anger cannot be listed: Permission denied"):
        load(f"folder:{root}")


@pytest.mark.parametrize(
    ("words", "splits"),
    [
        (("train", "val", "test"), ["train", "validation", "test"]),
        (("Training", "PublicTest", "PrivateTest"), ["train", "validation", "test"]),
        (("TRAIN", "valid", "testing"), ["train", "validation", "test"]),
        (("train", "dev", "validation"), ["train", "validation", "validation"]),
    ],
)
@pytest.mark.parametrize("place", ["{}/angry", "faces/{}/deep/angry", "angry/{}"])
def test_folders_that_say_a_split_are_kept(tmp_path, write_image, words, splits, place):
    """Else nearly all test faces would train."""
    for number, word in enumerate(words):
        for take in "ab":
            write_image(tmp_path / place.format(word) / f"p{number}_{take}.png")
    table = load(f"folder:{tmp_path},subject=p\\d").table
    by_subject = table.groupby("subject")["split"].unique()
    assert [list(found) for found in by_subject] == [[split] for split in splits]
    assert set(table["expression"]) == {"anger"}


def test_a_subject_in_two_splits_is_refused(tmp_path, write_image):
    for folder in ("train", "test"):
        write_image(tmp_path / folder / "angry" / "p1.png")
    with pytest.raises(DataError, match=r"the subject 'p1' has two splits in .*: expected one"):
        load(f"folder:{tmp_path},subject=p\\d")


def test_folders_of_two_splits_and_faces_beside_them_are_refused(tmp_path, write_image):
    for folder in ("train", "test", "train/test"):
        write_image(tmp_path / folder / "angry" / "x.png")
    with pytest.raises(DataError, match=r"x.png lies in train and test: expected one split"):
        load(f"folder:{tmp_path}")
    write_image(tmp_path / "more" / "train" / "angry" / "x.png")
    write_image(tmp_path / "more" / "angry" / "y.png")
    with pytest.raises(DataError, match=r"1 of 2 faces of more are in no split, the others in tr"):
        load(f"folder:{tmp_path / 'more'}")


def test_a_subject_may_be_called_na_but_not_nothing(tmp_path, write_image):
    for name in ("NA_1", "None_1", "null_1", "_1"):
        write_image(tmp_path / "angry" / f"{name}.png")
    subjects = load(f"folder:{tmp_path},subject=/([A-Za-z]*)_").table["subject"]
    assert sorted(subjects.dropna()) == ["NA", "None", "null"]


def test_files_that_are_not_read_are_counted_by_their_endings(root):
    for name in ("a.txt", "b.TXT", "Happy/c.jxl", "LICENSE"):
        (root / name).write_text("x")
    assert load(f"folder:{root}").notes == (
        f"4 files that are not read lie below {root}, by ending: .txt (2×), .jxl (1×), "
        "no ending (1×)",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are text")
def test_a_name_that_is_not_utf8_is_a_defect_of_its_own(root):
    file = os.fsencode(root / "Happy") + b"/caf\xe9.png"
    (root / "Happy" / "p01_a.png").rename(os.fsdecode(file))
    assert [d.message for d in read(f"folder:{root}").defects] == [
        "the name of Happy/caf�E9.png is not UTF-8: rename it"
    ]
    assert len(read(f"folder:{root}").rows) == 3
    elsewhere = root.with_name(os.fsdecode(b"caf\xe9"))
    root.rename(elsewhere)
    (defect,) = read(f"folder:{elsewhere}").defects
    assert defect.message.endswith("caf�E9 is not UTF-8: rename it")


def test_a_path_that_is_too_long_is_one_sentence():
    (defect,) = read(f"folder:{'a' * 5000}").defects
    assert defect.message.endswith("cannot be opened (File name too long): expected a folder")
    with pytest.raises(CallError, match="names no dataset layout"):
        read("a" * 5000)
