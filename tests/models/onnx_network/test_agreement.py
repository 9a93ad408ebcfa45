"""What is read of an exported file is what is read of the network in PyTorch."""

import pytest
import torch

from facslens.models.onnx_network.file import read_file
from facslens.models.onnx_network.network import OnnxNetwork
from facslens.models.reading.reading import read_network

SHAPE = (3, 32, 32)
TOLERANCE = 1e-5  # of the largest value: the order of sums differs


@pytest.fixture(scope="module", params=["resnet", "mobilenet", "convnext", "vit", "sequence"])
def network(request, make):
    return make(request.param)


@pytest.fixture(scope="module", params=["newer", "older"])
def exporter(request):
    return request.param == "newer"


@pytest.fixture(scope="module", params=[None, 1, 3], ids=["any number", "one", "three"])
def opened(request, network, exporter, export, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "network.onnx"
    file = read_file(export(network, path, exporter, request.param))
    found = OnnxNetwork(file, file.outputs[0], SHAPE)
    assert found.batch == request.param
    return found


def kept(maps):
    return maps.clone()


@torch.no_grad()
def test_every_layer_gives_the_same_maps(network, opened):
    images = torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(1))
    own, read = read_network(network, SHAPE), read_network(opened, SHAPE)
    maps, scores = own.listener(network, list(own.layers), kept)(images)
    found, answer = read.listener(opened, list(read.layers), kept)(images)
    assert list(found) == list(maps)
    for name, wanted in maps.items():
        assert found[name].shape == wanted.shape
        assert (found[name] - wanted).abs().max() <= TOLERANCE * wanted.abs().max(), name
    torch.testing.assert_close(answer, scores, rtol=0, atol=TOLERANCE * float(scores.abs().max()))
    torch.testing.assert_close(opened(images), answer, rtol=0, atol=1e-6)


def test_layers_are_of_the_same_kind_size_and_field(network, opened):
    own, read = read_network(network, SHAPE), read_network(opened, SHAPE)
    for name, layer in own.layers.items():
        found = read.layers[name]
        for what in ("kind", "units", "rows", "columns", "shortcut"):
            assert getattr(found, what) == getattr(layer, what), (name, what)
        assert read.field(name) == own.field(name), name
    assert read.choose(None) == own.choose(None)
