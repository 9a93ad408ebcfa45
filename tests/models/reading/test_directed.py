import copy
import itertools

import numpy as np
import pytest
import torch
from torch import nn

from facslens.causal.cut import cut_at
from facslens.errors import CallError
from facslens.models.reading.directed import Directed, Mixture
from facslens.models.reading.reading import read_network
from facslens.projection.deconvnet import project_units
from facslens.responses.recorder import record


class Block(nn.Module):
    """Two layers and a shortcut, pooled to three scores."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.scores = nn.Linear(6, 3)

    def forward(self, images):
        maps = self.first(images).relu()
        maps = (self.second(maps) + maps).relu()
        return self.scores(maps.mean(dim=(2, 3)))


class LastChannels(nn.Module):
    """A linear layer at every place, with channels in the last axis."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, 5, 4, stride=4)
        self.mlp = nn.Linear(5, 7)
        self.scores = nn.Linear(7, 2)

    def forward(self, images):
        maps = self.mlp(self.patches(images).permute(0, 2, 3, 1)).relu()
        return self.scores(maps.mean(dim=(1, 2)))


class Tokens(nn.Module):
    """A linear layer at every token."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, 5, 4, stride=4)
        self.mlp = nn.Linear(5, 7)
        self.scores = nn.Linear(7, 2)

    def forward(self, images):
        tokens = self.mlp(self.patches(images).flatten(2).transpose(1, 2)).relu()
        return self.scores(tokens.mean(dim=1))


@pytest.fixture
def images():
    return torch.rand(5, 1, 12, 12, generator=torch.Generator().manual_seed(3))


def built(kind):
    torch.manual_seed(4)
    return kind().eval()


def mixture(rng, units, count=3):
    names = tuple(f"d{n}" for n in range(count))
    return Mixture(rng.normal(size=(count, units)), rng.normal(size=count), names)


@pytest.mark.parametrize(
    ("kind", "layer", "units"),
    [(Block, "first", 6), (Block, "second", 6), (LastChannels, "mlp", 7), (Tokens, "mlp", 7)],
)
def test_a_directions_map_is_the_sum_and_the_answer_stays(rng, images, kind, layer, units):
    network, mixed = built(kind), mixture(rng, units)
    directed = Directed(network, (1, 12, 12), {layer: {"some": mixed}}).eval()
    with torch.no_grad():
        torch.testing.assert_close(directed(images), network(images), rtol=0, atol=1e-6)
    name, shape = f"{layer}:some", (1, 12, 12)
    of_units = read_network(network, shape).listener(network, [layer], torch.clone)
    of_mixed = read_network(directed, shape).listener(directed, [name], torch.clone)
    with torch.no_grad():
        maps, found = of_units(images)[0][layer], of_mixed(images)[0][name]
    weight, offset = torch.from_numpy(mixed.weight).float(), torch.from_numpy(mixed.offset).float()
    expected = torch.einsum("du,iurc->idrc", weight, maps) + offset[:, None, None]
    torch.testing.assert_close(found, expected)


def test_only_directions_are_looked_at_unless_the_networks_own_layers_are_named(rng):
    both = {"second": {"one": mixture(rng, 6), "two": mixture(rng, 6, 2)}}
    reading = read_network(Directed(built(Block), (1, 12, 12), both), (1, 12, 12))
    assert reading.choose(None) == ["second:one", "second:two"]
    assert reading.choose(["channels.*"]) == ["channels.first", "channels.second"]
    one, own = reading.layers["second:two"], reading.layers["channels.second"]
    assert (one.kind, one.units, own.kind, own.units) == ("directions", 2, "convolution", 6)
    assert reading.field("second:two") == reading.field("channels.second")


def test_putting_one_direction_elsewhere_leaves_what_the_others_read(rng, images):
    network, mixed = built(Block), mixture(rng, 6, 4)
    directed = Directed(network, (1, 12, 12), {"first": {"some": mixed}}).eval()
    cut = cut_at(directed, "first:some", images)
    held = cut.hold(images)
    torch.testing.assert_close(held.scores, network(images).detach())
    moved = held.maps.clone()
    moved[:, 2] += 1.5
    # by hand: the smallest change of all units' maps that direction 2 alone reads
    change = torch.from_numpy(np.linalg.pinv(mixed.weight)[:, 2] * 1.5).float()
    with torch.no_grad():
        maps = network.first(images).relu() + change[:, None, None]
        expected = network.scores((network.second(maps) + maps).relu().mean(dim=(2, 3)))
        torch.testing.assert_close(cut.scores(moved, held), expected)
        torch.testing.assert_close(cut.scores(held.maps, held), held.scores)
    reads = mixed.weight @ change.double().numpy()
    np.testing.assert_allclose(reads, [0, 0, 1.5, 0], atol=1e-6)


def test_a_directions_gradient_is_the_sum_of_its_units(rng, images):
    network, mixed = built(Block).double(), mixture(rng, 6)
    mixed.offset[:] = 10
    directed = Directed(network, (1, 12, 12), {"second": {"some": mixed}}).eval()
    place = np.array([[4, 7]] * 5)

    def projected(which, layer, unit):
        units = np.full(5, unit)
        return project_units(which, images.double(), layer, units, place, rule="gradient").image

    of_units = [projected(network, "second", unit) for unit in range(6)]
    summed = np.einsum("u,uicrw->icrw", mixed.weight[1], np.stack(of_units))
    reading = record_at(directed, images.double(), "second:some", place)[:, 1]
    found = projected(directed, "second:some", 1)
    assert (reading > 0).all()  # nothing is projected where nothing fired
    assert summed.any()
    np.testing.assert_allclose(found, summed, atol=1e-12)


def record_at(network, images, layer, place):
    listener = read_network(network, (1, 12, 12)).listener(network, [layer], torch.clone)
    with torch.no_grad():
        maps = listener(images)[0][layer]
    return maps[:, :, place[0, 0], place[0, 1]].numpy()


def test_a_copy_has_its_own_weights_and_the_same_directions(rng, images):
    directed = Directed(built(Block), (1, 12, 12), {"second": {"some": mixture(rng, 6)}}).eval()
    before = directed(images).detach()
    copied = copy.deepcopy(directed)
    with torch.no_grad():
        torch.testing.assert_close(copied(images), before)
        copied.network.scores.weight.zero_()
        assert not torch.equal(copied(images), before)
        torch.testing.assert_close(directed(images), before, rtol=0, atol=0)


def test_a_copy_of_a_copy_keeps_directions_that_were_drawn_anew(rng, images):
    directed = Directed(built(Block), (1, 12, 12), {"second": {"some": mixture(rng, 6)}}).eval()
    first = copy.deepcopy(directed)
    torch.manual_seed(9)
    first.get_submodule("second:some").reset_parameters()
    again = copy.deepcopy(first)
    weights = [one.get_submodule("second:some").weight for one in (directed, first, again)]
    torch.testing.assert_close(weights[2], weights[1], rtol=0, atol=0)
    assert not torch.equal(weights[0], weights[1])


def test_directions_of_a_directed_network_are_recorded_in_any_batch(rng, images):
    directed = Directed(built(Block), (1, 12, 12), {"second": {"some": mixture(rng, 6)}}).eval()
    found = {}
    for size in (1, 2, 5):
        rows = []
        batches = [images[i : i + size] for i in range(0, 5, size)]
        record(directed, batches, None, lambda _, b, rows=rows: rows.append(b["second:some"]))
        found[size] = np.concatenate([one.response for one in rows])
    for one, other in itertools.combinations(found.values(), 2):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_what_does_not_fit_is_one_sentence(rng):
    with pytest.raises(CallError, match="directions of 'first' mix 4 units: the layer has 6"):
        Directed(built(Block), (1, 12, 12), {"first": {"some": mixture(rng, 4)}})
    with pytest.raises(CallError, match="the network has no layer 'frist': it has first"):
        Directed(built(Block), (1, 12, 12), {"frist": {"some": mixture(rng, 6)}})
