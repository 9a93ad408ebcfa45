import numpy as np
import pytest
import torch
from torch import nn

from facslens.errors import CallError, FacslensError
from facslens.models.model import build
from facslens.responses.recorder import listen, peak, record

EXPRESSIONS = ("anger", "happiness", "surprise")


def naive(network, images, layer):
    """Maximum and its first place, by explicit loops over the maps of a plain forward pass."""
    maps = images
    for name, module in network.named_children():
        maps = module(maps)
        if name == layer.replace("conv", "relu"):
            break
    values = np.zeros(maps.shape[:2], np.float32)
    places = np.full((*maps.shape[:2], 2), -1)
    for i, unit_maps in enumerate(maps.detach().numpy()):
        for u, one in enumerate(unit_maps):
            for r, row in enumerate(one):
                for c, value in enumerate(row):
                    if value > values[i, u]:
                        values[i, u], places[i, u] = value, (r, c)
    return values, places


@pytest.fixture(scope="module")
def network():
    return build("paper", EXPRESSIONS, 48, seed=3).network


@pytest.fixture(scope="module")
def images():
    return torch.randn(7, 1, 48, 48, generator=torch.Generator().manual_seed(1))


def recorded(network, images, batch_size):
    parts = []
    record(network, images.split(batch_size), None, lambda _row, b: parts.append(b))
    return {
        layer: (
            np.concatenate([p[layer].response for p in parts]),
            np.concatenate([p[layer].location for p in parts]),
        )
        for layer in parts[0]
    }


@pytest.mark.parametrize("layer", ["conv2", "conv3"])
def test_response_and_location_equal_a_loop_over_the_map(network, images, layer):
    values, places = naive(network, images[:2], layer)
    response, location = recorded(network, images[:2], 2)[layer]
    np.testing.assert_array_equal(response, values)
    np.testing.assert_array_equal(location, places)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_batch_size_changes_nothing_beyond_rounding(network, images, batch_size):
    whole, parts = recorded(network, images, 7), recorded(network, images, batch_size)
    for layer, (response, location) in whole.items():
        # another batch size may sum a convolution in another order: a few float32 roundings
        np.testing.assert_allclose(parts[layer][0], response, rtol=1e-5, atol=1e-5)
        assert (parts[layer][1] == location).mean() > 0.999


def test_the_first_of_equal_maxima_is_the_location_and_zero_has_none():
    maps = torch.zeros(1, 2, 3, 4)
    maps[0, 0, 1, 3] = maps[0, 0, 2, 0] = 5.0
    found = peak(maps)
    assert found.response.tolist() == [[5.0, 0.0]]
    assert found.location.tolist() == [[[1, 3], [-1, -1]]]
    assert found.shape == (3, 4)


def test_nan_in_the_network_is_an_error_not_a_number():
    with pytest.raises(CallError, match="the network answers NaN"):
        peak(torch.full((1, 1, 2, 2), float("nan")))


def test_hooks_and_train_flags_are_restored_after_an_exception():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Dropout())
    network[2].eval()

    def stop(_row, _batch):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        record(network, [torch.ones(1, 1, 4, 4)], None, stop)
    assert [m.training for m in network.modules()] == [True, True, True, False]
    assert not any(m._forward_hooks for m in network.modules())


def test_a_network_that_reads_one_image_at_a_time_is_recorded_all_the_same():
    class Single(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 3, 3)

        def forward(self, x):
            return self.conv(x).relu().reshape(1, -1)

    torch.manual_seed(0)
    network, images = Single(), torch.randn(5, 1, 6, 6)
    found = []
    assert record(network, images.split(2), ["conv"], lambda _row, b: found.append(b)) == 5
    response = np.concatenate([b["conv"].response for b in found])
    with torch.no_grad():
        np.testing.assert_allclose(response, network.conv(images).relu().amax((2, 3)), rtol=1e-5)


def test_a_map_changed_in_place_later_is_read_before_that():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Hardtanh(0, 0.1, inplace=True))
    nn.init.constant_(network[0].weight, 2.0)
    nn.init.zeros_(network[0].bias)
    found = []
    record(network, [torch.ones(1, 1, 2, 2)], ["0"], lambda _row, b: found.append(b))
    assert found[0]["0"].response.tolist() == [[2.0, 2.0]]


class Small:
    """Answer like a listener on a device whose memory holds three images."""

    def __init__(self, most):
        self.most, self.sizes = most, []

    def __call__(self, images):
        self.sizes.append(len(images))
        if len(images) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return {"conv1": peak(images)}, images


def test_a_batch_that_does_not_fit_is_halved_and_said(capsys):
    images = torch.rand(14, 2, 3, 3)
    small, found = Small(3), []
    count = listen(
        nn.Conv2d(2, 2, 3), small, images.split(7), lambda row, own: found.append((row, own))
    )
    assert count == 14
    assert small.sizes == [7, 3, 3, 1, 3, 3, 1]  # the second batch comes in threes at once
    assert [row for row, _ in found] == [0, 3, 6, 7, 10, 13]
    whole = np.concatenate([own["conv1"].response for _, own in found])
    np.testing.assert_array_equal(whole, images.amax(dim=(2, 3)).numpy())
    assert "the memory of cpu is full: batches of 3 from here on" in capsys.readouterr().err
    with pytest.raises(FacslensError, match="cpu has not enough memory for one image"):
        listen(nn.Conv2d(2, 2, 3), Small(0), images.split(7), lambda _row, _own: None)


def test_a_layer_that_changes_the_axis_of_images_is_refused():
    def folded(images):
        return {"conv1": peak(images.reshape(-1, 1, *images.shape[2:]))}, images

    with pytest.raises(CallError, match=r"conv1 answers for 8 images where it was given 4"):
        listen(nn.Conv2d(2, 2, 3), folded, [torch.rand(4, 2, 3, 3)], lambda _row, _own: None)
