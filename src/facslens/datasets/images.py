"""Reading one image file: the one way in, for checking, for training and for photographs."""

import contextlib
import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from facslens.datasets.archive import read_bytes
from facslens.errors import DataError

#: Shortest side in pixels: below it there is no face to see, and nothing to convolve.
MIN_SIDE: Final = 8
#: Most pixels that are ever decoded; a file of a few kilobytes may claim any number.
MAX_PIXELS: Final = 64_000_000

_SIXTEEN_BIT: Final = ("I", "I;16", "I;16L", "I;16B", "I;16N")
# What Pillow's decoders raise on damaged files.
_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
)


@dataclass(frozen=True)
class Picture:
    """The first picture of a file, and how many there are in it.

    Parameters
    ----------
    image
        In mode "L" (grey) or "RGB", 8 bits, the right way up.
    pictures
        1, but for animations and files of several pages.
    """

    image: Image.Image
    pictures: int


def read_grey(path: Path | str) -> UInt8[np.ndarray, "row column"]:
    """Read an image file as 8-bit grey levels; colour becomes ITU-R 601 luma.

    Everything else is as `read_picture` says.

    Returns
    -------
    uint8 array of shape (row, column)
        Grey levels from 0 (black) to 255, at least `MIN_SIDE` a side.
    """
    return np.array(read_picture(path).image.convert("L"), dtype=np.uint8)


def read_picture(path: Path | str) -> Picture:
    """Read an image file as 8-bit colours or grey levels.

    The orientation noted by the camera (EXIF) is honoured; 16-bit grey levels are scaled by
    255/65535 and rounded; transparent parts are laid over black; of several pictures in one
    file the first is taken.

    Parameters
    ----------
    path
        A file in any format that Pillow reads; it may lie inside a zip archive.

    Raises
    ------
    DataError
        If the file is missing, is no whole image, is smaller than `MIN_SIDE` on a side or
        larger than `MAX_PIXELS` (told from its header, before anything is decoded), or
        holds floating-point or 32-bit pixels, whose black and white nobody knows.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with io.BytesIO(read_bytes(path)) as stream:
                with Image.open(stream) as image:
                    _check_size(image.size, path)
                    image.verify()  # checksums, which decoding alone passes over; spends the image
                stream.seek(0)
                with Image.open(stream) as image:
                    shown = _eight_bit(ImageOps.exif_transpose(image), path)
                    return Picture(shown, _count(image))
    except DataError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DataError(
            f"{path} has more than {MAX_PIXELS / 1e6:.0f} megapixels: it is not decoded"
        ) from error
    except FileNotFoundError as error:
        raise DataError(f"the image {path} does not exist") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is no image, whatever its name says") from error
    except _BROKEN as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataError(f"the image {path} is broken or cannot be read: {reason}") from error


def _check_size(size: tuple[int, int], path: Path | str) -> None:
    width, height = size
    if min(size) < MIN_SIDE:
        raise DataError(
            f"{path} is {width}×{height} pixels: expected at least {MIN_SIDE}×{MIN_SIDE}"
        )
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{path} is {width}×{height} pixels, more than {MAX_PIXELS / 1e6:.0f} megapixels: "
            f"it is not decoded"
        )


def _eight_bit(image: Image.Image, path: Path | str) -> Image.Image:
    if image.mode in _SIXTEEN_BIT:
        levels = np.asarray(image).astype(np.int64)
        if levels.min() < 0 or levels.max() > 65535:
            raise DataError(f"{path} holds 32-bit pixels: expected 8 or 16 bits")
        return Image.fromarray(np.rint(levels / 257).astype(np.uint8))  # 65535 = 255 · 257
    if image.mode == "F":
        raise DataError(f"{path} holds floating-point pixels: expected 8 or 16 bits")
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        black = Image.new("RGBA", colours.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, colours)
    return image.convert("L" if image.mode in ("L", "1") else "RGB")


def _count(image: Image.Image) -> int:
    # The second picture in a telephone's JPEG (MPO) is a depth map or the like.
    if image.format == "MPO":
        return 1
    with contextlib.suppress(*_BROKEN):  # what comes after the first picture plays no part
        return int(getattr(image, "n_frames", 1))
    return 1
