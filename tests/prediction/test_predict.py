"""From pictures to rows, with a detector and a network that are made up and known exactly."""

import time
from dataclasses import replace

import numpy as np
import pytest

from facslens.prediction.evidence import Evidence
from facslens.prediction.faces import detected, faces, whole
from facslens.prediction.network import Answers, Network
from facslens.prediction.predict import columns, predict
from facslens.prediction.sources import Picture
from facslens.preprocess.crop import crop_face
from facslens.preprocess.detection import Detection
from facslens.preprocess.input import grey_contrast, parse_input

NAN = float("nan")
EVIDENCE = (
    Evidence("AU04", "conv", 1, 1.0, NAN, NAN, 0.7, 0.6, 0.8, NAN, NAN, NAN, 9, 24, "confirmed"),
    Evidence("AU12", "conv", 1, 1.5, -2.0, 4.0, 0.9, 0.8, 1.0, 0.4, 0.2, 0.5, 30, 24, "confirmed"),
    Evidence("AU14", "conv", None, *[NAN] * 9, 0, 24, "none"),
)


def read(crops):
    """The darker, the angrier; unit 1 answers by the mean grey level."""
    light = crops.mean(axis=(1, 2)).astype(np.float32) / 255
    return Answers(
        np.stack([1 - light, light], axis=1), np.stack([np.zeros_like(light), light * 2], axis=1)
    )


NETWORK = Network(("anger", "happiness"), grey_contrast(48), read, "conv", EVIDENCE)


def shade(level, source="a.png", size=(100, 80)):
    return Picture(source, pixels=np.full((*size, 3), level, np.uint8))


def two(pixels):
    """Two faces in every picture that is not black."""
    if not pixels.any():
        return []
    points = np.array([[30.0, 40.0], [50.0, 40.0], [40.0, 60.0]])
    return [
        Detection(20.0, 25.0, 40.0, 50.0, 0.9, points),
        Detection(1.5, 2.5, 30.0, 30.0, float("nan"), None),
    ]


def rows(pictures, find=None, **choices):
    return [
        row for _, row in predict(pictures, find or whole(grey_contrast(48)), NETWORK, **choices)
    ]


def test_a_row_says_what_was_found():
    (row,) = rows([shade(51)])
    assert list(row) == columns(NETWORK)
    assert row["input"] == "a.png"
    assert list(row)[:4] == ["input", "frame", "time", "face"]
    assert (row["face"], row["frame"], row["time"], row["FaceRectX"]) == (0, None, None, None)
    (row,) = rows([replace(shade(51), frame=7, time=0.2802797)])
    assert (row["frame"], row["time"]) == (7, 0.28028)
    assert row["expression"] == "anger"
    assert row["anger"] == pytest.approx(0.8, abs=1e-6)
    assert row["AU12_response"] == pytest.approx(0.4, abs=1e-6)
    assert row["AU12_unit"] == "conv/1"
    assert row["AU12_fired"] is False
    # intercept −2, slope 4: 1 / (1 + exp(2 − 4 · 0.4))
    assert row["AU12"] == pytest.approx(1 / (1 + np.exp(0.4)), abs=1e-6)


def test_an_action_unit_without_calibration_fires_but_has_no_probability():
    (row,) = rows([shade(204)])
    assert row["AU12_fired"] is True
    assert row["AU04_fired"] is True
    assert row["AU04"] is None


def test_every_face_of_a_picture_has_a_row_and_a_picture_without_one_has_one():
    found = rows(
        [shade(100), shade(0, "b.png"), shade(200, "c.png")], detected(two, grey_contrast(48))
    )
    assert [(r["input"], r["face"]) for r in found] == [
        ("a.png", 0), ("a.png", 1), ("b.png", None), ("c.png", 0), ("c.png", 1)
    ]  # fmt: skip
    assert found[0]["FaceScore"] == 0.9
    assert found[1]["FaceScore"] is None
    assert [found[1][f"FaceRect{k}"] for k in ("X", "Y", "Width", "Height")] == [1.5, 2.5, 30, 30]
    assert found[2]["note"] == "no face found"
    assert found[2]["anger"] is None
    assert found[3]["happiness"] == pytest.approx(200 / 255, abs=1e-6)


