"""Cut a network at a layer: its maps for some faces, and what the rest makes of other maps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from jaxtyping import Float, Int
from torch import Tensor, fx, nn

from facslens.errors import CallError
from facslens.models.reading.agreement import check_agreement
from facslens.models.reading.reading import Reading, read_steps
from facslens.models.reading.run import Steps
from facslens.models.reading.steps import IDENTITIES
from facslens.models.reading.trace import operation, placed, shape_of, where
from facslens.models.reading.values import Values

#: Steps that process every map by itself, so that maps can also be replaced behind them.
_MAP_BY_MAP: Final = IDENTITIES | {
    "max_pool2d", "avg_pool2d", "adaptive_max_pool2d", "adaptive_avg_pool2d",
}  # fmt: skip
#: Faces that pass through the network at once.
BATCH: Final = 64
#: Numbers that pass through what follows a cut at once, unless `BATCH` faces have more.
VALUES: Final = 2**21


@dataclass(frozen=True)
class Held:
    """What a network holds at a cut, for some faces.

    Parameters
    ----------
    maps
        (image, unit, row, column): the maps at the cut.
    beside
        What else the rest of the network needs of these faces, one row each: what goes round the
        layer.
    scores
        (image, class): what the network makes of them.
    """

    maps: Float[Tensor, "image unit row column"]
    beside: tuple[Tensor, ...]
    scores: Float[Tensor, "image class"]

    def __len__(self) -> int:
        return len(self.maps)

    def take(self, rows: Int[Tensor, " some"]) -> "Held":
        """Give some of the faces, in any order, also more than once."""
        return Held(
            self.maps[rows], tuple(values[rows] for values in self.beside), self.scores[rows]
        )


@dataclass(frozen=True)
class Cut:
    """A place in a network where the maps of a layer can be replaced.

    Parameters
    ----------
    before
        From images to the maps and to what goes round the layer.
    behind
        From maps, and what goes round, to scores: only what follows the layer is computed.
    """

    before: Callable[[Tensor], list[Tensor]]
    behind: Callable[..., Tensor]

    def hold(self, images: Float[Tensor, "image channel height width"]) -> Held:
        """Compute the maps of some faces, and what else the rest of the network needs of them."""
        parts = []
        with torch.no_grad():
            for batch in torch.split(images, BATCH):
                maps, *beside = self.before(batch)
                parts.append((maps, *beside, self.behind(maps, *beside)))
        maps, *beside, scores = (torch.cat(values) for values in zip(*parts, strict=True))
        return Held(maps, tuple(beside), scores)

    def scores(
        self, maps: Float[Tensor, "image unit row column"], held: Held
    ) -> Float[Tensor, "image class"]:
        """Give the scores with other maps in the place of those of the same faces.

        Gradients pass, unless the caller switches them off.
        """
        batch = max(BATCH, VALUES // max(1, maps[0].numel()))
        sources = [torch.split(values, batch) for values in (maps, *held.beside)]
        return torch.cat([self.behind(*values) for values in zip(*sources, strict=True)])


def cut_at(
    network: nn.Module, layer: str, images: Float[Tensor, "image channel height width"]
) -> Cut:
    """Cut a network at a layer.

    Parameters
    ----------
    network
        Any network that gives scores (image, class); it is not changed.
    layer
        Name of a layer.
    images
        Faces on which the network's steps are compared with the network, at least one.

    Raises
    ------
    CallError
        If there is no such layer, no face, or no scores, or if the network cannot be cut there.

    Notes
    -----
    The cut lies behind poolings that directly follow the layer, since these process every map by
    itself.
    """
    if len(images) == 0:
        raise CallError("images is empty: at least one face is needed")
    reading = read_steps(network, shape_of(images))
    name = reading.one(layer).name
    answers = reading.trace.answers
    scores = answers[0] if len(answers) == 1 else None
    if not isinstance(scores, fx.Node) or len(scores.meta["shape"] or ()) != 2:
        shape = scores.meta["shape"] if isinstance(scores, fx.Node) else None
        given = f"{len(answers)} values" if shape is None else f"(image, {str(shape[1:])[1:]}"
        raise CallError(f"the network gives {given}: needs scores (image, class)")
    check_agreement(reading, network, images.to(*placed(network)))
    return _split(reading, network, name, scores)


def _split(reading: Reading, network: nn.Module, name: str, scores: fx.Node) -> Cut:
    """Split the steps at the last place where the maps stand alone."""
    layer, trace, tensors = reading.layers[name], reading.trace, reading.tensors(network)
    device, dtype = placed(network)
    node = layer.maps
    while len(node.users) == 1 and layer.axes == (0, 1, 2, 3):
        (user,) = node.users
        if operation(user) not in _MAP_BY_MAP:
            break
        node = user
    variable = Values(trace.graph, tensors).variable
    sizes = {n for n in variable if operation(n).startswith("sym_size")}
    later: set[fx.Node] = set()
    for one in trace.graph.nodes:
        if any(source is node or source in later for source in one.all_input_nodes):
            later.add(one)
    beside = [
        one
        for one in trace.graph.nodes
        if one in variable - later - sizes - {node} and any(user in later for user in one.users)
    ]
    for one in beside:
        if one.meta["shape"] is None or one.meta["shape"][:1] != (None,):
            raise CallError(f"the network cannot be cut at {name!r}: {where(one)} goes round it")

    # the number of faces may be another one behind the cut
    counted = {one: (node, _count) for one in sizes if one not in later}
    upper = Steps(trace.graph, [trace.images], [node, *beside])
    lower = Steps(trace.graph, [node, *beside], [scores], counted)
    as_maps, as_result = (
        (layer.as_maps, layer.as_result) if node is layer.maps else (_itself, _itself)
    )

    def before(images: Tensor) -> list[Tensor]:
        maps, *others = upper([images.to(device, dtype)], tensors)
        return [as_maps(maps), *others]

    def behind(maps: Tensor, *others: Tensor) -> Tensor:
        (found,) = lower([as_result(maps), *others], tensors)
        answered: Tensor = found
        return answered

    if trace.batch is None:
        return Cut(before, behind)
    return Cut(_one_by_one(before), _one_by_one(behind))


def _count(maps: Tensor) -> int:
    return len(maps)


def _itself(maps: Tensor) -> Tensor:
    return maps


def _one_by_one(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function take one image after the other."""

    def each(*values: Tensor) -> Any:
        parts = [function(*one) for one in zip(*(torch.split(v, 1) for v in values), strict=True)]
        if isinstance(parts[0], Tensor):
            return torch.cat(parts)
        return [torch.cat(one) for one in zip(*parts, strict=True)]

    return each
