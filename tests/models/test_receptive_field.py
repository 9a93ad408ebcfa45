import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from facslens.errors import CallError
from facslens.models.paper import PaperNetwork
from facslens.models.receptive_field import ReceptiveField, receptive_field


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
    field = receptive_field(PaperNetwork(8, size=side), layer)
    assert field == ReceptiveField((size, size), (stride, stride), (offset, offset))
    assert receptive_field(PaperNetwork(8), layer.replace("conv", "relu")) == field


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
    ),
    "same padding of an even kernel": nn.Sequential(
        nn.Conv2d(2, 2, 4, padding="same"), nn.AvgPool2d(2), nn.Conv2d(2, 2, 2, padding="valid")
    ),
}

copies_for_same_padding = pytest.mark.filterwarnings(
    "ignore:Using padding='same' with even kernel lengths:UserWarning"
)


@copies_for_same_padding
@pytest.mark.parametrize("name", CHAINS)
def test_chains_by_gradients(name):
    network = positive(CHAINS[name])
    field = receptive_field(network, str(len(network) - 1))
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


class Undecided(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.mean() > 0 else x


def test_what_cannot_be_derived_is_refused():
    network = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Upsample(scale_factor=2), nn.Conv2d(1, 1, 3))
    assert receptive_field(network, "0").size == (3, 3)
    with pytest.raises(CallError, match="geometry of '1' before it isn't known"):
        receptive_field(network, "2")
    with pytest.raises(CallError, match="'conv9' is called 0 times: only one called once"):
        receptive_field(PaperNetwork(8), "conv9")
    with pytest.raises(CallError, match="network's calls depends on its input"):
        receptive_field(Undecided(1, 1, 3), "")
    wrapped = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"))
    with pytest.raises(CallError, match="geometry of '0' before it isn't known"):
        receptive_field(wrapped, "0")


def test_a_window_is_the_rectangle_inside_the_image():
    field = ReceptiveField(size=(4, 2), stride=(3, 1), offset=(-1, -1))
    assert field.rectangle(0, 0) == (-1, -1, 3, 1)
    assert field.window(0, 0, 5, 5) == (0, 0, 3, 1)
    assert field.window(1, 4, 5, 4) == (2, 3, 5, 4)
