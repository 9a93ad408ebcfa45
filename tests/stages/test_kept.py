"""Arrays on the disk against the same arrays in memory."""

import errno

import numpy as np
import pytest

from facslens.artifacts import sweep, working
from facslens.errors import ArtifactError
from facslens.stages import kept
from facslens.stages.kept import Kept, Lazy


@pytest.mark.parametrize("row", [(), (5,), (3, 5)])
@pytest.mark.parametrize("at_once", [1, 100, 1 << 24])  # bytes: a row, some rows, all
def test_parts_are_those_of_an_array_in_memory(tmp_path, rng, monkeypatch, row, at_once):
    monkeypatch.setattr(kept, "_BYTES", at_once)
    whole = rng.normal(size=(17, *row)).astype(np.float32)
    found = Kept(tmp_path / "a")
    for first, after in ((0, 4), (4, 4), (4, 16), (16, 17)):
        found.add(whole[first:after])
    assert (found.shape, len(found)) == (whole.shape, 17)
    keys = [np.s_[:], np.s_[3:9], np.s_[5:5], np.s_[10:40]]
    if row:
        keys += [np.s_[:, 1], np.s_[2:16, 1:3], np.s_[:, :-2]]
    if len(row) == 2:
        keys += [np.s_[:, 1, 2:4], np.s_[:, 1:, 0]]
    for key in keys:
        part = found[key]
        assert part.dtype == whole.dtype
        np.testing.assert_array_equal(part, whole[key])


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("pathlib.Path.open", full)
    with pytest.raises(ArtifactError, match="the disk is full"):
        Kept(tmp_path / "a").add(np.zeros((2, 3)))


def test_what_is_asked_for_is_read_each_time():
    asked = []
    found = Lazy(("a", "b"), lambda name: asked.append(name) or len(asked))
    assert (list(found), len(found), "c" in found) == (["a", "b"], 2, False)
    assert (found["b"], found["b"], asked) == (1, 2, ["b", "b"])
    with pytest.raises(KeyError):
        found["c"]


def test_a_working_folder_is_removed_whatever_happens(tmp_path):
    def interrupted():
        with working(tmp_path / "answers.npz") as folder:
            Kept(folder / "a").add(np.ones(3))
            names.append(folder.name)
            raise KeyboardInterrupt

    names = []
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    killed = tmp_path / names[0]
    killed.mkdir()
    (killed / "a").write_bytes(b"1")
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []
