"""The way inside of windows beside that over whole maps, which is derived in another way."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from facslens.errors import CallError
from facslens.models.compact import CompactNetwork
from facslens.models.paper import PaperNetwork
from facslens.projection import deconvnet
from facslens.projection.deconvnet import project_units
from facslens.projection.rules import RULES
from facslens.projection.windowed.find import find_steps
from facslens.projection.windowed.windows import Windows, covering, cut

#: Both ways add the same products in another order.
TOLERANCE = {torch.float64: 1e-11, torch.float32: 2e-5}


class Joined(nn.Module):
    """Branches of one input, brought together: a sum, a difference, one after the other, a gate."""

    def __init__(self, how, *branches):
        super().__init__()
        self.how, self.branches = how, nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        first, second = (branch(x) for branch in self.branches)
        if self.how == "add":
            return first + second
        if self.how == "sub":
            return first - second
        return torch.cat([first, second], 1) if self.how == "cat" else first * second.sigmoid()


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def convolution(draw, channels, width, stride=1):
    """Any kernel, stride, padding, dilation and grouping, which may see beyond the borders."""
    kernel = tuple(draw.integers(1, 4, 2).tolist())
    groups = 2 if channels % 2 == width % 2 == 0 and draw.random() < 0.3 else 1
    return nn.Conv2d(
        channels, width, kernel,
        stride=stride, padding=tuple(draw.integers(0, 3, 2).tolist()),
        dilation=tuple(draw.integers(1, 3, 2).tolist()), groups=groups,
        bias=bool(draw.random() < 0.5),
    )  # fmt: skip


def same(draw, channels, width):
    """Keep the size of the maps, as the branches of a shortcut have to."""
    kernel = int(draw.choice([1, 3, 5]))
    return nn.Conv2d(channels, width, kernel, padding="same", dilation=int(draw.integers(1, 3)))


def steps(draw, channels):
    """Give a step or a block of them, and how many channels it leaves."""
    kind = draw.integers(9)
    width = int(draw.integers(2, 7))
    if kind == 0:
        return convolution(draw, channels, width, tuple(draw.integers(1, 3, 2).tolist())), width
    if kind == 1:
        kernel = int(draw.integers(2, 4))
        ceil = bool(draw.random() < 0.5)
        pool = nn.MaxPool2d(kernel, int(draw.integers(1, 4)), kernel // 2, ceil_mode=ceil)
        return pool, channels
    if kind == 2:
        ceil, padded = (draw.random(2) < 0.5).tolist()
        pool = nn.AvgPool2d((2, 3), (1, 2), (1, 1), ceil_mode=ceil, count_include_pad=padded)
        return pool, channels
    if kind == 3:
        norm = nn.BatchNorm2d(channels)
        nn.init.uniform_(norm.weight, -1, 1)
        norm.running_mean.normal_()
        return nn.Sequential(norm, nn.LeakyReLU(0.1)), channels
    if kind == 4:
        one = nn.Sequential(same(draw, channels, width), nn.ReLU(), same(draw, width, width))
        return Joined(str(draw.choice(["add", "sub", "gate"])), one, same(draw, channels, width)), (
            width
        )
    if kind == 5:
        branches = same(draw, channels, width), nn.Sequential(same(draw, channels, 2), nn.ReLU())
        return Joined("cat", *branches), width + 2
    if kind == 6:
        return nn.ZeroPad2d(tuple(draw.integers(0, 3, 4).tolist())), channels
    if kind == 7:
        return Function(lambda x: x[:, :, 1::2, :].clamp(max=0)), channels
    return nn.Sequential(Function(lambda x: functional.relu6(x.chunk(2, 1)[0])), nn.SiLU()), -(
        -channels // 2
    )


def drawn(draw):
    """Build a network of drawn steps, which ends with a convolution."""
    parts, channels = [], 2
    for _ in range(draw.integers(2, 6)):
        step, channels = steps(draw, channels)
        parts += [step, nn.ReLU()] if draw.random() < 0.6 else [step]
    return nn.Sequential(*parts, nn.Conv2d(channels, 4, (2, 1), padding=1), nn.ReLU())


def both(monkeypatch, *args, **kwargs):
    """Project inside of windows, and then over whole maps."""
    taken = []

    def find(*given):
        taken.append(find_steps(*given))
        return taken[-1]

    with monkeypatch.context() as patch:
        patch.setattr(deconvnet, "find_steps", find)
        inside = project_units(*args, **kwargs)
        assert taken[0] is not None
        patch.setattr(deconvnet, "find_steps", lambda *_: None)
        return inside, project_units(*args, **kwargs)


def agree(inside, whole, dtype):
    scale = np.abs(whole.image).max(initial=0)
    np.testing.assert_allclose(inside.image, whole.image, rtol=0, atol=TOLERANCE[dtype] * scale)
    np.testing.assert_array_equal(inside.location, whole.location)
    np.testing.assert_array_equal(inside.window, whole.window)
    largest = np.abs(whole.response).max(initial=0)
    atol = TOLERANCE[dtype] * largest
    np.testing.assert_allclose(inside.response, whole.response, rtol=0, atol=atol)


@pytest.mark.parametrize("seed", range(16))
def test_windows_give_what_whole_maps_give(seed, monkeypatch):
    draw = np.random.default_rng(seed)
    torch.manual_seed(seed)
    dtype = torch.float32 if seed % 4 == 0 else torch.float64
    network = drawn(draw).to(dtype).eval()
    images = torch.randn(3, 2, *draw.integers(17, 30, 2).tolist(), dtype=dtype)
    layer, rows, columns = f"{len(network) - 2}", *network(images).shape[2:]
    of, units = draw.integers(0, 3, 14), draw.integers(0, 4, 14)
    places = np.stack([draw.integers(0, rows, 14), draw.integers(0, columns, 14)], axis=1)
    places[:4] = [[0, 0], [rows - 1, columns - 1], [0, columns - 1], [-1, -1]]
    for rule, locations in [*((rule, places) for rule in RULES), ("guided", None)]:
        inside, whole = both(
            monkeypatch, network, images, layer, units, locations, rule=rule, image_of=of,
            batch_size=2,
        )  # fmt: skip
        agree(inside, whole, dtype)
        assert inside.notes == whole.notes


def test_the_packaged_networks_and_norms_over_units(monkeypatch):
    class Last(nn.Module):
        """Normalised over the units of a place, which come last, with a factor for each."""

        def __init__(self) -> None:
            super().__init__()
            self.norm, self.wide = nn.LayerNorm(4), nn.Linear(4, 8)
            self.back, self.factor = nn.Linear(8, 4), nn.Parameter(torch.rand(4, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            y = self.back(functional.gelu(self.wide(self.norm(x.permute(0, 2, 3, 1)))))
            y = x + self.factor * y.permute(0, 3, 1, 2)
            y = y.unflatten(1, (2, 2)).transpose(1, 2).flatten(1, 2)
            return functional.softmax(y, 1)

    torch.manual_seed(0)
    last = nn.Sequential(nn.Conv2d(1, 4, 3, 2), Last(), nn.Conv2d(4, 3, 3))
    cases = [
        (PaperNetwork(8), "conv3", 256), (CompactNetwork(8), "block2b.conv2", 80), (last, "2", 3),
    ]  # fmt: skip
    images, of = torch.rand(2, 1, 48, 48, dtype=torch.float64), np.arange(4) % 2
    for network, layer, count in cases:
        units = np.arange(4) % count
        for rule in RULES:
            pair = both(monkeypatch, network.double(), images, layer, units, rule=rule, image_of=of)
            agree(*pair, torch.float64)


@pytest.mark.parametrize(
    "step",
    [
        lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(),
        lambda x: functional.interpolate(x, scale_factor=2),
        lambda x: functional.pad(x, (1, 1, 1, 1), mode="reflect"),
        lambda x: x * torch.linspace(0, 1, x.shape[3], dtype=x.dtype),
    ],
)
def test_what_no_window_holds_is_projected_over_whole_maps(step, monkeypatch):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), Function(step), nn.Conv2d(4, 2, 3)).double()
    found = []
    monkeypatch.setattr(deconvnet, "find_steps", lambda *a: found.append(find_steps(*a)))
    images = torch.rand(2, 1, 9, 9, dtype=torch.float64)
    units, of = np.array([0, 1, 1]), np.array([1, 0, 1])
    together = project_units(network, images, "2", units, image_of=of, rule="gradient")
    assert found == [None]
    alone = project_units(network, images[of], "2", units, rule="gradient")
    np.testing.assert_array_equal(together.image, alone.image)


def test_image_of_is_checked():
    network, images = PaperNetwork(8), torch.rand(2, 1, 48, 48)
    with pytest.raises(CallError, match="units has 2 entries for 1 entries of image_of: needs one"):
        project_units(network, images, "conv1", np.array([0, 1]), image_of=np.array([0]))
    with pytest.raises(CallError, match="image_of has 2 to 2 for 2 images"):
        project_units(network, images, "conv1", np.array([0]), image_of=np.array([2]))


def test_covering_stays_inside_and_holds_all_that_is_in_the_map(rng):
    parts = [Windows(rng.integers(-6, 12, (40, 2)), size) for size in ((5, 3), (2, 6))]
    found = covering(parts, (10, 8))
    assert (found.first >= 0).all()
    assert (found.first + found.size <= (10, 8)).all()
    for part in parts:
        for axis, extent in enumerate((10, 8)):
            for one, other in zip(part.first[:, axis], found.first[:, axis], strict=True):
                seen = set(range(one, one + part.size[axis])) & set(range(extent))
                assert seen <= set(range(other, other + found.size[axis]))


@pytest.mark.parametrize("alike", [True, False])
def test_cut_reads_each_place_or_fills(alike, rng):
    values = torch.from_numpy(rng.normal(size=(3, 5, 4, 2)))
    first = np.tile([[-2, 1]], (3, 1)) if alike else np.array([[-2, 1], [3, -1], [1, 1]])
    found = cut(values, first, (4, 5), fill=7.0)
    for pair in range(3):
        for row in range(4):
            for column in range(5):
                r, c = first[pair] + (row, column)
                inside = 0 <= r < 5 and 0 <= c < 4
                expected = values[pair, r, c] if inside else torch.full((2,), 7.0)
                assert torch.equal(found[pair, row, column], expected.double())
