import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from facslens.errors import CallError
from facslens.models.paper import PaperNetwork
from facslens.models.reading.reading import read_network


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


class LayerNorm2d(nn.Module):
    """Normalisation over channels, written out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(0.5, 1.5, channels))
        self.bias = nn.Parameter(torch.linspace(-1, 1, channels))

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(1, keepdim=True)
        x = centred / torch.sqrt(centred.pow(2).mean(1, keepdim=True) + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class Frozen(nn.Module):
    """Batch normalisation of buffers alone."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("scale", torch.linspace(0.5, 1.5, channels))
        self.register_buffer("shift", torch.linspace(-1, 1, channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale.reshape(1, -1, 1, 1) + self.shift.reshape(1, -1, 1, 1)


class Same(nn.Conv2d):
    """A convolution that pads its input by itself."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(functional.pad(x, (1, 1, 1, 1)), self.weight, self.bias)


class Between(nn.Module):
    """A convolution, what stands behind it, and another convolution."""

    def __init__(self, *behind, first=None) -> None:
        super().__init__()
        self.first = first or nn.Conv2d(1, 4, 3)
        self.behind = nn.ModuleList(b for b in behind if isinstance(b, nn.Module))
        self.last = nn.Conv2d(4, 1, 1)
        self.all = behind

    def maps(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for behind in self.all:
            x = behind(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.maps(x))


def images(channels=1, side=8):
    return torch.randn(3, channels, side, side, generator=torch.Generator().manual_seed(1)) * 2


def recorded(network, faces, layer):
    """Give the maps of a layer, and the network's answer, from its reading."""
    reading = read_network(network, tuple(faces.shape[1:]))
    with torch.no_grad():
        found, answer = reading.listener(network, [layer], lambda maps: maps)(faces)
    return found[layer], answer


MEANT = {
    "group normalisation": (nn.GroupNorm(2, 4), nn.ReLU()),
    "synchronised batch normalisation": (nn.SyncBatchNorm(4), nn.ReLU()),
    "instance normalisation, in place": (nn.InstanceNorm2d(4), nn.ReLU(inplace=True)),
    "layer normalisation by hand": (LayerNorm2d(4), functional.relu),
    "frozen batch normalisation": (Frozen(4), functional.relu_),
    "clamp": (nn.BatchNorm2d(4), lambda x: x.clamp(0, 6)),
    "tanh": (nn.Tanh(),), "mish": (nn.Mish(),), "selu": (nn.SELU(),), "softplus": (nn.Softplus(),),
    "silu": (nn.BatchNorm2d(4), functional.silu), "gelu": (functional.gelu,),
    "hardswish": (functional.hardswish,), "x sigmoid(x)": (lambda x: x * x.sigmoid(),),
    "x relu6(x + 3) / 6": (lambda x: x * functional.relu6(x + 3) / 6,),
    "dropout before and behind": (nn.Dropout2d(0.5), nn.ReLU(), nn.Dropout(0.5)),
    "a scale of each map": (Frozen(4),), "nothing": (),
    "a gate of each map": (nn.BatchNorm2d(4), lambda x: x * x.mean((2, 3), True).sigmoid(),
                           nn.ReLU()),
}  # fmt: skip


@pytest.mark.parametrize("name", MEANT)
def test_the_map_lies_behind_normalisation_and_one_nonlinearity(name):
    torch.manual_seed(0)
    network, faces = Between(*MEANT[name]).eval(), images()
    with torch.no_grad():
        meant = network.maps(faces.clone())
        answer = network(faces.clone())
    maps, found = recorded(network, faces, "first")
    torch.testing.assert_close(maps, meant, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(found, answer, rtol=1e-6, atol=1e-6)


def test_what_follows_the_nonlinearity_is_not_part_of_the_map():
    torch.manual_seed(0)
    faces = images()
    for after in (nn.Tanh(), nn.GroupNorm(2, 4), nn.MaxPool2d(2), lambda x: x.flip(3)):
        network = Between(nn.ReLU(), after)
        maps, _ = recorded(network, faces, "first")
        torch.testing.assert_close(maps, network.first(faces).relu(), rtol=1e-6, atol=1e-6)


def test_a_subclass_of_a_convolution_is_a_layer():
    network = Between(nn.ReLU(), first=Same(1, 4, 3))
    maps, _ = recorded(network, images(), "first")
    assert maps.shape == (3, 4, 8, 8)


def named(network, shape=(1, 16, 16)):
    """Give each layer, and the steps that lead to its maps."""
    reading = read_network(network, shape)
    return {name: " ".join(reading.layers[name].steps) for name in reading.choose(None)}


def test_the_papers_network_is_read_behind_its_relus():
    assert named(PaperNetwork(8), (1, 48, 48)) == dict.fromkeys(("conv1", "conv2", "conv3"), "relu")


def test_before_a_pooling_the_map_is_normalised():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.ReLU())
    assert named(network) == {"0": "batch_norm"}


def test_nested_modules_are_named_by_their_path():
    block = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU())
    network = nn.Sequential(nn.Sequential(block, nn.MaxPool2d(2)), nn.Conv2d(1, 1, 3), nn.SiLU())
    assert named(network) == {"0.0.0": "relu", "1": "silu"}


def test_functions_count_like_modules():
    assert named(Functional()) == {"first": "batch_norm relu", "second": "relu"}


def test_a_relu_called_in_two_places_ends_both_maps():
    network, faces = Residual().eval(), images(channels=2)
    assert named(network, (2, 8, 8)) == {"conv1": "batch_norm relu", "conv2": "batch_norm add relu"}
    with torch.no_grad():
        inner = network.bn1(network.conv1(faces)).relu()
        last = (network.bn2(network.conv2(inner)) + faces).relu()
    torch.testing.assert_close(recorded(network, faces, "conv1")[0], inner, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(recorded(network, faces, "conv2")[0], last, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("first", [False, True])
def test_a_sum_belongs_to_the_longest_way(first):
    network = Shortcut(first)
    assert named(network) == {"conv1": "relu", "conv2": "batch_norm add relu"}
    reading = read_network(network, (1, 16, 16))
    assert reading.layers["shortcut"].shortcut
    assert reading.layers["shortcut"].steps == ()
    assert reading.choose(["shortcut"]) == ["shortcut"]


@pytest.mark.parametrize("in_place", [False, True])
def test_additions_in_place_are_part_of_the_map(in_place):
    expected = {"conv1": "batch_norm relu", "conv2": "add relu"}
    assert named(FunctionalResidual(in_place), (2, 8, 8)) == expected


def test_the_order_of_the_calls_decides_and_what_is_called_twice_is_left_out():
    assert named(OutOfOrder()) == {"conv1": "gelu", "conv2": "relu"}


class Tokens(nn.Module):
    """Linear layers at every place: channels-last as in ConvNeXt, and tokens as in a ViT."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.up, self.down = nn.Conv2d(1, 4, 4, 4), nn.Linear(4, 6), nn.Linear(6, 4)
        self.norm, self.first, self.second = nn.LayerNorm(4), nn.Linear(4, 5), nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x)
        y = x.permute(0, 2, 3, 1)
        x = x + self.down(functional.gelu(self.up(y))).permute(0, 3, 1, 2)
        x = self.norm(x.flatten(2).transpose(1, 2))
        return (x + self.second(self.first(x).tanh())).mean(1)


def test_units_of_tokens_and_of_channels_that_come_last():
    torch.manual_seed(0)
    network, faces = Tokens(), images(side=12)
    reading = read_network(network, (1, 12, 12))
    layers = reading.layers
    assert [(n, one.kind, one.units, one.rows, one.columns) for n, one in layers.items()] == [
        ("patch", "convolution", 4, 3, 3), ("up", "channels-last", 6, 3, 3),
        ("down", "channels-last", 4, 3, 3), ("first", "tokens", 5, 1, 9),
        ("second", "tokens", 4, 1, 9),
    ]  # fmt: skip
    with torch.no_grad():
        patch = network.patch(faces)
        up = functional.gelu(network.up(patch.permute(0, 2, 3, 1)))
        down = patch + network.down(up).permute(0, 3, 1, 2)
        tokens = network.norm(down.flatten(2).transpose(1, 2))
        first = network.first(tokens).tanh()
        second = tokens + network.second(first)
    meant = {
        "patch": patch, "up": up.permute(0, 3, 1, 2), "down": down,
        "first": first.transpose(1, 2)[:, :, None], "second": second.transpose(1, 2)[:, :, None],
    }  # fmt: skip
    for name, maps in meant.items():
        found, _ = recorded(network, faces, name)
        np.testing.assert_allclose(found, maps, rtol=1e-5, atol=1e-6, err_msg=name)
        result = layers[name].as_result(found)
        torch.testing.assert_close(layers[name].as_maps(result), found, rtol=0, atol=0)


def test_reading_leaves_the_network_as_it_was():
    network = Residual()
    network.bn1.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    read_network(network, (2, 8, 8))
    assert [m.training for m in network.modules()] == [True, True, False, True, True, True]
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_choosing_layers():
    reading = read_network(PaperNetwork(8), (1, 48, 48))
    assert reading.choose(["conv2"]) == ["conv2"]
    assert reading.choose(None) == reading.choose(["conv*"]) == ["conv1", "conv2", "conv3"]
    assert reading.choose(["conv[23]", "conv1"]) == ["conv1", "conv2", "conv3"]
    with pytest.raises(CallError, match="no layer 'conv4': it has conv"):
        reading.choose(["conv4"])
    assert reading.one("conv2") is reading.one("*2") is reading.layers["conv2"]
    with pytest.raises(CallError, match=r"'conv\*', which fits conv1, conv2, conv3: name one"):
        reading.one("conv*")
    with pytest.raises(CallError, match="no layer with feature maps"):
        read_network(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), (1, 2, 2)).choose(None)


class TokensFirst(nn.Module):
    """PyTorch's own attention takes tokens before images."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(1, 4, 4, 4)
        self.linear = nn.Linear(4, 6)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch(x).flatten(2).permute(2, 0, 1)
        return self.linear(tokens).relu().mean(0)


def test_tokens_before_images_are_turned():
    network, images = TokensFirst(), torch.randn(3, 1, 8, 12)
    reading = read_network(network, (1, 8, 12))
    layer = reading.layers["linear"]
    assert (layer.kind, layer.units, layer.rows, layer.columns) == ("tokens", 6, 1, 6)
    with torch.no_grad():
        maps, _ = reading.listener(network, ["linear"], torch.clone)(images)
        places = network.patch(images).flatten(2).transpose(1, 2)
        expected = network.linear(places).relu().transpose(1, 2).unsqueeze(2)
    torch.testing.assert_close(maps["linear"], expected)


class Windows(nn.Module):
    """Parts of a face are read as if they were faces."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(1, 4, 2, 2)
        self.linear = nn.Linear(4, 6)

    def forward(self, x: Tensor) -> Tensor:
        y = self.patch(x)
        windows = y.reshape(x.shape[0], 4, 2, 2, 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, 4)
        return self.linear(windows).reshape(x.shape[0], 16, 6).mean(1)


def test_a_layer_of_parts_of_faces_is_left_out():
    assert list(read_network(Windows(), (1, 8, 8)).layers) == ["patch"]


class Grouped(nn.Module):
    """A normalisation of groups as it is written by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        groups = functional.layer_norm(y.reshape(x.shape[0], 2, -1), (72,))
        return groups.reshape(y.shape).relu()


def test_maps_are_followed_through_groups():
    network, images = Grouped(), torch.randn(2, 1, 8, 8)
    reading = read_network(network, (1, 8, 8))
    with torch.no_grad():
        maps, answer = reading.listener(network, ["conv"], torch.clone)(images)
    assert reading.layers["conv"].steps[-1] == "relu"
    assert torch.equal(maps["conv"], answer)
