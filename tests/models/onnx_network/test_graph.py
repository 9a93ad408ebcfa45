"""Layers of small files, against the reference evaluator of the onnx package."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from facslens.models.onnx_network.file import read_file
from facslens.models.onnx_network.network import OnnxNetwork

SHAPE = (2, 9, 8)
TOLERANCE = 1e-5  # ONNX Runtime computes some functions by tables


def tensor(name, values):
    return numpy_helper.from_array(np.asarray(values), name)


def drawn(*shape, seed=3):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def number(name, value):
    return tensor(name, np.float32(value))


def save(path, nodes, tensors=(), opset=20, sizes=("image", *SHAPE), domains=()):
    """Write a file whose convolution `conv` gives 4 maps, and whose steps end with `last`."""
    first = helper.make_node("Conv", ["images", "conv.weight"], ["conv"], name="conv")
    tail = [
        helper.make_node("GlobalAveragePool", ["last"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["scores"]),
    ]
    graph = helper.make_graph(
        [first, *nodes, *tail],
        "network",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)],
        [tensor("conv.weight", drawn(4, 2, 3, 3)), *tensors],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


def opened(path, shape=SHAPE):
    file = read_file(path)
    return OnnxNetwork(file, file.outputs[0], shape)


def chain(*steps):
    """Make steps of operations, their further inputs and attributes, each on the one before."""
    nodes, before = [], "conv"
    for place, (operation, inputs, attributes) in enumerate(steps):
        result = "last" if place == len(steps) - 1 else f"step{place}"
        nodes.append(helper.make_node(operation, [before, *inputs], [result], **attributes))
        before = result
    return nodes


def expected(path, images, name):
    model = onnx.load(path)
    model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    (found,) = ReferenceEvaluator(model).run([name], {"images": images})
    return found


#: By operation: further inputs, attributes; each is one nonlinearity.
ACTIVATIONS = {
    "Relu": ((), {}), "Sigmoid": ((), {}), "Tanh": ((), {}), "HardSwish": ((), {}),
    "Softplus": ((), {}), "Mish": ((), {}), "Softsign": ((), {}), "Elu": ((), {"alpha": 0.7}),
    "LeakyRelu": ((), {"alpha": 0.2}), "Celu": ((), {"alpha": 1.5}), "Selu": ((), {}),
    "HardSigmoid": ((), {"alpha": 0.3}), "ThresholdedRelu": ((), {"alpha": 0.4}),
    "Shrink": ((), {"lambd": 0.3}), "Gelu": ((), {"approximate": "tanh"}),
    "PRelu": (("slope",), {}), "Clip": (("zero", "six"), {}),
}  # fmt: skip
GIVEN = [number("zero", 0), number("six", 6), tensor("slope", drawn(4, 1, 1)), number("half", 0.5),
         number("root", 2**0.5), number("one", 1)]  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_map_ends_behind_one_nonlinearity(name, tmp_path):
    inputs, attributes = ACTIVATIONS[name]
    nodes = [
        helper.make_node(name, ["conv", *inputs], ["bent"], **attributes),
        helper.make_node("Sigmoid", ["bent"], ["last"]),
    ]
    path = save(tmp_path / "a.onnx", nodes, GIVEN)
    network = opened(path)
    layer = network.read(SHAPE).layers["conv"]
    assert layer.maps.meta["tensor"] == "bent"
    images = drawn(3, *SHAPE, seed=5)
    found, _ = listen(network, images)
    np.testing.assert_allclose(
        found["conv"], expected(path, images, "bent"), rtol=TOLERANCE, atol=TOLERANCE
    )


def listen(network, images):
    reading = network.read(network.shape)
    listener = reading.listener(network, list(reading.layers), torch.Tensor.numpy)
    return listener(torch.from_numpy(images))


def times(first, second, result):
    return helper.make_node("Mul", [first, second], [result])


#: Nonlinearities, and norms, of several steps from ``conv`` to ``bent``.
WRITTEN = {
    "swish": [helper.make_node("Sigmoid", ["conv"], ["gate"]), times("conv", "gate", "bent")],
    "hard swish": [
        helper.make_node("HardSigmoid", ["conv"], ["gate"], alpha=1 / 6),
        times("conv", "gate", "bent"),
    ],
    "gelu": [
        helper.make_node("Div", ["conv", "root"], ["small"]),
        helper.make_node("Erf", ["small"], ["erf"]),
        helper.make_node("Add", ["erf", "one"], ["above"]),
        times("conv", "above", "twice"), times("twice", "half", "bent"),
    ],
    "mish": [
        helper.make_node("Softplus", ["conv"], ["soft"]),
        helper.make_node("Tanh", ["soft"], ["gate"]), times("conv", "gate", "bent"),
    ],
    "norms": [
        helper.make_node("InstanceNormalization", ["conv", "scale", "shift"], ["normal"]),
        helper.make_node("Mul", ["normal", "slope"], ["scaled"]),
        helper.make_node("Add", ["scaled", "slope"], ["shifted"]),
        helper.make_node("Relu", ["shifted"], ["bent"]),
    ],
    "batch norm": [
        helper.make_node("BatchNormalization", ["conv", "scale", "shift", "shift", "scale"], ["n"]),
        helper.make_node("Relu", ["n"], ["bent"]),
    ],
    "two norms, channels last": [
        helper.make_node("Transpose", ["conv"], ["turned"], perm=[0, 2, 3, 1]),
        helper.make_node("LayerNormalization", ["turned", "scale", "shift"], ["normal"]),
        helper.make_node("Transpose", ["normal"], ["back"], perm=[0, 3, 1, 2]),
        helper.make_node("Relu", ["back"], ["bent"]),
    ],
    "groups": [
        helper.make_node("Reshape", ["conv", "grouped"], ["groups"]),
        helper.make_node("InstanceNormalization", ["groups", "pair", "none"], ["normal"]),
        helper.make_node("Shape", ["conv"], ["sizes"]),
        helper.make_node("Reshape", ["normal", "sizes"], ["whole"]),
        helper.make_node("Mul", ["whole", "slope"], ["scaled"]),
        helper.make_node("Relu", ["scaled"], ["bent"]),
    ],
}  # fmt: skip
HELD = [*GIVEN, tensor("scale", np.abs(drawn(4))), tensor("shift", np.abs(drawn(4, seed=8))),
        tensor("grouped", np.array([0, 2, -1])), tensor("pair", np.ones(2, np.float32)),
        tensor("none", np.zeros(2, np.float32))]  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_what_exporters_write_in_several_steps_is_followed_to_its_end(name, tmp_path):
    nodes = [*WRITTEN[name], helper.make_node("Tanh", ["bent"], ["last"])]
    path = save(tmp_path / "a.onnx", nodes, HELD)
    network = opened(path)
    assert network.read(SHAPE).layers["conv"].maps.meta["tensor"] == "bent"
    images = drawn(3, *SHAPE, seed=5)
    found, scores = listen(network, images)
    np.testing.assert_allclose(
        found["conv"], expected(path, images, "bent"), rtol=TOLERANCE, atol=TOLERANCE
    )
    np.testing.assert_allclose(
        scores, expected(path, images, "mean")[:, :, 0, 0], rtol=TOLERANCE, atol=TOLERANCE
    )


def test_a_map_that_goes_to_two_others_ends_there(tmp_path):
    nodes = [
        helper.make_node("Relu", ["conv"], ["one"]),
        helper.make_node("Conv", ["conv", "second.weight"], ["two"], kernel_shape=[1, 1]),
        helper.make_node("Add", ["one", "two"], ["last"]),
    ]
    network = opened(save(tmp_path / "a.onnx", nodes, [tensor("second.weight", drawn(4, 4, 1, 1))]))
    layers = network.read(SHAPE).layers
    tensors = {name: layer.maps.meta["tensor"] for name, layer in layers.items()}
    assert tensors == {"conv": "conv", "second": "last"}


def test_the_reach_of_padding_that_the_size_decides_and_of_older_standards(tmp_path):
    pads = [0, 0, 1, 2, 0, 0, 0, 0]
    nodes = [
        helper.make_node("Pad", ["conv"], ["padded"], pads=pads, mode="constant"),
        helper.make_node("Clip", ["padded"], ["clipped"], min=0.0, max=6.0),
        helper.make_node("Conv", ["clipped", "second.weight"], ["second"], kernel_shape=[2, 3],
                         strides=[2, 2], auto_pad="SAME_UPPER"),
        helper.make_node("MaxPool", ["second"], ["last"], kernel_shape=[2, 2]),
    ]  # fmt: skip
    held = [tensor("second.weight", drawn(5, 4, 2, 3))]
    network = opened(save(tmp_path / "a.onnx", nodes, held, opset=9))
    reading = network.read(SHAPE)
    # 7×6 maps become 8×8: nothing is missing below for 4×4 places of 2×3, one column behind
    assert reading.layers["second"].rows, reading.layers["second"].columns == (4, 4)
    field = reading.field("second")
    assert (field.size, field.stride, field.offset) == ((4, 5), (2, 2), (-1, -2))


@pytest.mark.parametrize(
    ("node", "name"),
    [
        ({"name": "StatefulPartitionedCall/model/block1/Conv2D"}, "model.block1"),
        ({"name": "/layer1/layer1.0/conv1/Conv"}, "layer1.0.conv1"),
        ({"name": "", "inputs": ("onnx::Conv_7",)}, "Conv_1"),
        ({"name": "node_7", "inputs": ("stem.conv_weight",)}, "stem.conv"),
    ],
)
def test_layers_are_named_after_modules(node, name, tmp_path):
    (weights,) = node.get("inputs", ("onnx::Conv_3",))
    nodes = [helper.make_node("Conv", ["conv", weights], ["last"], name=node["name"])]
    network = opened(save(tmp_path / "a.onnx", nodes, [tensor(weights, drawn(3, 4, 1, 1))]))
    assert list(network.read(SHAPE).layers) == ["conv", name]


def test_equal_names_are_told_apart(tmp_path):
    nodes = [
        helper.make_node("Conv", ["conv", "w::1"], ["one"], name="/same/Conv"),
        helper.make_node("Conv", ["one", "w::2"], ["last"], name="/same/Conv_1"),
    ]
    held = [tensor("w::1", drawn(4, 4, 1, 1)), tensor("w::2", drawn(3, 4, 1, 1))]
    network = opened(save(tmp_path / "a.onnx", nodes, held))
    assert list(network.read(SHAPE).layers) == ["conv", "same", "same_2"]


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("product", ["MatMul", "Gemm"])
def test_a_product_between_changes_of_shape_is_a_layer_at_every_place(product, biased, tmp_path):
    inner = ["product"] if not biased else ["product", "sum"]
    nodes = [
        helper.make_node("Transpose", ["conv"], ["turned"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["turned", "flat"], ["rows"]),
        helper.make_node(product, ["rows", "dense.weight"], ["product"]),
        *[helper.make_node("Add", ["product", "bias"], ["sum"])] * biased,
        helper.make_node("Reshape", [inner[-1], "places"], ["back"]),
        helper.make_node("Relu", ["back"], ["bent"]),
        helper.make_node("Transpose", ["bent"], ["last"], perm=[0, 3, 1, 2]),
    ]
    held = [tensor("flat", np.array([-1, 4])), tensor("places", np.array([-1, 7, 6, 5])),
            tensor("dense.weight", drawn(4, 5)), tensor("bias", drawn(5, seed=9))]  # fmt: skip
    path = save(tmp_path / "a.onnx", nodes, held)
    network = opened(path)
    layer = network.read(SHAPE).layers["dense"]
    assert (layer.kind, layer.units, layer.rows, layer.columns) == ("channels-last", 5, 7, 6)
    images = drawn(3, *SHAPE, seed=5)
    found, _ = listen(network, images)
    np.testing.assert_allclose(
        found["dense"], expected(path, images, "last"), rtol=TOLERANCE, atol=TOLERANCE
    )
    assert network.read(SHAPE).field("dense").size == (3, 3)
