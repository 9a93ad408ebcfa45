"""Write the steps of an ONNX file as a graph of PyTorch's operations, to find its layers there."""

import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, fx

from facslens.models.onnx_network.file import OnnxFile
from facslens.models.onnx_network.names import layer_name
from facslens.models.onnx_network.operations import call_of
from facslens.models.onnx_network.places import at_every_place
from facslens.models.onnx_network.session import Sessions
from facslens.models.onnx_network.step import Step

#: Their results are sizes, which no value of a face changes.
_SIZES: Final = ("Shape", "Size")
_LAYERS: Final = ("Conv", "ConvTranspose", "MatMul", "Gemm")


@dataclass(frozen=True)
class OnnxGraph:
    """The steps of an ONNX file from the images to the answer.

    Parameters
    ----------
    graph
        As `facslens.models.reading.trace.Trace.graph` has it. The ``meta`` of each step holds
        ``tensor``, the name that the file gives its result. It is there to be looked at: ONNX
        Runtime takes the steps.
    constants
        Tensors that are the same for every face, by the names that the graph gives them.
    answer
        The step whose result is the answer.
    """

    graph: fx.Graph
    constants: dict[str, Tensor]
    answer: fx.Node


def read_graph(
    file: OnnxFile,
    sessions: Sessions,
    images: Float[np.ndarray, "image _ _ _"],
    *,
    answer: str,
    channels_last: bool,
) -> OnnxGraph:
    """Read the steps that lead to an answer.

    Parameters
    ----------
    file, sessions
        The file, and what runs it.
    images
        Any, as the file takes them: all its steps are taken once, for the shapes of their results.
    answer
        The name of the result that is the answer.
    channels_last
        Whether the axes of the images are image, row, column, channel.

    Raises
    ------
    ArtifactError
        If ONNX Runtime does not run the file.
    """
    names = [name for node in file.model.graph.node for name in node.output if name]
    found = dict(zip(names, sessions(images, names, optimised=False), strict=True))
    return _Reader(file, found, images, channels_last).read(answer)


class _Reader:
    def __init__(
        self, file: OnnxFile, found: Mapping[str, Any], images: np.ndarray, channels_last: bool
    ) -> None:
        from onnx.numpy_helper import to_array

        self._nodes = list(file.model.graph.node)
        self._graph = fx.Graph()
        self._makers = {name: node for node in self._nodes for name in node.output}
        held = {tensor.name: to_array(tensor) for tensor in file.model.graph.initializer}
        self._values = {**held, **found, file.images: images}
        self._variable = {file.images}
        for node in self._nodes:
            if node.op_type not in _SIZES and self._variable.intersection(node.input):
                self._variable.update(node.output)
        self._users: dict[str, list[Any]] = {}
        for node in self._nodes:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        self._known: dict[str, fx.Node] = {}
        self._places: dict[str, str] = {}  # by result with its places in one axis: the one without
        self._begin(file.images, channels_last)

    def _begin(self, images: str, channels_last: bool) -> None:
        """Put the images into the order image, channel, row, column."""
        shape = self._values[images].shape
        first = self._graph.placeholder("images")
        if channels_last:
            _describe(first, tuple(shape[axis] for axis in (0, 3, 1, 2)), "")
            first = self._graph.call_function(torch.ops.aten.permute.default, (first, [0, 2, 3, 1]))
        _describe(first, shape, images)
        self._known[images] = first

    def read(self, answer: str) -> OnnxGraph:
        called = Counter[str]()
        for place, node in enumerate(self._nodes):
            if self._variable.intersection(node.output):
                self._add(node, place, called)
        self._graph.output((self._known[answer],))
        self._graph.eliminate_dead_code()
        attributes = {str(n.target) for n in self._graph.nodes if n.op == "get_attr"}
        constants = {name: torch.from_numpy(self._array(name)) for name in attributes}
        return OnnxGraph(self._graph, constants, self._known[answer])

    def _array(self, name: str) -> np.ndarray:
        array: np.ndarray = np.ascontiguousarray(self._values[name])
        return array.reshape(self._values[name].shape).copy()  # scalars stay scalars

    def _add(self, node: Any, place: int, called: Counter[str]) -> None:
        if self._keeps(node):
            self._known[node.output[0]] = self._known[node.input[0]]
            return
        names = list(node.input)
        if node.op_type in ("MatMul", "Gemm"):
            found = at_every_place(node, self._makers, self._users, self._values)
            if found is not None and node.input[1] not in self._variable:
                names[0] = found.source
                self._places |= dict.fromkeys(found.inner, found.result)
        inputs = tuple(self._input(name) if name else None for name in names)
        step = self._step(node, inputs)
        target, args, kwargs = call_of(step)
        result = self._graph.call_function(target, args, dict(kwargs))
        module = ""
        if node.op_type in _LAYERS:
            module = layer_name(node, place, self._weights(node))
            called[module] += 1
            module += f"_{called[module]}" if called[module] > 1 else ""
        if len(node.output) == 1:
            name = self._places.get(node.output[0], node.output[0])
            _describe(result, self._values[name].shape, name, module)
            self._known[node.output[0]] = result
            return
        _describe(result, None, "", module)
        for index, name in enumerate(node.output):
            if name:
                part = self._graph.call_function(operator.getitem, (result, index))
                _describe(part, self._values[name].shape, name, module)
                self._known[name] = part

    def _step(self, node: Any, inputs: tuple[fx.Node | None, ...]) -> Step:
        from onnx.helper import get_attribute_value

        options = {a.name: get_attribute_value(a) for a in node.attribute}
        options = {k: v.decode() if isinstance(v, bytes) else v for k, v in options.items()}
        fixed = [name and name not in self._variable for name in node.input]
        return Step(
            node.op_type,
            options,
            inputs,
            tuple(
                self._values[name] if known else None
                for name, known in zip(node.input, fixed, strict=True)
            ),
            tuple(self._values[name].shape if name else () for name in node.input),
            tuple(self._values[name].shape for name in node.output if name),
        )

    def _input(self, name: str) -> fx.Node:
        if name not in self._known:
            self._known[name] = self._graph.get_attr(name)
            _describe(self._known[name], self._values[name].shape, name)
        return self._known[name]

    def _keeps(self, node: Any) -> bool:
        """Tell whether a step leaves its first input as it is."""
        if node.op_type == "Reshape" and self._places.get(node.input[0]) == node.output[0]:
            return True
        if node.op_type != "Cast":
            return node.op_type in ("Identity", "Dropout")
        return bool(self._values[node.input[0]].dtype == self._values[node.output[0]].dtype)

    def _weights(self, node: Any) -> Sequence[str]:
        """Name the tensors of the file that a layer takes, and that are added behind it."""
        users = self._users.get(node.output[0], [])
        behind = users[0].input if len(users) == 1 and users[0].op_type == "Add" else []
        return [self._origin(n) for n in [*node.input[1:2], *behind] if n not in self._variable]

    def _origin(self, name: str) -> str:
        """Name the tensor of the file that another was made of, by a transposition for example."""
        while name in self._makers and self._makers[name].input:
            name = self._makers[name].input[0]
        return name


def _describe(node: fx.Node, shape: tuple[int, ...] | None, tensor: str, module: str = "") -> None:
    node.meta = {
        "shape": None if shape is None else tuple(shape), "tensor": tensor, "module": module,
        "line": "",
    }  # fmt: skip
