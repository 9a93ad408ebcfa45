"""Inputs in pieces, with their bytes or without: the same pictures come of them."""

import pickle
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from facslens.datasets.archive import Carried
from facslens.errors import CallError
from facslens.prediction.pieces import PIECE, Piece, beginnings, carry, pieces
from facslens.prediction.sources import Picture, find
from facslens.prediction.write import Kept


@pytest.fixture
def mixed(tmp_path, rng):
    """Pictures, a film of three frames, and every kind of input that cannot be read."""
    for number in range(3):
        levels = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
        Image.fromarray(levels).save(tmp_path / f"{number}.png")
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in (50, 100, 150):
            frame = np.full((48, 64, 3), shade, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "text.mp4").write_text("no video")
    gone = [tmp_path / "gone.png", tmp_path / "gone.mp4", tmp_path / "none*.png"]
    return find([str(tmp_path), *map(str, gone), str(tmp_path / "0.png" / "in.mp4")])


def test_a_piece_is_so_many_pictures_or_one_video():
    still = [Path(f"{number}.png") for number in range(PIECE + 1)]
    moving = [Path("a.mp4"), Path("b.mp4")]
    entries = [*moving, *still, moving[0], Picture("none*.png", problem="matches no file")]
    begun = beginnings(entries)
    assert begun == [0, 1, 2, 2 + PIECE, 3 + PIECE, 4 + PIECE]
    found = list(pieces(entries, begun, Kept()))
    assert [(piece.first, piece.end) for piece in found][-2:] == [
        (PIECE + 3, PIECE + 4),
        (PIECE + 4, PIECE + 5),
    ]
    assert [entry for piece in found for entry in piece.entries] == entries
    assert beginnings([]) == list(pieces([], [], Kept())) == []


def test_what_is_kept_is_not_read_again(mixed):
    entries = [entry for entry in mixed if Path(str(entry)).name in ("0.png", "1.png", "film.mp4")]
    begun = beginnings(entries)
    left = list(pieces(entries, begun, Kept(rows=1, inputs=1)))
    assert [piece.first for piece in left] == [1, 2]
    left = list(pieces(entries, begun, Kept(rows=4, inputs=2, frame=1)))
    assert [picture.frame for piece in left for picture in piece.pictures()] == [2]
    assert not list(pieces(entries, begun, Kept(rows=5, inputs=3)))


def test_files_that_travel_are_read_as_on_the_disk(mixed):
    """Pixels, frames, names, and every sentence about what cannot be read."""
    piece = Piece(0, mixed, Kept())
    sent = pickle.loads(pickle.dumps(carry(piece)))
    assert not any(isinstance(entry, Path) for entry in sent.entries)
    here, counts = list(piece.pictures(2)), []
    for entry in mixed:
        if isinstance(entry, Path) and entry.is_file():
            entry.unlink()
    there = list(sent.pictures(2, counts.append))
    assert counts == list(range(1, len(mixed) + 1))
    assert len(here) == len(mixed) + 1  # frames 0 and 2 of the film
    assert sum(picture.problem is not None for picture in here) == 6
    for one, other in zip(here, there, strict=True):
        assert replace(one, pixels=None) == replace(other, pixels=None)
        assert (one.pixels is None) == (other.pixels is None)
        if one.pixels is not None:
            np.testing.assert_array_equal(one.pixels, other.pixels)


def test_a_video_that_is_too_large_to_be_sent_is_refused(mixed, monkeypatch):
    monkeypatch.setattr("facslens.prediction.pieces.MAX_VIDEO_BYTES", 500)
    (film,) = (entry for entry in mixed if Path(str(entry)).name == "film.mp4")
    with pytest.raises(CallError, match=r"film\.mp4 holds 0 MB.* predict it without --engine ray"):
        carry(Piece(0, [film], Kept()))
    assert isinstance(carry(Piece(0, mixed[:1], Kept())).entries[0], Carried)
