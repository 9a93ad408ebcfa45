"""Find the pixels that a location of a layer can see, in any network."""

import copy
from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from facslens.errors import CallError
from facslens.models.receptive_field import receptive_field
from facslens.responses.recorder import capture


def windows_seen(
    network: nn.Module,
    modules: Mapping[str, str],
    locations: Int[np.ndarray, "location 2"],
    shape: tuple[int, ...],
) -> Int[np.ndarray, "location 4"]:
    """Give the rectangle of pixels that each location of a layer can see.

    Parameters
    ----------
    network
        Any network.
    modules
        Name of the one layer to the name of the module to listen to.
    locations
        (location, 2): row and column in the layer's map, or (−1, −1).
    shape
        Channels, rows and columns of the image.

    Returns
    -------
    array
        (location, 4) int32: top, left, bottom, right, half-open, clipped to the image; all
        zero where the location is (−1, −1).

    Notes
    -----
    Computed from the network's geometry (`facslens.models.receptive_field`) where possible,
    otherwise measured by `probe`.
    """
    (layer,) = modules
    window = np.zeros((len(locations), 4), dtype=np.int32)
    (some,) = np.nonzero(locations[:, 0] >= 0)
    if not len(some):
        return window
    try:
        field = receptive_field(network, layer)
    except CallError:
        seen = probe(network, modules, shape)
        for n in some:
            row, column = locations[n]
            rows, columns = np.flatnonzero(seen[0][row]), np.flatnonzero(seen[1][column])
            window[n] = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
    else:
        for n in some:
            row, column = locations[n]
            window[n] = field.window(row, column, *shape[1:])
    return window


def probe(
    network: nn.Module, modules: Mapping[str, str], shape: tuple[int, ...]
) -> tuple[Bool[np.ndarray, "map_row row"], Bool[np.ndarray, "map_column column"]]:
    """Find which image rows each map row can see, and which columns each map column.

    NaN passes through every sum, product and maximum: if one image row is all NaN, exactly those
    rows of the map that can see it become NaN, whatever the weights.

    Returns
    -------
    tuple of array
        (map row, image row) and (map column, image column): True where it is seen.

    Notes
    -----
    Needs one forward pass for each row and column of the image, on a copy in double precision on
    the CPU: faster kernels may add neighbouring pixels and subtract them again, and NaN would
    show these, too.
    """
    copied = copy.deepcopy(network).double().cpu()
    (layer,) = modules
    seen: list[list[Tensor]] = [[], []]
    with capture(copied, modules) as maps, torch.inference_mode():
        for axis in (0, 1):
            for line in range(shape[1 + axis]):
                image = torch.zeros(1, *shape, dtype=torch.float64)
                image.select(2 + axis, line).fill_(torch.nan)
                copied(image)
                hidden = maps[layer][0].isnan().any(0)
                seen[axis].append(hidden.any(1 - axis))
    rows, columns = (torch.stack(lines, dim=1).numpy() for lines in seen)
    return rows, columns
