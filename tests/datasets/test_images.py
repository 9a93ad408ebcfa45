import warnings

import numpy as np
import pytest
from PIL import Image

from facslens.datasets import images
from facslens.datasets.images import grey, read_grey, read_picture
from facslens.errors import DataError


@pytest.fixture
def levels(rng):
    return rng.integers(0, 256, (9, 14), dtype=np.uint8)


def test_grey_levels_come_back_as_they_were_written(tmp_path, levels):
    Image.fromarray(levels).save(tmp_path / "grey.png")
    found = read_grey(tmp_path / "grey.png")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, levels)
    np.testing.assert_array_equal(read_grey(str(tmp_path / "grey.png")), levels)


def test_colour_becomes_luma(tmp_path, rng):
    colours = rng.integers(0, 256, (9, 14, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "colour.png")
    luma = colours @ np.array([0.299, 0.587, 0.114])
    # Pillow computes with 16-bit fixed-point weights: half a level of rounding, and a little.
    np.testing.assert_allclose(read_grey(tmp_path / "colour.png"), luma, atol=0.51)


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_sixteen_bits_are_scaled_not_cut(tmp_path, name):
    deep = np.linspace(0, 65535, 9 * 14).astype(np.uint16).reshape(9, 14)
    Image.fromarray(deep).save(tmp_path / name)
    found = read_grey(tmp_path / name)
    assert (found[0, 0], found[-1, -1]) == (0, 255)
    np.testing.assert_allclose(found, deep / 65535 * 255, atol=0.5)


def test_sixteen_bits_of_a_pgm_are_scaled(tmp_path):
    values = np.full((8, 8), 32768, dtype=">u2")
    (tmp_path / "deep.pgm").write_bytes(b"P5 8 8 65535\n" + values.tobytes())
    assert (read_grey(tmp_path / "deep.pgm") == 128).all()


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_without_a_known_white_are_refused(tmp_path, dtype):
    Image.fromarray(np.full((9, 9), 70000, dtype=dtype)).save(tmp_path / "odd.tif")
    with pytest.raises(DataError, match=r"odd.tif holds (32-bit|floating-point) pixels: expected"):
        read_grey(tmp_path / "odd.tif")


def test_transparent_parts_are_black(tmp_path, levels):
    alpha = np.zeros_like(levels)
    alpha[:, :7] = 255
    Image.fromarray(np.dstack([levels] * 3 + [alpha])).save(tmp_path / "alpha.png")
    found = read_grey(tmp_path / "alpha.png")
    np.testing.assert_array_equal(found[:, :7], levels[:, :7])
    assert (found[:, 7:] == 0).all()


@pytest.mark.parametrize("mode", ["P", "1", "LA", "CMYK", "YCbCr"])
def test_other_modes_are_read(tmp_path, mode):
    white = Image.new("RGB", (9, 9), "white").convert("L").convert(mode)
    white.save(tmp_path / ("a.tif" if mode in ("CMYK", "YCbCr") else "a.png"))
    assert (read_grey(next(tmp_path.iterdir())) >= 254).all()


def test_the_cameras_orientation_is_honoured(tmp_path, levels):
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate by 90° clockwise to show"
    Image.fromarray(levels).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_grey(tmp_path / "turned.png"), np.rot90(levels, -1))


