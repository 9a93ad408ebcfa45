"""A network as a prediction uses it: it takes faces and gives probabilities and responses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from facslens.prediction.evidence import Evidence
from facslens.preprocess.input import Input
from facslens.shapes import Float, UInt8


class Answers(NamedTuple):
    """The probabilities and responses that a network gives for some faces.

    Parameters
    ----------
    probabilities
        (face, expression) float32.
    responses
        (face, unit) float32, of the layer whose units have evidence; without such a layer there
        are no columns.
    """

    probabilities: Float[np.ndarray, "face expression"]
    responses: Float[np.ndarray, "face unit"]


@dataclass(frozen=True)
class Network:
    """A network that reads crops of faces, whether PyTorch or ONNX Runtime runs it.

    Parameters
    ----------
    expressions
        In the order of the probabilities.
    input
        What it reads of a picture.
    read
        Takes crops (face, row, column) uint8 that have its size, (face, row, column, 3) where it
        reads colours. The number of faces at once changes the
        answers by no more than rounding.
    layer
        The layer of the responses, or None.
    evidence
        What is known of this layer's units, one entry an action unit.
    """

    expressions: tuple[str, ...]
    input: Input
    read: Callable[[UInt8[np.ndarray, "face row column *rgb"]], Answers]
    layer: str | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def detectors(self) -> tuple[Evidence, ...]:
        """The evidence of those action units whose unit was confirmed on unseen people."""
        return tuple(entry for entry in self.evidence if entry.status == "confirmed")
