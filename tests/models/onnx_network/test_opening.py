"""An ONNX file as a model: recorded, experimented with, predicted with; not projected."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from facslens.causal.cut import cut_at
from facslens.errors import ArtifactError, CallError
from facslens.models.export import export_onnx
from facslens.models.initial import digest
from facslens.models.model import build, save
from facslens.models.onnx_network.opening import open_onnx
from facslens.models.onnx_network.said import noted_labels
from facslens.prediction.with_torch import read_with_torch
from facslens.preprocess.normalise import as_read
from facslens.projection.attributed import attribute_units
from facslens.projection.deconvnet import project_units
from facslens.projection.layer_table import describe_layers
from facslens.responses.recorder import record
from facslens.runs.settings import Settings
from facslens.runs.source import Source

INPUT = "rgb32-imagenet"
NAMES = ("anger", "fear", "happiness", "neutral", "sadness")


@pytest.fixture(scope="module")
def network(make):
    return make("resnet")


@pytest.fixture(scope="module")
def path(network, export, tmp_path_factory):
    return export(network, tmp_path_factory.mktemp("onnx") / "network.onnx")


@pytest.fixture(scope="module")
def model(path):
    return open_onnx(path, INPUT, NAMES)


@pytest.fixture
def images():
    return torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(2))


def responses(network, images, layers):
    found = {}

    def sink(start, batch):
        for layer, one in batch.items():
            found.setdefault(layer, []).append(one)

    record(network, [images[:3], images[3:]], layers, sink)
    joined = {}
    for layer, parts in found.items():
        joined[layer] = tuple(
            np.concatenate([getattr(part, what) for part in parts])
            for what in ("response", "location")
        )
    return joined


def test_it_is_recorded_as_in_pytorch(network, model, images):
    layers = model.reading.choose(None)
    own, found = responses(network, images, layers), responses(model.network, images, layers)
    for layer in layers:
        np.testing.assert_allclose(found[layer][0], own[layer][0], rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(found[layer][1], own[layer][1])


def test_it_reads_faces(network, model):
    faces = np.random.default_rng(1).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    found = read_with_torch(model).read(faces).probabilities
    levels = torch.from_numpy(faces).float().div(255).movedim(3, 1)
    with torch.no_grad():
        wanted = network(as_read(levels, model.input)).softmax(1)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_what_needs_its_steps_is_refused(model, images, tmp_path):
    reason = r"network\.onnx, an ONNX file, which ONNX Runtime runs as a whole: projecting, cutting"
    with pytest.raises(CallError, match=reason):
        project_units(model.network, images, "conv1", np.zeros(5, int))
    with pytest.raises(CallError, match=reason):
        cut_at(model.network, "conv1", images)
    with pytest.raises(CallError, match=reason):
        export_onnx(
            model.network, tmp_path / "b.onnx", into=model.input, labels={"a": NAMES}, layer="conv1"
        )
    with pytest.raises(CallError, match=r"as a whole: it gives no gradients$"):
        model.network(images.clone().requires_grad_())
    with pytest.raises(CallError, match=r"as a whole: it gives no gradients$"):
        attribute_units(
            model.network, images[:1], "conv1", np.zeros(1, int), method="integrated_gradients"
        )
    with pytest.raises(CallError, match=r"^the model is of the architecture 'onnx'"):
        save(model, tmp_path)


def test_directions_are_refused_before_an_audit_begins(model, path):
    with pytest.raises(CallError, match="directions of a layer need the PyTorch network: this one"):
        Settings(source=Source(str(path)), units="directions").check(model)
    Settings(source=Source(str(path))).check(model)


def test_a_face_is_occluded_as_in_pytorch(network, model, images):
    units = np.array([2])
    own, found = (
        attribute_units(one, images[:1], "layer1.0.conv1", units, method="occlusion").image
        for one in (network, model.network)
    )
    np.testing.assert_allclose(found, own, rtol=1e-4, atol=1e-5)
    assert np.abs(own).max() > 0.01


def test_its_layers_are_described_with_the_reason(model):
    table = describe_layers(model, ["layer1.*"])
    assert table["layer"].tolist() == ["layer1.0.conv1", "layer1.0.conv2"]
    assert table["steps"].tolist() == ["relu", "add relu"]
    assert table["field_rows"].tolist() == [19, 27]
    assert set(table["rules"]) == {"refused"}
    assert table["why"].str.contains("an ONNX file, which ONNX Runtime runs as a whole").all()


def test_its_hash_is_that_of_the_file(path, model, network, export, tmp_path):
    assert digest(model) == digest(open_onnx(path, INPUT, NAMES))
    with torch.no_grad():
        network.fc.bias[0] += 1
        other = export(network, tmp_path / "b.onnx")
        network.fc.bias[0] -= 1
    assert digest(open_onnx(other, INPUT, NAMES)) != digest(model)
    with pytest.raises(CallError, match="is an ONNX file: its weights cannot be changed"):
        model.network.load_state_dict(model.network.state_dict())


def test_pictures_of_another_shape_are_refused(model):
    with pytest.raises(CallError, match=r"network\.onnx takes one or more of \(3, 32, 32\)$"):
        model.network(torch.zeros(1, 3, 32, 31))
    with pytest.raises(
        CallError, match=r"shape \(1, 32, 32\): .*network\.onnx takes \(3, 32, 32\)"
    ):
        model.network.read((1, 32, 32))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"input": None}, r"takes pictures of 3 × 32 × 32, and does not say of which colours and"),
        ({"input": "grey32"}, r"3 × 32 × 32: the input has 1 channels of 32×32 pixels$"),
        ({"input": "rgb48"}, r"3 × 32 × 32: the input has 3 channels of 48×48 pixels$"),
        ({"expressions": None}, r"does not name its 5 classes: say expressions"),
        (
            {"expressions": NAMES[:4]},
            r"expressions has 4 names .*, but the network gives 5 numbers",
        ),
        (
            {"expressions": (*NAMES[:4], "angry")},
            r"^expressions names 'anger' twice: expected every class once$",
        ),
        ({"output": "other"}, r"^output is 'other': .*network\.onnx gives linear$"),
    ],
)
def test_what_is_not_said_or_does_not_fit(given, message, path):
    with pytest.raises(CallError, match=message):
        open_onnx(path, **{"input": INPUT, "expressions": NAMES, **given})


class Probabilities(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        scores = self.network(images)
        return scores.softmax(1), scores.mean((1,), keepdim=True)


@pytest.mark.parametrize("newer", [True, False])
def test_scores_before_a_softmax_are_read(newer, network, images, export, tmp_path):
    path = export(Probabilities(network).eval(), tmp_path / "a.onnx", newer)
    first, second = (output.name for output in onnx.load(path).graph.output)
    with pytest.raises(CallError, match=rf"gives {first}, {second}: say output, the one that sc"):
        open_onnx(path, INPUT, NAMES)
    model = open_onnx(path, INPUT, NAMES, first)
    with torch.no_grad():
        wanted = network(images)
    torch.testing.assert_close(model.network(images), wanted, rtol=1e-5, atol=1e-5)
    (note,) = model.opened["notes"]
    assert note.startswith("The file answers with probabilities: what the softmax at its end takes")
    assert model.opened["output"] != first


@pytest.mark.parametrize("newer", [True, False])
def test_chances_of_each_class_are_taken_back_to_scores(newer, network, images, export, tmp_path):
    path = export(nn.Sequential(network, nn.Sigmoid()).eval(), tmp_path / "a.onnx", newer)
    with pytest.raises(CallError, match="numbers from 0 to 1 that do not sum to 1: say output"):
        open_onnx(path, INPUT, NAMES)
    model = open_onnx(path, INPUT, NAMES, "chances")
    assert model.scale == "logistic"
    with torch.no_grad():
        wanted = network(images)
    _, scores = model.reading.listener(model.network, [], torch.clone)(images)
    torch.testing.assert_close(scores, wanted, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(model.network(images), scores)


def test_channels_that_are_last_are_turned(network, images, export, tmp_path):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, x):
            return self.network(x.permute(0, 3, 1, 2))

    path = export(Last().eval(), tmp_path / "a.onnx", shape=(32, 32, 3))
    model = open_onnx(path, INPUT, NAMES)
    with torch.no_grad():
        wanted = network(images)
    torch.testing.assert_close(model.network(images), wanted, rtol=1e-5, atol=1e-5)
    layer = model.reading.layers["network.conv1"]
    assert (layer.units, layer.rows, layer.columns) == (6, 16, 16)
    field = model.reading.field("network.conv1")
    assert (field.size, field.stride, field.offset) == ((7, 7), (2, 2), (-3, -3))


def test_a_file_of_our_own_says_everything(images, tmp_path):
    own = build("compact", NAMES, 48, seed=3)
    path, labels = tmp_path / "own.onnx", {"first": NAMES[:3], "second": NAMES[3:]}
    export_onnx(own.network, path, into=own.input, labels=labels, layer="block2b.conv1")
    model = open_onnx(path, output="second")
    assert (model.input.name, model.expressions) == ("grey48", NAMES[3:])
    assert list(model.reading.layers) == list(own.reading.layers)
    levels = torch.rand(3, 1, 48, 48, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = own.network(as_read(levels, own.input))
    torch.testing.assert_close(model.network(levels), wanted[:, 3:], rtol=1e-4, atol=1e-5)
    layers = own.reading.choose(None)
    ours = responses(own.network, as_read(levels.repeat(2, 1, 1, 1), own.input)[:5], layers)
    found = responses(model.network, levels.repeat(2, 1, 1, 1)[:5], layers)
    for layer in layers:
        np.testing.assert_allclose(found[layer][0], ours[layer][0], rtol=1e-4, atol=1e-4)
    assert open_onnx(path).expressions == NAMES[:3]
    with pytest.raises(CallError, match=r"^output is 'third': .*own\.onnx gives first, second$"):
        open_onnx(path, output="third")
    with pytest.raises(CallError, match="and reads grey48: leave input out"):
        open_onnx(path, "grey48-contrast")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"happiness", b"harpiness"))
    with pytest.raises(ArtifactError, match="is not as `facslens export` wrote it, by its SHA-256"):
        open_onnx(path)


def mixing(path):
    """Write a file that takes the mean of the others from each face."""
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["images", "weights"], ["maps"]),
            helper.make_node("ReduceMean", ["maps", "first"], ["common"]),
            helper.make_node("Sub", ["maps", "common"], ["left"]),
            helper.make_node("Relu", ["left"], ["bent"]),
            helper.make_node("ReduceMean", ["bent", "places"], ["scores"], keepdims=0),
        ],
        "network",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ("image", 1, 8, 8))],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "weights"),
            numpy_helper.from_array(np.array([0]), "first"),
            numpy_helper.from_array(np.array([2, 3]), "places"),
        ],
    )
    opsets = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


def listened(model):
    return model.reading.listener(model.network, model.reading.choose(None), torch.clone)


def test_faces_that_change_each_other_are_refused(tmp_path):
    model = open_onnx(mixing(tmp_path / "a.onnx"), "grey8", NAMES[:2])
    with pytest.raises(CallError, match=r"for a face alone and with another one differ by"):
        listened(model)(torch.rand(2, 1, 8, 8))


def test_nan_is_refused(tmp_path):
    model = open_onnx(mixing(tmp_path / "a.onnx"), "grey8", NAMES[:2])
    with pytest.raises(CallError, match="answers NaN: its weights or its input hold NaN"):
        listened(model)(torch.full((1, 1, 8, 8), float("nan")))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("names", "{0: 'anger', 1: 'fear'}"),
        ("id2label", '{"0": "anger", "1": "fear"}'),
        ("classes", '["anger", "fear"]'),
        ("labels", "anger, fear"),
    ],
)
def test_names_in_metadata_are_found(key, text, tmp_path):
    path = mixing(tmp_path / "a.onnx")
    content = onnx.load(path)
    helper.set_model_props(content, {"author": "anybody", key: text})
    onnx.save(content, path)
    model = open_onnx(path, "grey8")
    assert model.expressions == ("anger", "fear")
    assert noted_labels(model.network.file) == ("anger", "fear")
