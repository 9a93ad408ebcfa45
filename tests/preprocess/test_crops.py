import json

import numpy as np
import pytest
from PIL import Image

from facslens import artifacts
from facslens.datasets.load import load
from facslens.errors import ArtifactError, CallError
from facslens.preprocess import crops
from facslens.preprocess.crop import crop_face
from facslens.preprocess.crops import Order, make_crops


@pytest.fixture
def folder(tmp_path, drawn_faces, photograph):
    """Photographs in folders: one face, two faces, none, and a file that is no image."""
    root = tmp_path / "photographs"
    for name in ("happy", "anger"):
        (root / name).mkdir(parents=True)
    one = photograph((320, 240), (drawn_faces[0], (60, 20, 180, 0)))
    two = photograph(
        (480, 240), (drawn_faces[1], (20, 30, 120, 0)), (drawn_faces[2], (240, 20, 200, 0))
    )
    Image.fromarray(one).save(root / "happy" / "one.png")
    Image.fromarray(two).save(root / "anger" / "two.png")
    Image.fromarray(photograph((320, 240))).save(root / "anger" / "empty.png")
    (root / "happy" / "broken.jpg").write_bytes(b"no image")
    return root


def test_a_folder_becomes_a_folder_that_can_be_trained_on(folder, tmp_path, detect):
    out = tmp_path / "crops"
    made = make_crops([folder], out, Order())
    assert (made.photographs, made.faces) == (4, 2)
    assert made.faceless == (f"{folder / 'anger' / 'empty.png'}: no face was found",)
    assert len(made.failed) == 1
    assert "broken.jpg is no image" in made.failed[0]
    names = sorted(p.relative_to(out).as_posix() for p in out.rglob("*.png"))
    assert names == ["anger/two.png", "happy/one.png"]
    faces = load(f"folder:{out},assume_independent=yes")
    assert sorted(faces.table["expression"]) == ["anger", "happiness"]
    picture = np.asarray(Image.open(folder / "happy" / "one.png"))
    expected = crop_face(picture[..., 0], detect(picture)[0], 48)
    np.testing.assert_array_equal(np.asarray(Image.open(out / "happy" / "one.png")), expected)


def test_the_largest_face_is_taken_or_all_of_them_the_largest_first(folder, tmp_path, detect):
    photograph = folder / "anger" / "two.png"
    picture = np.asarray(Image.open(photograph))
    small, large = sorted(detect(picture), key=lambda f: f.width)
    make_crops([photograph], tmp_path / "largest", Order(size=64))
    found = np.asarray(Image.open(tmp_path / "largest" / "two.png"))
    np.testing.assert_array_equal(found, crop_face(picture[..., 0], large, 64))
    made = make_crops([photograph], tmp_path / "all", Order(every=True))
    assert made.faces == 2
    for name, face in (("two_0.png", large), ("two_1.png", small)):
        found = np.asarray(Image.open(tmp_path / "all" / name))
        np.testing.assert_array_equal(found, crop_face(picture[..., 0], face, 48))


@pytest.mark.parametrize("every", [False, True])
def test_a_stopped_call_goes_on_with_what_is_missing(folder, tmp_path, monkeypatch, every):
    out, order = tmp_path / "crops", Order(every=every)
    photographs = [folder / "anger" / "two.png", folder / "happy" / "one.png"]
    first = make_crops(photographs, out, order)
    removed = out / ("two_0.png" if every else "two.png")
    before = removed.read_bytes()
    removed.unlink()
    read = []
    monkeypatch.setattr(crops, "read_picture", lambda path: read.append(path) or real(path))
    assert make_crops(photographs, out, order) == first
    assert read == photographs[:1]
    assert removed.read_bytes() == before


real = crops.read_picture


def test_a_full_disk_leaves_no_half_a_crop(folder, tmp_path, monkeypatch):
    def full(self, path, *_arguments):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(ArtifactError, match=r"disk is full|No space"):
        make_crops([folder / "happy" / "one.png"], tmp_path / "crops", Order())
    assert [p.name for p in (tmp_path / "crops").iterdir()] == ["crops.json"]


def test_another_order_needs_another_folder(folder, tmp_path):
    photograph = folder / "happy" / "one.png"
    make_crops([photograph], tmp_path / "crops", Order())
    assert json.loads((tmp_path / "crops" / "crops.json").read_text())["size"] == 48
    with pytest.raises(
        CallError, match="crops holds crops made with other settings: choose a new folder"
    ):
        make_crops([photograph], tmp_path / "crops", Order(size=96))
    (tmp_path / "happy").mkdir()
    (tmp_path / "happy" / "letter.txt").write_text("mine")
    with pytest.raises(CallError, match="happy is not an empty folder: choose a new one"):
        make_crops([photograph], folder.parent / "happy", Order())


def test_several_folders_keep_their_names(folder, tmp_path):
    out = tmp_path / "crops"
    make_crops([folder / "happy", folder / "anger"], out, Order())
    assert (out / "happy" / "one.png").is_file()
    assert (out / "anger" / "two.png").is_file()


def test_names_that_differ_only_in_their_ending_stay_apart(folder, tmp_path):
    photograph = Image.open(folder / "happy" / "one.png")
    photograph.save(folder / "happy" / "one.bmp")
    make_crops([folder / "happy"], tmp_path / "crops", Order())
    assert sorted(p.name for p in (tmp_path / "crops").glob("*.png")) == [
        "one.bmp.png",
        "one.png.png",
    ]


def test_crops_within_the_photographs_are_not_cropped_again(folder):
    out = folder / "crops"
    first = make_crops([folder], out, Order())
    assert make_crops([folder], out, Order()) == first


def test_an_animation_is_noted(tmp_path, folder, photograph):
    shades = [Image.open(folder / "happy" / "one.png"), Image.new("RGB", (320, 240))]
    shades[0].save(tmp_path / "moving.tif", save_all=True, append_images=shades[1:])
    made = make_crops([tmp_path / "moving.tif"], tmp_path / "crops", Order())
    assert made.faces == 1
    assert made.notes == (f"{tmp_path / 'moving.tif'} holds 2 pictures: the first was read",)


def test_calls_that_cannot_be_meant_are_refused(tmp_path, folder):
    with pytest.raises(CallError, match=r"none does not exist: expected a photograph or a folder"):
        make_crops([tmp_path / "none"], tmp_path / "crops", Order())
    (tmp_path / "bare").mkdir()
    with pytest.raises(CallError, match=r"bare holds no image: expected photographs"):
        make_crops([tmp_path / "bare"], tmp_path / "crops", Order())
    one = folder / "happy" / "one.png"
    with pytest.raises(CallError, match=r"would make the same crop: name one"):
        make_crops([one, one], tmp_path / "crops", Order())
    with pytest.raises(CallError, match=r"^size is 4: expected 8 to 1024 pixels"):
        Order(size=4)
    assert not (tmp_path / "crops").exists()


def test_the_order_is_what_its_file_says(folder, tmp_path):
    make_crops([folder / "happy" / "one.png"], tmp_path / "crops", Order(every=True))
    found = artifacts.read_json(tmp_path / "crops" / "crops.json")
    assert found == {"detector": "blazeface", "size": 48, "every": True}
