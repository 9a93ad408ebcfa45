"""The compact network: recording and projecting it is exact, against a forward pass by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from facslens.errors import CallError
from facslens.models.compact import CompactNetwork
from facslens.models.reading.fields import ReceptiveField
from facslens.models.reading.reading import read_network
from facslens.projection.deconvnet import project_units
from facslens.responses.recorder import record

BLOCKS = ("block1a", "block1b", "block2a", "block2b", "block3a", "block3b")
LAYERS = ("stem", *(f"{block}.conv{n}" for block in BLOCKS for n in (1, 2)))


@pytest.fixture(scope="module")
def network() -> CompactNetwork:
    """An untrained network whose batch normalisation does more than nothing."""
    torch.manual_seed(7)
    network = CompactNetwork(8).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.3, 1.5)
                module.weight.normal_(1, 0.3)
                module.bias.normal_(0, 0.3)
    return network


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.randn(64, 1, 48, 48, generator=torch.Generator().manual_seed(1))


def by_hand(network: CompactNetwork, images: Tensor) -> dict[str, Tensor]:
    """Every layer's rectified maps, and the scores, from the weights alone, in float64."""
    w = {name: value.double() for name, value in network.state_dict().items()}

    def normalised(x: Tensor, convolution: str, norm: str, stride: int = 1) -> Tensor:
        kernel = w[f"{convolution}.weight"]
        x = functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
        scale = w[f"{norm}.weight"] / (w[f"{norm}.running_var"] + 1e-5).sqrt()
        shift = w[f"{norm}.bias"] - scale * w[f"{norm}.running_mean"]
        return scale[:, None, None] * x + shift[:, None, None]

    x = normalised(images.double(), "stem", "norm").clamp(min=0)
    maps = {"stem": x}
    for block in BLOCKS:
        stride = 2 if block.endswith("a") else 1
        inner = normalised(x, f"{block}.conv1", f"{block}.norm1", stride).clamp(min=0)
        beside = x
        if stride == 2:
            beside = normalised(x, f"{block}.shortcut.0", f"{block}.shortcut.1", stride)
        x = (normalised(inner, f"{block}.conv2", f"{block}.norm2") + beside).clamp(min=0)
        maps |= {f"{block}.conv1": inner, f"{block}.conv2": x}
    maps["scores"] = x.mean((2, 3)) @ w["scores.weight"].T + w["scores.bias"]
    return maps


def recorded(network: CompactNetwork, images: Tensor, batch_size: int) -> dict[str, np.ndarray]:
    parts: list = []
    record(network, images.split(batch_size), None, lambda _row, b: parts.append(b))
    return {layer: np.concatenate([p[layer].response for p in parts]) for layer in parts[0]}


def test_every_convolution_but_the_shortcuts_is_listened_to_behind_its_relu(network):
    expected = {"stem": ("batch_norm", "relu")}
    for block in BLOCKS:
        expected[f"{block}.conv1"] = ("batch_norm", "relu")
        expected[f"{block}.conv2"] = ("batch_norm", "add", "relu")
    reading = read_network(network, (1, 48, 48))
    found = {name: reading.layers[name].steps for name in reading.choose(None)}
    assert list(found.items()) == list(expected.items())
    assert len(expected) == 13


@pytest.mark.parametrize(("side", "last"), [(32, 4), (48, 6), (96, 12)])
def test_the_maps_halve_three_times(network, side, last):
    maps = by_hand(network, torch.zeros(1, 1, side, side))
    assert maps["block3b.conv2"].shape == (1, 176, last, last)
    assert network(torch.zeros(2, 1, side, side)).shape == (2, 8)


def test_faces_too_small_are_refused():
    with pytest.raises(
        CallError, match="size is 31: the compact network reads faces of 32 pixels or more"
    ):
        CompactNetwork(8, size=31)


def test_scores_equal_a_forward_pass_by_hand(network, images):
    with torch.inference_mode():
        found = network(images[:4])
    # 13 layers of sums in float32
    torch.testing.assert_close(found.double(), by_hand(network, images[:4])["scores"], atol=1e-4,
                               rtol=1e-4)  # fmt: skip


def test_responses_are_the_maxima_of_the_maps_by_hand(network, images):
    found, maps = recorded(network, images[:4], 4), by_hand(network, images[:4])
    assert tuple(found) == LAYERS
    for layer in LAYERS:
        expected = maps[layer].amax((2, 3)).numpy()
        assert (expected > 0).mean() > 0.5
        # sums in float32, through up to 13 layers, of responses of order 1 to 10
        np.testing.assert_allclose(found[layer], expected, rtol=1e-4, atol=1e-5, err_msg=layer)


def test_the_batch_size_changes_nothing_beyond_rounding(network, images):
    one, many = recorded(network, images, 1), recorded(network, images, 64)
    for layer in LAYERS:
        np.testing.assert_allclose(one[layer], many[layer], rtol=1e-5, atol=1e-5, err_msg=layer)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_gradient_rule_is_the_derivative_of_the_response(layer, network, images):
    double = CompactNetwork(8).double().eval()
    double.load_state_dict(network.state_dict())
    face = images[:2].double()
    asked = face.clone().requires_grad_()
    answers = by_hand(network, asked)[layer].amax((2, 3))
    units = answers.argmax(dim=1)  # those that surely fire
    responses = answers.gather(1, units[:, None])[:, 0]
    (expected,) = torch.autograd.grad(responses.sum(), asked)
    found = project_units(double, face, layer, units.numpy(), rule="gradient")
    assert not found.silent.any()
    np.testing.assert_allclose(found.response, responses.detach().numpy(), rtol=1e-12)
    # sums of some thousand products in double precision, the largest of order 1
    np.testing.assert_allclose(found.image, expected.numpy(), rtol=1e-9, atol=1e-13)


# A 3×3 kernel adds 2 strides of what it slides over, 1 on either side: at strides 1, 1, 2, 2, 2 …
SIZES = (3, 5, 9, 13, 17, 21, 29, 37, 45, 53, 69, 85, 101)
STRIDES = (1, 2, 2, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8)


@pytest.mark.parametrize(
    ("layer", "size", "stride"), list(zip(LAYERS, SIZES, STRIDES, strict=True))
)
def test_a_location_sees_its_receptive_field(network, layer, size, stride):
    field = read_network(network, (1, 48, 48)).field(layer)
    assert field == ReceptiveField((size, size), (stride, stride), (-(size // 2), -(size // 2)))


def test_receptive_fields_by_gradients_of_a_network_of_positive_weights():
    network = CompactNetwork(8).eval()  # its batch normalisation measured mean 0, variance 1
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(0.01, 0.1)  # no gradient cancels or is stopped by a ReLU
    image = torch.ones(1, 1, 104, 104, dtype=torch.float64, requires_grad=True)
    reading = read_network(network, (1, 104, 104))
    for layer, maps in by_hand(network, image).items():
        if layer == "scores":
            continue
        last = maps.shape[-1] - 1
        for row, column in [(0, 1), (last // 2, last)]:
            (seen,) = torch.autograd.grad(maps[0, :, row, column].sum(), image, retain_graph=True)
            rows, columns = (seen[0, 0].sum(axis).nonzero().flatten() for axis in (1, 0))
            found = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
            assert found == reading.field(layer).window(row, column, 104, 104), layer
