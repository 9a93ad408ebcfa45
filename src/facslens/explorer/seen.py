"""What detectors see of drawn faces: their answers projected back to pixels, in proportion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float, UInt8

from facslens.errors import FacslensError
from facslens.explorer.projected import SIDE
from facslens.explorer.sheets import fitted, glow
from facslens.models.model import Model
from facslens.preprocess import normalise
from facslens.projection.deconvnet import project_units
from facslens.projection.windows import brightest, crop, to_grey

#: Faces that are projected at a time.
_AT_ONCE: Final = 16

Box = list[int] | None
Cut = Float[np.ndarray, "high wide"]


@dataclass(frozen=True)
class Seen:
    """Projections of some units of a layer for some faces.

    Parameters
    ----------
    pictures
        By face and unit, one after the other.
    cell
        Side of each in pixels; 0 where there is none.
    input
        Width and height of what the network reads.
    boxes
        By face and unit what the place of the response can see: top, left, bottom and right in
        the input; None where the unit did not answer.
    limits
        Of each unit the value that is shown at full strength.
    """

    pictures: list[UInt8[np.ndarray, "side side 4"]]
    cell: int
    input: list[int]
    boxes: list[list[Box]]
    limits: list[float | None]

    def described(self) -> dict[str, Any]:
        """Say what a page has to know to show them."""
        return {"cell": self.cell, "input": self.input, "boxes": self.boxes}


#: Nothing is seen: there is no network, no unit, or no rule for the layer.
NOTHING: Final = Seen([], 0, [0, 0], [], [])


def seen(
    model: Model,
    faces: Sequence[UInt8[np.ndarray, "row column *rgb"]],
    layer: str,
    units: Sequence[int],
    rule: str,
    limits: Sequence[float | None] | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Seen:
    """Project the answer of every unit to every face.

    Parameters
    ----------
    model
        The network.
    faces
        Pictures in 8 bits.
    layer, units
        The units.
    rule
        The projection rule.
    limits
        As `Seen` has them; None takes the brightest of these faces for each unit.
    pause
        Called between some faces and the next.
    """
    try:
        field = model.reading.field(layer)
        cuts, boxes = _cuts(model, faces, layer, units, rule, pause)
    except FacslensError:  # a layer in which the rules are refused
        return NOTHING
    if limits is None:
        limits = [brightest(np.stack(column)) for column in zip(*cuts, strict=True)]
    cell = min(SIDE, max(field.size))
    pictures = [
        fitted(glow(to_grey(cut, limit)), cell, cell)
        for row in cuts
        for cut, limit in zip(row, limits, strict=True)
    ]
    return Seen(pictures, cell, [model.input.width, model.input.height], boxes, list(limits))


def _cuts(
    model: Model,
    faces: Sequence[UInt8[np.ndarray, "row column *rgb"]],
    layer: str,
    units: Sequence[int],
    rule: str,
    pause: Callable[[], None],
) -> tuple[list[list[Cut]], list[list[Box]]]:
    field = model.reading.field(layer)
    levels = normalise.scaled(faces, model.input)
    own = np.array(units)
    cuts: list[list[Cut]] = []
    boxes: list[list[Box]] = []
    for first in range(0, len(levels), _AT_ONCE):
        pause()
        some = normalise.as_read(levels[first : first + _AT_ONCE], model.input)
        number = len(some)
        found = project_units(
            model.network,
            some,
            layer,
            np.tile(own, number),
            rule=rule,
            image_of=np.repeat(np.arange(number), len(own)),
        )
        image = found.image.sum(axis=1) * found.response[:, None, None]
        for face in range(number):
            row, places = [], []
            for unit in range(len(own)):
                place = face * len(own) + unit
                at = found.location[place]
                box = field.rectangle(*(max(int(index), 0) for index in at))
                row.append(crop(image[place], box))
                places.append(None if at[0] < 0 else [int(edge) for edge in box])
            cuts.append(row)
            boxes.append(places)
    return cuts, boxes
