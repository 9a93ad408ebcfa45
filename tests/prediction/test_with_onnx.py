"""ONNX files made by hand: what they give, and every way in which they are not ours."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from facslens.errors import ArtifactError, CallError
from facslens.prediction.evidence import Evidence
from facslens.prediction.with_onnx import METADATA, read_onnx

DETECTOR = Evidence(
    "AU12", "conv", 1, 0.5, -2.0, 4.0, 0.9, 0.8, 1.0, 0.4, 0.2, 0.5, 30, 24, "confirmed"
)
KNOWN = {
    "size": 4,
    "labels": {"first": ["anger", "fear"], "second": ["happiness", "sadness", "neutral"]},
    "layer": "conv",
    "evidence": [DETECTOR.entry()],
}


def model(known=KNOWN, first=2, units=2, size=4, metadata=None):
    """A network whose every output is the mean grey level times 1, 2, 3 …"""
    outputs = {"probabilities_first": first, "probabilities_second": 3, "responses": units}
    nodes = [helper.make_node("ReduceMean", ["faces"], ["mean"], axes=[1, 2, 3], keepdims=0)]
    nodes.append(helper.make_node("Reshape", ["mean", "shape"], ["column"]))
    constants = [helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 1])]
    for name, width in outputs.items():
        factors = [float(k + 1) for k in range(width)]
        constants.append(helper.make_tensor(f"k_{name}", TensorProto.FLOAT, [1, width], factors))
        nodes.append(helper.make_node("MatMul", ["column", f"k_{name}"], [name]))
    graph = helper.make_graph(
        nodes,
        "made by hand",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["face", 1, size, size])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["face", width])
            for name, width in outputs.items()
        ],
        constants,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(made, {METADATA: json.dumps(known) if metadata is None else metadata})
    return made.SerializeToString()


def test_what_a_file_gives():
    faces = np.zeros((3, 4, 4), np.uint8)
    faces[1] = 51
    faces[2, :2] = 255
    network = read_onnx(model(), "a.onnx")
    assert (network.expressions, network.input.name) == (("anger", "fear"), "grey4-contrast")
    assert network.layer == "conv"
    assert network.evidence == network.detectors == (DETECTOR,)
    found = network.read(faces)
    np.testing.assert_allclose(found.probabilities, [[0, 0], [0.2, 0.4], [0.5, 1]], atol=1e-6)
    np.testing.assert_allclose(found.responses, [[0, 0], [0.2, 0.4], [0.5, 1]], atol=1e-6)
    second = read_onnx(model(), "a.onnx", "second")
    np.testing.assert_allclose(second.read(faces[1:2]).probabilities, [[0.2, 0.4, 0.6]], atol=1e-6)


def test_without_a_layer_there_are_no_responses():
    network = read_onnx(model({**KNOWN, "layer": None, "evidence": []}), "a.onnx")
    assert network.read(np.zeros((2, 4, 4), np.uint8)).responses.shape == (2, 0)


def test_a_head_that_is_not_there_is_named():
    with pytest.raises(CallError, match=r"^labels is 'third': expected one of first, second, the"):
        read_onnx(model(), "a.onnx", "third")


ANOTHER = "is an ONNX file of another network: expected one that `facslens export` wrote"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"size": "4"}, "a.onnx does not say what the network reads: size has to be a number of"),
        ({"size": True}, "a.onnx does not say what the network reads: size has to be a number of"),
        ({"size": 10**7}, "does not say what the network reads: input has a height of 10000000"),
        ({"input": 4}, "a.onnx does not say what the network reads: input has to be a name"),
        ({"input": "grey4-signd"}, "what the network reads: input is 'grey4-signd', which says"),
        ({"input": "rgb4"}, "a.onnx cannot read a face of its size: "),
        ({"labels": {}}, "a.onnx does not say its labels as"),
        ({"labels": ["anger", "fear"]}, "a.onnx does not say its labels as"),
        ({"labels": {"first": ["anger", "anger"]}}, "a.onnx does not say its labels as"),
        ({"labels": {"first": ["anger"]}}, "a.onnx does not say its labels as"),
        ({"labels": {"first": [0, 1]}}, "a.onnx does not say its labels as"),
        ({"labels": {"first": ["anger", "=cmd"]}}, "a.onnx does not say its labels as"),
        ({"layer": 3}, "a.onnx does not say its layer as"),
        ({"evidence": [1]}, "a.onnx does not say its evidence as"),
        ({"evidence": [{"au": "AU12"}]}, "a.onnx: the evidence of AU12 lacks entry"),
        ({"evidence": [DETECTOR.entry()] * 2}, "a.onnx has evidence of AU12 twice"),
        ({"layer": "other"}, "a.onnx has evidence of the layer 'conv', not of 'other', whose"),
        ({"layer": None}, "a.onnx has evidence of the layer 'conv', not of None, whose"),
        (
            {"evidence": [{**DETECTOR.entry(), "unit": 2}]},
            r"responses of the shape \(1, 2\) for one",
        ),
        ({"evidence": [{**DETECTOR.entry(), "unit": -1}]}, "AU12 is confirmed of the unit -1"),
        ({"evidence": [{**DETECTOR.entry(), "unit": None}]}, "AU12 is confirmed of the unit None"),
        ({"evidence": [{**DETECTOR.entry(), "unit": 10**400}]}, "AU12 has unit 1000"),
        ({"evidence": [{**DETECTOR.entry(), "slope": 10**400}]}, "AU12 has slope 1000"),
        ({"evidence": [{**DETECTOR.entry(), "au": "=x"}]}, "=x is of no action unit such as AU12"),
        ({"labels": {"third": ["anger", "fear"]}}, "a.onnx cannot read a face of its size: "),
        ({"size": 5}, "a.onnx cannot read a face of its size: "),
    ],
)
def test_metadata_of_another_network_are_one_sentence(changes, fault):
    with pytest.raises(ArtifactError, match=fault) as raised:
        read_onnx(model({**KNOWN, **changes}), "a.onnx")
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    "metadata", ["", "{", "[]", "4", '["size", "labels", "layer", "evidence"]', "[" * 100_000]
)
def test_metadata_that_are_rubbish_are_one_sentence(metadata):
    with pytest.raises(ArtifactError, match=ANOTHER):
        read_onnx(model(metadata=metadata), "a.onnx")


def test_metadata_that_are_no_text_are_one_sentence():
    content = model(metadata="placeholder!").replace(b"placeholder!", b"\xff\xfe\x80ceholder!")
    with pytest.raises(ArtifactError, match=ANOTHER):
        read_onnx(content, "a.onnx")


def test_a_network_of_another_width_is_one_sentence():
    with pytest.raises(ArtifactError, match=r"gives probabilities_first of the shape \(1, 3\) for"):
        read_onnx(model(first=3), "a.onnx")


def test_what_is_no_model_is_one_sentence():
    for content in (b"", b"no model", model()[:200], onnx.ModelProto().SerializeToString()):
        with pytest.raises(ArtifactError, match=r"a\.onnx is no readable ONNX model: "):
            read_onnx(content, "a.onnx")
