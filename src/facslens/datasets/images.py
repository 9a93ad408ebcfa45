"""Read one image file; checks, training and prediction all read images with these functions."""

import contextlib
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from facslens.datasets.archive import Carried, read_bytes
from facslens.datasets.formats import BY_ENDING, UNREAD, lacking, readable
from facslens.datasets.png import without_texts
from facslens.errors import DataError
from facslens.shapes import UInt8

#: Shortest side in pixels: below it there is no face to see, and nothing to convolve.
MIN_SIDE: Final = 8
#: Most pixels that are ever decoded, some more than common full-frame cameras have; a file of a
#: few kilobytes may claim any number.
MAX_PIXELS: Final = 33_000_000
#: Most pixels that a JPEG file may have, which is decoded at half its size from `MAX_PIXELS` on,
#: in a quarter of the memory: enough for telephones of 108 megapixels. A progressive one has to
#: be held whole while it is decoded, and may have half as many.
MAX_JPEG_PIXELS: Final = 4 * MAX_PIXELS

# Pixels that are converted at once, so that only one whole copy of a picture is ever made.
_STRIP: Final = 1 << 20
# Modes of grey levels with more than 8 bits.
_DEEP: Final = ("I", "I;16", "I;16L", "I;16B", "I;16N")
# Below this level of 65535 there is no face to see: 12 bits of 16, as some cameras write them.
_DARK: Final = 4096
# A quarter of white in 8 bits: 16383 of 65535, rounded.
_QUARTER: Final = 64
# Share of a picture's levels that damaged pixels of a camera may have.
_FEW: Final = 0.001
# The first bytes of HEIC and AVIF files after the length and "ftyp".
_BRANDS: Final = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1"), "HEIF"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
}
# What Pillow's decoders raise on damaged files.
_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class Picture:
    """The first picture of a file, and what of the file was not read.

    Parameters
    ----------
    pixels
        (row, column, 3) RGB, the right way up.
    pictures
        How many pictures the file holds: 1, but for animations and files of several pages.
    reduced
        How many pixels of the file, along a side, are one here: 1, but 2 for large JPEG files.
    dim
        Whether of levels of more than 8 bits nearly none reaches a quarter of white: cameras write
        10, 12 and 14 bits into 16, and nothing in the file says so.
    """

    pixels: UInt8[np.ndarray, "row column 3"]
    pictures: int
    reduced: int
    dim: bool = False

    @property
    def note(self) -> str | None:
        """What of the file was not read, or may not be as it was meant; None for other files."""
        notes = []
        if self.pictures > 1:
            notes.append(f"holds {self.pictures} pictures: the first was read")
        if self.reduced > 1:
            notes.append(f"has more than {MAX_PIXELS / 1e6:.0f} megapixels: read at half its size")
        if self.dim:
            notes.append(
                "has 16 bits of which the upper two are hardly used, and was read as a dark "
                "picture: if its white is lower, as with 12 bits in 16, scale it to 65535 first"
            )
        return "; ".join(notes) or None


def read_grey(path: Path | str | Carried) -> UInt8[np.ndarray, "row column"]:
    """Read an image file as 8-bit grey levels; colour becomes ITU-R 601 luma.

    Everything else is as `read_picture` says.

    Returns
    -------
    uint8 array of shape (row, column)
        Grey levels from 0 (black) to 255, at least `MIN_SIDE` a side.
    """
    with _opened(path) as (image, _):
        levels: np.ndarray = _converted(image, "L", path)[0]
        return levels


def read_picture(path: Path | str | Carried) -> Picture:
    """Read an image file as 8-bit colours.

    The orientation noted by the camera (EXIF) is honoured; transparent parts are laid over black;
    of several pictures in one file the first is taken; JPEG files of more than `MAX_PIXELS` are
    read at half their size. Grey levels of 16 and 32 bits are scaled by 255/65535 and rounded;
    where none is above 255, they are taken as they are.

    Parameters
    ----------
    path
        A file of one of the `facslens.datasets.formats.FORMATS`, whatever its ending, or of the
        format that `facslens.datasets.formats.BY_ENDING` has for it; also inside a zip archive.

    Raises
    ------
    DataError
        If the file is missing, is no regular file, is unread by its ending, holds more than
        `facslens.datasets.archive.MAX_BYTES`, is no whole image of one of the formats, is smaller
        than `MIN_SIDE` on a side or larger than `MAX_PIXELS` (told from its header, before
        anything is decoded), or holds pixels whose black and white levels are unknown:
        floating-point ones, levels below 0 or above 65535, or levels of which the largest lies
        between 255 and 4096.
    """
    with _opened(path) as (image, reduced):
        pixels, dim = _converted(image, "RGB", path)
        return Picture(pixels, _count(image), reduced, dim)


def grey(pixels: UInt8[np.ndarray, "row column 3"]) -> UInt8[np.ndarray, "row column"]:
    """Turn colours into grey levels, as `read_grey` does."""
    levels = np.empty(pixels.shape[:2], dtype=np.uint8)
    for top, bottom in _strips(pixels.shape[1], pixels.shape[0]):
        levels[top:bottom] = np.asarray(Image.fromarray(pixels[top:bottom]).convert("L"))
    return levels


