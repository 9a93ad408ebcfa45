"""Turn image files into the input of a network: square, grey, resized, of even contrast."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from facslens.datasets.images import read_grey
from facslens.preprocess.crop import square

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
    The Gaussian's standard deviation is the side divided by `SURROUNDINGS`, 4 pixels at 48;
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
    sigma = images.shape[-1] / SURROUNDINGS
    reach = round(3 * sigma)
    steps = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    weights = torch.exp(-(steps**2) / (2 * sigma**2))
    weights = weights / weights.sum()
    wide = functional.pad(images, (reach, reach, reach, reach), mode="replicate")
    down = functional.conv2d(wide, weights[None, None, :, None])
    return functional.conv2d(down, weights[None, None, None, :])


def read(paths: Sequence[str | Path], size: int) -> Float[Tensor, "image 1 size size"]:
    """Read faces as grey levels in [0, 1], square and resized, not yet standardised."""
    return scaled([read_grey(Path(path)) for path in paths], size)


def scaled(
    images: Sequence[UInt8[np.ndarray, "row column"]], size: int
) -> Float[Tensor, "image 1 size size"]:
    """Scale grey levels of 0 to 255 to [0, 1], square and resized, as `read` does."""
    squares = np.stack([square(image, size) for image in images])
    return torch.from_numpy(squares).float().div_(255).unsqueeze(1)


def batches(
    paths: Sequence[str | Path], size: int, batch_size: int
) -> Iterator[Float[Tensor, "image 1 size size"]]:
    """Read faces batch by batch, as a network reads them."""
    for start in range(0, len(paths), batch_size):
        faces = standardise(read(paths[start : start + batch_size], size))
        yield faces.contiguous(memory_format=torch.channels_last)
