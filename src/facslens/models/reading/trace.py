"""Read the steps of a network, in the order of its computation, as a graph of tensor operations."""

import contextlib
import io
import logging
import operator
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import torch
from torch import Tensor, fx, nn
from torch.export import Dim, ExportedProgram, export
from torch.export.graph_signature import InputKind, OutputKind
from torch.utils import _pytree as pytree

from facslens.errors import CallError
from facslens.models.reading.changes import without_changes

#: Channels, rows and columns of an image.
Shape: TypeAlias = tuple[int, int, int]

#: Faces in the batch that is traced; one face would be taken for a network that reads only one.
_FACES: Final = 2
#: Kinds of inputs of a graph that the network holds by name.
_HELD: Final = (InputKind.PARAMETER, InputKind.BUFFER)


@dataclass(frozen=True)
class Trace:
    """The steps of a network in evaluation mode, for images of one shape.

    Parameters
    ----------
    graph
        One placeholder, the images (image, channel, row, column); parameters and buffers by their
        names in the network; steps that change nothing in place. Every step has the entries
        ``shape`` (a tuple, in which the number of images is None and its multiples are words; or
        None for what is no tensor), ``module`` (the name of the innermost module that takes the
        step) and ``line`` (where, in the source) in its ``meta``.
    constants
        Tensors that the network makes while it runs, by the names that the graph gives them.
    outputs
        How the network's answer is made of the graph's outputs.
    batch
        How many images the network reads at once: 1 where it cannot do with any other number, or
        None for any number.
    """

    graph: fx.Graph
    constants: dict[str, Tensor]
    outputs: pytree.TreeSpec
    batch: int | None

    @property
    def images(self) -> fx.Node:
        """The placeholder of the images."""
        (found,) = self.graph.find_nodes(op="placeholder")
        node: fx.Node = found
        return node

    @property
    def answers(self) -> list[Any]:
        """The steps whose results are the parts of the answer, or parts that are no result."""
        parts: Any = self.graph.output_node().args[0]
        return list(parts)


def trace(network: nn.Module, shape: Shape) -> Trace:
    """Read a network's steps for images of a shape; it is left as it was found.

    Raises
    ------
    CallError
        If the network does not run on such images, decides by their values what to compute, mixes
        them with each other, or draws at random; with the step, its module and its line.

    Notes
    -----
    Steps are read by `torch.export`, without its guards. Views, changes in place, scripted and
    compiled functions, checkpoints and own autograd functions become plain operations.
    """
    device, dtype = placed(network)
    with evaluating(network), torch.no_grad(), warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        images = torch.zeros(_FACES, *shape, device=device, dtype=dtype)
        try:
            program, batch = _exported(network, images, {0: Dim.AUTO}), None
            if _reads_one(program):
                program, batch = _exported(network, images[:1], {}), 1
        except Exception as error:
            raise CallError(_why_not(network, images, error)) from error
    found = _plain(program, network, batch)
    _refuse_chance(found.graph)
    return found


def shape_of(images: Tensor) -> Shape:
    """Give the shape of each of some images (image, channel, row, column)."""
    channels, rows, columns = images.shape[1:]
    return int(channels), int(rows), int(columns)


