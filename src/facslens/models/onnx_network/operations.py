"""What the operations of ONNX are in PyTorch: a closed set.

Only what the finding of layers and of receptive fields asks is told of a step: what it takes, and
its geometry. ONNX Runtime takes it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import torch

from facslens.models.onnx_network.elementwise import elementwise
from facslens.models.onnx_network.step import Step

_ATEN: Final = torch.ops.aten


class Call(NamedTuple):
    """An operation of PyTorch, and what it takes."""

    target: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = {}


def unknown(*_inputs: object) -> None:
    """Stand for an operation of which nothing is known."""


def call_of(step: Step) -> Call:
    """Tell what a step is in PyTorch; `unknown` where that is not known here."""
    try:
        found = OPERATIONS[step.name](step) if step.name in OPERATIONS else None
    except (ValueError, KeyError):  # it depends on the face, or on what a newer standard says
        found = None
    return found or Call(unknown, tuple(one for one in step.inputs if one is not None))


def _plain(target: Callable[..., Any], count: int = 1) -> Callable[[Step], Call | None]:
    """Describe an operation that takes its inputs and nothing else."""
    return lambda step: Call(target, step.inputs) if len(step.inputs) == count else None


def _with(target: Callable[..., Any], **settings: float) -> Callable[[Step], Call | None]:
    """Describe a function of each value with settings, in their order, of these defaults."""

    def described(step: Step) -> Call:
        values = [float(step.options.get(name, given)) for name, given in settings.items()]
        return Call(target, (step.inputs[0], *values))

    return described


def _named(name: str, **settings: float) -> Callable[[Step], Call | None]:
    """Describe a function of each value that PyTorch has no operation for."""

    def described(step: Step) -> Call:
        values = [float(step.options.get(key, given)) for key, given in settings.items()]
        return Call(elementwise, (step.inputs[0], name, *values))

    return described


def _clip(step: Step) -> Call:
    low, high = step.said("min", 1), step.said("max", 2)
    return Call(_ATEN.clamp.default, (step.inputs[0], low, high))


def _gelu(step: Step) -> Call:
    approximate = step.options.get("approximate", "none")
    return Call(_ATEN.gelu.default, (step.inputs[0],), {"approximate": approximate})


def _selu(step: Step) -> Call:
    alpha = step.options.get("alpha", 1.67326319217681884765625)
    gamma = step.options.get("gamma", 1.05070102214813232421875)
    return Call(_ATEN.elu.default, (step.inputs[0], alpha, gamma))


def _convolution(step: Step) -> Call:
    stride, pads, dilation = step.pairs(step.shapes[1][2:])
    turned = step.name == "ConvTranspose"
    bias = step.inputs[2] if step.given(2) else None
    last = (stride, pads, dilation, turned, [0] * len(stride), step.options.get("group", 1))
    return Call(_ATEN.convolution.default, (*step.inputs[:2], bias, *last))


def _pool(step: Step) -> Call | None:
    kernel = tuple(step.options["kernel_shape"])
    if step.rank != 4 or len(step.outputs) > 1:
        return None
    stride, pads, dilation = step.pairs(kernel)
    if step.name == "MaxPool":
        return Call(
            _ATEN.max_pool2d.default, (step.inputs[0], list(kernel), stride, pads, dilation)
        )
    if set(dilation) != {1}:
        return None
    return Call(_ATEN.avg_pool2d.default, (step.inputs[0], list(kernel), stride, pads))


def _product(step: Step) -> Call:
    """Describe a matrix product; one with a matrix of the file's own is a linear layer."""
    linear = step.value(1) is not None and len(step.shapes[1]) == 2 and step.value(0) is None
    target = _ATEN.linear.default if linear else _ATEN.matmul.default
    return Call(target, step.inputs)


def _gemm(step: Step) -> Call | None:
    if step.options.get("transA") or step.value(1) is None:
        return None
    return Call(_ATEN.linear.default, step.inputs)


def _batch_norm(step: Step) -> Call | None:
    if step.options.get("training_mode") or len(step.outputs) > 1:
        return None
    epsilon = step.options.get("epsilon", 1e-5)
    return Call(_ATEN.batch_norm.default, (*step.inputs, False, 0.0, epsilon, False))


