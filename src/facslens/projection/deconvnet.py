"""Project a unit's response back to pixels: deconvnet, guided backpropagation, gradient."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from facslens.errors import CallError
from facslens.models.reading.agreement import check_agreement
from facslens.models.reading.fields import ReceptiveField
from facslens.models.reading.reading import read_steps
from facslens.models.reading.trace import Shape, placed, shape_of
from facslens.projection.rules import RULES, check_rule
from facslens.projection.way_down import WayDown


@dataclass(frozen=True)
class Projections:
    """Projections of some responses, one per row.

    Parameters
    ----------
    image
        (projection, channel, row, column), in the type of the images that were projected,
        float32 as a rule: the projections in input space, of arbitrary scale.
    response
        (projection,): the unit's response at the location; 0 where no location was given.
    location
        (projection, 2) int16: row and column of the response in the unit's map; (−1, −1)
        where the response is not above 0, and there the projection is all zero.
    window
        (projection, 4) int32: top, left, bottom, right of the pixels that the location can
        see, half-open, clipped to the image; empty (all zero) where the unit did not fire.
    notes
        For which kinds of steps before the maps no rule is defined, so that their derivative
        passes; empty where the rule is that of the papers.
    """

    image: Float[np.ndarray, "projection channel row column"]
    response: Float[np.ndarray, " projection"]
    location: Int[np.ndarray, "projection 2"]
    window: Int[np.ndarray, "projection 4"]
    notes: tuple[str, ...] = ()

    @property
    def silent(self) -> Bool[np.ndarray, " projection"]:
        """Which rows are all zero because their unit did not fire."""
        return self.location[:, 0] < 0


def project_units(
    network: nn.Module,
    images: Float[Tensor, "projection channel row column"],
    layer: str,
    units: Int[np.ndarray, " unit"],
    locations: Int[np.ndarray, "location 2"] | None = None,
    *,
    rule: str = "deconvnet",
    batch_size: int = 32,
) -> Projections:
    r"""Project one unit's response to each image back to pixels.

    The backward pass begins with a map that is zero except for a 1 at the unit's maximum. A
    convolution applies its transpose, max pooling puts the value where its maximum was (the
    switch, the first in row-major order on a tie), batch normalisation scales, average pooling
    and addition apply their adjoints; biases are not used. Of a value
    R that arrives at a rectifier with output f, the rules pass on

    ===========  ======================================
    rule         value passed
    ===========  ======================================
    `deconvnet`  max(R, 0)
    `guided`     max(R, 0) where f > 0, otherwise 0
    `gradient`   R where f > 0, otherwise 0
    ===========  ======================================

    Parameters
    ----------
    network
        Any network; it is not changed, and no parameter gets a gradient.
    images
        (projection, channel, row, column) as the network reads them: one image for each
        projection.
    layer
        Name of a layer, as `facslens.models.reading.reading.Reading.choose` takes it.
    units
        (projection,): the unit of each projection.
    locations
        (projection, 2): row and column to start from; (−1, −1) for none. The default is
        each unit's maximum, the first in row-major order on a tie.
    rule
        `deconvnet`, `guided` or `gradient`.
    batch_size
        Images that pass through the network at once.

    Returns
    -------
    Projections
        In the order of `images`. They depend on the batch size only by rounding: up to about
        1e-5 of the largest value in float32, 1e-12 in float64.

    Raises
    ------
    CallError
        If there is no such layer, unit, location or rule, if the lengths disagree, if the
        network gives NaN or cannot be read, or if a step before the maps is not known.

    Notes
    -----
    The network's steps are read as a graph (`facslens.models.reading`), and every step before the
    maps has to be one whose way down is known. Rectifiers are found by what they make of numbers,
    so it makes no difference how they are written: as a module, as a function, in place, as
    ``clamp(min=0)`` or as ``x * (x > 0)``. ReLU6 and other clamps from 0 up are rectifiers that
    fire strictly between their bounds. Smooth nonlinearities, normalisation by statistics of the
    face itself, and products of two maps pass their derivative, since the papers do not treat them;
    `Projections.notes` says so. Whatever else comes before the maps raises an error.

    The steps are compared with the network itself on the first two images.

    `guided` and `deconvnet` are known to recover edges of the image whatever the weights
    [nie2018]_ [adebayo2018]_: compare them with those of a network with random weights.

    References
    ----------
    Zeiler & Fergus 2014 [zeiler2014]_; Springenberg et al. 2015 [springenberg2015]_; used
    for expressions by Zhu, Fan & Yuan 2019 [zhu2019]_.

    Examples
    --------
    One unit that doubles a pixel, after a pooling: the projection is at the largest pixel.

    >>> network = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 1, 1, bias=False), nn.ReLU())
    >>> _ = nn.init.constant_(network[1].weight, 2)
    >>> found = project_units(network, torch.tensor([[[[1.0, 3], [2, 0]]]]), "1", np.array([0]))
    >>> found.response.tolist(), found.image[0, 0].tolist()
    ([6.0], [[0.0, 2.0], [0.0, 0.0]])
    """
    check_rule(rule)
    if batch_size < 1:
        raise CallError(f"batch_size is {batch_size}: needs at least 1")
    units = np.array(units)  # a copy: pandas gives read-only arrays, of which torch warns
    count = len(images)
    for name, given in (("units", units), ("locations", locations)):
        if given is not None and len(given) != count:
            raise CallError(f"{name} has {len(given)} entries for {count} images: needs one each")

    shape = shape_of(images)
    reading = read_steps(network, shape)
    name = reading.one(layer).name
    device, dtype = placed(network)
    check_agreement(reading, network, images[:2].to(device, dtype))
    location = np.full((count, 2), -1, dtype=np.int16)
    with torch.inference_mode(False), torch.enable_grad():
        down = WayDown(reading, reading.tensors(network), reading.layers[name], RULES[rule])
        image = torch.zeros(images.shape, dtype=images.dtype)
        response = torch.zeros(count, dtype=images.dtype)
        for first in range(0, count, batch_size):
            part = slice(first, first + batch_size)
            batch = images[part].to(device, dtype, copy=True).requires_grad_()
            maps = down.maps(batch)
            start = None if locations is None else locations[part]
            response[part], location[part] = read_responses(maps, units[part], start)
            image[part] = _down(batch, maps, units[part], location[part])
    window = windows_of(reading.field(name), location, shape)
    return Projections(image.numpy(), response.numpy(), location, window, down.notes)


def windows_of(
    field: ReceptiveField, locations: Int[np.ndarray, "location 2"], shape: Shape
) -> Int[np.ndarray, "location 4"]:
    """Give what each location sees, clipped to the image; all zero where there is no location."""
    window = np.zeros((len(locations), 4), dtype=np.int32)
    for place, (row, column) in enumerate(locations):
        if row >= 0:
            window[place] = field.window(row, column, *shape[1:])
    return window


def read_responses(
    maps: Float[Tensor, "projection unit map_row map_column"],
    units: Int[np.ndarray, " projection"],
    locations: Int[np.ndarray, "projection 2"] | None,
) -> tuple[Float[Tensor, " projection"], Int[np.ndarray, "projection 2"]]:
    """Give each response and where it is; (−1, −1) where it is not above 0."""
    channels, rows, columns = maps.shape[1:]
    unknown = units[(units < 0) | (units >= channels)]
    if len(unknown):
        raise CallError(f"units has {unknown[0]}: the layer has units 0 to {channels - 1}")
    chosen = maps.detach()[np.arange(len(maps)), units].flatten(1).cpu()
    if chosen.isnan().any():
        raise CallError("the network answers NaN: its weights or its input hold NaN")
    if locations is None:
        flat = chosen.argmax(1)  # documented to be the first on a tie
        asked = torch.ones_like(flat, dtype=torch.bool)
    else:
        inside = ((locations >= 0) & (locations < (rows, columns))).all(1)
        nowhere = (locations == -1).all(1)
        if not (inside | nowhere).all():
            row, column = locations[~(inside | nowhere)][0]
            raise CallError(
                f"locations has ({row}, {column}): the layer's maps are {rows}×{columns}"
            )
        flat = torch.from_numpy(np.where(inside, locations @ (columns, 1), 0))
        asked = torch.from_numpy(inside)
    response = chosen.gather(1, flat[:, None])[:, 0] * asked
    place = torch.stack([flat // columns, flat % columns], dim=1).numpy()
    return response, np.where(response.numpy()[:, None] > 0, place, -1).astype(np.int16)


def _down(
    images: Float[Tensor, "projection channel row column"],
    maps: Float[Tensor, "projection unit map_row map_column"],
    units: Int[np.ndarray, " projection"],
    locations: Int[np.ndarray, "projection 2"],
) -> Float[Tensor, "projection channel row column"]:
    """Go down from a 1 at each location: a vector-Jacobian product under the rule."""
    start = torch.zeros_like(maps)
    (fired,) = np.nonzero(locations[:, 0] >= 0)
    start[fired, units[fired], locations[fired, 0], locations[fired, 1]] = 1
    found = None
    if maps.requires_grad:
        (found,) = torch.autograd.grad(maps, images, start, allow_unused=True)
    if found is None:
        raise CallError("network detaches the image from its graph: no gradient can reach it")
    return found