@contextlib.contextmanager
def _opened(path: Path | str | Carried) -> Iterator[tuple[Image.Image, int]]:
    """Open an image of a size that is read, its checksums right, and say how far it is reduced.

    Whatever goes wrong, in the block as well, becomes a DataError.
    """
    ending = Path(str(path)).suffix.lower()
    if ending in UNREAD:
        raise DataError(
            f"{path} is a picture of a kind that is not read ({ending}): save it as PNG, TIFF or "
            f"JPEG"
        )
    formats = readable()
    if ending in BY_ENDING:
        formats = (*formats, BY_ENDING[ending])
    try:
        with warnings.catch_warnings(), io.BytesIO(without_texts(read_bytes(path))) as stream:
            warnings.simplefilter("ignore")
            if stream.read(2) != b"\xff\xd8":  # the size of a JPEG file is judged below alone
                warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(stream, formats=formats) as image:
                size = image.size
                _check_size(image, path)
                image.verify()  # checksums, which decoding alone passes over; spends the image
            stream.seek(0)
            with Image.open(stream, formats=formats) as image:
                if size[0] * size[1] > MAX_PIXELS:
                    image.draft(None, (size[0] // 2, size[1] // 2))
                yield image, 1 if image.size == size else 2
    except DataError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DataError(
            f"{path} has more than {MAX_PIXELS / 1e6:.0f} megapixels: it is not decoded"
        ) from error
    except FileNotFoundError as error:
        raise DataError(f"the image {path} does not exist") from error
    except UnidentifiedImageError as error:
        form = _BRANDS.get(read_bytes(path)[8:12], "")
        needs = lacking(form) if form else None
        raise DataError(
            f"{path} is a picture of the format {form}, which {needs}"
            if needs
            else f"{path} is no image, whatever its name says: expected {', '.join(formats)}"
        ) from error
    except _BROKEN as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"the image {path} is broken or cannot be read: {reason}") from error


def _check_size(image: Image.Image, path: Path | str | Carried) -> None:
    width, height = image.size
    if min(width, height) < MIN_SIDE:
        raise DataError(
            f"{path} is {width}×{height} pixels: expected at least {MIN_SIDE}×{MIN_SIDE}"
        )
    limit = MAX_PIXELS
    if image.format in ("JPEG", "MPO"):
        limit = MAX_JPEG_PIXELS // (2 if image.info.get("progressive") else 1)
    if width * height > limit:
        raise DataError(
            f"{path} is {width}×{height} pixels, more than {limit / 1e6:.0f} megapixels: "
            f"it is not decoded"
        )


def _converted(
    image: Image.Image, mode: Literal["L", "RGB"], path: Path | str | Carried
) -> tuple[Any, bool]:
    """Decode an image, turn it upright, and convert it to 8 bits a strip at a time.

    Returns
    -------
    array and bool
        The levels, and whether they are of more bits and `Picture.dim`.
    """
    tiles: list[Any] = list(getattr(image, "tile", ()))
    stored = str(tiles[0][3]) if tiles else ""  # what the file holds, as the decoder names it
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    white = _white(image, stored, path)
    transparent = image.has_transparency_data
    width, height = image.size
    pixels = np.empty((height, width, 3) if mode == "RGB" else (height, width), dtype=np.uint8)
    for top, bottom in _strips(width, height):
        strip = image.crop((0, top, width, bottom))
        if white is not None:
            levels = np.asarray(strip).astype(np.float64) / (white / 255)
            strip = Image.fromarray(np.rint(levels).astype(np.uint8))
        elif transparent:
            black = Image.new("RGBA", strip.size, (0, 0, 0, 255))
            strip = Image.alpha_composite(black, strip.convert("RGBA")).convert("RGB")
        elif strip.mode not in ("L", "1"):
            strip = strip.convert("RGB")
        pixels[top:bottom] = np.asarray(strip.convert(mode))
    deep = white == 65535 or (white is None and ";16" in stored)
    return pixels, deep and bool(np.count_nonzero(pixels > _QUARTER) < _FEW * pixels.size)


def _strips(width: int, height: int) -> Iterator[tuple[int, int]]:
    """Give the first row of each strip of a picture, and the one after its last."""
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def _white(image: Image.Image, stored: str, path: Path | str | Carried | Carried) -> int | None:
    """Find the level that means white, None in a picture of 8 bits; refuse where nobody knows it.

    Parameters
    ----------
    image
        Decoded.
    stored
        What its file holds, as Pillow's decoders name it.
    path
        For messages.
    """
    if image.mode == "F":
        raise DataError(f"{path} holds floating-point pixels: expected 8 or 16 bits")
    if image.mode not in _DEEP:
        if ";16" in stored:  # of colours of 16 bits, Pillow leaves the upper 8
            colours = [band for band in image.getbands() if band != "A"]
            if all(np.max(image.getchannel(c).getextrema()) < _DARK // 256 for c in colours):
                raise DataError(
                    f"{path} holds colours of 16 bits that are all below {_DARK}: expected black "
                    f"at 0 and white at 65535"
                )
        return None
    if "I;12" in stored:
        return 4095
    width, height = image.size
    extremes = [
        (int(levels.min()), int(levels.max()))
        for top, bottom in _strips(width, height)
        for levels in [np.asarray(image.crop((0, top, width, bottom)))]
    ]
    lowest, largest = min(low for low, _ in extremes), max(high for _, high in extremes)
    if lowest < 0 or largest > 65535:
        raise DataError(f"{path} holds 32-bit pixels: expected 8 or 16 bits")
    if 255 < largest < _DARK:
        raise DataError(
            f"{path} holds grey levels of 16 or 32 bits, the largest {largest}: expected white at "
            f"65535, or at 255"
        )
    return 255 if largest <= 255 else 65535


def _count(image: Image.Image) -> int:
    # The second picture in a telephone's JPEG (MPO) is a depth map or the like.
    if image.format == "MPO":
        return 1
    with contextlib.suppress(*_BROKEN):  # what comes after the first picture plays no part
        return int(getattr(image, "n_frames", 1))
    return 1
