"""Turn image files into what a network reads: its size, its colours, its range of values."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from facslens.datasets.archive import Carried
from facslens.preprocess import ahead
from facslens.preprocess.fit import fit
from facslens.preprocess.input import Input

#: Sides of the image in a standard deviation of the Gaussian surroundings.
SURROUNDINGS: Final = 12
#: Added to the local contrast, in grey levels of 0 to 1.
FLOOR: Final = 0.05


def standardise(images: Float[Tensor, "image 1 row column"]) -> Float[Tensor, "image 1 row column"]:
    """Normalise the local contrast, which removes lighting, shading and the tone of the skin.

    From each pixel the Gaussian-weighted mean of its surroundings is taken, and what remains
    is divided by the equally weighted root mean square of such remainders.

    Parameters
    ----------
    images
        Grey levels in [0, 1].

    Returns
    -------
    Tensor
        Of the same shape, float32, about 0 on average; 0 where the image is flat.

    Notes
    -----
    The Gaussian's standard deviation is the shorter side divided by `SURROUNDINGS`, 4 pixels at 48;
    beyond the border the border repeats. `FLOOR` keeps noise in flat places small.

    References
    ----------
    Subtractive and divisive normalisation of Jarrett et al. 2009, section 2 [jarrett2009]_.

    Examples
    --------
    >>> standardise(torch.full((1, 1, 48, 48), 0.7)).abs().max().item() < 1e-5
    True
    """
    remainder = images - _blurred(images)
    return remainder / (_blurred(remainder.square()).sqrt() + FLOOR)


def _blurred(images: Float[Tensor, "image 1 row column"]) -> Float[Tensor, "image 1 row column"]:
    sigma = min(images.shape[-2:]) / SURROUNDINGS
    reach = round(3 * sigma)
    steps = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    weights = torch.exp(-(steps**2) / (2 * sigma**2))
    weights = weights / weights.sum()
    wide = functional.pad(images, (reach, reach, reach, reach), mode="replicate")
    down = functional.conv2d(wide, weights[None, None, :, None])
    return functional.conv2d(down, weights[None, None, None, :])


def read(paths: Sequence[str | Path], into: Input) -> Float[Tensor, "image channel height width"]:
    """Read faces at the size of a network, as levels in [0, 1]; colours are RGB."""
    return to_levels(ahead.pictures(paths, into))


def scaled(
    images: Sequence[UInt8[np.ndarray, "row column *rgb"]], into: Input
) -> Float[Tensor, "image channel height width"]:
    """Bring pictures in 8 bits to the size of a network and to [0, 1], as `read` does."""
    return to_levels(np.stack([fit(image, into) for image in images]))


def to_levels(
    pictures: UInt8[np.ndarray, "image height width *rgb"],
) -> Float[Tensor, "image channel height width"]:
    """Turn pictures in 8 bits that have a network's size into levels in [0, 1]."""
    levels = torch.from_numpy(pictures).float().div_(255)
    return levels.unsqueeze(1) if levels.ndim == 3 else levels.movedim(3, 1)


def as_read(
    levels: Float[Tensor, "image channel height width"], into: Input
) -> Float[Tensor, "image channel height width"]:
    """Turn levels into what a network reads.

    Parameters
    ----------
    levels
        In [0, 1], as `read` gives them.
    into
        What the network reads: with even contrast as `standardise` makes it, otherwise in the order
        of its channels and in its range, less its mean and divided by its standard deviation.
    """
    if into.contrast:
        return standardise(levels)
    values = levels.flip(1) if into.colour == "bgr" else levels
    if (into.black, into.white) != (0, 1):
        values = values * (into.white - into.black) + into.black
    if into.mean:
        values = values - _by_channel(into.mean, values)
    if into.std:
        values = values / _by_channel(into.std, values)
    return values


def batches(
    paths: Sequence[str | Path | Carried],
    into: Input,
    batch_size: int,
    processes: int | None = None,
) -> Iterator[Float[Tensor, "image channel height width"]]:
    """Read faces batch by batch, as a network reads them.

    `processes` read ahead, see `facslens.preprocess.ahead.batches`.
    """
    for pictures in ahead.batches(paths, into, batch_size, processes):
        faces = as_read(to_levels(pictures.numpy()), into)
        yield faces.contiguous(memory_format=torch.channels_last)


def to_picture(
    levels: Float[np.ndarray, "channel row column"],
) -> UInt8[np.ndarray, "row column *rgb"]:
    """Turn levels in [0, 1] back into a picture in 8 bits: grey, or RGB (row, column, 3)."""
    picture: UInt8[np.ndarray, "channel row column"] = np.rint(levels * 255).astype(np.uint8)
    return picture[0] if len(picture) == 1 else np.moveaxis(picture, 0, 2)


def _by_channel(numbers: tuple[float, ...], values: Tensor) -> Float[Tensor, "channel 1 1"]:
    return torch.tensor(numbers, dtype=values.dtype, device=values.device)[:, None, None]
