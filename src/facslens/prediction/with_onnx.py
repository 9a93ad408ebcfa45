"""Networks that ONNX Runtime runs; PyTorch is not imported."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import UInt8

from facslens.errors import ArtifactError, CallError
from facslens.prediction.evidence import Evidence
from facslens.prediction.network import Answers, Network

#: As in `facslens.models.export`, which this module must not import: it needs PyTorch.
METADATA: Final = "facslens"


def read_onnx(content: bytes, source: str | Path, labels: str | None = None) -> Network:
    """Make a network of what ``facslens export`` wrote.

    Parameters
    ----------
    content
        The file's bytes.
    source
        Where they come from, for messages.
    labels
        Which head, by name; None takes the first.

    Raises
    ------
    CallError
        If ONNX Runtime is not installed, or there is no such head.
    ArtifactError
        If the bytes are no ONNX model, or one that something else wrote.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise CallError(
            "running ONNX needs onnxruntime: install it with pip install 'facslens[photos]', "
            "or choose the runtime torch"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a face takes a millisecond or two: threads cost more
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        reason = str(error).splitlines()[0][:200]
        raise ArtifactError(f"{source} is no readable ONNX model: {reason}") from error
    known = _metadata(session.get_modelmeta().custom_metadata_map, source)
    heads: dict[str, list[str]] = known["labels"]
    chosen = next(iter(heads)) if labels is None else labels
    if chosen not in heads:
        raise CallError(
            f"labels is {chosen!r}: expected one of {', '.join(heads)}, the heads of {source}"
        )
    wanted = [f"probabilities_{chosen}"] + (["responses"] if known["layer"] else [])

    def read(faces: UInt8[np.ndarray, "face row column"]) -> Answers:
        levels = faces[:, None].astype(np.float32) / np.float32(255)
        found = session.run(wanted, {"faces": levels})
        return Answers(found[0], found[1] if len(found) > 1 else np.zeros((len(faces), 0), "f4"))

    return Network(
        expressions=tuple(heads[chosen]),
        size=known["size"],
        read=read,
        layer=known["layer"],
        evidence=tuple(Evidence.of(entry) for entry in known["evidence"]),
    )


def _metadata(properties: dict[str, str], source: str | Path) -> dict[str, Any]:
    """Read what the exporter left, or find that another program wrote the file."""
    try:
        known = json.loads(properties[METADATA])
        missing = {"size", "labels", "layer", "evidence"} - set(known)
    except (KeyError, ValueError, TypeError):
        missing = {METADATA}
    if missing:
        raise ArtifactError(
            f"{source} is an ONNX file of another network: expected one that "
            f"`facslens export` wrote"
        )
    return dict(known)
