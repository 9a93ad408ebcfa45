"""Random mixtures of a layer's units, to compare single units with."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from facslens.datasets.base import Faces
from facslens.directions.rotation import random_rotation
from facslens.errors import CallError
from facslens.models.model import Model
from facslens.preprocess import normalise


def rotated(
    model: Model,
    faces: Faces,
    layer: str,
    units: Int[np.ndarray, " unit"],
    seed: int,
    batch_size: int = 64,
) -> Float[np.ndarray, "image unit"]:
    """Give the spatial maxima of a random orthogonal mixture of a layer's maps.

    Parameters
    ----------
    model, faces
        A network, and the faces that it reads.
    layer
        Name of a convolution layer.
    units
        The units to be mixed: the live ones, since dead ones add nothing.
    seed
        Of the mixture.
    batch_size
        Faces in one forward pass.

    Returns
    -------
    numpy.ndarray
        (image, mixture) float32, with as many mixtures as units. The maximum is negative where a
        mixture's map is negative everywhere.

    Raises
    ------
    CallError
        If there is no such layer, or `units` is empty.

    Notes
    -----
    The maps are mixed at each location, before the maximum is taken: the mixtures span the same
    space as the units. If mixtures detect action units as well as units do, the layer has the
    information, but no single unit has become a detector [bau2017]_.

    References
    ----------
    [bau2017]_
    """
    if len(units) == 0:
        raise CallError(
            f"units is empty: no unit of {layer!r} is live, so that nothing can be mixed"
        )
    chosen = torch.from_numpy(np.asarray(units, dtype=np.int64))
    mixture = torch.from_numpy(random_rotation(len(units), seed)).float()

    def read(maps: Tensor) -> Tensor:
        mixed = torch.einsum("iurc,mu->imrc", maps[:, chosen], mixture)
        return mixed.amax(dim=(2, 3))

    parts = []
    name = model.reading.one(layer).name
    listener = model.reading.listener(model.network, [name], read)
    with torch.inference_mode():
        for batch in normalise.batches(list(faces.table["path"]), model.input, batch_size):
            found, _answer = listener(batch)
            parts.append(found[name].numpy())
    return np.concatenate(parts) if parts else np.zeros((0, len(units)), dtype=np.float32)
