"""Ablation against a network whose weights are cut, and against plain loops."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from facslens.causal.ablation import COLUMNS, ablation_table, effects, like_sets
from facslens.causal.replace import rest_of
from facslens.errors import CallError
from facslens.models.model import build

EXPRESSIONS = ("anger", "happiness", "surprise")


@pytest.fixture(scope="module")
def network():
    return build("paper", EXPRESSIONS, 48, seed=3).network


@pytest.fixture(scope="module")
def images():
    return torch.randn(9, 1, 48, 48, generator=torch.Generator().manual_seed(1))


class Residual(nn.Module):
    """A convolution that part of the image goes around."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.scores = nn.Linear(4, 3)

    def forward(self, image):
        before = functional.relu(self.first(image))
        return self.scores((before + functional.relu(self.second(before))).mean(dim=(2, 3)))


@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv3"])
def test_zero_ablation_equals_a_network_without_those_weights(network, images, layer) -> None:
    rest = rest_of(network, layer, images[:5], images[5:])
    found = rest.scores(torch.tensor([2, 9]), torch.zeros_like(rest.mean))
    cut = build("paper", EXPRESSIONS, 48, seed=3).network
    with torch.no_grad():
        cut.get_submodule(layer).weight[[2, 9]] = 0
        want = cut(images[:5])
    torch.testing.assert_close(found, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layer", ["first", "second"])
def test_the_cut_equals_a_whole_pass_on_other_networks(layer) -> None:
    torch.manual_seed(0)
    network = Residual().train()
    images = torch.randn(70, 1, 8, 8)  # more than a batch
    rest = rest_of(network, layer, images, images)
    units = torch.tensor([1, 3])
    found = rest.scores(units, rest.mean)

    def change(name, maps):
        if name != layer:
            return maps
        mean = maps.detach().mean(dim=0)
        return torch.stack(
            [torch.where(torch.isin(torch.arange(4), units)[:, None, None], mean, m) for m in maps]
        )

    with torch.no_grad():
        before = change("first", functional.relu(network.first(images)))
        after = change("second", functional.relu(network.second(before)))
        want = network.scores((before + after).mean(dim=(2, 3)))
    torch.testing.assert_close(found, want, rtol=1e-5, atol=1e-5)
    assert network.training


def test_like_sets_are_listed_where_they_are_few() -> None:
    mean = np.array([1.0, 1.1, 0.6, 1.9, 2.1, 0.0, 3.0, 0.4])
    want = {
        tuple(sorted((a, b)))
        for a, b in itertools.permutations([2, 3, 4, 6], 2)
        if 0.5 <= mean[a] / 1.0 <= 2 and 0.5 <= mean[b] / 1.1 <= 2
    }
    assert set(like_sets([0, 1], mean, [7], seed=0)) == want
    assert want == {(2, 3), (2, 4), (3, 4)}
    assert like_sets([5], mean, [], seed=0) == []  # dead: nothing is like it
    assert like_sets([0], mean, [1, 2, 3], seed=0) == []
    assert like_sets([], mean, [], seed=0) == []


def test_like_sets_are_drawn_where_they_are_many() -> None:
    mean = np.random.default_rng(0).uniform(0.5, 4, 60)
    units = [3, 10, 20, 41]
    found = like_sets(units, mean, [5, 6], sets=50, seed=1)
    assert len(found) == len(set(found)) == 50
    for drawn in found:
        assert len(set(drawn)) == 4
        assert not set(drawn) & {*units, 5, 6}
        # some way to pair them is like
        assert any(
            all(0.5 <= mean[d] / mean[u] <= 2 for d, u in zip(order, units, strict=True))
            for order in itertools.permutations(drawn)
        )
    assert like_sets(units, mean, [5, 6], sets=50, seed=1) == found
    assert len(like_sets([3], mean, [], sets=5, seed=0)) == 5


def test_effects_equal_a_loop_over_faces(rng) -> None:
    after, before = rng.normal(size=(2, 20, 3))
    true = rng.integers(0, 2, 20)
    score, accuracy = effects(after, before, true)
    for e in range(2):
        changes, right = [], []
        for i in np.flatnonzero(true == e):
            changes.append((after[i, e] - after[i].mean()) - (before[i, e] - before[i].mean()))
            right.append(int(after[i].argmax() == e) - int(before[i].argmax() == e))
        assert score[e] == pytest.approx(np.mean(changes))
        assert accuracy[e] == pytest.approx(np.mean(right))
    assert np.isnan([score[2], accuracy[2]]).all()


@pytest.fixture(scope="module")
def table():
    """Unit 0 alone carries the second expression; 1 to 5 carry nothing; 6 and 7 the others."""
    network = nn.Sequential(
        nn.Conv2d(8, 8, 1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
    )
    with torch.no_grad():
        network[0].weight[:] = torch.eye(8)[:, :, None, None]
        network[3].weight.zero_()
        network[3].bias.zero_()
        network[3].weight[1, 0] = network[3].weight[0, 6] = network[3].weight[2, 7] = 1
    true = np.array([0, 1, 1, 2, -1])
    images = torch.full((5, 8, 1, 1), 1.0)
    images[:, [0, 6, 7]] = 0.5
    for image, unit in enumerate([6, 0, 0, 7, 7]):
        images[image, unit] = 2.0
    rest = rest_of(network, "0", images, torch.ones(3, 8, 1, 1))
    mapped = {"AU12": [0], "AU06": [], "AU27": [7, 0]}
    mean = images.mean(dim=0).flatten().double().numpy()
    return ablation_table(rest, true, EXPRESSIONS, mapped, mean, layer="0", seed=0, sets=20), mean


def test_a_unit_that_carries_an_expression_is_found(table) -> None:
    found, mean = table
    assert tuple(found.columns) == COLUMNS
    rows = found.set_index(["au", "action", "mode", "expression"])
    row = rows.loc[("AU12", "ablate", "zero", "happiness")]
    like = [u for u in range(1, 8) if 0.5 <= mean[u] / mean[0] <= 2]
    assert row["n_sets"] == len(like)
    # its score falls from 2 − (2 + ½ + ½)/3 to 0 − (½ + ½)/3
    assert row["score_change"] == pytest.approx(-1 / 3 - 1)
    assert (row["accuracy"], row["accuracy_change"]) == (1, -1)
    assert row["p_score"] == row["p_accuracy"] == 1 / (1 + len(like))
    other = rows.loc[("AU12", "ablate", "zero", "anger")]
    assert other["score_change"] == pytest.approx(0.5 / 3)  # of what is left it has more
    assert other["p_accuracy"] == 1
    kept = rows.loc[("AU12", "keep", "zero", "happiness")]
    assert kept["accuracy_change"] == 0
    assert kept["p_score"] == 1 / (1 + len(like))
    mean_row = rows.loc[("AU12", "ablate", "mean", "happiness")]
    assert mean_row["score_change"] == pytest.approx((1 - 2 / 3) - (2 - 1))


def test_an_action_unit_without_units_has_rows_that_say_so(table) -> None:
    rows = table[0].set_index("au").loc["AU06"]
    assert set(rows["status"]) == {"no unit"}
    assert rows[["score_change", "p_score", "p_accuracy"]].isna().all(axis=None)
    assert (rows["n_sets"] == 0).all()


def test_errors(network, images) -> None:
    with pytest.raises(CallError, match="images is empty"):
        rest_of(network, "conv3", images[:0], images)
    with pytest.raises(CallError, match="others is empty"):
        rest_of(network, "conv3", images, images[:0])
    rest = rest_of(network, "conv3", images, images)
    with pytest.raises(CallError, match="true has 2 values for 9 faces"):
        ablation_table(rest, np.zeros(2), EXPRESSIONS, {}, np.ones(256), layer="conv3", seed=0)
    with pytest.raises(CallError, match="needs scores"):
        rest_of(nn.Sequential(nn.Conv2d(1, 2, 3)), "0", images, images)