def _instance_norm(step: Step) -> Call:
    epsilon = step.options.get("epsilon", 1e-5)
    last = (None, None, True, 0.0, epsilon, False)
    return Call(_ATEN.instance_norm.default, (*step.inputs, *last))


def _group_norm(step: Step) -> Call:
    (first, *others) = step.inputs
    return Call(_ATEN.group_norm.default, (first, step.options["num_groups"], *others))


def _layer_norm(step: Step) -> Call | None:
    (first, *others) = step.inputs
    axis = step.options.get("axis", -1) % step.rank
    if len(step.outputs) > 1:
        return None
    target = _ATEN.rms_norm if step.name == "RMSNormalization" else _ATEN.layer_norm
    return Call(target.default, (first, list(step.shapes[0][axis:]), *others))


def _view(step: Step) -> Call:
    return Call(_ATEN.view.default, (step.inputs[0], list(step.shape)))


def _permute(step: Step) -> Call:
    order = step.options.get("perm", list(reversed(range(step.rank))))
    return Call(_ATEN.permute.default, (step.inputs[0], list(order)))


def _cat(step: Step) -> Call:
    return Call(_ATEN.cat.default, (list(step.inputs), step.options["axis"]))


def _gather(step: Step) -> Call | None:
    axis, index = step.options.get("axis", 0), step.value(1)
    if index is None or index.ndim > 1:
        return None
    if index.ndim == 0:
        return Call(_ATEN.select.int, (step.inputs[0], axis, int(index)))
    return Call(_ATEN.index_select.default, (step.inputs[0], axis, step.inputs[1]))


def _slice(step: Step) -> Call | None:
    starts, ends = step.said("starts", 1), step.said("ends", 2)
    axes = step.axes("axes", 3) or list(range(len(starts)))
    steps = step.said("steps", 4) or [1] * len(starts)
    moved = [place for place, axis in enumerate(axes) if step.shape[axis] != step.shapes[0][axis]]
    if len(moved) != 1 or steps[moved[0]] < 1:
        return None
    (place,) = moved
    size = step.shapes[0][axes[place]]
    start = starts[place] + size * (starts[place] < 0)
    return Call(_ATEN.slice.Tensor, (step.inputs[0], axes[place], start, ends[place], steps[place]))


def _split(step: Step) -> Call:
    axis = step.options.get("axis", 0) % step.rank
    sizes = [shape[axis] for shape in step.outputs]
    return Call(_ATEN.split_with_sizes.default, (step.inputs[0], sizes, axis))


def _pad(step: Step) -> Call | None:
    pads, axes = step.said("pads", 1), step.axes("axes", 3)
    axes = list(range(step.rank)) if axes is None else axes
    before, behind = dict.fromkeys(range(step.rank), 0), dict.fromkeys(range(step.rank), 0)
    before |= dict(zip(axes, pads[: len(axes)], strict=True))
    behind |= dict(zip(axes, pads[len(axes) :], strict=True))
    amounts = [n for axis in reversed(range(step.rank)) for n in (before[axis], behind[axis])]
    mode = step.options.get("mode", "constant")
    if mode == "constant":
        return Call(_ATEN.constant_pad_nd.default, (step.inputs[0], amounts))
    if step.rank != 4 or any(amounts[4:]) or mode not in ("reflect", "edge"):
        return None
    target = _ATEN.reflection_pad2d if mode == "reflect" else _ATEN.replication_pad2d
    return Call(target.default, (step.inputs[0], amounts[:4]))


def _reduced(target: Callable[..., Any], *first: float) -> Callable[[Step], Call | None]:
    """Describe an operation over axes."""

    def described(step: Step) -> Call:
        axes = step.axes() or list(range(step.rank))
        keep = bool(step.options.get("keepdims", 1))
        return Call(target, (step.inputs[0], *first, axes, keep))

    return described


def _over_places(target: Callable[..., Any]) -> Callable[[Step], Call | None]:
    """Describe an operation over all places of a map."""
    return lambda step: Call(target, (step.inputs[0], list(range(2, step.rank)), True))


