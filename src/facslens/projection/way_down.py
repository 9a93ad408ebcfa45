"""The way from a layer's maps down to the image, under a projection rule."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from facslens.errors import CallError
from facslens.models.reading.layers import Layer
from facslens.models.reading.reading import Reading
from facslens.models.reading.run import Steps
from facslens.models.reading.trace import shape_of
from facslens.models.reading.values import Rectifier
from facslens.projection.passing import Passing, below, fires, rectified
from facslens.projection.rules import Rule
from facslens.projection.starts import Part, fired, read_responses
from facslens.projection.windowed.windows import Windows


class WayDown:
    """A network's steps up to the maps of one layer, made so that a rule acts on the way back.

    Parameters
    ----------
    reading
        Of the network, or of one of the same architecture.
    tensors
        What the network holds, as `Reading.tensors` gives it.
    layer
        Whose maps are projected.
    passing
        What passes the steps before the maps.
    rule
        What rectifiers pass.
    """

    def __init__(
        self,
        reading: Reading,
        tensors: Mapping[str, Tensor],
        layer: Layer,
        passing: Passing,
        rule: Rule,
    ) -> None:
        trace = reading.trace
        self._layer, self._single = layer, trace.batch is not None
        self._tensors = {name: value.detach() for name, value in tensors.items()}
        rectifying = {
            node: (source, _rectifying(rectifier, rule))
            for node, (source, rectifier) in passing.rectifiers.items()
        }
        replaced = passing.alike | rectifying
        self._steps = Steps(trace.graph, [trace.images], [layer.maps], replaced)

    def project(
        self,
        images: Float[Tensor, "image channel row column"],
        of: Int[np.ndarray, " pair"],
        units: Int[np.ndarray, " pair"],
        locations: Int[np.ndarray, "pair 2"] | None,
        batch_size: int,
    ) -> Iterator[Part]:
        """Project pairs, some at a time.

        Parameters
        ----------
        images
            On the network's device.
        of
            Which image each pair is of.
        units, locations
            Where each starts, by default at the unit's maximum; (−1, −1) for nowhere.
        batch_size
            Pairs that go down at once.
        """
        for first in range(0, len(of), batch_size):
            part = slice(first, first + batch_size)
            starts = None if locations is None else locations[part]
            pairs = np.arange(len(of))[part]
            with torch.enable_grad():
                batch = images[of[part]].detach().clone().requires_grad_()
                maps = self._maps(batch)
                rows = np.arange(len(pairs))
                response, places = read_responses(maps, rows, units[part], starts)
                location = fired(response, places)
                values = _down(batch, maps, units[part], location).movedim(1, 3)
            whole = Windows(np.zeros((len(pairs), 2), dtype=int), shape_of(images)[1:])
            yield Part(pairs, response, location, values, whole)

    def _maps(
        self, images: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image unit map_row map_column"]:
        """Compute the maps, so that a backward pass from them follows the rule."""
        batches = torch.split(images, 1) if self._single else [images]
        found = [self._steps([batch], self._tensors)[0] for batch in batches]
        return self._layer.as_maps(torch.cat(found) if len(found) > 1 else found[0])


def _rectifying(rectifier: Rectifier, rule: Rule) -> Callable[[Tensor], Tensor]:
    def passed(value: Tensor) -> Tensor:
        found: Tensor = _Rectified.apply(value, rectifier, rule)  # type: ignore[no-untyped-call]
        return found

    return passed


class _Rectified(torch.autograd.Function):
    """Rectifies, so that a backward pass follows a rule."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, rectifier: Rectifier, rule: Rule) -> Tensor:
        ctx.save_for_backward(fires(value, rectifier))
        ctx.rectifier, ctx.rule = rectifier, rule
        return rectified(value, rectifier)

    @staticmethod
    def backward(ctx: Any, arriving: Tensor) -> tuple[Tensor, None, None]:
        (firing,) = ctx.saved_tensors
        return below(arriving, firing, ctx.rectifier, ctx.rule), None, None


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
