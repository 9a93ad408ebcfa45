import io
import subprocess
import sys
import types
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from facslens.datasets import formats, images
from facslens.datasets.files import images_below, is_image
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


@pytest.mark.parametrize("dtype", [np.int32, np.uint16])
@pytest.mark.parametrize("largest", [255, 200, 0])
def test_levels_of_8_bits_in_deeper_pixels_are_read_as_they_are(tmp_path, dtype, largest):
    levels = np.linspace(0, largest, 9 * 14).astype(dtype).reshape(9, 14)
    Image.fromarray(levels).save(tmp_path / "deep.tif")
    np.testing.assert_array_equal(read_grey(tmp_path / "deep.tif"), levels)
    np.testing.assert_array_equal(read_picture(tmp_path / "deep.tif").pixels[..., 1], levels)


def test_levels_of_16_bits_in_32_are_scaled(tmp_path):
    Image.fromarray(np.full((9, 9), 32896, dtype=np.int32)).save(tmp_path / "deep.tif")
    assert (read_grey(tmp_path / "deep.tif") == 128).all()  # 32896 = 128 · 257


@pytest.mark.parametrize("dtype", [np.int32, np.uint16])
@pytest.mark.parametrize("largest", [256, 1023, 4095])
def test_levels_whose_white_is_not_known_are_refused(tmp_path, dtype, largest):
    """Divided by 257 they would be black."""
    Image.fromarray(np.full((9, 9), largest, dtype=dtype)).save(tmp_path / "deep.tif")
    message = f"deep.tif holds grey levels of 16 or 32 bits, the largest {largest}: expected white"
    with pytest.raises(DataError, match=message):
        read_grey(tmp_path / "deep.tif")


@pytest.mark.parametrize(
    ("largest", "dim"), [(4096, True), (16383, True), (16640, False), (65535, False)]
)
@pytest.mark.parametrize("damaged", [0, 8])
def test_levels_that_hardly_use_16_bits_are_noted(tmp_path, largest, dim, damaged):
    """14 bits in 16, and 12 bits of a sensor some of whose pixels are white."""
    deep = np.full((100, 100), largest, np.uint16)
    deep.flat[:damaged] = 65535
    Image.fromarray(deep).save(tmp_path / "deep.png")
    note = read_picture(tmp_path / "deep.png").note
    assert (note is not None) == dim
    assert not dim or note.startswith("has 16 bits of which the upper two are hardly used")


@pytest.mark.parametrize(("level", "dim"), [(4096, True), (16383, True), (16640, False)])
def test_colours_that_hardly_use_16_bits_are_noted(tmp_path, level, dim):
    assert read_picture(write_colours_of_16_bits(tmp_path / "a.png", level)).dim == dim


def test_dark_pictures_of_8_bits_are_not_noted(tmp_path):
    Image.new("L", (9, 9), 20).save(tmp_path / "a.png")
    Image.fromarray(np.full((9, 9), 20, np.uint16)).save(tmp_path / "b.png")
    assert [read_picture(tmp_path / f"{name}.png").note for name in "ab"] == [None, None]


def write_colours_of_16_bits(path, level):
    """A PNG as Pillow does not write it."""

    def chunk(kind, data):
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = (9).to_bytes(4) * 2 + bytes([16, 2, 0, 0, 0])
    rows = (b"\0" + level.to_bytes(2) * 27) * 9
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def test_colours_of_16_bits_are_read_but_where_their_white_is_not_known(tmp_path):
    assert (read_grey(write_colours_of_16_bits(tmp_path / "a.png", 0x8012)) == 0x80).all()
    for level in (0, 255, 4095):
        with pytest.raises(DataError, match="holds colours of 16 bits that are all below 4096"):
            read_grey(write_colours_of_16_bits(tmp_path / "b.png", level))


@pytest.mark.parametrize("level", [70000, -1])
def test_levels_beyond_16_bits_are_refused(tmp_path, level):
    Image.fromarray(np.full((9, 9), level, dtype=np.int32)).save(tmp_path / "odd.tif")
    with pytest.raises(DataError, match=r"odd.tif holds 32-bit pixels: expected 8 or 16 bits"):
        read_grey(tmp_path / "odd.tif")


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


