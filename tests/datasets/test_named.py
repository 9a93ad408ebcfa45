import os
import re

import pytest

from facslens.datasets.named import named_images, named_reading, read_list

PATTERN = re.compile(r"(?P<who>[a-z]+)/(?P<number>\d+)\.\w+")


def test_the_end_of_a_path_is_matched_from_the_begin_of_a_name_on(tmp_path, write_image):
    for name in ("x/anna/1.png", "anna/2.png", "x/Anna/3.png", "anna/4b.png", "5.png"):
        write_image(tmp_path / "root" / name)
    (tmp_path / "root" / "notes.txt").write_text("x")
    defects = []
    found = named_images(tmp_path / "root", PATTERN, "anna/1.png", defects)
    # The last lies in the root, whose own name counts as well.
    assert [(i.where, i.match["who"], i.match["number"]) for i in found] == [
        ("5.png", "root", "5"),
        ("anna/2.png", "anna", "2"),
        ("x/anna/1.png", "anna", "1"),
    ]
    assert [(d.level, d.message) for d in defects] == [
        (
            "warning",
            f"1 file that is not read lies below {tmp_path / 'root'}, by ending: .txt (1×)",
        ),
        ("error", "anna/4b.png: expected a name such as anna/1.png; 1 more like it"),
    ]
    assert found[1].row(subject="a") == {
        "image": "anna/2.png",
        "path": str(tmp_path / "root" / "anna" / "2.png"),
        "subject": "a",
    }


def test_known_files_are_no_skipped_ones(tmp_path, write_image):
    write_image(tmp_path / "anna" / "1.png")
    (tmp_path / "list.txt").write_text("x")
    defects = []
    named_images(tmp_path, PATTERN, "anna/1.png", defects, known=(tmp_path / "list.txt",))
    assert defects == []


def test_a_name_that_is_not_utf8_is_a_defect(tmp_path, write_image):
    write_image(tmp_path / "anna" / "1.png")
    (tmp_path / "anna" / "1.png").rename(tmp_path / "anna" / os.fsdecode(b"1\xe9.png"))
    defects = []
    assert named_images(tmp_path, PATTERN, "anna/1.png", defects) == []
    assert [d.message for d in defects] == ["the name of anna/1�E9.png is not UTF-8: rename it"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_list_has_a_name_and_a_label_on_each_line(tmp_path, encoding):
    text = "a.jpg 1\r\n\r\n  b.jpg\t2  \r\n"
    (tmp_path / "list.txt").write_bytes(text.encode(encoding))
    defects = []
    labels = read_list(tmp_path / "list.txt", "list.txt", defects)
    assert labels == {"a.jpg": (1, "1"), "b.jpg": (3, "2")}
    assert defects == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "the list list.txt cannot be read: No such file or directory"),
        (b"PK\x03\x04", "the list list.txt cannot be read: it is an Excel workbook or another zip"),
        (b"a.jpg \xff\n", "the list list.txt cannot be read: its line 1 is in another encoding"),
    ],
)
def test_a_list_that_cannot_be_read(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "list.txt").write_bytes(content)
    defects = []
    assert read_list(tmp_path / "list.txt", "list.txt", defects) == {}
    assert defects[0].message.startswith(reason)


def test_a_split_of_some_and_a_person_in_two_are_found(tmp_path):
    rows = [
        {"image": "a", "path": "a", "subject": "1", "split": "train"},
        {"image": "b", "path": "b", "subject": "1", "split": "test"},
        {"image": "c", "path": "c", "subject": "2", "split": None},
    ]
    reading = named_reading("mine", rows, tmp_path, "images", [])
    assert [d.message for d in reading.defects] == [
        "1 of 3 faces of mine are in no split, the others in test, train: expected all of them, or "
        "none",
        "the subject '1' has two splits in mine: expected one",
    ]
    assert reading.rows["split"].isna().all()
