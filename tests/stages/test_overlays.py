"""Drawings beside their pictures: which are made, of what, and under which name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facslens.errors import ArtifactError, CallError
from facslens.models.model import build
from facslens.names import printable
from facslens.prediction.attribution import deciding_units
from facslens.prediction.faces import Face
from facslens.prediction.overlay import draw
from facslens.prediction.sources import Picture, name_of
from facslens.preprocess.detection import Detection
from facslens.stages.open_network import Choice
from facslens.stages.overlays import LONGEST, drawing_names, drawn

EXPRESSIONS = ("anger", "happiness", "surprise")


@pytest.fixture(scope="module")
def model():
    return build("paper", EXPRESSIONS, 48, seed=3)


def pair(source, number=0, frame=None, **more):
    """A face and its row; the picture and the crop are noise drawn from the number."""
    rng = np.random.default_rng(number)
    picture = Picture(source, frame, rng.integers(0, 256, (60, 50, 3), dtype=np.uint8))
    crop = rng.integers(0, 256, (48, 48), dtype=np.uint8)
    row = {
        "input": source, "frame": frame, "face": 0, "FaceRectX": None, "FaceScore": None,
        "expression": "happiness", "anger": 0.25, "happiness": 0.5, "surprise": 0.25,
        "AU04": 0.2, "AU04_fired": True, "AU04_response": 1.0, "AU04_unit": "conv2/7",
        "AU12": 0.9, "AU12_fired": True, "AU12_response": 1.0, "AU12_unit": "conv3/5",
        "AU25": None, "AU25_fired": False, "AU25_response": 0.0, "AU25_unit": "conv3/1",
    }  # fmt: skip
    return Face(picture, 0, None, crop), row | more


def test_a_drawing_shows_what_decided_and_what_fired(model, tmp_path):
    face, row = pair("a/happy.jpg")
    found = list(drawn([(face, row)], tmp_path / "new", Choice(model), [Path("a/happy.jpg")]))
    assert found == [(face, row)]
    # the detectors that fired, the most probable first
    fired = [("AU12", "conv3", 5), ("AU04", "conv2", 7)]
    deciders = deciding_units(model, face.crop, "happiness", fired)
    expected = draw(face.picture.pixels, [row], [face.crop], [deciders], EXPRESSIONS)
    with Image.open(tmp_path / "new" / "happy.png") as image:
        np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))
    assert [path.name for path in tmp_path.rglob("*.png")] == ["happy.png"]


def test_faces_of_a_picture_share_a_drawing_and_frames_have_their_own(model, tmp_path):
    none = Face(Picture("broken.jpg", problem="broken")), {"input": "broken.jpg"}
    pairs = [pair("two.jpg", 1), pair("two.jpg", 1), none, pair("f.mp4", 2, 0), pair("f.mp4", 3, 9)]
    entries = [Path("two.jpg"), Path("broken.jpg"), Path("f.mp4")]
    found = list(drawn(iter(pairs), tmp_path, Choice(model), entries))
    assert [row["input"] for _, row in found] == [row["input"] for _, row in pairs]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f-000000.png", "f-000009.png", "two.png"]


def test_a_box_lies_in_the_pixels_that_were_read(model, tmp_path):
    """A large file is read at half its size, say, but its row tells places in the file."""
    face, row = pair("large.jpg", AU04_fired=False, AU12_fired=False, FaceScore=0.5)
    face = replace(face, place=Detection(4.0, 6.0, 20.0, 30.0, 0.5))
    sides = ("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight")
    read = row | dict(zip(sides, (4.0, 6.0, 20.0, 30.0), strict=True))
    in_file = row | {side: 2 * read[side] for side in sides}
    ((_, passed),) = drawn([(face, in_file)], tmp_path, Choice(model), [Path("large.jpg")])
    assert passed == in_file
    deciders = deciding_units(model, face.crop, "happiness")
    expected = draw(face.picture.pixels, [read], [face.crop], [deciders], EXPRESSIONS)
    with Image.open(tmp_path / "large.png") as image:
        np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))


def test_a_picture_without_a_face_is_drawn_without_a_card(model, tmp_path):
    face, row = pair("meadow.jpg")
    bare = Face(face.picture), dict.fromkeys(row) | {"input": "meadow.jpg"}
    list(drawn([bare], tmp_path, Choice(model), [Path("meadow.jpg")]))
    expected = draw(face.picture.pixels, [], [], [], EXPRESSIONS)
    with Image.open(tmp_path / "meadow.png") as image:
        np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))


def test_a_run_that_goes_on_draws_what_the_whole_one_does(model, tmp_path):
    entries = [Path("a/x.jpg"), Path("b/x.jpg"), Path("c/x.jpg")]
    pairs = [pair(str(entry), number) for number, entry in enumerate(entries)]
    list(drawn(pairs, tmp_path / "whole", Choice(model), entries))
    list(drawn(pairs[:2], tmp_path / "parts", Choice(model), entries))
    list(drawn(pairs[1:], tmp_path / "parts", Choice(model), entries))
    whole, parts = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("whole", "parts")
    )
    assert sorted(whole) == ["x-2.png", "x-3.png", "x.png"]
    assert whole == parts


def test_no_two_inputs_share_a_name():
    names = [
        "clip-000005.png", "a/clip.mp4", "b/clip.mp4", "clip-2-000001.jpg", "clip-3.jpg",
        "clip.gif", "clip-2.gif", "camera:0", "camera:0-000001.png",
    ]  # fmt: skip
    found = drawing_names(list(map(Path, names)))
    assert list(found) == names
    assert len(set(found.values())) == len(names)
    assert (found["a/clip.mp4"], found["b/clip.mp4"]) == ("clip", "clip-2")
    assert found["clip-000005.png"] == "clip-000005-2"  # else the sixth frame of the video
    assert found["clip-2-000001.jpg"] == "clip-2-000001-2"
    assert found["camera:0-000001.png"] == "camera:0-000001-2"


def test_long_and_unprintable_names_become_files(model, tmp_path):
    entries = [Path("é" * 120 + ".jpg"), Path("a\x1b\udcff.jpg")]
    found = drawing_names(entries)
    assert list(found.values()) == ["é" * (LONGEST // 2), printable("a\x1b\udcff")]
    list(drawn([pair(name_of(entry)) for entry in entries], tmp_path, Choice(model), entries))
    assert {path.stem for path in tmp_path.iterdir()} == set(found.values())


def test_many_equal_names_cost_no_search():
    entries = [Path(f"{number}/0001.jpg") for number in range(20_000)]
    names = drawing_names(entries)
    assert names["19999/0001.jpg"] == "0001-20000"


def test_where_nothing_can_be_drawn(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CallError, match=r"^overlay is '.*file', a file: expected a folder to draw"):
        drawn([], tmp_path / "file", Choice(model), [])
    with pytest.raises(CallError, match=r"^model is 'a\.onnx', an ONNX file, which PyTorch does"):
        drawn([], tmp_path, Choice("a.onnx"), [])
    entries = [Path("x.jpg")]
    with pytest.raises(ArtifactError, match=r"x\.png cannot be written: Not a directory"):
        list(drawn([pair("x.jpg")], tmp_path / "file" / "in", Choice(model), entries))
