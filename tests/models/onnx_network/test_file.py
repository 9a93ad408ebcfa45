"""Files that cannot be opened exactly are refused, each with its reason."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from facslens.errors import ArtifactError, CallError
from facslens.models.onnx_network.file import read_file

FLOAT = TensorProto.FLOAT
SIZES = ("image", 1, 8, 8)


def save(path, nodes=None, inputs=None, tensors=(), domain=None):
    given = inputs or [helper.make_tensor_value_info("images", FLOAT, SIZES)]
    graph = helper.make_graph(
        nodes or [helper.make_node("Relu", ["images"], ["out"])],
        "network",
        given,
        [helper.make_tensor_value_info("out", FLOAT, None)],
        list(tensors),
    )
    opsets = [helper.make_opsetid("", 20)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    onnx.save(helper.make_model(graph, opset_imports=opsets), path)
    return path


def branch(name):
    node = helper.make_node("Relu", ["images"], [name])
    return helper.make_graph([node], name, [], [helper.make_tensor_value_info(name, FLOAT, None)])


def value(name, kind=FLOAT, sizes=SIZES):
    return helper.make_tensor_value_info(name, kind, sizes)


TRUE = numpy_helper.from_array(np.array(True), "true")
RATIO = numpy_helper.from_array(np.float32(0.5), "ratio")
REFUSED = {
    "two inputs": ({"inputs": [value("images"), value("age")]}, r"has 2 inputs \(images, age\)"),
    "half": ({"inputs": [value("images", TensorProto.FLOAT16)]}, "takes 'images' as float16: ex"),
    "bytes": ({"inputs": [value("images", TensorProto.UINT8)]}, "takes 'images' as uint8: exp"),
    "no picture": ({"inputs": [value("images", sizes=(1, 8))]}, "takes 'images' with 2 axes: e"),
    "no tensor": (
        {"inputs": [helper.make_tensor_sequence_value_info("images", FLOAT, None)]},
        "takes 'images', which is no tensor",
    ),
    "branch": (
        {"nodes": [helper.make_node("If", ["true"], ["out"], then_branch=branch("a"),
                                    else_branch=branch("b"), name="if")], "tensors": [TRUE]},
        r"has the step 'if', by which it branches or loops \(If\)",
    ),
    "own operation": (
        {"nodes": [helper.make_node("Magic", ["images"], ["out"], domain="org.magic")],
         "domain": "org.magic"},
        "has the step 'Magic', an operation of 'org.magic', which ONNX Runtime does not know",
    ),
    "sequence": (
        {"nodes": [helper.make_node("SequenceConstruct", ["images"], ["many"]),
                   helper.make_node("ConcatFromSequence", ["many"], ["out"], axis=0)]},
        "has the step 'SequenceConstruct', which makes a sequence: expected tensors alone",
    ),
    "chance": (
        {"nodes": [helper.make_node("RandomNormalLike", ["images"], ["out"])]},
        "has the step 'RandomNormalLike', by which it draws at random",
    ),
    "dropout in training": (
        {"nodes": [helper.make_node("Dropout", ["images", "ratio", "true"], ["out"])],
         "tensors": [TRUE, RATIO]},
        "has the step 'Dropout', by which it draws at random: export it in evaluation mode",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_opened_exactly_is_refused(name, tmp_path):
    given, message = REFUSED[name]
    with pytest.raises(CallError, match=r"a\.onnx " + message):
        read_file(save(tmp_path / "a.onnx", **given))


def test_files_that_are_missing_or_damaged(tmp_path):
    with pytest.raises(ArtifactError, match=r"none\.onnx does not exist$"):
        read_file(tmp_path / "none.onnx")
    with pytest.raises(ArtifactError, match=r"is no file$"):
        read_file(tmp_path)
    (tmp_path / "a.onnx").write_bytes(b"no model at all")
    with pytest.raises(ArtifactError, match=r"a\.onnx is no readable ONNX model"):
        read_file(tmp_path / "a.onnx")
    (tmp_path / "a.onnx").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"a\.onnx is no readable ONNX model: it holds no step"):
        read_file(tmp_path / "a.onnx")


def outside(path, where="weights.bin"):
    """Write a file whose weights lie beside it."""
    tensor = numpy_helper.from_array(np.arange(36, dtype=np.float32).reshape(4, 1, 3, 3), "weights")
    nodes = [helper.make_node("Conv", ["images", "weights"], ["out"])]
    model = onnx.load(save(path, nodes, tensors=[tensor]))
    onnx.save(
        model, path, save_as_external_data=True, location=where, size_threshold=0,
        all_tensors_to_one_file=True,
    )  # fmt: skip
    return path


def test_weights_beside_a_file_are_read_and_part_of_its_hash(tmp_path):
    path = outside(tmp_path / "a.onnx")
    first = read_file(path)
    weights = numpy_helper.to_array(first.model.graph.initializer[0])
    assert weights.flatten().tolist() == list(range(36))
    content = bytearray((tmp_path / "weights.bin").read_bytes())
    content[2] ^= 1
    (tmp_path / "weights.bin").write_bytes(content)
    assert read_file(path).sha256 != first.sha256
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ArtifactError, match=r"a\.onnx has its weights in weights\.bin, which does"):
        read_file(path)


def test_weights_that_are_cut_off_are_damage(tmp_path):
    path = outside(tmp_path / "a.onnx")
    (tmp_path / "weights.bin").write_bytes(b"few")
    with pytest.raises(ArtifactError, match=r"a\.onnx has weights beside it that cannot be read"):
        read_file(path)


def test_functions_of_the_file_are_written_out(tmp_path):
    inner = helper.make_function(
        "own", "Twice", ["x"], ["y"], [helper.make_node("Add", ["x", "x"], ["y"])],
        [helper.make_opsetid("", 20)],
    )  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("Twice", ["images"], ["out"], domain="own")],
        "network", [value("images")], [value("out", sizes=None)],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, functions=[inner], opset_imports=opsets)
    onnx.save(model, tmp_path / "a.onnx")
    assert [n.op_type for n in read_file(tmp_path / "a.onnx").model.graph.node] == ["Add"]
