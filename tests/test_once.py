"""What several tests share is made once; see `once` in `conftest.py`."""

import pytest


def test_a_folder_is_filled_once(once):
    filled = []

    def fill(folder):
        filled.append(folder)
        folder.mkdir()
        (folder / "faces.csv").write_text("one face")

    places = [once("a folder of this test", fill) for _ in range(3)]
    assert places == 3 * filled
    assert (places[0] / "faces.csv").read_text() == "one face"


def test_what_could_not_be_made_is_made_anew(once):
    def half(folder):
        folder.mkdir()
        (folder / "half.csv").touch()
        raise OSError("no space")

    def whole(folder):
        folder.mkdir()
        (folder / "whole.csv").touch()

    with pytest.raises(OSError, match="no space"):
        once("another folder of this test", half)
    made = once("another folder of this test", whole)
    assert [file.name for file in made.iterdir()] == ["whole.csv"]
