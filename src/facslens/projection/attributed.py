"""Attribute a unit's response to the pixels by methods that need no way down, from captum."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from facslens.errors import CallError
from facslens.models.reading.reading import read_network, takes
from facslens.models.reading.trace import shape_of
from facslens.projection.deconvnet import Projections, windows_of
from facslens.projection.starts import check_starts, fired, read_responses

#: Passes between an image of 0 and the image.
STEPS: Final = 50
#: Squares that are hidden along the shorter side of an image; they overlap by half.
SQUARES: Final = 8


def attribute_units(
    network: nn.Module,
    images: Float[Tensor, "projection channel row column"],
    layer: str,
    units: Int[np.ndarray, " projection"],
    locations: Int[np.ndarray, "projection 2"] | None = None,
    *,
    method: str = "integrated_gradients",
) -> Projections:
    """Attribute one unit's response to each image to the pixels.

    Parameters
    ----------
    network, images, layer, units, locations
        As `facslens.projection.deconvnet.project_units` takes them. The layer may also be one of
        tokens, or one whose channels come last, and the way down to it need not be known.
    method
        One of `METHODS`.

    Returns
    -------
    Projections
        The attribution of the response at the location, in the units of the response; `notes`
        names the method. What it is compared with is an image of 0, in what the network reads.

    Raises
    ------
    CallError
        If captum is not installed, the method is not known, or as `project_units` does.

    Notes
    -----
    ``integrated_gradients`` sums up to the response less that to an image of 0 [sundararajan2017]_.
    ``occlusion`` is the mean change of the response when a square that holds the pixel is set to
    0 [zeiler2014]_. Neither is a projection of the papers: they say what the response depends on,
    not what a deconvolutional network would draw.

    References
    ----------
    [sundararajan2017]_, [zeiler2014]_
    """
    if method not in METHODS:
        raise CallError(f"method is {method!r}: expected one of {', '.join(METHODS)}")
    try:
        from captum import attr
    except ImportError as error:
        raise CallError(
            f"{method} needs captum: install it with pip install 'facslens[attribution]'"
        ) from error
    reading = read_network(network, shape_of(images))
    name = reading.one(layer).name
    check_starts(reading.layers[name], units, locations)
    device, dtype = takes(network)
    listener = reading.listener(network, [name], torch.clone)

    def maps(some: Tensor) -> Tensor:
        found: Tensor = listener(some)[0][name]
        return found

    response = torch.zeros(len(images), dtype=images.dtype)
    location = np.full((len(images), 2), -1, dtype=np.int16)
    image = torch.zeros_like(images)
    for row in range(len(images)):
        one = images[row : row + 1].to(device, dtype)
        start = None if locations is None else locations[row : row + 1]
        with torch.no_grad():
            read, place = read_responses(maps(one), np.zeros(1, int), units[row : row + 1], start)
        response[row], location[row] = read[0], fired(read, place)[0]
        if location[row, 0] >= 0:
            at = (int(units[row]), int(location[row, 0]), int(location[row, 1]))

            def answer(some: Tensor, at: tuple[int, int, int] = at) -> Tensor:
                return maps(some)[:, at[0], at[1], at[2]]

            image[row] = METHODS[method](attr, answer, one)[0].detach().cpu()
    window = windows_of(reading.field(name), location, reading.shape)
    notes = (f"{method.replace('_', ' ')}, by captum: no projection of the papers",)
    return Projections(image.numpy(), response.numpy(), location, window, notes)


def _integrated(captum: Any, answer: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
    found: Tensor = captum.IntegratedGradients(answer).attribute(
        image, n_steps=STEPS, internal_batch_size=16
    )
    return found


def _occluded(captum: Any, answer: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
    side = max(2, min(image.shape[2:]) // SQUARES)
    found: Tensor = captum.Occlusion(answer).attribute(
        image,
        sliding_window_shapes=(image.shape[1], side, side),
        strides=(image.shape[1], side // 2, side // 2),
        perturbations_per_eval=16,
    )
    return found


#: Every method by its name: from captum, the response of an image, and the image.
METHODS: Final[dict[str, Callable[[Any, Callable[[Tensor], Tensor], Tensor], Tensor]]] = {
    "integrated_gradients": _integrated,
    "occlusion": _occluded,
}
