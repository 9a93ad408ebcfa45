"""What an ONNX file says of itself: its axes, its classes, which result is its answer."""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from facslens.errors import ArtifactError, CallError
from facslens.models.export import METADATA
from facslens.models.onnx_network.file import OnnxFile
from facslens.models.reading.trace import Shape
from facslens.preprocess.input import EXAMPLES, Input, noted_input

#: Entries of metadata in which people write the names of classes.
_LABELS: Final = ("expressions", "id2label", "class_names", "classes", "labels", "names")
#: What `facslens export` puts before the names of a network's answers.
_HEAD: Final = "probabilities_"
#: What it puts before the names of layers.
_MODULE: Final = "network."


@dataclass(frozen=True)
class Own:
    """What ``facslens export`` wrote beside a network.

    Parameters
    ----------
    input
        What the file reads: levels, which it brings to what the network reads itself.
    labels
        The expressions of each head.
    prefix
        What the names of the network's layers begin with in the file.
    """

    input: Input
    labels: Mapping[str, tuple[str, ...]]
    prefix: str


def own_notes(file: OnnxFile) -> Own | None:
    """Read what ``facslens export`` wrote; None in a file of something else.

    Raises
    ------
    ArtifactError
        If the file is damaged.
    """
    if METADATA not in file.metadata:
        return None
    if not file.sealed:
        raise ArtifactError(
            f"{file.path} is not as `facslens export` wrote it, by its SHA-256: export it again"
        )
    content = json.loads(file.metadata[METADATA])
    reads = noted_input(content)
    colour = "grey" if reads.channels == 1 else "rgb"
    levels = replace(reads, colour=colour, black=0.0, white=1.0, mean=(), std=(), contrast=False)
    # with the responses of a layer the network lies one module deeper
    prefix = _MODULE if content["layer"] is None else 2 * _MODULE
    labels = {head: tuple(names) for head, names in content["labels"].items()}
    return Own(levels, labels, prefix)


def own_labels(own: Own, output: str | None) -> tuple[str, ...]:
    """Give the expressions of a head, of the first by default."""
    head = next(iter(own.labels)) if output is None else output.removeprefix(_HEAD)
    return own.labels[head]


def noted_labels(file: OnnxFile) -> tuple[str, ...] | None:
    """Give the names of the classes that a file's metadata hold; None if they hold none."""
    for key in _LABELS:
        names = _names(file.metadata.get(key, ""))
        if names:
            return names
    return None


def _names(text: str) -> tuple[str, ...]:
    """Read names as people write them: JSON, Python, or words with commas between.

    Examples
    --------
    >>> _names("{0: 'anger', 1: 'fear'}"), _names('["anger", "fear"]'), _names("anger,fear")
    (('anger', 'fear'), ('anger', 'fear'), ('anger', 'fear'))
    """
    found: Any = text
    for reader in (json.loads, ast.literal_eval):
        try:
            found = reader(text)
            break
        except (ValueError, SyntaxError, RecursionError):
            continue
    if isinstance(found, dict):
        numbered = {str(key): value for key, value in found.items()}
        found = [numbered.get(str(place)) for place in range(len(numbered))]
    if isinstance(found, str):
        found = [word.strip() for word in found.split(",")]
    named = isinstance(found, list | tuple) and all(isinstance(n, str) and n for n in found)
    return tuple(found) if named and len(found) > 1 else ()


def channels_last(file: OnnxFile, shape: Shape) -> bool:
    """Tell whether a file takes pictures as image, row, column, channel.

    Raises
    ------
    CallError
        If it takes no pictures of that shape in either order.
    """
    channels, rows, columns = shape
    orders = {False: (channels, rows, columns), True: (rows, columns, channels)}
    fits = {
        last: all(has in (None, wants) for has, wants in zip(file.sizes[1:], order, strict=False))
        for last, order in orders.items()
    }
    if not any(fits.values()):
        raise CallError(
            f"{file.path} takes pictures of {_sizes(file)}: the input has {channels} channels of "
            f"{rows}×{columns} pixels"
        )
    return fits[True] and (not fits[False] or _turned_first(file))


def _turned_first(file: OnnxFile) -> bool:
    """Tell whether the first step puts the channels first."""
    users = [node for node in file.model.graph.node if file.images in node.input]
    orders = [list(a.ints) for node in users for a in node.attribute if a.name == "perm"]
    return len(users) == 1 and orders == [[0, 3, 1, 2]]


def no_input(file: OnnxFile) -> CallError:
    """Make the error that a file does not say what it reads."""
    return CallError(
        f"{file.path} takes pictures of {_sizes(file)}, and does not say of which colours and "
        f"values: say input, such as {', '.join(EXAMPLES)}"
    )


def _sizes(file: OnnxFile) -> str:
    sizes = file.sizes[1:] or (None, None, None)
    return " × ".join("any" if size is None else str(size) for size in sizes)


def find_answer(file: OnnxFile, output: str | None, own: Own | None) -> tuple[str, tuple[str, ...]]:
    """Find the result that scores the classes, and give notes of what was done to find it.

    Where a file's last step is a softmax, these are the scores that it takes.

    Raises
    ------
    CallError
        If there is no such output, or there are several and none is said.
    """
    name = _output(file, output, own)
    makers = {made: node for node in file.model.graph.node for made in node.output}
    before = name
    while before in makers and makers[before].op_type == "Identity":
        before = makers[before].input[0]
    last = makers.get(before)
    if last is None or last.op_type != "Softmax":
        return name, ()
    axis = {a.name: a.i for a in last.attribute}.get("axis", 1 if _is_old(file) else -1)
    if axis not in (1, -1):
        return name, ()
    return last.input[0], (
        f"The file answers with probabilities: what the softmax at its end takes, "
        f"{last.input[0]!r}, is read as scores.",
    )


def _is_old(file: OnnxFile) -> bool:
    """Tell whether the file is of a standard in which a softmax is over axis 1 by default."""
    return any(o.domain in ("", "ai.onnx") and o.version < 13 for o in file.model.opset_import)


def _output(file: OnnxFile, output: str | None, own: Own | None) -> str:
    heads = {head: f"{_HEAD}{head}" for head in own.labels} if own else {}
    if output is not None:
        found = heads.get(output, output)
        if found not in (heads.values() if own else file.outputs):
            given = ", ".join(heads or file.outputs)
            raise CallError(f"output is {output!r}: {file.path} gives {given}")
        return found
    if heads:
        return next(iter(heads.values()))
    if len(file.outputs) != 1:
        raise CallError(
            f"{file.path} gives {', '.join(file.outputs)}: say output, the one that scores the "
            f"expressions"
        )
    return file.outputs[0]
