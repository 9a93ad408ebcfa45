"""Networks that PyTorch runs: that of a run, one in the package, or a Model."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import UInt8

from facslens.models.export import Reader
from facslens.models.model import Model
from facslens.prediction.evidence import Evidence
from facslens.prediction.network import Answers, Network
from facslens.preprocess.normalise import to_levels


def read_with_torch(
    model: Model, layer: str | None = None, evidence: Sequence[Evidence] = ()
) -> Network:
    """Make a network of a model, with the evidence of the units of one layer."""
    reader = Reader(model.network, model.input, [len(model.expressions)], layer).eval()

    def read(faces: UInt8[np.ndarray, "face row column *rgb"]) -> Answers:
        with torch.inference_mode():
            levels = to_levels(faces)
            found = reader(levels.contiguous(memory_format=torch.channels_last))
        probabilities, *responses = (part.numpy() for part in found)
        return Answers(
            probabilities, responses[0] if responses else np.zeros((len(faces), 0), np.float32)
        )

    return Network(model.expressions, model.input, read, layer, tuple(evidence))
