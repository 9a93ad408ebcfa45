import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from facslens.models.paper import PaperNetwork
from facslens.models.reading.fields import ReceptiveField
from facslens.models.reading.reading import read_network


def receptive_field(network: nn.Module, layer: str, shape=(1, 48, 48)) -> ReceptiveField:
    return read_network(network, shape).field(layer)


def positive(network: nn.Module) -> nn.Module:
    """Make every weight positive, so that no gradient cancels or is stopped by a ReLU."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(0.5, 1.5)
    return network.double().eval()


def seen(network: nn.Module, channels: int, side: tuple[int, int], row: int, column: int):
    """Rectangle of the pixels on which a location's value depends, by its gradient."""
    image = torch.ones(1, channels, *side, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(image)[0, :, row, column].sum(), image)
    rows = gradient.sum((0, 1, 3)).nonzero().flatten()
    columns = gradient.sum((0, 1, 2)).nonzero().flatten()
    return rows[0].item(), columns[0].item(), rows[-1].item() + 1, columns[-1].item() + 1


@pytest.mark.parametrize(
    ("layer", "size", "stride", "offset"),
    # 5; 5+1+4·2 = 14; 14+2+4·4 = 32. Padding 2 at strides 1, 2, 4: −2, −6, −14.
    [("conv1", 5, 1, -2), ("conv2", 14, 2, -6), ("conv3", 32, 4, -14)],
)
@pytest.mark.parametrize("side", [48, 96])
def test_the_papers_network(layer, size, stride, offset, side):
    field = receptive_field(PaperNetwork(8, size=side), layer, (1, side, side))
    assert field == ReceptiveField((size, size), (stride, stride), (offset, offset))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_papers_network_by_gradients(number):
    # max pooling passes a gradient to one pixel only; average pooling of the same
    # geometry passes it to all that a location can see
    parts = []
    for name, part in PaperNetwork(8).named_children():
        parts.append(nn.AvgPool2d(2) if name.startswith("pool") else part)
        if name == f"conv{number}":
            break
    network = positive(nn.Sequential(*parts))
    field = receptive_field(PaperNetwork(8), f"conv{number}")
    last = 48 // field.stride[0] - 1
    for row, column in [(0, 0), (0, last), (last, 3), (5, 6)]:
        expected = seen(network, 1, (48, 48), row, column)
        assert field.window(row, column, 48, 48) == expected


CHAINS = {
    "stride, dilation, oblong kernels": nn.Sequential(
        nn.Conv2d(2, 2, (3, 5), stride=(2, 1), padding=(1, 0)),
        nn.BatchNorm2d(2),
        nn.ReLU(),
        nn.Conv2d(2, 2, 3, dilation=(1, 2), padding=1),
        nn.AvgPool2d((2, 3), stride=(1, 2), padding=(1, 0)),
        nn.Conv2d(2, 2, 1),
    ),
    "same padding of an even kernel": nn.Sequential(
        nn.Conv2d(2, 2, 4, padding="same"), nn.AvgPool2d(2), nn.Conv2d(2, 2, 2, padding="valid")
    ),
    "padding by itself, repeated edges": nn.Sequential(
        nn.ZeroPad2d((1, 0, 2, 0)),
        nn.Conv2d(2, 2, 3, padding=1, padding_mode="replicate"),
        nn.Conv2d(2, 2, 3, stride=2),
    ),
    "groups that are shuffled": nn.Sequential(
        nn.Conv2d(2, 4, 3, groups=2), nn.ChannelShuffle(2), nn.Conv2d(4, 2, 3)
    ),
}

copies_for_same_padding = pytest.mark.filterwarnings(
    "ignore:Using padding='same' with even kernel lengths:UserWarning"
)


@copies_for_same_padding
@pytest.mark.parametrize("name", CHAINS)
def test_chains_by_gradients(name):
    network = positive(CHAINS[name])
    field = receptive_field(network.float(), str(len(network) - 1), (2, 19, 23))
    network.double()
    for row, column in [(0, 0), (1, 2), (3, 4)]:
        expected = seen(network, 2, (19, 23), row, column)
        assert field.window(row, column, 19, 23) == expected


class Branches(nn.Module):
    """Addition and concatenation, functional pooling and ReLU; the scores see everything."""

    def __init__(self) -> None:
        super().__init__()
        self.high = nn.Conv2d(1, 1, (7, 1), padding=(3, 0))
        self.wide = nn.Conv2d(1, 1, (1, 4), padding="same")
        self.end = nn.Conv2d(2, 1, 2)
        self.scores = nn.Linear(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        high = functional.relu(self.high(x)) + x
        y = functional.avg_pool2d(torch.cat([high, self.wide(x)], dim=1), 2)
        y = self.end(y)
        self.scores(y.mean((2, 3)))
        return y


@copies_for_same_padding
def test_where_branches_meet_a_location_sees_all_of_them():
    # rows: −3 … 3 of `high` before −1 … 2 of `wide`, pooled: 7+1; the last kernel adds 1·2
    network = positive(Branches())
    field = receptive_field(network, "end")
    assert field == ReceptiveField(size=(10, 7), stride=(2, 2), offset=(-3, -1))
    for row, column in [(0, 0), (3, 3), (7, 7)]:
        assert field.window(row, column, 20, 20) == seen(network, 1, (20, 20), row, column)


class Gated(nn.Module):
    """Behind a gate that sees all places, every place sees all."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.after = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).relu()
        return self.after(x * x.mean((2, 3), keepdim=True).sigmoid())


@pytest.mark.parametrize(
    ("network", "first", "last"),
    [
        (Gated(), "conv", "after"),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.Upsample(scale_factor=2), nn.Conv2d(1, 1, 3)),
         "0", "2"),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")),
         "0", "1"),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.AdaptiveAvgPool2d(3), nn.Conv2d(1, 1, 1)), "0", "2"),
    ],
)  # fmt: skip
def test_what_is_not_regular_sees_the_whole_image(network, first, last):
    assert receptive_field(network, first, (1, 6, 8)).size == (1, 1)
    field = receptive_field(network, last, (1, 6, 8))
    assert field.whole
    assert field.window(0, 1, 6, 8) == (0, 0, 6, 8)


def test_where_the_whole_image_is_seen_a_place_still_lies_somewhere():
    field = receptive_field(Gated(), "after", (1, 6, 8))
    assert field.centre(np.array([[0, 0], [5, 7]])).tolist() == [[0, 0], [5, 7]]


def test_a_window_is_the_rectangle_inside_the_image():
    field = ReceptiveField(size=(4, 2), stride=(3, 1), offset=(-1, -1))
    assert field.rectangle(0, 0) == (-1, -1, 3, 1)
    assert field.window(0, 0, 5, 5) == (0, 0, 3, 1)
    assert field.window(1, 4, 5, 4) == (2, 3, 5, 4)