def _softmax(step: Step) -> Call:
    target = _ATEN.softmax if step.name == "Softmax" else _ATEN.log_softmax
    return Call(target.int, (step.inputs[0], step.options.get("axis", -1)))


def _cast(step: Step) -> Call:
    kinds = {1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool, 11: torch.float64}
    return Call(_ATEN._to_copy.default, (step.inputs[0],), {"dtype": kinds[step.options["to"]]})


def _constant_pow(step: Step) -> Call | None:
    exponent = step.value(1)
    if exponent is None or exponent.size != 1:
        return None
    return Call(_ATEN.pow.Tensor_Scalar, (step.inputs[0], float(np.ravel(exponent)[0])))


#: By the name of ONNX; what is not here is `unknown`.
OPERATIONS: Final[Mapping[str, Callable[[Step], Call | None]]] = {
    **{
        name: _plain(getattr(_ATEN, operation).default)
        for name, operation in (
            ("Relu", "relu"), ("Sigmoid", "sigmoid"), ("Tanh", "tanh"), ("HardSwish", "hardswish"),
            ("Softplus", "softplus"), ("Mish", "mish"), ("Erf", "erf"), ("Abs", "abs"),
            ("Neg", "neg"), ("Exp", "exp"), ("Log", "log"), ("Sqrt", "sqrt"), ("Sin", "sin"),
            ("Cos", "cos"), ("Sign", "sign"), ("Floor", "floor"), ("Ceil", "ceil"),
            ("Round", "round"), ("Reciprocal", "reciprocal"), ("Not", "logical_not"),
        )
    },
    **{
        name: _plain(getattr(getattr(_ATEN, operation), overload), 2)
        for name, operation, overload in (
            ("Add", "add", "Tensor"), ("Sub", "sub", "Tensor"), ("Mul", "mul", "Tensor"),
            ("Div", "div", "Tensor"), ("Min", "minimum", "default"), ("Sum", "add", "Tensor"),
            ("Max", "maximum", "default"), ("Greater", "gt", "Tensor"), ("Less", "lt", "Tensor"),
            ("GreaterOrEqual", "ge", "Tensor"), ("LessOrEqual", "le", "Tensor"),
            ("Equal", "eq", "Tensor"), ("And", "logical_and", "default"),
            ("Or", "logical_or", "default"), ("PRelu", "_prelu_kernel", "default"),
        )
    },
    "Where": _plain(_ATEN.where.self, 3),
    "Pow": _constant_pow,
    "LeakyRelu": _with(_ATEN.leaky_relu.default, alpha=0.01),
    "Elu": _with(_ATEN.elu.default, alpha=1.0),
    "Celu": _with(_ATEN.celu.default, alpha=1.0),
    "Selu": _selu,
    "Gelu": _gelu,
    "Clip": _clip,
    "HardSigmoid": _named("HardSigmoid", alpha=0.2, beta=0.5),
    "Softsign": _named("Softsign"),
    "ThresholdedRelu": _named("ThresholdedRelu", alpha=1.0),
    "Shrink": _named("Shrink", bias=0.0, lambd=0.5),
    "Swish": _named("Swish", alpha=1.0),
    "QuickGelu": _named("Swish", alpha=1.702),
    "Cast": _cast,
    "Conv": _convolution,
    "ConvTranspose": _convolution,
    "MatMul": _product,
    "Gemm": _gemm,
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "GroupNormalization": _group_norm,
    "LayerNormalization": _layer_norm,
    "RMSNormalization": _layer_norm,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalAveragePool": _over_places(_ATEN.mean.dim),
    "GlobalMaxPool": _over_places(_ATEN.amax.default),
    "ReduceMean": _reduced(_ATEN.mean.dim),
    "ReduceSum": _reduced(_ATEN.sum.dim_IntList),
    "ReduceMax": _reduced(_ATEN.amax.default),
    "ReduceL2": _reduced(_ATEN.linalg_vector_norm.default, 2.0),
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _view),
    "Transpose": _permute,
    "Concat": _cat,
    "Gather": _gather,
    "Slice": _slice,
    "Split": _split,
    "Pad": _pad,
}  # fmt: skip
