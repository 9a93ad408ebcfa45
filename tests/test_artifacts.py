import errno
import hashlib
import os
from pathlib import Path

import pandas as pd
import pytest

from facslens import artifacts
from facslens.artifacts import atomic, read_json, read_table, sha256
from facslens.errors import ArtifactError


def full_disk(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with atomic(path) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == path.parent
        assert not path.exists()
    assert path.read_text() == "whole"
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(errno.EIO, "io")])
def test_after_an_exception_the_old_file_is_untouched(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write():
        with atomic(path) as temporary:
            temporary.write_text("half")
            raise error

    expected = ArtifactError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        write()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk_is_said_to_be_full(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")
    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(ArtifactError, match=r"the disk is full: a.txt could not be written to"):
        artifacts.write_text(path, "new")
    with path.open() as stream:
        assert stream.read() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_disk_that_fills_while_a_table_is_written_leaves_the_old_one(tmp_path, monkeypatch, name):
    path = tmp_path / name
    artifacts.write_table(path, pd.DataFrame({"a": [1]}))
    before = path.read_bytes()

    def half(_table, temporary, **_kwargs):
        Path(temporary).write_bytes(b"half")
        full_disk()

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    monkeypatch.setattr(pd.DataFrame, "to_parquet", half)
    with pytest.raises(ArtifactError, match="the disk is full"):
        artifacts.write_table(path, pd.DataFrame({"a": [2]}))
    assert path.read_bytes() == before
    assert names(tmp_path) == [name]


def test_a_folder_replaces_a_folder_or_a_file_as_a_whole(tmp_path):
    for path in (tmp_path / "folder", tmp_path / "file"):
        if path.name == "file":
            path.write_text("old")
        else:
            path.mkdir()
            (path / "old.txt").write_text("old")
        with atomic(path) as temporary:
            temporary.mkdir()
            (temporary / "new.txt").write_text("new")
        assert names(path) == ["new.txt"]
    assert names(tmp_path) == ["file", "folder"]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old.txt").write_text("old")
    replace = Path.replace

    def refuse(self, target):
        if self.name.endswith(".partial"):
            full_disk()
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ArtifactError, match="the disk is full"), atomic(path) as temporary:
        temporary.mkdir()
    assert names(path) == ["old.txt"]
    assert names(tmp_path) == ["folder"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(
        ArtifactError, match=r"file/a.txt cannot be written: (File exists|Not a dir)"
    ):
        artifacts.write_text(tmp_path / "file" / "a.txt", "x")


def test_json_comes_back_and_has_no_nan(tmp_path):
    path = tmp_path / "a.json"
    artifacts.write_json(path, {"a": [1, None], "é": 0.5})
    assert read_json(path) == {"a": [1, None], "é": 0.5}
    assert path.read_text().endswith("}\n")
    with pytest.raises(ValueError, match="Out of range float values"):
        artifacts.write_json(path, {"a": float("nan")})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"{", "is no readable JSON file: Expecting"),
        (b"\xff", "is no readable JSON file: 'utf-8' codec"),
        (b"[1]", "holds a list, expected a JSON object"),
    ],
)
def test_what_is_no_json_object_is_refused(tmp_path, content, message):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtifactError, match=rf"a.json {message}"):
        read_json(path)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_table_comes_back(tmp_path, name):
    table = pd.DataFrame({"unit": [0, 1], "value": [0.5, None], "au": ["AU01", "AU12"]})
    artifacts.write_table(tmp_path / name, table)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), table)


@pytest.mark.parametrize(("name", "content"), [("t.csv", b""), ("t.parquet", b"PAR1 no PAR1")])
def test_a_damaged_or_missing_table_is_refused(tmp_path, name, content):
    with pytest.raises(ArtifactError, match=rf"{name} does not exist"):
        read_table(tmp_path / name)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=rf"{name} is no readable table"):
        read_table(tmp_path / name)


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    content = bytes(range(256)) * 5000  # more than one block of a mebibyte
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()
    with pytest.raises(ArtifactError, match="b does not exist"):
        sha256(tmp_path / "b")


def test_the_hash_of_a_folder_follows_names_and_contents(tmp_path):
    def made(**files):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, text in files.items():
            file = folder / name.replace("_", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return sha256(folder)

    first = made(a="1", b_c="2")
    assert made(b_c="2", a="1") == first
    assert len({first, made(a="1", b_d="2"), made(a="1", b_c="3"), made(a="1")}) == 4
