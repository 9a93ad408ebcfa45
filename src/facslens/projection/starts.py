"""Where projections start, and what came of some of them."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from facslens.errors import CallError
from facslens.models.reading.layers import Layer
from facslens.projection.windowed.windows import Windows


@dataclass(frozen=True)
class Part:
    """Some projections.

    Parameters
    ----------
    pairs
        Which of the pairs of a face and a unit these are.
    response, location
        Of each; a location is (−1, −1) where the response is not above 0.
    values
        The projections inside of their windows; 0 where there is no location.
    windows
        Where in the image these lie.
    """

    pairs: Int[np.ndarray, " pair"]
    response: Float[Tensor, " pair"]
    location: Int[np.ndarray, "pair 2"]
    values: Float[Tensor, "pair height width channel"]
    windows: Windows


def check_starts(
    layer: Layer, units: Int[np.ndarray, " pair"], locations: Int[np.ndarray, "pair 2"] | None
) -> None:
    """Refuse units and locations that a layer has not.

    Raises
    ------
    CallError
        If there is such a unit, or a location that is neither in the map nor (−1, −1).
    """
    unknown = units[(units < 0) | (units >= layer.units)]
    if len(unknown):
        raise CallError(f"units has {unknown[0]}: the layer has units 0 to {layer.units - 1}")
    if locations is None:
        return
    inside = ((locations >= 0) & (locations < (layer.rows, layer.columns))).all(1)
    wrong = locations[~(inside | (locations == -1).all(1))]
    if len(wrong):
        row, column = wrong[0]
        raise CallError(
            f"locations has ({row}, {column}): the layer's maps are {layer.rows}×{layer.columns}"
        )


def read_responses(
    maps: Float[Tensor, "image unit map_row map_column"],
    of: Int[np.ndarray, " pair"],
    units: Int[np.ndarray, " pair"],
    locations: Int[np.ndarray, "pair 2"] | None,
) -> tuple[Float[Tensor, " pair"], Int[np.ndarray, "pair 2"]]:
    """Give each pair's response and where it is: by default the maximum, the first on a tie.

    Parameters
    ----------
    maps
        Of some images.
    of, units
        Which image's map of which unit each pair is.
    locations
        Where to read; the response at (−1, −1) is 0.

    Returns
    -------
    response, place
        The place is that of the maximum even where the response is not above 0: see `fired`.
    """
    columns = maps.shape[3]
    chosen = maps.detach()[of, units].flatten(1).cpu()
    if locations is None:
        flat = chosen.argmax(1)  # documented to be the first on a tie
        asked = torch.ones_like(flat, dtype=torch.bool)
    else:
        asked = torch.from_numpy(locations[:, 0] >= 0)
        flat = torch.from_numpy(locations.astype(np.int64) @ (columns, 1)) * asked
    response = chosen.gather(1, flat[:, None])[:, 0] * asked
    place = torch.stack([flat // columns, flat % columns], dim=1).numpy()
    if chosen.isnan().any():
        raise CallError("the network answers NaN: its weights or its input hold NaN")
    return response, place


def fired(
    response: Float[Tensor, " pair"], place: Int[np.ndarray, "pair 2"]
) -> Int[np.ndarray, "pair 2"]:
    """Give the places of responses; (−1, −1) where one is not above 0.

    Raises
    ------
    CallError
        If a response is NaN.
    """
    if response.isnan().any():
        raise CallError("the network answers NaN: its weights or its input hold NaN")
    return np.where(response.cpu().numpy()[:, None] > 0, place, -1).astype(np.int16)
