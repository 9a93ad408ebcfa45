"""Write a network as an ONNX file that maps pictures to probabilities and responses."""

import contextlib
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from facslens.artifacts import atomic
from facslens.errors import CallError
from facslens.models.reading.with_maps import WithMaps
from facslens.models.seal import SEAL, UNSEALED, sealed
from facslens.preprocess import normalise
from facslens.preprocess.input import Input

#: Key of the metadata that hold labels, layer and evidence as JSON.
METADATA: Final = "facslens"


class Reader(nn.Module):
    """A network that maps levels to probabilities, and to the responses of one layer.

    Parameters
    ----------
    network
        Takes faces as `facslens.preprocess.normalise.as_read` gives them.
    into
        What it reads.
    heads
        How many of its scores belong to each head, in their order.
    layer
        The convolution layer whose responses are wanted; None gives no responses.

    Raises
    ------
    CallError
        If there is no such layer, or the network cannot be read.
    """

    def __init__(
        self, network: nn.Module, into: Input, heads: Sequence[int], layer: str | None
    ) -> None:
        super().__init__()
        self.into = into
        self.heads = list(heads)
        self.network = network if layer is None else WithMaps(network, layer, into.shape)
        self.layer = layer

    def forward(self, faces: Float[Tensor, "face channel row column"]) -> tuple[Tensor, ...]:
        """Give the probabilities of each head, and then the responses (face, unit).

        Parameters
        ----------
        faces
            Levels in [0, 1]; colours are RGB.
        """
        found = self.network(normalise.as_read(faces, self.into))
        scores, *maps = found if self.layer is not None else (found,)
        probabilities = [torch.softmax(part, dim=1) for part in scores.split(self.heads, dim=1)]
        return (*probabilities, *(m.amax(dim=(2, 3)) for m in maps))


def export_onnx(
    network: nn.Module,
    path: Path,
    *,
    into: Input,
    labels: Mapping[str, Sequence[str]],
    layer: str | None = None,
    evidence: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write a network as one ONNX file.

    The file takes ``faces`` (face, channel, row, column), float32 levels in [0, 1] of crops as
    `facslens.preprocess.crop` makes them, grey or RGB, and gives for each head
    ``probabilities_<head>`` (face, expression), then ``responses`` (face, unit) where a layer is
    named. Its metadata hold, as JSON under `METADATA`, the name of the input, the label names, the
    layer and the evidence.

    Parameters
    ----------
    network
        In evaluation mode.
    path
        The file to write.
    into
        What the network reads.
    labels
        The expressions of each head, in the order of the network's scores.
    layer
        Of the responses.
    evidence
        The evidence of this layer's units, as plain values.

    Raises
    ------
    CallError
        If the extra ``export`` is not installed, or there is no such layer.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401 - what torch's exporter needs
    except ImportError as error:
        raise CallError(
            f"writing ONNX needs {error.name}: install it with pip install 'facslens[export]'"
        ) from error
    reader = Reader(network, into, [len(names) for names in labels.values()], layer).eval()
    outputs = [f"probabilities_{head}" for head in labels]
    if layer is not None:
        outputs.append("responses")
    faces = torch.zeros(2, *into.shape)
    with torch.inference_mode(), _quiet():
        program = torch.onnx.export(
            reader,
            (faces,),
            input_names=["faces"],
            output_names=outputs,
            dynamic_shapes={"faces": {0: torch.export.Dim("face", min=1)}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    known = {
        "input": into.name,
        "labels": {head: list(names) for head, names in labels.items()},
        "layer": layer,
        "evidence": list(evidence),
    }
    properties = {METADATA: json.dumps(known), SEAL: UNSEALED}
    onnx.helper.set_model_props(model, properties)
    with atomic(path) as temporary:
        temporary.write_bytes(sealed(model.SerializeToString()))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter about packages that are not installed and not needed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)
