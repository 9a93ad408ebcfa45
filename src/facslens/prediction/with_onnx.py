"""Networks that ONNX Runtime runs, without PyTorch."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from facslens.datasets.labels import EXPRESSIONS
from facslens.errors import ArtifactError, CallError
from facslens.prediction.evidence import Evidence, evidence_in
from facslens.prediction.network import Answers, Network
from facslens.preprocess.input import Input, noted_input
from facslens.shapes import UInt8

#: As in `facslens.models.export`, which this module must not import: it needs PyTorch.
METADATA: Final = "facslens"


def read_onnx(content: bytes, source: str | Path, labels: str | None = None) -> Network:
    """Make a network of a file that ``facslens export`` wrote.

    Parameters
    ----------
    content
        The file's bytes.
    source
        Where they come from, for messages.
    labels
        The name of a head; None takes the first.

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
    known = _metadata(session, source)
    chosen = next(iter(known.labels)) if labels is None else labels
    if chosen not in known.labels:
        heads = ", ".join(known.labels)
        raise CallError(f"labels is {chosen!r}: expected one of {heads}, the heads of {source}")
    wanted = [f"probabilities_{chosen}"] + (["responses"] if known.layer else [])

    def read(faces: UInt8[np.ndarray, "face row column *rgb"]) -> Answers:
        levels = faces.astype(np.float32) / np.float32(255)
        levels = levels[:, None] if known.input.channels == 1 else np.moveaxis(levels, 3, 1)
        found = session.run(wanted, {"faces": levels})
        return Answers(found[0], found[1] if len(found) > 1 else np.zeros((len(faces), 0), "f4"))

    return Network(known.labels[chosen], known.input, read, known.layer, known.evidence)


@dataclass(frozen=True)
class _Known:
    """What the exporter wrote beside the network."""

    input: Input
    labels: dict[str, tuple[str, ...]]
    layer: str | None
    evidence: tuple[Evidence, ...]


def _metadata(session: Any, source: str | Path) -> _Known:
    """Read what the exporter wrote, and find that it is not of this network."""
    try:
        content = json.loads(session.get_modelmeta().custom_metadata_map[METADATA])
    except (KeyError, ValueError, RecursionError):  # not there; no UTF-8, no JSON, without end
        content = None
    if not isinstance(content, dict) or {"labels", "layer", "evidence"} - set(content):
        raise ArtifactError(
            f"{source} is an ONNX file of another network: expected one that "
            f"`facslens export` wrote"
        )
    try:
        reads = noted_input(content)
    except CallError as error:
        raise ArtifactError(f"{source} does not say what the network reads: {error}") from error
    labels, layer = content["labels"], content["layer"]
    faults = {
        "labels": not isinstance(labels, dict)
        or not labels
        or not all(map(_are_expressions, labels.values())),
        "layer": not isinstance(layer, str | None) or layer == "",
        "evidence": not isinstance(content["evidence"], list)
        or not all(isinstance(entry, dict) for entry in content["evidence"]),
    }
    for name in (name for name, wrong in faults.items() if wrong):
        raise ArtifactError(
            f"{source} does not say its {name} as `facslens export` writes them: export it again"
        )
    evidence = evidence_in(content["evidence"], source)
    heads = {head: tuple(names) for head, names in labels.items()}
    known = _Known(reads, heads, layer, evidence)
    _check(session, known, source)
    return known


def _are_expressions(names: object) -> bool:
    """Tell whether something is a list of two expressions or more, each once."""
    if not isinstance(names, list) or not all(name in EXPRESSIONS for name in names):
        return False
    return len(set(names)) == len(names) >= 2


def _check(session: Any, known: _Known, source: str | Path) -> None:
    """Let the network read a black face, and find that it does not give what is said of it."""
    for one in known.evidence:
        if one.layer != known.layer:
            raise ArtifactError(
                f"{source} has evidence of the layer {one.layer!r}, not of {known.layer!r}, whose "
                f"responses it gives"
            )
    heads = [f"probabilities_{head}" for head in known.labels]
    names = heads + (["responses"] if known.layer else [])
    face = np.zeros((1, *known.input.shape), np.float32)
    try:
        found = session.run(names, {"faces": face})
    except Exception as error:  # its errors have no common base
        reason = str(error).splitlines()[0][:200]
        raise ArtifactError(f"{source} cannot read a face of its size: {reason}") from error
    shapes = {name: np.shape(part) for name, part in zip(names, found, strict=True)}
    for head, labels in zip(heads, known.labels.values(), strict=True):
        if shapes[head] != (1, len(labels)):
            raise ArtifactError(
                f"{source} gives {head} of the shape {shapes[head]} for one face: "
                f"expected {(1, len(labels))}"
            )
    least = 1 + max((one.unit for one in known.evidence if one.unit is not None), default=0)
    units = shapes.get("responses", (1, least))
    if len(units) != 2 or units[0] != 1 or units[1] < least:
        raise ArtifactError(
            f"{source} gives responses of the shape {units} for one face: expected one row of "
            f"{least} units or more"
        )
