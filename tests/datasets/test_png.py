"""Texts in PNG files, which programs that make pictures leave there by the megabyte."""

import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from facslens.datasets.images import read_picture
from facslens.datasets.png import without_texts
from facslens.errors import DataError


def png(levels, info=None, **choices):
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, "PNG", pnginfo=info, **choices)
    return stream.getvalue()


@pytest.fixture
def levels(rng):
    return rng.integers(0, 256, (9, 14), dtype=np.uint8)


def texts(count, length, way="add_text", **choices):
    info = PngInfo()
    for number in range(count):
        getattr(info, way)(f"text {number}", "x" * length, **choices)
    return info


@pytest.mark.parametrize(
    "info",
    [
        texts(1, 3_000_000, zip=True),
        texts(1, 3_000_000, "add_itxt", zip=True),
        texts(80, 900_000, zip=True),
        texts(1, 70_000_000),
    ],
    ids=["zTXt", "iTXt", "many", "tEXt"],
)
def test_pictures_with_large_texts_are_read(tmp_path, levels, info):
    (tmp_path / "a.png").write_bytes(png(levels, info))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").pixels[..., 0], levels)


def test_a_large_colour_profile_is_passed_over(tmp_path, levels):
    (tmp_path / "a.png").write_bytes(png(levels, icc_profile=bytes(3_000_000)))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").pixels[..., 0], levels)


def test_nothing_else_is_changed(levels):
    bare = png(levels)
    assert without_texts(bare) is bare
    assert without_texts(png(levels, texts(3, 10))) == bare
    assert without_texts(b"\xff\xd8tEXt") == b"\xff\xd8tEXt"
    for length in range(len(bare)):  # cut anywhere
        assert without_texts(bare[:length]) == bare[:length]


def test_the_orientation_in_a_text_is_kept(tmp_path, levels):
    info = texts(1, 3_000_000, zip=True)
    info.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
    (tmp_path / "a.png").write_bytes(png(levels, info))
    turned = read_picture(tmp_path / "a.png").pixels[..., 0]
    np.testing.assert_array_equal(turned, np.rot90(levels, -1))


def test_a_text_with_a_wrong_checksum_is_damage(tmp_path, levels):
    content = png(levels, texts(1, 10)).replace(b"xxxxxxxxxx", b"xxxxxyxxxx")
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=r"a.png is no image"):
        read_picture(tmp_path / "a.png")
