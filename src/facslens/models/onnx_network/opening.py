"""Open an ONNX file as a model."""

from collections.abc import Sequence
from pathlib import Path

from facslens.errors import CallError
from facslens.models.model import Model
from facslens.models.onnx_network.file import OnnxFile, read_file
from facslens.models.onnx_network.network import OnnxNetwork
from facslens.models.onnx_network.said import (
    channels_last,
    find_answer,
    no_input,
    noted_labels,
    own_labels,
    own_notes,
)
from facslens.models.opening.class_names import class_names
from facslens.models.opening.open import tried
from facslens.models.opening.output import KINDS, find_output
from facslens.preprocess.input import Input, parse_input


def open_onnx(
    path: str | Path,
    input: Input | str | None = None,  # noqa: A002  the word of every other call
    expressions: Sequence[str] | None = None,
    output: str | None = None,
) -> Model:
    """Open an ONNX file as a model, which ONNX Runtime runs.

    Its layers can be recorded, experimented on and associated, and it reads faces. What takes its
    steps one by one, such as a projection, is refused.

    Parameters
    ----------
    path
        The file. Data beside it are read, too.
    input
        What it reads of a picture, or the name of that. A file of ``facslens export`` says so
        itself.
    expressions
        The names of its classes, in the order of its scores; None where its metadata hold them.
    output
        The name of the result that scores the classes, or of a head of ``facslens export``; what
        its numbers are, one of `facslens.models.opening.output.KINDS`; or both with a colon
        between. None takes the only result, or the first head.

    Returns
    -------
    Model
        `Model.opened` notes where it came from, the SHA-256 of the file, the name of the answer,
        and what was found out and not said.

    Raises
    ------
    CallError
        If the extra ``export`` is not installed, the file holds what cannot be opened exactly, or
        it does not say what has to be known of it.
    ArtifactError
        If the file is missing or damaged, or ONNX Runtime does not run it.
    """
    file = read_file(Path(path))
    own = own_notes(file)
    reads = parse_input(input) if isinstance(input, str) else input
    if own is not None and reads not in (None, own.input):
        raise CallError(
            f"{file.path} was written by `facslens export` and reads {own.input.name}: leave input "
            f"out"
        )
    reads = own.input if own is not None else reads
    if reads is None:
        raise no_input(file)
    part, numbers = _said(output, file)
    answer, notes = find_answer(file, part, own)
    network = OnnxNetwork(
        file,
        answer,
        reads.shape,
        channels_last=channels_last(file, reads.shape),
        prefix=own.prefix if own is not None else "",
    )
    labels = own_labels(own, part) if own is not None else None
    names = expressions or labels or noted_labels(file)
    if names is None:
        raise CallError(
            f"{file.path} does not name its {network.classes} classes: say expressions, in the "
            f"order of its scores"
        )
    known = class_names(names)
    numbers = "logits" if notes and numbers == "probabilities" else numbers
    found = find_output(tried(network, reads), numbers, known, lambda _part: network.last)
    network.scores = KINDS[found.numbers].scores
    opened = {
        "network": str(path),
        "files": {str(path): file.sha256},
        "class": "ONNX",
        "output": f"{answer}:{found.numbers}",
        "notes": [*notes, *found.notes],
    }
    scale = KINDS[found.numbers].scale
    return Model(network, "onnx", reads, known, scale=scale, opened=opened)


def _said(output: str | None, file: OnnxFile) -> tuple[str | None, str | None]:
    """Tell which result a call names, and what it says of its numbers."""
    if output is None or output in file.outputs:
        return output, None
    part, _, numbers = output.rpartition(":")
    return (part or None, numbers) if numbers in KINDS else (output, None)
