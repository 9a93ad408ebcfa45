"""Test whether projections depend on the weights: cascading randomisation [adebayo2018]_."""

import copy
from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from facslens.errors import CallError
from facslens.models.reading.reading import read_alike
from facslens.progress import Report, silent
from facslens.projection.agreement import edges, rank_correlation, ssim
from facslens.projection.deconvnet import project_units
from facslens.projection.rules import RULES

#: Columns of `randomisation_table`, in order.
COLUMNS: Final = (
    "layer", "rule", "randomised", "n_layers", "n", "n_silent", "n_undefined",
    "ssim", "rank_correlation", "ssim_edges", "rank_correlation_edges",
)  # fmt: skip
#: What the rules are compared with: the edges of the image, which do not depend on weights.
EDGES: Final = "edges"
#: The first step of a cascade.
NOTHING: Final = "nothing"


def cascade(network: nn.Module, layer: str, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Give copies of a network in which more and more modules have new random weights.

    Parameters
    ----------
    network
        Any network; it is not changed.
    layer
        The layer that is projected. Later layers do not affect a projection, so the cascade
        begins with this one and continues towards the image.
    seed
        Of the new weights.

    Yields
    ------
    str, Module
        Name of the last module that was randomised, and the network; first `NOTHING` and an
        unchanged copy.

    Raises
    ------
    CallError
        If there is no such layer.

    Notes
    -----
    Weights are drawn by ``reset_parameters``, as PyTorch does when a module is made; modules
    without this method are not changed. The order is that of their registration.

    References
    ----------
    [adebayo2018]_
    """
    names = [n for n, m in network.named_modules() if hasattr(m, "reset_parameters")]
    if layer not in names:
        raise CallError(
            f"layer is {layer!r}, which is no module whose weights can be drawn: it has "
            f"{', '.join(names)}"
        )
    copied = _copied(network)
    yield NOTHING, copied
    for number, name in enumerate(reversed(names[: names.index(layer) + 1])):
        copied = _copied(copied)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + number)
            copied.get_submodule(name).reset_parameters()  # type: ignore[operator]
        yield name, copied


def _copied(network: nn.Module) -> nn.Module:
    """Copy a network, without having to read the copy again."""
    copied = copy.deepcopy(network)
    read_alike(copied, network)
    return copied


def randomisation_table(
    network: nn.Module,
    images: Float[Tensor, "projection channel row column"],
    layer: str,
    units: Int[np.ndarray, " projection"],
    locations: Int[np.ndarray, "projection 2"] | None = None,
    *,
    seed: int,
    seeds: int = 3,
    progress: Report = silent,
) -> pd.DataFrame:
    """Compare projections of a network with randomised weights with those of the trained network.

    Parameters
    ----------
    network
        Any trained network.
    images
        (projection, channel, row, column) as the network reads them, one per projection.
    layer
        Name of the convolution layer that is projected.
    units
        (projection,): the unit of each projection.
    locations
        (projection, 2): where each starts; by default the trained unit's maximum. The
        randomised networks start there, too, since otherwise a picture that has only moved
        would count as different.
    seed
        Of the random weights.
    seeds
        Number of drawings of the random weights, which are averaged.
    progress
        Called after every step of a cascade.

    Returns
    -------
    pandas.DataFrame
        One row for every step of the cascade and every rule, and ``edges``, with the columns of
        `COLUMNS`. Pictures are the absolute values within the window that the location sees,
        summed over channels and divided by their maximum. ``ssim`` and ``rank_correlation``
        compare them with the trained network's pictures, the columns ending in ``_edges``
        with the image's edges in that window; all are means. ``n`` counts pictures over
        projections and seeds; ``n_silent`` of them are discarded because the unit with random
        weights does not respond there, and ``n_undefined`` have no rank correlation because
        a picture is flat.

    Raises
    ------
    CallError
        If there is no projection or seed, or as in `project_units`.

    Notes
    -----
    For a rule that depends on the weights the values are small once the weights are random.
    ``edges`` depends on the image alone, so that it stays at 1 [adebayo2018]_; a rule that gives
    pictures close to edges recovers these whatever the weights [nie2018]_.

    References
    ----------
    [adebayo2018]_, [nie2018]_, [wang2004]_
    """
    if len(images) == 0 or seeds < 1:
        raise CallError(
            f"images has {len(images)} projections and seeds is {seeds}: needs 1 or more of each"
        )
    start = project_units(network, images, layer, units, locations, rule="gradient")
    windows = start.window
    outlines = [
        None if here else _picture(np.stack([edges(c) for c in image]).sum(axis=0), w)
        for image, w, here in zip(images.double().numpy(), windows, start.silent, strict=True)
    ]
    steps = [name for name, _ in cascade(network, layer, 0)]
    rules = (*RULES, EDGES)
    found: dict[tuple[str, int], list[tuple[float, ...]]] = {
        (rule, step): [] for rule in rules for step in range(len(steps))
    }
    quiet = dict.fromkeys(found, 0)
    trained: dict[str, list[np.ndarray | None]] = {EDGES: outlines}
    for drawing in range(seeds):
        weights = cascade(network, layer, 1000 * (seeds * seed + drawing))
        for step, (_, changed) in enumerate(weights):
            for rule in rules:
                if rule == EDGES:
                    pictures: list[np.ndarray | None] = outlines
                else:
                    projected = project_units(
                        changed, images, layer, units, start.location, rule=rule
                    )
                    pictures = [
                        None if silent_here else _picture(image, w)
                        for image, w, silent_here in zip(
                            np.abs(projected.image).sum(axis=1),
                            windows,
                            projected.silent,
                            strict=True,
                        )
                    ]
                trained.setdefault(rule, pictures)  # step 0 of the first seed is the trained one
                for picture, own, outline in zip(pictures, trained[rule], outlines, strict=True):
                    if picture is None or own is None or outline is None:
                        quiet[rule, step] += 1
                    else:
                        found[rule, step].append(_alike(picture, own) + _alike(picture, outline))
            progress(drawing * len(steps) + step + 1, seeds * len(steps), layer)
    rows = []
    for (rule, step), values in found.items():
        matrix = np.array(values).reshape(-1, 4)
        silent_here = quiet[rule, step]
        undefined = int(np.isnan(matrix[:, [1, 3]]).any(axis=1).sum())
        counts = (len(matrix) + silent_here, silent_here, undefined)
        rows.append([layer, rule, steps[step], step, *counts, *_means(matrix)])
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _alike(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    return ssim(one, other), rank_correlation(one, other)


def _means(matrix: Float[np.ndarray, "picture measure"]) -> list[float]:
    defined = [column[~np.isnan(column)] for column in matrix.T]
    return [float(column.mean()) if len(column) else float("nan") for column in defined]


def _picture(
    values: Float[np.ndarray, "row column"], window: Int[np.ndarray, "4"]
) -> Float[np.ndarray, "height width"]:
    top, left, bottom, right = (int(edge) for edge in window)
    cut: Float[np.ndarray, "height width"] = np.abs(values[top:bottom, left:right]).astype(float)
    return cut / (cut.max() or 1.0)
