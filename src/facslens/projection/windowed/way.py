"""The way down from responses inside the windows that they see, many of them at once."""

from collections.abc import Iterator, Mapping
from functools import partial
from math import prod
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, fx

from facslens.errors import CallError
from facslens.models.reading.layers import Layer
from facslens.models.reading.reading import Reading
from facslens.models.reading.run import Steps
from facslens.models.reading.slides import Pair
from facslens.projection.passing import Passing, rectified
from facslens.projection.rules import Rule
from facslens.projection.starts import Part, fired, read_responses
from facslens.projection.windowed.find import Way
from facslens.projection.windowed.steps import LIGHT
from facslens.projection.windowed.windows import Windows, covering, cut

#: Bytes that one step's windows may take, of the pairs that go down at once: what a cache holds is
#: faster than more.
_AT_ONCE: Final = 1 << 23


class WindowedWay:
    """The steps before the maps of one layer, each in the windows that the responses see.

    Values are computed for whole faces up to some step, and from there in each pair's windows:
    whichever is less work. So the cost follows what is seen, and a face that many pairs share is
    passed once.
    """

    def __init__(
        self, reading: Reading, tensors: Mapping[str, Tensor], layer: Layer, way: Way,
        passing: Passing, rule: Rule,
    ) -> None:  # fmt: skip
        self._trace, self._layer, self._rule = reading.trace, layer, rule
        self._tensors, self._steps, self._axes = tensors, way.steps, way.axes
        self._field = reading.field(layer.name)
        self._order = [reading.trace.images, *way.steps]
        sizes = {node: node.meta["shape"] for node in self._order}
        self._extent = {n: (sizes[n][a], sizes[n][b]) for n, (a, b) in way.axes.items()}
        self._units = {
            n: prod(sizes[n][1:]) // (rows * columns) for n, (rows, columns) in self._extent.items()
        }
        asking = [found for found in way.steps.values() if found.step.asks(rule)]
        self._asked = {layer.maps, *(node for found in asking for node in found.inputs)}
        self._replaced = passing.alike | {
            node: (source, partial(rectified, rectifier=rectifier))
            for node, (source, rectifier) in passing.rectifiers.items()
        }

    def project(
        self,
        images: Float[Tensor, "image channel row column"],
        of: Int[np.ndarray, " pair"],
        units: Int[np.ndarray, " pair"],
        locations: Int[np.ndarray, "pair 2"] | None,
        batch_size: int,
    ) -> Iterator[Part]:
        """Project pairs, some at a time; those without a location are left out.

        Parameters
        ----------
        images
            On the network's device.
        of
            Which image each pair is of.
        units, locations
            Where each starts, by default at the unit's maximum.
        batch_size
            Images that pass through the network at once.
        """
        pairs = np.arange(len(of)) if locations is None else np.flatnonzero(locations[:, 0] >= 0)
        shown = np.unique(of[pairs])
        split = len(self._steps)
        if locations is not None and len(pairs):
            split = self._split(len(shown), locations[pairs])
        whole, inside = self._parts(split)
        together = batch_size if split else len(shown)  # faces that need no pass are there
        for first in range(0, len(shown), together):
            some = shown[first : first + together]
            kept = self._of_faces(images[some], whole)
            own = pairs[np.isin(of[pairs], some)]
            face = np.searchsorted(some, of[own])
            if locations is None:
                maps = kept[self._layer.maps].movedim(3, 1)
                response, places = read_responses(maps, face, units[own], None)
                silent = fired(response, places)[:, 0] < 0
                yield _nothing(own[silent], response[silent], images)
                own, face, places = own[~silent], face[~silent], places[~silent]
            else:
                places = locations[own]
            for chunk in self._chunks(places):
                at = own[chunk]
                yield self._down(kept, inside, at, face[chunk], units[at], places[chunk])

    def _inputs(self, node: fx.Node) -> tuple[fx.Node, ...]:
        return self._steps[node].inputs if node in self._steps else ()

    def _parts(self, split: int) -> tuple[list[fx.Node], list[fx.Node]]:
        """Give the values to be kept of whole faces, and the steps to be taken in windows.

        Parameters
        ----------
        split
            How many steps are taken for whole faces.
        """
        needed = set(self._asked)
        for node in reversed(self._order[split + 1 :]):
            if node in needed:
                needed.update(self._inputs(node))
        return (
            [node for node in self._order[: split + 1] if node in needed],
            [node for node in self._order[split + 1 :] if node in needed],
        )

    def _split(self, faces: int, places: Int[np.ndarray, "pair 2"]) -> int:
        """Give how many steps are taken for whole faces, so that it is the least work in all."""
        windows = self._windows(places)
        whole = {n: faces * self._work(n, self._extent[n]) for n in self._steps}
        inside = {n: len(places) * self._work(n, windows[n].size) for n in self._steps}
        best, least = 0, float("inf")
        heavy = [k for k, n in enumerate(self._steps) if self._steps[n].step.work > LIGHT]
        for split in (*heavy, len(self._steps)):
            kept, own = self._parts(split)
            before = set(kept)
            for node in reversed(self._order[: split + 1]):
                if node in before:
                    before.update(self._inputs(node))
            before.discard(self._order[0])
            work = sum(whole[n] for n in before) + sum(inside[n] for n in own)
            if work < least:
                best, least = split, work
        return best if self._parts(best)[0] != [self._order[0]] else 0

    def _work(self, node: fx.Node, size: Pair) -> int:
        values: int = size[0] * size[1] * self._units[node]
        return values * self._steps[node].step.work

    def _of_faces(self, images: Tensor, wanted: list[fx.Node]) -> dict[fx.Node, Tensor]:
        """Pass whole faces through the network, as far as is needed, and keep some values."""
        steps = Steps(self._trace.graph, [self._order[0]], wanted, self._replaced)
        reads = {node: partial(_places_first, axes=self._axes[node]) for node in wanted}
        images = images.contiguous(memory_format=torch.channels_last)
        return dict(zip(wanted, steps([images], self._tensors, reads), strict=True))

    def _chunks(self, places: Int[np.ndarray, "pair 2"]) -> Iterator[Int[np.ndarray, " some"]]:
        """Give pairs that go down at once: those of like windows, as many as memory allows."""
        if not len(places):
            return
        rows, columns = self._extent[self._order[0]]
        corners = [self._field.window(row, column, rows, columns) for row, column in places]
        sizes = np.subtract([c[2:] for c in corners], [c[:2] for c in corners])
        order = np.lexsort((sizes[:, 1], sizes[:, 0]))
        largest = max(
            w.size[0] * w.size[1] * self._units[n]
            for n, w in self._windows(places[order[-1:]]).items()
        )
        count = max(1, _AT_ONCE // (largest * 4))
        for first in range(0, len(order), count):
            yield order[first : first + count]

    def _down(
        self,
        kept: Mapping[fx.Node, Tensor],
        inside: list[fx.Node],
        pairs: Int[np.ndarray, " pair"],
        face: Int[np.ndarray, " pair"],
        units: Int[np.ndarray, " pair"],
        places: Int[np.ndarray, "pair 2"],
    ) -> Part:
        """Take the steps inside of windows up to the maps, and then all of them down."""
        windows = self._windows(places)
        values: dict[fx.Node, Tensor] = {}

        def inputs(node: fx.Node, reach: Windows) -> list[Tensor]:
            fill, found = self._steps[node].step.fill, []
            for source in self._inputs(node):
                if source in kept:
                    found.append(cut(kept[source], reach.first, reach.size, fill, face))
                else:
                    first = reach.first - windows[source].first
                    found.append(cut(values[source], first, reach.size, fill))
            return found

        for node in inside:
            step = self._steps[node].step
            values[node] = step.up(inputs(node, step.reach(windows[node])), windows[node])
        maps = self._layer.maps
        kept_here = maps in kept
        at = cut(kept[maps], windows[maps].first, (1, 1), of=face) if kept_here else values[maps]
        response = at[torch.arange(len(pairs)), 0, 0, torch.from_numpy(units)]
        location = fired(response, places)
        start = torch.zeros_like(at)
        above = torch.from_numpy(location[:, 0] >= 0).to(start)
        start[torch.arange(len(pairs)), 0, 0, torch.from_numpy(units)] = above
        arriving = {maps: start}
        for node in reversed(self._order[1:]):
            here = arriving.pop(node, None)
            if here is None:
                continue
            step = self._steps[node].step
            reach = step.reach(windows[node])
            known = inputs(node, reach) if step.asks(self._rule) else []
            passed = step.down(here, known, windows[node], self._rule)
            for source, more in zip(self._inputs(node), passed, strict=True):
                if more is not None:
                    first = windows[source].first - reach.first
                    more = cut(more, first, windows[source].size)
                    before = arriving.get(source)
                    arriving[source] = more if before is None else before + more
        if self._order[0] not in arriving:
            raise CallError("network detaches the image from its graph: no gradient can reach it")
        return Part(pairs, response, location, arriving[self._order[0]], windows[self._order[0]])

    def _windows(self, locations: Int[np.ndarray, "pair 2"]) -> dict[fx.Node, Windows]:
        """Give the windows of every step's result that some locations see."""
        parts: dict[fx.Node, list[Windows]] = {
            self._layer.maps: [Windows(locations.astype(np.int64), (1, 1))]
        }
        windows = {}
        for node in reversed(self._order):
            windows[node] = covering(parts[node], self._extent[node])
            for source in self._inputs(node):
                reach = self._steps[node].step.reach(windows[node])
                parts.setdefault(source, []).append(reach)
        return windows


def _places_first(values: Tensor, axes: Pair) -> Tensor:
    return values.movedim(axes, (1, 2)).contiguous()


def _nothing(pairs: np.ndarray, response: Tensor, images: Tensor) -> Part:
    nowhere = np.full((len(pairs), 2), -1, dtype=np.int16)
    values = images.new_zeros(len(pairs), 0, 0, images.shape[1])
    return Part(pairs, response, nowhere, values, Windows(np.zeros((len(pairs), 2), int), (0, 0)))


def channels_last(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give a network's tensors so that its maps have each place's units next to each other."""
    return {
        name: value.detach().contiguous(memory_format=torch.channels_last)
        if value.ndim == 4
        else value.detach()
        for name, value in tensors.items()
    }