def test_a_face_is_cut_out_in_colour_at_the_size_that_its_network_cuts_from(rng):
    colours = rng.integers(0, 256, (90, 80, 3), dtype=np.uint8)
    into = parse_input("rgb56x48")
    found = detected(two, into)(Picture("a.png", pixels=colours))
    assert [face.crop.shape for face in found] == [(56, 48, 3)] * 2
    for face, place in zip(found, two(colours), strict=True):
        for channel in range(3):
            square = crop_face(colours[..., channel].copy(), place, 56)
            np.testing.assert_array_equal(face.crop[..., channel], square[:, 4:52])


def test_a_file_with_a_problem_is_a_row_and_the_rest_goes_on():
    broken = Picture("b.png", problem="b.png is no image, whatever its name says")
    found = rows([shade(10), broken, shade(20, "c.png")])
    assert [r["problem"] for r in found] == [None, broken.problem, None]
    assert found[1]["expression"] is None


def test_landmarks_that_are_none_are_a_problem_of_that_picture():
    def folded(pixels):
        return [Detection(0.0, 0.0, 9.0, 9.0, 0.9, np.full((3, 2), 5.0))]

    (row,) = rows([shade(100)], detected(folded, grey_contrast(48)))
    assert row["problem"].startswith("a.png: [[5.0, 5.0], [5.0, 5.0], [5.0, 5.0]] are no landmarks")


@pytest.mark.parametrize("workers", [1, 3])
def test_the_order_is_that_of_the_pictures_whatever_the_threads_and_batches(workers):
    pictures = [shade(level, f"{level}.png") for level in range(150)]
    found = rows(pictures, workers=workers)
    assert [r["input"] for r in found] == [f"{level}.png" for level in range(150)]
    np.testing.assert_allclose([r["happiness"] for r in found], np.arange(150) / 255, atol=1e-6)


def test_pictures_are_read_as_they_are_needed():
    read_so_far = []

    def source():
        for number in range(100):
            read_so_far.append(number)
            yield shade(number)

    found = faces(source(), whole(grey_contrast(48)), workers=2)
    next(found)
    assert len(read_so_far) <= 5


def test_pixels_are_let_go_unless_they_are_wanted():
    for keep in (False, True):
        (group,) = faces([shade(100)], detected(two, grey_contrast(48)), 1, keep)
        assert [(face.picture.pixels is not None) for face in group] == [keep, keep]


def test_places_are_those_in_the_file_where_the_picture_was_reduced():
    picture = Picture("a.jpg", pixels=np.full((100, 80, 3), 100, np.uint8), reduced=2)
    row = rows([picture], detected(two, grey_contrast(48)))[0]
    assert [row[f"FaceRect{k}"] for k in ("X", "Y", "Width", "Height")] == [40, 50, 80, 100]


@pytest.mark.parametrize("keep", [False, True])
def test_large_pictures_wait_until_there_is_room(keep, monkeypatch):
    """With room for 20,000 pixels, a picture of 8,000 is read while no more than two are held."""
    monkeypatch.setattr("facslens.prediction.faces.HELD", 20_000)
    most = []
    read_so_far = looked_at = 0

    def source():
        nonlocal read_so_far
        for number in range(12):
            read_so_far += 1
            most.append(read_so_far - looked_at)
            yield shade(10, f"{number}.png")

    def find(picture):
        nonlocal looked_at
        time.sleep(0.01)
        found = whole(grey_contrast(48))(picture)
        looked_at += 1
        return found

    found = list(faces(source(), find, workers=8, keep=keep))
    assert [group[0].picture.source for group in found] == [f"{n}.png" for n in range(12)]
    assert max(most) == 3
