"""From image files to what a network reads: square, grey, resized, standardised."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from facslens.datasets.images import read_grey

#: Added to the standard deviation of the grey levels, so that a blank image stays 0.
FLOOR: Final = 1e-3


def square(image: UInt8[np.ndarray, "row column"], size: int) -> UInt8[np.ndarray, "size size"]:
    """Cut out the central square and resize it.

    Bilinear with a support that grows when shrinking (Pillow's), so that shrinking does not
    alias. An image that has the size already comes back as it is.
    """
    rows, columns = image.shape
    side = min(rows, columns)
    top, left = (rows - side) // 2, (columns - side) // 2
    cut = image[top : top + side, left : left + side]
    if side == size:
        return cut
    return np.asarray(
        Image.fromarray(cut).resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8
    )


def standardise(images: Float[Tensor, "image 1 row column"]) -> Float[Tensor, "image 1 row column"]:
    """Subtract each image's mean grey level and divide by its standard deviation.

    Lighting and camera gain then play no part. The scale of the input does not matter: grey
    levels 0–255 and 0–1 give the same, but for `FLOOR` (in units of 0–1).

    Examples
    --------
    >>> standardise(torch.tensor([[[[0.0, 1.0]]]])).round(decimals=2).tolist()
    [[[[-1.0, 1.0]]]]
    """
    mean = images.mean(dim=(2, 3), keepdim=True)
    deviation = images.std(dim=(2, 3), correction=0, keepdim=True)
    return (images - mean) / (deviation + FLOOR)


def read(paths: Sequence[str | Path], size: int) -> Float[Tensor, "image 1 size size"]:
    """Read faces as grey levels in [0, 1], square and resized, not yet standardised."""
    images = np.stack([square(read_grey(Path(path)), size) for path in paths])
    return torch.from_numpy(images).float().div_(255).unsqueeze(1)


def batches(
    paths: Sequence[str | Path], size: int, batch_size: int
) -> Iterator[Float[Tensor, "image 1 size size"]]:
    """Read faces batch by batch, as a network reads them."""
    for start in range(0, len(paths), batch_size):
        faces = standardise(read(paths[start : start + batch_size], size))
        yield faces.contiguous(memory_format=torch.channels_last)
