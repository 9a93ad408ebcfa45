import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from facslens.errors import CallError
from facslens.models.adapter import choose_layers, read_calls, unit_layers
from facslens.models.paper import PaperNetwork


class Functional(nn.Module):
    """Functional ReLU, once behind batch normalisation and once as a method."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.second = nn.Conv2d(2, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(functional.relu(self.norm(self.first(x)))).relu()


class Residual(nn.Module):
    """The usual residual block: one ReLU module called in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 2, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(2)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(2, 2, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x
        return self.relu(y)


class Shortcut(nn.Module):
    """A residual block whose shortcut is a convolution, called first or last."""

    def __init__(self, first: bool) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(1, 2, 1)
        self.conv1 = nn.Conv2d(1, 2, 3, padding=1)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(2, 2, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(2)
        self.relu2 = nn.ReLU()
        self.first = first

    def forward(self, x: Tensor) -> Tensor:
        beside = self.shortcut(x) if self.first else None
        y = self.bn2(self.conv2(self.relu1(self.conv1(x))))
        return self.relu2(y + (self.shortcut(x) if beside is None else beside))


class FunctionalResidual(nn.Module):
    """Functional ReLUs, the last behind an addition; and an addition in place."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 2, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(2)
        self.conv2 = nn.Conv2d(2, 2, 3, padding=1)
        self.in_place = in_place

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(functional.relu(self.bn1(self.conv1(x))))
        if self.in_place:
            y += x
            return functional.relu_(y)
        return functional.relu(torch.add(y, x))


class OutOfOrder(nn.Module):
    """Registered in another order than called, one module never called, one called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.act2 = nn.ReLU()
        self.conv2 = nn.Conv2d(1, 1, 3)
        self.conv1 = nn.Conv2d(1, 1, 3)
        self.act1 = nn.GELU()
        self.unused = nn.Conv2d(1, 1, 3)
        self.twice = nn.Conv2d(1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.twice(self.twice(self.act2(self.conv2(self.act1(self.conv1(x))))))


class Undecided(nn.Module):
    """Its way depends on the data, so its calls can't be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) if x.mean() > 0 else x


def test_the_papers_network_is_listened_to_behind_its_relus():
    assert unit_layers(PaperNetwork(8)) == {"conv1": "relu1", "conv2": "relu2", "conv3": "relu3"}


def test_batch_normalisation_and_dropout_may_stand_between():
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout2d(0.1), nn.ReLU(), nn.Conv2d(2, 2, 3)
    )
    assert unit_layers(network) == {"0": "3", "4": "4"}


def test_a_pooling_before_the_relu_leaves_the_convolutions_own_output():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.ReLU())
    assert unit_layers(network) == {"0": "0"}


def test_nested_modules_are_named_by_their_path():
    block = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU())
    network = nn.Sequential(nn.Sequential(block, nn.MaxPool2d(2)), nn.Conv2d(1, 1, 3), nn.SiLU())
    assert unit_layers(network) == {"0.0.0": "0.0.1", "1": "2"}


def test_before_a_functional_relu_the_last_module_counts():
    assert unit_layers(Functional()) == {"first": "norm", "second": "second"}


def test_a_relu_called_in_two_places_is_not_listened_to():
    # by registration, conv1 would listen to `relu`, whose last call is the block's end
    assert unit_layers(Residual()) == {"conv1": "bn1", "conv2": "conv2"}


@pytest.mark.parametrize("first", [False, True])
def test_units_behind_an_addition_are_those_of_the_longest_way(first):
    assert unit_layers(Shortcut(first)) == {"conv1": "relu1", "conv2": "relu2"}


@pytest.mark.parametrize("in_place", [False, True])
def test_behind_an_addition_without_a_relu_of_its_own_the_convolution_counts(in_place):
    # `bn1` still holds what the functional ReLU reads; the sum is no module's output
    assert unit_layers(FunctionalResidual(in_place)) == {"conv1": "bn1", "conv2": "conv2"}


def test_the_order_of_the_calls_decides_and_not_that_of_registration():
    assert unit_layers(OutOfOrder()) == {"conv1": "act1", "conv2": "act2"}


def test_without_a_trace_the_order_of_registration_stands_in():
    network = Undecided()
    assert read_calls(network) is None
    assert unit_layers(network) == {"body.0": "body.2"}


def test_tracing_leaves_the_network_as_it_was():
    network = Residual()
    network.bn1.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    unit_layers(network)
    assert [m.training for m in network.modules()] == [True, True, False, True, True, True]
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_choosing_layers():
    assert choose_layers(PaperNetwork(8), ["conv2"]) == {"conv2": "relu2"}
    assert list(choose_layers(PaperNetwork(8), None)) == ["conv1", "conv2", "conv3"]
    with pytest.raises(CallError, match="no convolution layer 'conv4': it has conv1, conv2, conv3"):
        choose_layers(PaperNetwork(8), ["conv4"])
    with pytest.raises(CallError, match="has no convolution layer, so it has no feature maps"):
        choose_layers(nn.Linear(2, 2), None)
