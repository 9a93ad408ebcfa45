"""Project a unit's response back to pixels: deconvnet, guided backpropagation, gradient."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from facslens.errors import CallError
from facslens.models.reading.agreement import check_agreement
from facslens.models.reading.fields import ReceptiveField
from facslens.models.reading.layers import Layer
from facslens.models.reading.reading import Reading, read_steps
from facslens.models.reading.trace import Shape, placed, shape_of
from facslens.projection.passing import Passing
from facslens.projection.rules import RULES, Rule, check_rule
from facslens.projection.shown import projections_html
from facslens.projection.starts import check_starts
from facslens.projection.way_down import WayDown
from facslens.projection.windowed.find import find_steps
from facslens.projection.windowed.way import WindowedWay, channels_last
from facslens.projection.windowed.windows import paste


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

    def _repr_html_(self) -> str:
        """Show the projections in a notebook."""
        return projections_html(self)


def project_units(
    network: nn.Module,
    images: Float[Tensor, "image channel row column"],
    layer: str,
    units: Int[np.ndarray, " unit"],
    locations: Int[np.ndarray, "location 2"] | None = None,
    *,
    rule: str = "deconvnet",
    image_of: Int[np.ndarray, " projection"] | None = None,
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
        (image, channel, row, column) as the network reads them: one image for each projection,
        or those that `image_of` chooses from.
    layer
        Name of a layer, as `facslens.models.reading.reading.Reading.choose` takes it.
    units
        (projection,): the unit of each projection.
    locations
        (projection, 2): row and column to start from; (−1, −1) for none. The default is
        each unit's maximum, the first in row-major order on a tie.
    rule
        `deconvnet`, `guided` or `gradient`.
    image_of
        (projection,): which of the images each projection is of, so that a face that several units
        answer passes through the network once.
    batch_size
        Images that pass through the network at once.

    Returns
    -------
    Projections
        In the order of `units`. They depend on the batch size only by rounding: up to about
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
    if image_of is None:
        of, count, what = np.arange(len(images)), len(images), f"{len(images)} images"
    else:
        of, count = np.array(image_of), len(image_of)
        what = f"{count} entries of image_of"
        if count and not 0 <= of.min() <= of.max() < len(images):
            raise CallError(f"image_of has {of.min()} to {of.max()} for {len(images)} images")
    for name, given in (("units", units), ("locations", locations)):
        if given is not None and len(given) != count:
            raise CallError(f"{name} has {len(given)} entries for {what}: needs one each")

    shape = shape_of(images)
    reading = read_steps(network, shape)
    found = reading.one(layer)
    device, dtype = placed(network)
    check_agreement(reading, network, images[:2].to(device, dtype))
    check_starts(found, units, locations)
    location = np.full((count, 2), -1, dtype=np.int16)
    with torch.inference_mode(False), torch.no_grad():
        image = torch.zeros(count, *shape, dtype=images.dtype)
        response = torch.zeros(count, dtype=images.dtype)
        passing = Passing(reading.trace, reading.tensors(network), found)
        way = _way(reading, reading.tensors(network), found, passing, RULES[rule])
        own = images.clone().to(device, dtype)
        for part in way.project(own, of, units, locations, batch_size):
            response[part.pairs], location[part.pairs] = part.response.to(response), part.location
            paste(part.values, part.windows, image, part.pairs)
    window = windows_of(reading.field(found.name), location, shape)
    return Projections(image.numpy(), response.numpy(), location, window, passing.notes)


def _way(
    reading: Reading,
    tensors: Mapping[str, Tensor],
    layer: Layer,
    passing: Passing,
    rule: Rule,
) -> WindowedWay | WayDown:
    """Choose the way inside of windows, or over the whole maps where windows are not known."""
    with_places = channels_last(tensors)
    windowed = find_steps(reading.trace, passing, with_places, layer)
    if windowed is None:
        return WayDown(reading, tensors, layer, passing, rule)
    return WindowedWay(reading, with_places, layer, windowed, passing, rule)


def windows_of(
    field: ReceptiveField, locations: Int[np.ndarray, "location 2"], shape: Shape
) -> Int[np.ndarray, "location 4"]:
    """Give what each location sees, clipped to the image; all zero where there is no location."""
    window = np.zeros((len(locations), 4), dtype=np.int32)
    for place, (row, column) in enumerate(locations):
        if row >= 0:
            window[place] = field.window(row, column, *shape[1:])
    return window
