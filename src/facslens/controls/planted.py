"""Filters that are known to follow one action unit, hidden among random ones of a layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from facslens.errors import NotEnoughDataError

#: Side of a planted filter in pixels of a 48×48 face: a mouth is about 20 wide.
SIDE: Final = 15
#: Filters of a layer, planted ones included.
UNITS: Final = 256
#: Rounds in which places that fooled a filter are shown to it as well.
_ROUNDS: Final = 2
_STEP: Final = 2
_SHRINKAGE: Final = 0.05
_FOOLED: Final = 400


@dataclass(frozen=True)
class Planted:
    """Filters and what each follows.

    Parameters
    ----------
    filters
        (au, row, column), of unit length.
    aus
        The action unit of each.
    """

    filters: Float[np.ndarray, "au row column"]
    aus: tuple[str, ...]


def fit_filters(
    images: Float[Tensor, "image 1 row column"],
    presence: Float[np.ndarray, "image au"],
    centres: Int[np.ndarray, "au 2"],
    aus: Sequence[str],
) -> Planted:
    """Fit one filter an action unit to what it changes in its place.

    The *look* of an action unit is the change of the patch around its place per unit of its
    label, by least squares on the labels of all of them, so that what comes with it is not
    taken for it. The filter is Fisher's discriminant: the look, divided by the covariance of
    everything else there, and of patches elsewhere that would answer as strongly.

    Parameters
    ----------
    images
        Faces as a network reads them.
    presence
        (image, au): 0 or 1.
    centres
        (au, 2): row and column of each place, at which a patch is cut from every face.
    aus
        Their names.

    Raises
    ------
    NotEnoughDataError
        If an action unit is the same in all images.

    References
    ----------
    Fisher's discriminant [fisher1936]_; showing a filter what fooled it [sung1998]_.
    """
    same = np.flatnonzero(np.ptp(presence, axis=0) == 0)
    if len(same):
        raise NotEnoughDataError(f"{aus[same[0]]} is the same in all faces: nothing to follow")
    design = np.column_stack([np.ones(len(presence)), presence])
    filters = []
    for column, centre in enumerate(centres):
        patches = _patches(images, centre)
        looks, *_ = np.linalg.lstsq(design, patches, rcond=None)
        look = looks[column + 1]
        rest = patches - np.outer(presence[:, column], look)
        spread = np.cov(rest.T)
        found = _discriminant(look, spread)
        for _ in range(_ROUNDS):
            fooled = _fooled(images, found, centre)
            found = _discriminant(look, spread + fooled.T @ fooled / len(images))
        filters.append(found.reshape(SIDE, SIDE))
    return Planted(np.stack(filters).astype(np.float32), tuple(aus))


def hidden(
    planted: Planted, seed: int, units: int = UNITS
) -> tuple[nn.Sequential, dict[str, int]]:
    """Hide filters among random ones in a layer of a network.

    Parameters
    ----------
    planted
        The filters.
    seed
        Draws the random filters, of unit length too, and deals out the places.
    units
        Filters of the layer.

    Returns
    -------
    network
        One bias-free convolution, ``conv1``, and a rectifier.
    units
        The unit that holds the filter of each action unit.
    """
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(units, SIDE, SIDE)).astype(np.float32)
    weights /= np.linalg.norm(weights, axis=(1, 2), keepdims=True)
    place = rng.permutation(units)[: len(planted.aus)]
    weights[place] = planted.filters
    network = nn.Sequential()
    layer = nn.Conv2d(1, units, SIDE, padding=SIDE // 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights[:, None]))
    network.add_module("conv1", layer)
    network.add_module("relu1", nn.ReLU())
    return network, {au: int(unit) for au, unit in zip(planted.aus, place, strict=True)}


def _patches(
    images: Float[Tensor, "image 1 row column"], centre: Int[np.ndarray, "2"]
) -> Float[np.ndarray, "image pixel"]:
    half = SIDE // 2
    padded = functional.pad(images, (half, half, half, half))
    row, column = (int(v) for v in centre)
    cut = padded[:, 0, row : row + SIDE, column : column + SIDE]
    return cut.reshape(len(images), -1).numpy().astype(np.float64)


def _discriminant(
    look: Float[np.ndarray, " pixel"], spread: Float[np.ndarray, "pixel pixel"]
) -> Float[np.ndarray, " pixel"]:
    ridge = _SHRINKAGE * np.trace(spread) / len(spread) * np.eye(len(spread))
    direction = np.linalg.solve(spread + ridge, look)
    return np.asarray(direction / np.linalg.norm(direction))


def _fooled(
    images: Float[Tensor, "image 1 row column"],
    found: Float[np.ndarray, " pixel"],
    centre: Int[np.ndarray, "2"],
) -> Float[np.ndarray, "patch pixel"]:
    """Cut out, from some faces, the patch away from the place that answers most."""
    half = SIDE // 2
    some = images[:: max(1, len(images) // _FOOLED)]
    kernel = torch.from_numpy(found.reshape(1, 1, SIDE, SIDE).astype(np.float32))
    answers = functional.conv2d(some, kernel, padding=half)[:, 0]
    row, column = (int(v) for v in centre)
    near = slice(max(0, row - half // 2), row + half // 2 + 1)
    across = slice(max(0, column - half // 2), column + half // 2 + 1)
    answers[:, near, across] = -torch.inf
    best = answers.flatten(1).argmax(dim=1)
    padded = functional.pad(some, (half, half, half, half))
    side = images.shape[-1]
    cuts = [
        padded[i, 0, b // side : b // side + SIDE, b % side : b % side + SIDE].reshape(-1)
        for i, b in enumerate(best.tolist())
    ]
    patches = torch.stack(cuts).numpy().astype(np.float64)
    scale = np.sqrt(len(images) / len(some))
    return np.asarray(patches * scale)
