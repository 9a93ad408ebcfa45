"""A network cut at a layer: against whole passes, whatever goes round the layer."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from facslens.causal.cut import BATCH, cut_at
from facslens.errors import CallError
from facslens.models.model import build

EXPRESSIONS = ("anger", "happiness", "surprise")


class Residual(nn.Module):
    """A convolution that part of the image goes round, in place; some maps may be others."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.dropout = nn.Dropout(0.5)
        self.scores = nn.Linear(4, 3)

    def forward(self, image, first=None, second=None):
        before = functional.relu(self.first(image)) if first is None else first
        after = functional.relu(self.second(before)) if second is None else second.clone()
        after += before
        return self.scores(self.dropout(functional.relu_(after)).mean(dim=(2, 3)))


class Inner(Residual):
    """What goes round holds a number, which no face has a row of; there is something behind."""

    def forward(self, image, second=None):
        maps = functional.relu(self.first(image))
        inner = functional.relu(self.second(maps)) if second is None else second
        return self.scores((inner * maps.sigmoid()).view(image.shape[0], 4, -1).mean(2))


class Single(Inner):
    """Reads one image at a time."""

    def forward(self, image, second=None):
        maps = functional.relu(self.first(image))
        inner = functional.relu(self.second(maps)) if second is None else second
        return self.scores(inner.reshape(1, 4, -1).mean(2))


class ChannelsLast(Residual):
    def forward(self, image, second=None):
        maps = functional.relu(self.first(image))
        found = self.second(maps).permute(0, 2, 3, 1).tanh()
        found = found if second is None else second.permute(0, 2, 3, 1)
        return self.scores(found.mean(dim=(1, 2)))


def hooked(module):
    """Replace the output of a module in a whole pass."""

    def whole(network, image, maps):
        handle = network.get_submodule(module).register_forward_hook(lambda *_: maps)
        try:
            return network(image)
        finally:
            handle.remove()

    return whole


def told(name):
    return lambda network, image, maps: network(image, **{name: maps})


NETWORKS = {
    "paper": lambda: build("paper", EXPRESSIONS, 48, seed=1).network,
    "compact": lambda: build("compact", EXPRESSIONS, 48, seed=1).network,
    "residual": Residual, "inner": Inner, "single": Single, "channels-last": ChannelsLast,
}  # fmt: skip
#: Network, layer, number of values that go round it, a whole pass with other maps.
PLACES = [
    ("paper", "conv1", 0, hooked("pool1")),
    ("paper", "conv3", 0, hooked("pool3")),
    ("compact", "stem", 0, hooked("relu")),
    ("compact", "block2a.conv1", 1, hooked("block2a.relu1")),
    ("compact", "block3b.conv1", 1, hooked("block3b.relu1")),
    ("compact", "block3b.conv2", 0, hooked("pool")),
    ("residual", "first", 0, told("first")),
    ("residual", "second", 1, told("second")),
    ("inner", "second", 1, told("second")),
    ("single", "second", 0, told("second")),
    ("channels-last", "second", 0, told("second")),
]


@pytest.fixture(scope="module")
def images():
    return torch.randn(BATCH + 6, 1, 48, 48, generator=torch.Generator().manual_seed(1))


def made(name):
    torch.manual_seed(0)
    return NETWORKS[name]()


@pytest.mark.parametrize(("name", "layer", "beside", "whole"), PLACES)
def test_scores_of_other_maps_equal_a_whole_pass(images, name, layer, beside, whole):
    network = made(name).train()
    cut = cut_at(network, layer, images)
    held = cut.hold(images)
    assert len(held.beside) == beside
    other = held.maps.flip(0) * 0.5
    assert all(module.training for module in network.modules())
    network.eval()
    size = 1 if name == "single" else BATCH
    with torch.no_grad():
        found = cut.scores(other, held)
        kept = cut.scores(held.maps, held)
        parts = zip(images.split(size), other.split(size), strict=True)
        want = torch.cat([whole(network, image, maps) for image, maps in parts])
        plain = torch.cat([network(image) for image in images.split(size)])
    torch.testing.assert_close(found, want, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(kept, held.scores, rtol=1e-5, atol=1e-5)
    assert (found - held.scores).abs().max() > 1e-3
    torch.testing.assert_close(held.scores, plain, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "layer", "beside", "whole"), PLACES)
def test_all_maps_of_other_faces_give_their_scores_where_nothing_goes_round(
    images, name, layer, beside, whole
):
    cut = cut_at(made(name), layer, images)
    held = cut.hold(images)
    with torch.no_grad():
        found = cut.scores(held.maps.flip(0), held)
    assert torch.allclose(found, held.scores.flip(0), rtol=0, atol=1e-5) == (beside == 0)


def test_nothing_that_is_held_changes(images):
    cut = cut_at(made("inner"), "second", images)
    held = cut.hold(images)
    before = [values.clone() for values in (held.maps, *held.beside)]
    with torch.no_grad():
        cut.scores(held.maps, held)
    for old, new in zip(before, (held.maps, *held.beside), strict=True):
        torch.testing.assert_close(old, new, rtol=0, atol=0)


def test_some_faces_can_be_taken_more_than_once(images):
    held = cut_at(made("inner"), "second", images).hold(images)
    some = held.take(torch.tensor([3, 0, 3]))
    assert len(some) == 3
    for part, whole in ((some.maps, held.maps), (some.beside[0], held.beside[0])):
        torch.testing.assert_close(part, whole[[3, 0, 3]], rtol=0, atol=0)


def test_a_network_without_scores_is_refused(images):
    with pytest.raises(
        CallError, match=r"gives \(image, 2, 46, 46\): needs scores \(image, class\)"
    ):
        cut_at(nn.Sequential(nn.Conv2d(1, 2, 3)), "0", images)


def test_no_face_is_refused(images):
    with pytest.raises(CallError, match="at least one face"):
        cut_at(made("paper"), "conv1", images[:0])