def test_formats_that_nobody_named_are_not_opened(tmp_path, monkeypatch):
    """Pillow would start Ghostscript for the first."""
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("it was started"))
    image = Image.new("RGB", (20, 20), "white")
    for form in ("EPS", "PCX", "TGA", "PDF"):
        image.save(tmp_path / "face.png", form)
        with pytest.raises(DataError, match=r"no image, .*: expected AVIF, BMP, GIF, "):
            read_grey(tmp_path / "face.png")


def test_the_formats_and_the_endings_are_one_table(tmp_path, levels):
    for ending, form in formats.FORMATS.items():
        path = tmp_path / f"face{ending}"
        if form != "HEIF":
            Image.fromarray(levels).save(path, form)
            assert is_image(path)
            assert read_grey(path).shape == (9, 14)
    for ending, form in formats.BY_ENDING.items():
        assert is_image(tmp_path / f"face{ending}")
        assert form in Image.OPEN
    assert not is_image(tmp_path / "face.eps")


def test_a_format_without_a_sign_is_read_from_files_of_its_ending_alone(tmp_path, levels):
    for name in ("face.tga", "face.png"):
        Image.fromarray(levels).save(tmp_path / name, "TGA")
    assert np.array_equal(read_grey(tmp_path / "face.tga"), levels)
    with pytest.raises(DataError, match=r"face.png is no image, whatever its name says"):
        read_grey(tmp_path / "face.png")


def test_the_preview_of_a_raw_photograph_is_not_taken_for_it(tmp_path, levels):
    Image.fromarray(levels).save(tmp_path / "face.DNG", "TIFF")
    with pytest.raises(DataError, match=r"face.DNG is a picture of a kind that is not read \(.dng"):
        read_grey(tmp_path / "face.DNG")


@pytest.fixture
def decoders(monkeypatch):
    """What Pillow was built with, and what else is installed, can be changed."""
    yield lambda: formats.readable.cache_clear()
    monkeypatch.undo()
    formats.readable.cache_clear()


