import json

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn import functional

from facslens.errors import CallError
from facslens.models.compact import CompactNetwork
from facslens.models.export import METADATA, export_onnx
from facslens.models.paper import PaperNetwork
from facslens.prediction.with_onnx import read_onnx
from facslens.preprocess import normalise
from facslens.preprocess.input import grey_contrast, parse_input


class Undecided(nn.Module):
    """Its way depends on the data, so its calls can't be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x):
        y = self.conv(x) if x.sum() > 0 else self.conv(-x)
        return y.mean(dim=(2, 3))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    network = CompactNetwork(classes=5).train()
    with torch.no_grad():  # batch normalisation that has measured something
        for _ in range(3):
            network(torch.randn(16, 1, 48, 48))
    return network.eval()


@pytest.fixture(scope="module")
def file(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "network.onnx"
    labels = {"first": ("anger", "fear", "neutral"), "second": ("happiness", "sadness")}
    export_onnx(
        network,
        path,
        into=grey_contrast(48),
        labels=labels,
        layer="block2b.conv2",
        evidence=[{"au": "AU12"}],
    )
    return path


def run(path, faces):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"faces": faces}), strict=True))


def test_onnx_runtime_gives_the_numbers_of_pytorch(network, file, rng):
    faces = rng.random((7, 1, 48, 48), dtype=np.float32)
    found = run(file, faces)
    maps = {}
    handle = network.block2b.register_forward_hook(lambda _m, _i, out: maps.update(out=out))
    with torch.inference_mode():
        scores = network(normalise.standardise(torch.from_numpy(faces)))
    handle.remove()
    first, second = scores[:, :3], scores[:, 3:]
    torch.testing.assert_close(
        torch.from_numpy(found["probabilities_first"]), first.softmax(1), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        torch.from_numpy(found["probabilities_second"]), second.softmax(1), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        torch.from_numpy(found["responses"]), maps["out"].amax((2, 3)), atol=1e-4, rtol=1e-4
    )
    assert found["responses"].shape == (7, 80)


def test_a_network_of_colours_reads_pictures_as_it_did(tmp_path, rng):
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 10, 2)
    ).eval()
    into = parse_input("bgr16x12-bytes-mean90,100,110-std40,50,60")
    path = tmp_path / "colours.onnx"
    export_onnx(network, path, into=into, labels={"x": ["anger", "fear"]}, layer="0")
    pictures = rng.integers(0, 256, (3, 16, 12, 3), dtype=np.uint8)
    found = read_onnx(path.read_bytes(), path)
    assert found.input == into
    answers = found.read(pictures)
    values = (pictures[..., ::-1] - [90, 100, 110]) / [40, 50, 60]
    read = torch.from_numpy(np.moveaxis(values, 3, 1)).float()
    with torch.inference_mode():
        np.testing.assert_allclose(answers.probabilities, network(read).softmax(1), atol=1e-5)
        maps = network[:2](read)
    np.testing.assert_allclose(answers.responses, maps.amax((2, 3)), atol=1e-4)


def test_a_batch_and_single_faces_give_the_same_numbers(file, rng):
    faces = rng.random((9, 1, 48, 48), dtype=np.float32)
    together = run(file, faces)
    for number in range(9):
        alone = run(file, faces[number : number + 1])
        for name, values in alone.items():
            np.testing.assert_allclose(values[0], together[name][number], atol=1e-5, rtol=1e-5)


def test_the_label_names_and_the_evidence_stand_in_the_file(file):
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    known = json.loads(session.get_modelmeta().custom_metadata_map[METADATA])
    assert known == {
        "input": "grey48-contrast",
        "labels": {"first": ["anger", "fear", "neutral"], "second": ["happiness", "sadness"]},
        "layer": "block2b.conv2",
        "evidence": [{"au": "AU12"}],
    }


def test_the_papers_network_without_a_layer(tmp_path, rng):
    torch.manual_seed(0)
    network = PaperNetwork(classes=3, size=48).eval()
    export_onnx(
        network,
        tmp_path / "a.onnx",
        into=grey_contrast(48),
        labels={"x": ["anger", "fear", "sadness"]},
    )
    faces = rng.random((2, 1, 48, 48), dtype=np.float32)
    found = run(tmp_path / "a.onnx", faces)
    with torch.inference_mode():
        expected = functional.softmax(network(normalise.standardise(torch.from_numpy(faces))), 1)
    assert list(found) == ["probabilities_x"]
    np.testing.assert_allclose(found["probabilities_x"], expected.numpy(), atol=1e-5)


def test_a_layer_that_cannot_be_followed_is_refused(tmp_path, network):
    with pytest.raises(CallError, match=r"no layer 'conv9'"):
        export_onnx(
            network,
            tmp_path / "a.onnx",
            into=grey_contrast(48),
            labels={"x": "abcde"},
            layer="conv9",
        )
    with pytest.raises(CallError, match="cannot be read as steps that are the same for every face"):
        export_onnx(
            Undecided(),
            tmp_path / "a.onnx",
            into=grey_contrast(48),
            labels={"x": "ab"},
            layer="conv",
        )
    assert not list(tmp_path.iterdir())
