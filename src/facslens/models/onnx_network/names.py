"""Name the layers of an ONNX file after the modules that they were exported from."""

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

#: Where PyTorch's newer exporter notes the modules around a step.
_SCOPES: Final = "pkg.torch.onnx.name_scopes"
_ENDINGS: Final = (".weight", "_weight", ".bias", "_bias")
#: The last part of a path that names the operation, not the layer.
_OPERATION: Final = re.compile(
    r"(Conv|ConvTranspose|MatMul|Gemm|Conv2D|Conv2DTranspose|DepthwiseConv2D|depthwise|BiasAdd"
    r"|DepthwiseConv2dNative|Tensordot|convolution)(_\d+)?"
)
#: What TensorFlow puts before the names of every network.
_WRAPPERS: Final = ("StatefulPartitionedCall", "functional_1_1", "PartitionedCall")


def layer_name(node: Any, place: int, weights: Sequence[str]) -> str:
    """Name the layer of a step.

    Parameters
    ----------
    node
        The step, a ``NodeProto``.
    place
        Its place in the file.
    weights
        Names of the tensors that it, and the addition of a bias behind it, take from the file.

    Returns
    -------
    str
        By its weights, if their name says so; else by the module that its exporter noted, by its
        own name, or by the operation and the place.
    """
    for name in weights:
        for ending in _ENDINGS:
            if name.endswith(ending) and name != ending and "::" not in name:
                return _dotted(name.removesuffix(ending))
    noted = {entry.key: entry.value for entry in node.metadata_props}
    return _scope(noted) or _path(node.name) or f"{node.op_type}_{place}"


def _scope(noted: Mapping[str, str]) -> str:
    """Give the innermost module around a step, as PyTorch's newer exporter notes it."""
    try:
        scopes = ast.literal_eval(noted.get(_SCOPES, "[]"))
    except (ValueError, SyntaxError):
        return ""
    return str(scopes[-2]) if isinstance(scopes, list) and len(scopes) > 1 else ""


def _path(name: str) -> str:
    """Give the module that a path such as ``/layer1/layer1.0/conv1/Conv`` leads to.

    Examples
    --------
    >>> _path("/layer1/layer1.0/conv1/Conv")
    'layer1.0.conv1'
    >>> _path("StatefulPartitionedCall/model/block1_conv1/Conv2D")
    'model.block1_conv1'
    """
    parts = [part for part in name.split("/") if part and part not in _WRAPPERS]
    if len(parts) > 1 and _OPERATION.fullmatch(parts[-1]):
        parts = parts[:-1]
    found: list[str] = []
    for part in parts:
        # a list of modules is named before each of its members
        if found and part.startswith(found[-1] + "."):
            found[-1] = part
        else:
            found.append(part)
    return ".".join(found)


def _dotted(name: str) -> str:
    return name.strip("/").replace("/", ".")
