"""Pictures that are sent to the live page's server, and what it reads in them."""

import base64
import io
import json
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

import facslens as fl
from facslens.action_units import PROTOTYPES
from facslens.prediction.attribution import deciding_units
from facslens.preprocess.alignment import Similarity
from facslens.preprocess.crop import TEMPLATE
from facslens.runs.model import open_model
from facslens.server.live import Live


def read(served, body, path="/live/faces", **headers):
    answer = served.ask(path, "POST", body, **headers)
    assert answer.status == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return json.loads(answer.body)


def levels(text, side):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(side, side).copy()


def png_of(width, height, rows=b""):
    """Write the bytes of a PNG file that claims any size."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(rows or bytes(1000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_face_has_the_row_that_predict_writes(live, drawn, encode, tmp_path):
    for number, picture in enumerate(drawn):
        path = tmp_path / f"{number}.png"
        path.write_bytes(encode(picture))
        expected = fl.predict(path).iloc[0].to_dict()
        answer = read(live, path.read_bytes())
        assert (answer["width"], answer["height"], answer["note"]) == (640, 480, None)
        (face,) = answer["faces"]
        box = [expected.pop(f"FaceRect{side}") for side in ("X", "Y", "Width", "Height")]
        assert face["box"] == box
        for name in ("input", "frame", "time", "face", "note", "problem"):
            del expected[name]
        assert set(face["row"]) == set(expected)
        for name, value in face["row"].items():
            assert value == expected[name] or (value is None and np.isnan(expected[name]))


def test_of_the_drawn_faces_it_is_said_what_was_drawn(live):
    faces = json.loads(live.ask("/live/drawn.json").body)["faces"]
    assert [one["expression"] for one in faces] == ["happiness", "surprise", "disgust", "anger"]
    for one in faces:
        assert tuple(one["aus"]) == PROTOTYPES[one["expression"]]
        found = read(live, live.ask(f"/live/{one['file']}").body, content_type="image/webp")
        assert len(found["faces"]) == 1


def test_the_way_leads_from_the_crop_to_the_picture(live, drawn, encode):
    """Sampled along it, the picture gives the grey levels that the network read."""
    (face,) = read(live, encode(drawn[0]))["faces"]
    way = Similarity(complex(*face["way"][:2]), complex(*face["way"][2:]))
    side = face["crop"]["side"]
    steps = (np.arange(side) + 0.5) / side
    places = way(np.stack(np.meshgrid(steps, steps), axis=-1)).astype(int)
    grey = np.asarray(Image.fromarray(drawn[0]).convert("L"))
    sampled = grey[places[..., 1], places[..., 0]]
    # one pixel of the picture for each of the crop, which averages over about 25
    assert np.corrcoef(sampled.ravel(), levels(face["crop"]["grey"], side).ravel())[0, 1] > 0.98
    eyes = way(np.array(TEMPLATE[:2]))
    left, top, width, height = face["box"]
    assert (eyes > (left, top)).all()
    assert (eyes < (left + width, top + height)).all()


def test_each_of_several_faces_is_read_by_itself(live, drawn, encode):
    answer = read(live, encode(np.hstack([drawn[0], drawn[1]])))
    found = sorted((face["box"][0] > 640, face["row"]["expression"]) for face in answer["faces"])
    assert found == [(False, "happiness"), (True, "surprise")]


def test_a_picture_that_lies_on_its_side_is_turned_as_its_camera_noted(live, drawn):
    stream, noted = io.BytesIO(), Image.Exif()
    noted[274] = 6  # to be shown a quarter further
    Image.fromarray(np.rot90(drawn[0]).copy()).save(stream, "JPEG", quality=95, exif=noted)
    answer = read(live, stream.getvalue(), content_type="image/jpeg")
    assert (answer["width"], answer["height"]) == (640, 480)
    assert answer["faces"][0]["row"]["expression"] == "happiness"


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("WEBP", {}), ("BMP", {}), ("GIF", {}), ("TIFF", {}), ("AVIF", {})],
)
def test_all_kinds_of_pictures_are_read(live, drawn, encode, kind, options):
    body = encode(drawn[0], kind, **options)
    answer = read(live, body, content_type=f"image/{kind.lower()}; x=1")
    assert answer["faces"][0]["row"]["expression"] == "happiness"


def test_a_picture_without_a_face_has_none(live, encode, rng):
    ground = rng.integers(90, 170, (480, 640, 3), dtype=np.uint8)
    assert read(live, encode(ground)) == {"width": 640, "height": 480, "faces": [], "note": None}


def test_the_units_that_decided_are_projected_as_predict_draws_them(live, drawn, encode):
    (face,) = read(live, encode(drawn[0]), "/live/units")["faces"]
    crop = levels(face["crop"]["grey"], face["crop"]["side"])
    row = face["row"]
    fired = [
        (name[:4], *row[f"{name[:4]}_unit"].split("/"))
        for name, value in row.items()
        if name.endswith("_fired") and value
    ]
    expected = deciding_units(
        open_model("compact"), crop, "happiness", [(au, at, int(unit)) for au, at, unit in fired]
    )
    assert [(one["reason"], one["unit"]) for one in face["projections"]] == [
        (one.reason, f"{one.layer}/{one.unit}") for one in expected
    ]
    assert len(expected) == 3 + len(fired) > 3
    for one, made in zip(face["projections"], expected, strict=True):
        drawn_levels = levels(one["levels"], len(crop)).astype(float) - 128
        inside = np.abs(drawn_levels) < 127
        # equal but for one scale, up to half a level of rounding
        scale = np.abs(drawn_levels).max() / np.percentile(np.abs(made.projection), 99)
        np.testing.assert_allclose(
            drawn_levels[inside], (scale * made.projection)[inside], atol=0.5 + 1e-3
        )
    assert read(live, encode(drawn[0]))["faces"][0]["projections"] == []


def test_facts_name_every_detector_with_its_evidence(live):
    facts = json.loads(live.ask("/live/network.json").body)
    assert facts["expressions"][0] == "neutral"
    assert len(facts["expressions"]) == 8
    smile = next(one for one in facts["units"] if one["au"] == "AU12")
    assert smile["name"] == "lip corner puller"
    assert smile["unit"] == "block3b.conv1/61"
    assert smile["threshold"] == pytest.approx(0.18094, abs=1e-5)
    assert smile["calibrated"]
    assert smile["region"][0] == [0.31, 0.73, 0.11, 0.11]
    assert smile["evidence"].startswith("AU12, lip corner puller: detected by unit 61 of block3b")
    assert not facts["explorer"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is no image"),
        (b"not a picture", "is no image"),
        (b"\x89PNG\r\n\x1a\n", "is no image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no image"),
        (png_of(60_000, 60_000), "megapixels: it is not decoded"),
        (png_of(2**31 - 1, 2**31 - 1), "megapixels: it is not decoded"),
        (png_of(3, 3), "is 3×3 pixels: expected at least 8×8"),
        (png_of(640, 480), "is broken or cannot be read"),
        (png_of(640, 480)[:-30], "is broken or cannot be read"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(live, body, said):
    answer = live.ask("/live/faces", "POST", body)
    assert answer.status == 422
    assert said in answer.text
    assert answer.text.startswith("The ")
    assert answer.text.endswith(".\n")


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/html"},
        {"content_type": "image/svg+xml"},
        {"content_type": None},
        {"content_type": "multipart/form-data; boundary=x"},
        {"content_encoding": "gzip"},
    ],
)
def test_only_pictures_are_taken(live, headers):
    answer = live.ask("/live/faces", "POST", b"x", **headers)
    assert answer.status == 415
    assert answer.text.startswith("Send a picture: image/avif, image/bmp, image/gif, image/jp2, ")


@pytest.mark.parametrize("path", ["/live/faces", "/live/units"])
def test_pictures_are_sent_and_not_fetched(live, path):
    assert live.ask(path).status == 404


def test_nothing_is_written_anywhere(live, drawn, encode):
    """Reading opens no file for writing, in this process, in any thread."""
    seen = []
    watching = True

    def watch(event, arguments):
        if watching and event == "open" and set(str(arguments[1])) & set("wxa+"):
            seen.append(arguments[0])

    sys.addaudithook(watch)
    read(live, encode(drawn[0]))
    watching = False
    assert seen == []


def test_it_is_loaded_once_however_many_ask():
    one = Live()
    one.open()
    tools = one._tools
    one.open()
    assert one._tools is tools
