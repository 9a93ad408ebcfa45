"""Random changes of a face that leave its expression as it was, on tensors."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """How far a face may be changed; every change is drawn anew for every image.

    Parameters
    ----------
    flip
        Probability of a mirror image.
    rotation
        Largest turn in degrees, either way.
    scale
        Largest magnification; the smallest is its inverse (drawn on a log scale).
    shift
        Largest shift in either direction, as a fraction of the side.
    gamma
        Largest logarithm of the exponent of the grey levels, either way.

    Notes
    -----
    Khorrami et al. 2015 flip, turn by ±5°, scale by 0.7–1.4, shift, and change the grey levels
    [khorrami2015]_. Changes of brightness and contrast would have little effect, because each
    image is brought to even local contrast afterwards; a change of gamma remains.
    """

    flip: float = 0.5
    rotation: float = 5.0
    scale: float = 1.1
    shift: float = 0.03
    gamma: float = 0.2


#: No change at all.
NONE = Augmentation(flip=0.0, rotation=0.0, scale=1.0, shift=0.0, gamma=0.0)


def augment(
    images: Float[Tensor, "image 1 row column"], by: Augmentation, generator: Generator
) -> Float[Tensor, "image 1 row column"]:
    """Change each image at random.

    Parameters
    ----------
    images
        Grey levels in [0, 1].
    by
        How far, at most.
    generator
        Source of the random numbers.

    Returns
    -------
    Tensor
        Of the same shape, grey levels in [0, 1]; beyond the border the border repeats.
    """
    count = len(images)

    def draw(limit: float) -> Tensor:
        return (2 * torch.rand(count, generator=generator) - 1) * limit

    angle = draw(math.radians(by.rotation))
    zoom = torch.exp(-draw(math.log(by.scale)))
    mirror = 1 - 2 * (torch.rand(count, generator=generator) < by.flip).float()
    cosine, sine = zoom * torch.cos(angle), zoom * torch.sin(angle)
    across, down = draw(2 * by.shift), draw(2 * by.shift)
    rows = [
        torch.stack([cosine * mirror, -sine, across], dim=1),
        torch.stack([sine * mirror, cosine, down], dim=1),
    ]
    grid = functional.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    exponent = torch.exp(draw(by.gamma))[:, None, None, None]
    return moved.clamp(1e-4, 1) ** exponent
