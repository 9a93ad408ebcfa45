"""Many small pictures in one file, so that a page loads few of them."""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image

#: Cells in a row of a sheet, unless it says otherwise.
COLUMNS: Final = 16
#: Okabe & Ito's blue and vermilion, told apart by every common kind of colour vision.
ABOVE: Final = (0, 114, 178)
BELOW: Final = (213, 94, 0)


def sheet(
    pictures: Sequence[UInt8[np.ndarray, "row column *channel"]],
    columns: int = COLUMNS,
    quality: int = 88,
    form: str = "WEBP",
) -> bytes:
    """Put pictures of one size beside and below each other in a file.

    Parameters
    ----------
    pictures
        Grey, or with three or four channels. None of them gives a file of one clear pixel.
    columns
        Places in a row; those after the last picture stay empty.
    quality
        Of the compression, 0 to 100.
    form
        ``WEBP`` is smaller; ``JPEG`` is decoded in an eighth of the time, and has no opacity.
    """
    if not len(pictures):
        whole = np.zeros((1, 1, 4), np.uint8)
    else:
        high, wide, *channel = pictures[0].shape
        rows = -(-len(pictures) // columns)
        whole = np.zeros((rows * high, columns * wide, *channel), np.uint8)
        for place, picture in enumerate(pictures):
            top, left = place // columns * high, place % columns * wide
            whole[top : top + high, left : left + wide] = picture
    stream = io.BytesIO()
    options = {"alpha_quality": quality, "method": 2} if form == "WEBP" else {}
    image = Image.fromarray(whole if form == "WEBP" or whole.shape[-1] != 4 else whole[..., :3])
    image.save(stream, form, quality=quality, **options)
    return stream.getvalue()


def fitted(
    picture: UInt8[np.ndarray, "row column *channel"], high: int, wide: int
) -> UInt8[np.ndarray, "high wide *channel"]:
    """Bring a picture to a size."""
    if picture.shape[:2] == (high, wide):
        return picture
    return np.asarray(Image.fromarray(picture).resize((wide, high), Image.Resampling.LANCZOS))


def glow(grey: UInt8[np.ndarray, "row column"]) -> UInt8[np.ndarray, "row column 4"]:
    """Turn a projection, whose zero is 128, into colour that can lie on a face.

    Colour is the sign, opacity the size.
    """
    value = grey.astype(np.int16) - 128
    painted = np.empty((*grey.shape, 4), np.uint8)
    painted[..., :3] = np.where((value >= 0)[..., None], ABOVE, BELOW)
    painted[..., 3] = np.clip(1.6 * np.abs(value), 0, 255)
    return painted
