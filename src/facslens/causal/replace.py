"""Replace maps of a layer, and compute what the rest of the network makes of them."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import torch
from jaxtyping import Float, Int
from torch import Tensor, fx, nn

from facslens.errors import CallError
from facslens.models.adapter import choose_layers, read_calls
from facslens.responses.recorder import capture

#: Modules that process every map by itself, so that maps can also be replaced after them.
_MAP_BY_MAP: Final = (
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.Identity,
)
#: Faces that pass through the network at once.
BATCH: Final = 64


@contextlib.contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Keep a network in evaluation mode; afterwards every train flag is restored."""
    flags = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in flags.items():
            module.training = training


@contextlib.contextmanager
def replaced(network: nn.Module, module: str, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Change the output of one module within the block.

    Inside the block the network is in evaluation mode. At the end, also after an exception, the
    hook is removed and every module's train flag is restored.

    Parameters
    ----------
    network
        Any network.
    module
        Name of the module, as `facslens.models.adapter.unit_layers` gives it.
    change
        From its maps (image, unit, row, column) to those that replace them.

    Examples
    --------
    >>> network = nn.Sequential(nn.Identity(), nn.Flatten())
    >>> with replaced(network, "0", lambda maps: maps + 1):
    ...     network(torch.zeros(1, 1, 1, 1)).item()
    1.0
    >>> network(torch.zeros(1, 1, 1, 1)).item()
    0.0
    """
    handle = network.get_submodule(module).register_forward_hook(
        lambda _module, _inputs, output: change(output)
    )
    try:
        with evaluating(network):
            yield
    finally:
        handle.remove()


def put(
    maps: Float[Tensor, "image unit row column"],
    units: Int[Tensor, " some"],
    values: Float[Tensor, "unit row column"],
) -> Float[Tensor, "image unit row column"]:
    """Give a copy of maps in which some units' maps are those of `values`, for every image.

    Examples
    --------
    >>> put(torch.ones(1, 2, 1, 1), torch.tensor([1]), torch.zeros(2, 1, 1)).flatten().tolist()
    [1.0, 0.0]
    """
    changed = maps.clone()
    changed[:, units] = values[units]
    return changed


@dataclass(frozen=True)
class Rest:
    """Some faces' maps of a layer, and the part of the network that follows.

    Parameters
    ----------
    network
        The whole network.
    module
        The module whose output the maps are: the layer's own, or a pooling right after it.
    images
        (image, channel, row, column): the faces.
    maps
        (image, unit, row, column): their maps at the module.
    mean
        (unit, row, column): the mean of the maps over other faces.
    behind
        From images and maps to scores, computing only what follows the module; None if that part
        could not be separated, so that every call of `scores` computes the whole network.
    """

    network: nn.Module
    module: str
    images: Float[Tensor, "image channel height width"]
    maps: Float[Tensor, "image unit row column"]
    mean: Float[Tensor, "unit row column"]
    behind: Callable[[Tensor, Tensor], Tensor] | None

    def scores(
        self, units: Int[Tensor, " some"], values: Float[Tensor, "unit row column"]
    ) -> Float[Tensor, "image class"]:
        """Give the network's scores with the maps of some units replaced by `values`."""
        behind = self.behind or self._whole
        with torch.inference_mode(), evaluating(self.network):
            parts = [
                behind(images, put(maps, units, values))
                for images, maps in zip(
                    torch.split(self.images, BATCH), torch.split(self.maps, BATCH), strict=True
                )
            ]
        return torch.cat(parts)

    def _whole(self, images: Tensor, maps: Tensor) -> Tensor:
        with replaced(self.network, self.module, lambda _maps: maps):
            scores: Tensor = self.network(images)
        return scores


def rest_of(
    network: nn.Module,
    layer: str,
    images: Float[Tensor, "image channel row column"],
    others: Float[Tensor, "other channel row column"],
) -> Rest:
    """Compute a layer's maps for some faces once, and separate the part of the network after it.

    Parameters
    ----------
    network
        Any network that gives scores (image, class); it is not changed.
    layer
        Name of a convolution layer.
    images
        The faces whose scores will be asked for, at least one.
    others
        The faces over which the mean map of every unit is taken, at least one.

    Raises
    ------
    CallError
        If there is no such layer, no face, or no scores.

    Notes
    -----
    The part after the layer is taken from the network's traced graph. It begins after poolings
    that directly follow the layer, since these process every map by itself. It is used only if it
    gives the scores of the whole network on these faces.
    """
    for name, faces in (("images", images), ("others", others)):
        if len(faces) == 0:
            raise CallError(f"{name} is empty: at least one face is needed")
    module = choose_layers(network, [layer])[layer]
    place, behind = _cut(network, module)
    maps, scores = _pass(network, place, images)
    mean = torch.zeros_like(maps[0])
    for part in torch.split(others, BATCH):
        mean += _pass(network, place, part)[0].sum(dim=0)
    rest = Rest(network, place, images, maps, mean / len(others), behind)
    none = torch.zeros(0, dtype=torch.long)
    if behind and not torch.allclose(rest.scores(none, mean), scores, rtol=1e-4, atol=1e-5):
        return replace(rest, behind=None)
    return rest


def _pass(network: nn.Module, module: str, images: Tensor) -> tuple[Tensor, Tensor]:
    maps, scores = [], []
    with capture(network, {"": module}) as found, torch.inference_mode():
        for part in torch.split(images, BATCH):
            scores.append(network(part))
            maps.append(found[""])
    if scores[0].ndim != 2:
        raise CallError(f"the network gives {tuple(scores[0].shape)}: needs scores (image, class)")
    return torch.cat(maps), torch.cat(scores)


def _cut(network: nn.Module, module: str) -> tuple[str, Callable[[Tensor, Tensor], Tensor] | None]:
    """Find the last place where the maps stand alone, and what is computed from there."""
    graph = read_calls(network)
    calls = [] if graph is None else [n for n in graph.nodes if n.target == module]
    inputs = [] if graph is None else [n for n in graph.nodes if n.op == "placeholder"]
    if graph is None or len(calls) != 1 or len(inputs) != 1:
        return module, None
    (node,) = calls
    while len(node.users) == 1:
        (user,) = node.users
        alone = sum(n.target == user.target for n in graph.nodes) == 1
        if user.op != "call_module" or not alone:
            break
        if not isinstance(network.get_submodule(str(user.target)), _MAP_BY_MAP):
            break
        node = user
    with graph.inserting_after(inputs[0]):
        given = graph.placeholder("maps")
    place = str(node.target)
    node.replace_all_uses_with(given)
    graph.erase_node(node)
    behind = fx.GraphModule(network, graph)
    behind.graph.eliminate_dead_code()
    behind.recompile()
    return place, behind
