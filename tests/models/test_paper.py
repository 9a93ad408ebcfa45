import pytest
import torch
from torch import nn

from facslens.errors import CallError
from facslens.models.paper import PaperNetwork


def test_it_has_the_parameters_of_the_paper():
    # 25·64 + 25·64·128 + 25·128·256 + 1024·300 + 300 + 300·8 + 8
    assert sum(p.numel() for p in PaperNetwork(classes=8).parameters()) == 1_335_508


@pytest.mark.parametrize("size", [48, 96])
def test_the_last_pooling_leaves_quadrants(size):
    network = PaperNetwork(classes=7, size=size)
    maps = torch.zeros(2, 1, size, size)
    shapes = {}
    for name, module in network.named_children():
        maps = module(maps)
        shapes[name] = tuple(maps.shape[1:])
    assert shapes["relu1"] == (64, size, size)
    assert shapes["relu3"] == (256, size // 4, size // 4)
    assert shapes["pool3"] == (256, 2, 2)
    assert shapes["scores"] == (7,)


def test_the_convolutions_are_positively_homogeneous():
    network = PaperNetwork(classes=7).double().eval()
    convolutions = nn.Sequential(*list(network.children())[:9])
    image = torch.randn(1, 1, 48, 48, dtype=torch.float64)
    torch.testing.assert_close(convolutions(3 * image), 3 * convolutions(image))


def test_another_size_is_refused():
    with pytest.raises(
        CallError, match="size is 64: the paper's network reads faces of 48 or 96 pixels"
    ):
        PaperNetwork(classes=7, size=64)
