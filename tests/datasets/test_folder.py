import os

import pytest

from facslens.datasets.load import load, read
from facslens.errors import DataError


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
