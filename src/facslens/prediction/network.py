"""A network as prediction needs it: faces in, probabilities and responses out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from facslens.prediction.evidence import Evidence


class Answers(NamedTuple):
    """What a network says of some faces.

    Parameters
    ----------
    probabilities
        (face, expression) float32.
    responses
        (face, unit) float32: of the layer whose units have evidence; no column without one.
    """

    probabilities: Float[np.ndarray, "face expression"]
    responses: Float[np.ndarray, "face unit"]


@dataclass(frozen=True)
class Network:
    """A network that reads crops of faces, on whatever runs it.

    Parameters
    ----------
    expressions
        In the order of the probabilities.
    size
        Side of the crops in pixels.
    read
        Takes grey crops (face, size, size) uint8; how many at once makes no difference beyond
        rounding.
    layer
        The layer of the responses, or None.
    evidence
        What is known of this layer's units, one entry an action unit.
    """

    expressions: tuple[str, ...]
    size: int
    read: Callable[[UInt8[np.ndarray, "face row column"]], Answers]
    layer: str | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def detectors(self) -> tuple[Evidence, ...]:
        """What speaks for an action unit, confirmed on people who did not choose the unit."""
        return tuple(entry for entry in self.evidence if entry.status == "confirmed")