def placed(network: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Tell where a network's weights are, and of which type they are.

    Raises
    ------
    CallError
        If it has no weights, or they are neither in single nor in double precision.
    """
    weights = [p for p in [*network.parameters(), *network.buffers()] if p.is_floating_point()]
    if not weights:
        raise CallError("network has no weights, so that it has learned nothing")
    first = weights[0]
    for other in weights:
        if other.dtype not in (torch.float32, torch.float64):
            kind = str(other.dtype).removeprefix("torch.")
            raise CallError(f"network has weights in {kind}: call network.float() first")
        if other.dtype != first.dtype or other.device != first.device:
            raise CallError("network has weights of two types or on two devices: expected one")
    return first.device, first.dtype


@contextlib.contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Keep a network in evaluation mode; afterwards every train flag is restored."""
    flags = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in flags.items():
            module.training = training


def operation(node: fx.Node) -> str:
    """Name the operation of a step, such as ``conv2d``; empty for what is no call."""
    if node.op != "call_function":
        return ""
    if isinstance(node.target, torch._ops.OpOverload):
        return node.target._schema.name.removeprefix("aten::")
    return getattr(node.target, "__name__", str(node.target))


def where(node: fx.Node) -> str:
    """Say which step this is, in which module and on which line, for a sentence."""
    module = node.meta.get("module")
    place = f" in {module!r}" if module else ""
    line = node.meta.get("line")
    return f"{operation(node) or node.name}{place}{f' ({line})' if line else ''}"


def argument(node: fx.Node, name: str) -> Any:
    """Give an argument of an operation by its name in the operation's schema, or its default."""
    assert isinstance(node.target, torch._ops.OpOverload)
    for place, entry in enumerate(node.target._schema.arguments):
        if entry.name == name:
            if name in node.kwargs:
                return node.kwargs[name]
            return node.args[place] if place < len(node.args) else entry.default_value
    raise KeyError(name)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the tracer logs of its own workings off the console."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    nowhere = io.StringIO()  # a graph that fails is printed, too
    try:
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield
    finally:
        logging.disable(before)


def _why_not(network: nn.Module, images: Tensor, error: Exception) -> str:
    """Say why a network could not be read: it does not run, or takes different steps."""
    try:
        network(images.clone())
    except Exception as own:  # noqa: BLE001  anyone's network may fail in any way
        return (
            f"network does not run on images of shape {shape_of(images)} (channel, row, column): "
            f"{_first_line(own)}"
        )
    return f"network cannot be read as steps that are the same for every face: {_first_line(error)}"


def _exported(network: nn.Module, images: Tensor, dynamic: dict[int, Any]) -> ExportedProgram:
    with torch.inference_mode(False):
        program = export(network, (images.clone(),), dynamic_shapes=(dynamic,), strict=False)
        # only where something has to be rewritten, for it takes longer than the tracing
        if not (all(map(_is_known, program.graph.nodes)) and without_changes(program.graph)):
            program = program.run_decompositions({})
    return program


def _is_known(node: fx.Node) -> bool:
    if node.op != "call_function" or node.target is operator.getitem:
        return node.op != "get_attr"
    if not isinstance(node.target, torch._ops.OpOverload):
        return isinstance(node.target, types.BuiltinFunctionType)  # arithmetic of sizes
    return "batch_dim" not in operation(node)  # of vmap


def _placeholder(program: ExportedProgram) -> fx.Node:
    names = {
        spec.arg.name
        for spec in program.graph_signature.input_specs
        if spec.kind is InputKind.USER_INPUT
    }
    (found,) = (n for n in program.graph.nodes if n.op == "placeholder" and n.name in names)
    node: fx.Node = found
    return node


def _plain(program: ExportedProgram, network: nn.Module, batch: int | None) -> Trace:
    """Copy an exported graph so that it names what the network holds, and forgets the tracing."""
    specs = {spec.arg.name: spec for spec in program.graph_signature.input_specs}
    held = {n for n, _ in [*network.named_parameters(), *network.named_buffers()]}
    constants: dict[str, Tensor] = {}
    graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    for node in program.graph.nodes:
        if node.op == "output":
            wanted = [
                output
                for output, spec in zip(
                    node.args[0], program.graph_signature.output_specs, strict=True
                )
                if spec.kind is OutputKind.USER_OUTPUT
            ]
            graph.output(tuple(copies[n] if isinstance(n, fx.Node) else n for n in wanted))
            continue
        if node.op == "placeholder" and specs[node.name].kind is not InputKind.USER_INPUT:
            spec = specs[node.name]
            name = str(spec.target)
            if spec.kind not in _HELD or name not in held:
                constants[name := f"constant_{len(constants)}"] = _constant(
                    program, str(spec.target)
                )
            copies[node] = graph.get_attr(name)
        else:
            copies[node] = graph.node_copy(node, copies.__getitem__)
        copies[node].meta = _described(node)
    graph.eliminate_dead_code()
    return Trace(graph, constants, program.call_spec.out_spec, batch)


def _reads_one(program: ExportedProgram) -> bool:
    """Tell whether a network gives one answer, however many images there are."""
    answers = [
        output.meta["val"]
        for output, spec in zip(
            program.graph.output_node().args[0], program.graph_signature.output_specs, strict=True
        )
        if spec.kind is OutputKind.USER_OUTPUT and isinstance(output, fx.Node)
    ]
    images = _placeholder(program).meta["val"]
    rows = [value.shape[0] for value in (images, *answers) if len(value.shape)]
    return any(isinstance(count, int) for count in rows)


def _constant(program: ExportedProgram, name: str) -> Tensor:
    found = program.constants.get(name)
    value = program.state_dict[name] if found is None else found
    tensor: Tensor = value
    return tensor.detach().clone()


def _described(node: fx.Node) -> dict[str, Any]:
    value = node.meta.get("val")
    shape = None
    if isinstance(value, Tensor):
        shape = tuple(n if isinstance(n, int) else _symbol(n) for n in value.shape)
    stack = node.meta.get("nn_module_stack") or {}
    names = [name for name, _ in stack.values() if not name.startswith("_empty_nn_module")]
    return {
        "shape": shape,
        "module": names[-1] if names else "",
        "line": _line(node.meta.get("stack_trace")),
    }


def _symbol(size: Any) -> int | str | None:
    """Give a size: None for the number of images, words for what only depends on it."""
    expression = size.node.expr
    if expression.is_number:
        return int(expression)
    return None if expression.is_Symbol else str(expression)


def _line(stack: str | None) -> str:
    """Give the innermost line of a stack trace that is not PyTorch's own."""
    lines = [line.strip() for line in (stack or "").splitlines()]
    places = [line for line in lines if line.startswith('File "')]
    own = [p for p in places if "/torch/" not in p.replace("\\", "/")] or places
    if not own:
        return ""
    file, _, rest = own[-1].removeprefix('File "').partition('", line ')
    return f"{file.replace(chr(92), '/').rpartition('/')[2]}, line {rest.partition(',')[0]}"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__


#: Operations that draw at random, whatever their arguments.
_RANDOM: Final = frozenset(
    {"bernoulli", "rand", "randn", "rand_like", "randn_like", "randint", "randperm", "normal",
     "uniform", "multinomial", "exponential", "poisson"}
)  # fmt: skip


def _refuse_chance(graph: fx.Graph) -> None:
    """Refuse steps by which a face's answer depends on chance, or on the other faces."""
    for node in graph.nodes:
        name = operation(node)
        drops = name in ("dropout", "feature_dropout", "alpha_dropout", "native_dropout")
        if name in _RANDOM or (drops and argument(node, "train") and argument(node, "p") != 0):
            raise CallError(
                f"network draws at random while it answers, by {where(node)}: switch that off in "
                f"evaluation mode"
            )
        if _norms_by_batch(node, name):
            raise CallError(
                f"network normalises each face by the others of its batch, by {where(node)}: give "
                f"the batch normalisation running statistics"
            )


def _norms_by_batch(node: fx.Node, name: str) -> bool:
    if "batch_norm" not in name or name.endswith("no_training"):
        return False
    images = node.args[0]
    assert isinstance(images, fx.Node)
    alone = images.meta["shape"] is not None and images.meta["shape"][0] == 1
    return bool(argument(node, "training")) and not alone