def test_colours_stay_colours_and_grey_is_three_times_the_same(tmp_path, levels, rng):
    colours = rng.integers(0, 256, (9, 14, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "colour.png")
    Image.fromarray(levels).save(tmp_path / "grey.png")
    found = read_picture(tmp_path / "colour.png")
    assert (found.pictures, found.reduced, found.note) == (1, 1, None)
    np.testing.assert_array_equal(found.pixels, colours)
    in_colour = read_picture(tmp_path / "grey.png").pixels
    np.testing.assert_array_equal(in_colour, np.dstack([levels] * 3))
    np.testing.assert_array_equal(grey(in_colour), levels)
    np.testing.assert_array_equal(grey(colours), read_grey(tmp_path / "colour.png"))


@pytest.mark.parametrize("name", ["moving.gif", "moving.png", "moving.webp", "pages.tif"])
def test_of_several_pictures_the_first_is_read_and_all_are_counted(tmp_path, name):
    shades = [Image.new("L", (16, 16), shade) for shade in (0, 120, 240)]
    more = {"lossless": True} if name.endswith("webp") else {}
    shades[0].save(tmp_path / name, save_all=True, append_images=shades[1:], **more)
    found = read_picture(tmp_path / name)
    assert found.pictures == 3
    assert found.pixels.max() <= 1
    assert found.note == "holds 3 pictures: the first was read"


def test_the_second_picture_of_a_telephone_is_no_animation(tmp_path):
    shades = [Image.new("RGB", (16, 16), (shade, 0, 0)) for shade in (10, 200)]
    shades[0].save(tmp_path / "depth.jpg", "MPO", save_all=True, append_images=shades[1:])
    assert read_picture(tmp_path / "depth.jpg").pictures == 1


def test_every_truncation_of_an_image_is_noticed(tmp_path, levels):
    Image.fromarray(levels).save(tmp_path / "whole.png")
    content = (tmp_path / "whole.png").read_bytes()
    for length in range(len(content) - 4):  # the last four bytes are the same in every PNG
        (tmp_path / "cut.png").write_bytes(content[:length])
        with pytest.raises(DataError, match=r"cut.png (is broken|is no image)"):
            read_grey(tmp_path / "cut.png")


def test_a_flipped_bit_is_noticed(tmp_path, levels):
    Image.fromarray(levels).save(tmp_path / "whole.png")
    content = bytearray((tmp_path / "whole.png").read_bytes())
    content[content.index(b"IDAT") + 60] ^= 1
    (tmp_path / "flipped.png").write_bytes(content)
    with pytest.raises(DataError, match=r"flipped.png is broken or cannot be read: broken PNG"):
        read_grey(tmp_path / "flipped.png")


def test_a_text_file_is_no_image(tmp_path):
    (tmp_path / "face.png").write_text("smile")
    with pytest.raises(DataError, match=r"face.png is no image, whatever its name says"):
        read_grey(tmp_path / "face.png")


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(DataError, match=r"the image .*none.png does not exist"):
        read_grey(tmp_path / "none.png")
    with pytest.raises(DataError, match=r"cannot be read: (Is a directory|Permission denied)"):
        read_grey(tmp_path)


@pytest.mark.parametrize("size", [(1, 1), (7, 40), (40, 7)])
def test_an_image_too_small_for_a_face_is_refused(tmp_path, size):
    Image.new("L", size).save(tmp_path / "tiny.png")
    with pytest.raises(DataError, match=rf"is {size[0]}×{size[1]} pixels: expected at least 8×8"):
        read_grey(tmp_path / "tiny.png")


@pytest.mark.parametrize("size", [(20_000, 20_000), (10_000, 10_000), (5_745, 5_745)])
def test_a_bomb_is_refused_by_its_header(tmp_path, write_bomb, size, monkeypatch):
    monkeypatch.setattr(images, "_converted", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(DataError, match="more than 33 megapixels: it is not decoded"):
        read_grey(write_bomb(tmp_path / "bomb.png", *size))


def test_a_bomb_is_refused_where_pillows_own_limit_is_off(tmp_path, write_bomb, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(DataError, match="is 20000×20000 pixels, more than 33 megapixels"):
        read_grey(write_bomb(tmp_path / "bomb.png", 20_000, 20_000))


def test_the_warning_filters_are_as_they_were(tmp_path, levels):
    Image.fromarray(levels).save(tmp_path / "grey.png")
    before = list(warnings.filters)
    read_grey(tmp_path / "grey.png")
    assert warnings.filters == before
