"""Read an ONNX file, and refuse what cannot be opened exactly."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from facslens.errors import ArtifactError, CallError
from facslens.models.seal import is_sealed

if TYPE_CHECKING:
    from onnx import ModelProto

#: A protocol buffer cannot be larger.
_MAX_BYTES: Final = (1 << 31) - 1
#: Who defines the operations that ONNX Runtime brings along.
_DOMAINS: Final = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
_CONTROL: Final = frozenset({"If", "Loop", "Scan", "SequenceMap"})
_RANDOM: Final = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli",
     "Multinomial"}
)  # fmt: skip
#: The number of ONNX for float32.
_FLOAT: Final = 1


@dataclass(frozen=True)
class OnnxFile:
    """An ONNX file that takes pictures.

    Parameters
    ----------
    path
        Where it is.
    model
        What it holds, functions of its own and external data included.
    sha256
        Of the file and its external data.
    images
        The name of its input.
    sizes
        The input's sizes, None where the file does not say one; empty if it says nothing.
    outputs
        The names of its outputs.
    sealed
        Whether it holds its own SHA-256, as ``facslens export`` writes it.
    """

    path: Path
    model: Any
    sha256: str
    images: str
    sizes: tuple[int | None, ...]
    outputs: tuple[str, ...]
    sealed: bool

    @property
    def metadata(self) -> dict[str, str]:
        """What its writer noted beside the network."""
        return {entry.key: entry.value for entry in self.model.metadata_props}


def read_file(path: Path) -> OnnxFile:
    """Read an ONNX file.

    Raises
    ------
    CallError
        If the extra ``export`` is not installed, or the file has several inputs, one of another
        type than float32, branches, loops, sequences, chance, or operations of its own.
    ArtifactError
        If the file, or the data beside it, is missing or damaged.
    """
    try:
        import onnx
    except ImportError as error:
        raise CallError(
            f"reading ONNX needs {error.name}: install it with pip install 'facslens[export]'"
        ) from error
    content = _bytes(path)
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # that of another package, which has no name here
        raise ArtifactError(f"{path} is no readable ONNX model: {error}") from error
    if not model.graph.node:
        raise ArtifactError(f"{path} is no readable ONNX model: it holds no step")
    digest = hashlib.sha256(content)
    _with_external_data(model, path, digest)
    if model.functions:
        from onnx.inliner import inline_local_functions

        model = inline_local_functions(model)
    _refuse_steps(model, path)
    images, sizes = _input(model, path)
    outputs = tuple(output.name for output in model.graph.output)
    return OnnxFile(path, model, digest.hexdigest(), images, sizes, outputs, is_sealed(content))


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            what = "is larger than 2 GB" if path.is_file() else "is no file"
            raise ArtifactError(f"{path} {what if path.exists() else 'does not exist'}")
        return path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error


def _with_external_data(model: "ModelProto", path: Path, digest: Any) -> None:
    """Read the weights that lie beside the file."""
    import onnx
    from onnx.external_data_helper import load_external_data_for_model, uses_external_data

    outside = [tensor for tensor in _tensors(model) if uses_external_data(tensor)]
    for tensor in outside:
        (name,) = {entry.value for entry in tensor.external_data if entry.key == "location"}
        if not (path.parent / name).is_file():
            raise ArtifactError(f"{path} has its weights in {name}, which does not lie beside it")
    try:
        load_external_data_for_model(model, os.fspath(path.parent))
    except (onnx.checker.ValidationError, OSError, ValueError) as error:
        raise ArtifactError(f"{path} has weights beside it that cannot be read: {error}") from error
    for tensor in outside:
        digest.update(tensor.raw_data)


def _tensors(model: "ModelProto") -> Iterator[Any]:
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t


def _refuse_steps(model: "ModelProto", path: Path) -> None:
    for node in model.graph.node:
        what = f"{path} has the step {node.name or node.op_type!r}"
        if node.domain not in _DOMAINS:
            raise CallError(
                f"{what}, an operation of {node.domain!r}, which ONNX Runtime does not know: "
                f"export the network with operations of ONNX alone"
            )
        if node.op_type in _CONTROL:
            raise CallError(
                f"{what}, by which it branches or loops ({node.op_type}): expected the same steps "
                f"for every face"
            )
        if node.op_type.startswith(("Sequence", "Optional", "SplitToSequence", "ConcatFromSeq")):
            raise CallError(f"{what}, which makes a sequence: expected tensors alone")
        if node.op_type in _RANDOM or _drops(node, model):
            raise CallError(f"{what}, by which it draws at random: export it in evaluation mode")


def _drops(node: Any, model: "ModelProto") -> bool:
    """Tell whether a step is a dropout in training."""
    import onnx

    if node.op_type != "Dropout" or len(node.input) < 3:
        return False
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    constants |= {
        one.output[0]: one.attribute[0].t for one in model.graph.node if one.op_type == "Constant"
    }
    given = constants.get(node.input[2])
    return given is None or bool(onnx.numpy_helper.to_array(given).any())


def _input(model: "ModelProto", path: Path) -> tuple[str, tuple[int | None, ...]]:
    """Find the one input that is no weight, and its sizes."""
    import onnx

    held = {tensor.name for tensor in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in held]
    if len(inputs) != 1:
        names = ", ".join(one.name for one in inputs) or "none"
        raise CallError(f"{path} has {len(inputs)} inputs ({names}): expected one, the pictures")
    (images,) = inputs
    if not images.type.HasField("tensor_type"):
        raise CallError(f"{path} takes {images.name!r}, which is no tensor: expected pictures")
    kind = images.type.tensor_type
    if kind.elem_type != _FLOAT:
        name = onnx.TensorProto.DataType.Name(kind.elem_type).lower()
        raise CallError(f"{path} takes {images.name!r} as {name}: expected float32")
    if not kind.HasField("shape"):
        return images.name, ()
    sizes = tuple(d.dim_value if d.dim_value > 0 else None for d in kind.shape.dim)
    if len(sizes) != 4:
        raise CallError(
            f"{path} takes {images.name!r} with {len(sizes)} axes: expected 4, those of pictures"
        )
    return images.name, sizes
