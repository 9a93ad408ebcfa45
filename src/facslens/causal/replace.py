"""Replace maps of a layer by their means over other faces, or by nothing."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from facslens.causal.cut import BATCH, Cut, Held, cut_at
from facslens.errors import CallError


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
    cut
        Where the network is cut.
    held
        What it holds there, for the faces.
    mean
        (unit, row, column): the mean of the maps over other faces.
    """

    cut: Cut
    held: Held
    mean: Float[Tensor, "unit row column"]

    def scores(
        self, units: Int[Tensor, " some"], values: Float[Tensor, "unit row column"]
    ) -> Float[Tensor, "image class"]:
        """Give the network's scores with the maps of some units replaced by `values`."""
        with torch.no_grad():
            return self.cut.scores(put(self.held.maps, units, values), self.held)


def rest_of(
    network: nn.Module,
    layer: str,
    images: Float[Tensor, "image channel row column"],
    others: Float[Tensor, "other channel row column"],
) -> Rest:
    """Compute a layer's maps for some faces once, and cut the network there.

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
    """
    for name, faces in (("images", images), ("others", others)):
        if len(faces) == 0:
            raise CallError(f"{name} is empty: at least one face is needed")
    cut = cut_at(network, layer, images)
    held = cut.hold(images)
    mean = torch.zeros_like(held.maps[0])
    for part in torch.split(others, BATCH):
        mean += cut.hold(part).maps.sum(dim=0)
    return Rest(cut, held, mean / len(others))
