"""Cut a network at a layer: its maps for some faces, and what the rest makes of other maps."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Int
from torch import Tensor, fx, nn

from facslens.errors import CallError
from facslens.models.adapter import choose_layers, read_calls

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
#: Numbers that pass through what follows a cut at once, unless `BATCH` faces have more.
VALUES: Final = 2**21


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


@dataclass(frozen=True)
class Held:
    """What a network holds at a cut, for some faces.

    Parameters
    ----------
    maps
        (image, unit, row, column): the maps at the cut.
    beside
        What else the rest of the network needs of these faces, one row each: what goes round the
        layer, or the faces themselves where the network could not be cut.
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
    network
        The whole network.
    module
        The module whose output the maps are: the layer's own, or a pooling right after it.
    before
        From images to the maps and to what goes round the layer; None if the network could not be
        cut.
    behind
        From maps, and what goes round, to scores: only what follows the module is computed, or the
        whole network where it could not be cut.
    """

    network: nn.Module
    module: str
    before: Callable[[Tensor], tuple[Tensor, ...]] | None
    behind: Callable[..., Tensor]

    def hold(self, images: Float[Tensor, "image channel height width"]) -> Held:
        """Compute the maps of some faces, and what else the rest of the network needs of them."""
        parts = []
        with torch.no_grad(), evaluating(self.network):
            for batch in torch.split(images, BATCH):
                maps, *beside = self.before(batch) if self.before else self._listened(batch)
                parts.append((maps, *beside, self._behind(maps, beside)))
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
        with evaluating(self.network):
            parts = [self._behind(m, beside) for m, *beside in zip(*sources, strict=True)]
        return torch.cat(parts)

    def _behind(self, maps: Tensor, beside: list[Tensor]) -> Tensor:
        # copies: a later step may change what it is given in place
        return self.behind(maps.clone(), *(values.clone() for values in beside))

    def _listened(self, images: Tensor) -> tuple[Tensor, Tensor]:
        found: list[Tensor] = []

        def keep(maps: Tensor) -> Tensor:
            found.append(maps.clone())
            return maps

        with replaced(self.network, self.module, keep):
            self.network(images)
        return found[0], images


def cut_at(
    network: nn.Module, layer: str, images: Float[Tensor, "image channel height width"]
) -> Cut:
    """Cut a network at a layer.

    Parameters
    ----------
    network
        Any network that gives scores (image, class); it is not changed.
    layer
        Name of a convolution layer.
    images
        Faces on which the cut is tried, at least one.

    Raises
    ------
    CallError
        If there is no such layer, no face, or no scores.

    Notes
    -----
    Both parts are taken from the network's traced graph. The cut lies after poolings that directly
    follow the layer, since these process every map by itself. The parts are used only if together
    they give the scores of the whole network on these faces.
    """
    if len(images) == 0:
        raise CallError("images is empty: at least one face is needed")
    module = choose_layers(network, [layer])[layer]
    some = images[:BATCH]
    with torch.no_grad(), evaluating(network):
        scores = network(some)
        if not isinstance(scores, Tensor) or scores.ndim != 2:
            shape = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
            raise CallError(f"the network gives {shape}: needs scores (image, class)")
        cut = _split(network, module)
        if cut is not None and _gives(cut, some, scores):
            return cut

    def whole(maps: Tensor, faces: Tensor) -> Tensor:
        with replaced(network, module, lambda _maps: maps):
            found: Tensor = network(faces)
        return found

    return Cut(network, module, None, whole)


def _gives(cut: Cut, images: Tensor, scores: Tensor) -> bool:
    """Tell whether a cut network gives the scores of the whole one."""
    assert cut.before is not None
    rows = [
        values.shape[:1] if isinstance(values, Tensor) else None for values in cut.before(images)
    ]
    if any(count != images.shape[:1] for count in rows):
        return False
    return torch.allclose(cut.hold(images).scores, scores, rtol=1e-4, atol=1e-5)


def _split(network: nn.Module, module: str) -> Cut | None:
    """Split the graph at the last place where the maps stand alone; None where that fails."""
    graph = read_calls(network)
    calls = [] if graph is None else [n for n in graph.nodes if n.target == module]
    inputs = [] if graph is None else [n for n in graph.nodes if n.op == "placeholder"]
    if graph is None or len(calls) != 1 or len(inputs) != 1:
        return None
    (node,) = calls
    while len(node.users) == 1:
        (user,) = node.users
        alone = sum(n.target == user.target for n in graph.nodes) == 1
        if user.op != "call_module" or not alone:
            break
        if not isinstance(network.get_submodule(str(user.target)), _MAP_BY_MAP):
            break
        node = user
    later: set[fx.Node] = set()
    for one in graph.nodes:
        if one is not node and any(
            source is node or source in later for source in one.all_input_nodes
        ):
            later.add(one)
    beside = [
        one
        for one in graph.nodes
        if one is not node
        and one not in later
        and one.op != "get_attr"
        and any(user in later for user in one.users)
    ]
    before, behind = fx.Graph(), fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for one in graph.nodes:
        if one not in later and one.op != "output":
            copies[one] = before.node_copy(one, copies.__getitem__)
    before.output(tuple(copies[one] for one in (node, *beside)))
    copies = {
        one: behind.placeholder(f"given_{place}") for place, one in enumerate((node, *beside))
    }
    for one in graph.nodes:
        if one in later or (one.op == "get_attr" and one not in copies):
            copies[one] = behind.node_copy(one, copies.__getitem__)
    if not any(one.op == "output" for one in behind.nodes):
        return None
    modules = [fx.GraphModule(network, made) for made in (before, behind)]
    for part in modules:
        part.graph.eliminate_dead_code()
        part.recompile()
    return Cut(network, str(node.target), *modules)
