"""A network cut at a layer: against whole passes, whatever goes round the layer."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from facslens.causal.cut import BATCH, cut_at, replaced
from facslens.errors import CallError
from facslens.models.model import build

EXPRESSIONS = ("anger", "happiness", "surprise")


class Residual(nn.Module):
    """A convolution that part of the image goes round, in place."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.dropout = nn.Dropout(0.5)
        self.scores = nn.Linear(4, 3)

    def forward(self, image):
        before = functional.relu(self.first(image))
        after = functional.relu(self.second(before))
        after += before
        return self.scores(self.dropout(functional.relu_(after)).mean(dim=(2, 3)))


class Sized(Residual):
    """What goes round holds a number, which no face has a row of."""

    def forward(self, image):
        maps = functional.relu(self.first(image))
        return self.scores(functional.relu(self.second(maps)).view(image.shape[0], 4, -1).mean(2))


class Wayward(Residual):
    """On a way that cannot be traced."""

    def forward(self, image):
        return super().forward(image) if image.sum() > -1e9 else self.scores(image)


NETWORKS = {
    "paper": lambda: build("paper", EXPRESSIONS, 48, seed=1).network,
    "compact": lambda: build("compact", EXPRESSIONS, 48, seed=1).network,
    "residual": Residual,
    "sized": Sized,
    "wayward": Wayward,
}
#: Network, layer, number of values that go round it; None where it cannot be cut.
PLACES = [
    ("paper", "conv1", 0), ("paper", "conv3", 0), ("compact", "stem", 0),
    ("compact", "block2a.conv1", 1), ("compact", "block3b.conv1", 1),
    ("compact", "block3b.conv2", 0), ("residual", "first", 0), ("residual", "second", 1),
    ("sized", "second", None), ("wayward", "first", None), ("wayward", "second", None),
]  # fmt: skip


@pytest.fixture(scope="module")
def images():
    return torch.randn(BATCH + 6, 1, 48, 48, generator=torch.Generator().manual_seed(1))


def made(name):
    torch.manual_seed(0)
    return NETWORKS[name]()


@pytest.mark.parametrize(("name", "layer", "beside"), PLACES)
def test_scores_of_other_maps_equal_a_whole_pass_with_a_hook(images, name, layer, beside):
    network = made(name).train()
    cut = cut_at(network, layer, images)
    assert (cut.before is None) == (beside is None)
    held = cut.hold(images)
    if beside is not None:
        assert len(held.beside) == beside
    other = held.maps.flip(0) * 0.5
    place = iter(torch.split(other, BATCH))
    with replaced(network, cut.module, lambda _maps: next(place)), torch.no_grad():
        want = torch.cat([network(part) for part in torch.split(images, BATCH)])
    with torch.no_grad():
        found = cut.scores(other, held)
        kept = cut.scores(held.maps, held)
    torch.testing.assert_close(found, want, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(kept, held.scores, rtol=1e-5, atol=1e-5)
    assert (found - held.scores).abs().max() > 1e-3
    assert all(module.training for module in network.modules())
    with torch.no_grad():
        torch.testing.assert_close(held.scores, network.eval()(images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "layer", "beside"), PLACES)
def test_all_maps_of_other_faces_give_their_scores_where_nothing_goes_round(
    images, name, layer, beside
):
    cut = cut_at(made(name), layer, images)
    held = cut.hold(images)
    with torch.no_grad():
        found = cut.scores(held.maps.flip(0), held)
    whole = layer in ("conv1", "conv3", "stem", "block3b.conv2", "first") or name == "sized"
    assert torch.allclose(found, held.scores.flip(0), rtol=0, atol=1e-5) == whole


def test_nothing_that_is_held_changes(images):
    cut = cut_at(made("residual"), "second", images)
    held = cut.hold(images)
    before = [values.clone() for values in (held.maps, *held.beside)]
    with torch.no_grad():
        cut.scores(held.maps, held)
    for old, new in zip(before, (held.maps, *held.beside), strict=True):
        torch.testing.assert_close(old, new, rtol=0, atol=0)


def test_some_faces_can_be_taken_more_than_once(images):
    held = cut_at(made("residual"), "second", images).hold(images)
    some = held.take(torch.tensor([3, 0, 3]))
    assert len(some) == 3
    for part, whole in ((some.maps, held.maps), (some.beside[0], held.beside[0])):
        torch.testing.assert_close(part, whole[[3, 0, 3]], rtol=0, atol=0)


def test_a_network_without_scores_is_refused(images):
    with pytest.raises(CallError, match=r"gives \(64, 2, 46, 46\): needs scores \(image, class\)"):
        cut_at(nn.Sequential(nn.Conv2d(1, 2, 3)), "0", images)


def test_no_face_is_refused(images):
    with pytest.raises(CallError, match="at least one face"):
        cut_at(made("paper"), "conv1", images[:0])
