"""The units that contributed most to the expression read in a face, projected back to pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8

from facslens.models.model import Model
from facslens.models.reading.with_maps import WithMaps
from facslens.preprocess import normalise
from facslens.projection.deconvnet import project_units


@dataclass(frozen=True)
class Decider:
    """A unit that contributed to an expression, or that detected an action unit.

    Parameters
    ----------
    layer, unit
        Which one.
    reason
        The expression that it contributed to, or the action unit that it detected.
    share
        For an expression, the unit's part of all positive contributions to its score, 0 to 1;
        for an action unit NaN.
    projection
        (row, column) float32: its response, projected back to pixels by the deconvnet rule.
    """

    layer: str
    unit: int
    reason: str
    share: float
    projection: Float[np.ndarray, "row column"]


def deciding_units(
    model: Model,
    crop: UInt8[np.ndarray, "row column *rgb"],
    expression: str,
    fired: Sequence[tuple[str, str, int]] = (),
    count: int = 3,
) -> list[Decider]:
    """Find the units of the last convolution layer that contributed most, and project them.

    A unit's contribution to the score of an expression is the sum over its map of response
    times gradient; the score is taken relative to the mean of all scores.

    Parameters
    ----------
    model
        The network that read the crop.
    crop
        What it read, in 8 bits.
    expression
        The expression that it read.
    fired
        Code, layer and unit of the action units whose detector fired; these units are projected,
        too.
    count
        Number of units to give for the expression.
    """
    face = normalise.as_read(normalise.to_levels(crop[None]), model.input)
    layer = model.reading.choose(None)[-1]
    with torch.enable_grad():
        scores, maps = WithMaps(model.network, layer, model.input.shape)(face)
        maps.retain_grad()
        target = scores[0, model.expressions.index(expression)] - scores[0].mean()
        (gradient,) = torch.autograd.grad(target, maps)
    parts = (gradient * maps).sum(dim=(0, 2, 3)).detach().numpy().clip(min=0)
    units = np.argsort(-parts, kind="stable")[:count]
    chosen = [(expression, layer, int(u), float(parts[u] / parts.sum())) for u in units if parts[u]]
    chosen += [(au, place, unit, float("nan")) for au, place, unit in fired]
    return [
        Decider(
            place,
            unit,
            reason,
            share,
            project_units(model.network, face, place, np.array([unit])).image[0].sum(axis=0),
        )
        for reason, place, unit, share in chosen
    ]