def test_heic_names_the_package_that_it_needs(tmp_path, decoders, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # not installed
    decoders()
    # size of the box, "ftyp", brand: how the file of a telephone begins
    (tmp_path / "face.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    assert not is_image(tmp_path / "face.heic")
    with pytest.raises(
        DataError,
        match=r"face.heic is a picture of the format HEIF, which needs the package pillow-heif: "
        r"pip install pillow-heif$",
    ):
        read_grey(tmp_path / "face.heic")
    defects = []
    (tmp_path / "face.png").write_bytes(b"")
    images_below(tmp_path, defects)
    assert [d.message for d in defects] == [
        f"1 file that is not read lies below {tmp_path}, by ending: .heic (1×); .heic needs the "
        f"package pillow-heif: pip install pillow-heif"
    ]


def test_heic_is_read_where_its_package_is_installed(tmp_path, decoders, monkeypatch, levels):
    def register():
        """As the package does it, with pictures that are PNG behind another beginning."""

        class Heif(PngImagePlugin.PngImageFile):
            format = "HEIF"

            def _open(self):
                self.fp = io.BytesIO(self.fp.read()[12:])
                super()._open()

        Image.register_open("HEIF", Heif, lambda prefix: prefix[4:12] == b"ftypheic")

    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    monkeypatch.setattr(Image, "ID", [*Image.ID])
    module = types.SimpleNamespace(register_heif_opener=register)
    monkeypatch.setitem(sys.modules, "pillow_heif", module)
    decoders()
    Image.fromarray(levels).save(tmp_path / "face.png")
    content = (tmp_path / "face.png").read_bytes()
    (tmp_path / "face.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + content)
    assert is_image(tmp_path / "face.HEIC")
    np.testing.assert_array_equal(read_grey(tmp_path / "face.HEIC"), levels)


def test_avif_without_its_decoder_says_what_it_needs(tmp_path, decoders, monkeypatch):
    Image.new("L", (16, 16)).save(tmp_path / "face.avif")
    monkeypatch.setattr(formats.features, "check", lambda name: name != "avif")
    decoders()
    with pytest.raises(DataError, match=r"AVIF, which needs a Pillow that was built with its deco"):
        read_grey(tmp_path / "face.avif")


def test_a_picture_is_read_by_strips_as_at_once(tmp_path, rng, monkeypatch):
    colours = rng.integers(0, 256, (40, 30, 4), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "colour.png")
    at_once = read_picture(tmp_path / "colour.png").pixels
    monkeypatch.setattr(images, "_STRIP", 100)  # three rows
    np.testing.assert_array_equal(read_picture(tmp_path / "colour.png").pixels, at_once)
    np.testing.assert_array_equal(grey(at_once), read_grey(tmp_path / "colour.png"))
    over_black = Image.alpha_composite(
        Image.new("RGBA", (30, 40), "black"), Image.fromarray(colours)
    ).convert("RGB")
    np.testing.assert_array_equal(at_once, over_black)


def test_a_large_jpeg_is_read_at_half_its_size(tmp_path, monkeypatch):
    shades = np.repeat(np.arange(0, 250, 10, dtype=np.uint8), 8)[None].repeat(101, 0)
    Image.fromarray(shades).save(tmp_path / "large.jpg")
    Image.fromarray(shades).save(tmp_path / "large.png")
    assert read_picture(tmp_path / "large.jpg").reduced == 1
    monkeypatch.setattr(images, "MAX_PIXELS", 20_000)
    found = read_picture(tmp_path / "large.jpg")
    assert (found.pixels.shape, found.reduced) == ((51, 100, 3), 2)
    assert found.note == "has more than 0 megapixels: read at half its size"
    # a mean of 2 × 2 pixels, and what the compression loses
    assert np.abs(found.pixels[:50, :, 0] - shades[::2, ::2][:50].astype(float)).max() <= 6
    with pytest.raises(DataError, match=r"large.png is 200×101 pixels, more than 0 megapixels"):
        read_grey(tmp_path / "large.png")


def test_a_jpeg_has_a_limit_too_and_a_progressive_one_half_of_it(tmp_path, monkeypatch):
    image = Image.new("RGB", (200, 100))
    image.save(tmp_path / "plain.jpg")
    image.save(tmp_path / "progressive.jpg", progressive=True)
    monkeypatch.setattr(images, "MAX_PIXELS", 6_000)
    monkeypatch.setattr(images, "MAX_JPEG_PIXELS", 24_000)
    assert read_picture(tmp_path / "plain.jpg").reduced == 2
    with pytest.raises(DataError, match=r"progressive.jpg is 200×100 pixels, more than"):
        read_grey(tmp_path / "progressive.jpg")
    monkeypatch.setattr(images, "MAX_JPEG_PIXELS", 19_999)
    with pytest.raises(DataError, match=r"plain.jpg is 200×100 pixels, more than"):
        read_grey(tmp_path / "plain.jpg")


#: Runs in a process of its own; the kernel's other count begins with that of the parent process.
MEASURE = """
import sys
from facslens.prediction.faces import faces, whole
from facslens.prediction.sources import find, pictures
from facslens.preprocess.input import grey_contrast
(entry,) = find([sys.argv[1]])
for _ in faces((p for _ in range(8) for p in pictures(entry)), whole(grey_contrast(48)), 4): pass
assert "torch" not in sys.modules
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the memory is that of Linux's /proc")
@pytest.mark.parametrize("name", ["largest.png", "large.jpg"])
def test_four_threads_and_large_pictures_need_less_than_700_megabytes(tmp_path, name):
    side = int(images.MAX_PIXELS**0.5) if name == "largest.png" else 8000
    mode = "RGBA" if name == "largest.png" else "RGB"
    Image.new(mode, (side, side), "red").save(tmp_path / name, compress_level=1)
    command = [sys.executable, "-c", MEASURE, str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) / 1024 < 700
