"""Patching and its approximation, against hooks and networks that are linear in their maps."""

import numpy as np
import pytest
import torch
from torch import nn

from facslens.causal.cut import cut_at
from facslens.causal.patching import attribution, energy, patched
from facslens.models.model import build

EXPRESSIONS = ("anger", "happiness", "surprise")


@pytest.fixture
def faces():
    """Five faces at rest, and the same with a brighter mouth."""
    rest = torch.randn(5, 1, 48, 48, generator=torch.Generator().manual_seed(2))
    shown = rest.clone()
    shown[:, :, 34:40, 14:34] += 1.5
    return rest, shown


@pytest.fixture(params=["paper conv2 pool2", "compact block3b.conv1 block3b.relu1"])
def opened(request, faces):
    name, layer, module = request.param.split()
    network = build(name, EXPRESSIONS, 48, seed=4).network
    cut = cut_at(network, layer, faces[0])
    return network.get_submodule(module), network, cut, cut.hold(faces[0]), cut.hold(faces[1])


def test_patching_equals_a_hook_that_exchanges_the_maps(opened, faces):
    module, network, cut, rest, shown = opened
    units = rest.maps.shape[1]
    rng = np.random.default_rng(0)
    sets = rng.random((7, units)) < 0.3
    found = patched(cut, shown, rest.maps, sets)
    for number, chosen in enumerate(sets):
        mixed = shown.maps.clone()
        mixed[:, np.flatnonzero(chosen)] = rest.maps[:, np.flatnonzero(chosen)]
        handle = module.register_forward_hook(lambda *_, mixed=mixed: mixed)
        with torch.no_grad():
            want = network(faces[1])
        handle.remove()
        np.testing.assert_allclose(found[number], want, rtol=1e-5, atol=1e-6)


def test_no_unit_changes_nothing_and_all_units_of_a_cut_everything(opened):
    _, _, cut, rest, shown = opened
    units = rest.maps.shape[1]
    none, every = patched(cut, shown, rest.maps, np.array([[False] * units, [True] * units]))
    np.testing.assert_allclose(none, shown.scores, rtol=0, atol=1e-6)
    if not rest.beside:
        np.testing.assert_allclose(every, rest.scores, rtol=0, atol=1e-5)
    else:  # part of the change goes round
        assert np.abs(every - rest.scores.numpy()).max() > 1e-4


def test_attribution_is_exact_where_the_scores_are_linear_in_the_maps(faces):
    network = build("compact", EXPRESSIONS, 48, seed=4).network
    cut = cut_at(network, "block3b.conv2", faces[0])
    rest, shown = (cut.hold(images) for images in faces)
    found = attribution(cut, rest, shown)
    alone = patched(cut, shown, rest.maps, np.eye(176, dtype=bool)[:20])
    change = shown.scores.double().numpy() - alone
    want = change - change.mean(axis=2, keepdims=True)
    np.testing.assert_allclose(found[:, :, :20], np.moveaxis(want, 0, 2), rtol=0, atol=1e-5)
    whole = (shown.scores - rest.scores).double().numpy()
    np.testing.assert_allclose(
        found.sum(axis=2), whole - whole.mean(axis=1, keepdims=True), rtol=0, atol=1e-5
    )


def test_attribution_takes_the_gradient_at_both_ends():
    """score = m², from m = 1 to 3: gradients 2 and 6, mean 4, times 2 is the change of 8."""

    class Square(nn.Module):
        def __init__(self):
            super().__init__()
            self.unit = nn.Conv2d(1, 1, 1, bias=False)
            self.unit.weight.data.fill_(1.0)

        def forward(self, image):
            square = self.unit(image).square().flatten(1)
            return torch.cat([square, -square], dim=1)

    rest, shown = torch.full((1, 1, 1, 1), 1.0), torch.full((1, 1, 1, 1), 3.0)
    cut = cut_at(Square(), "unit", rest)
    found = attribution(cut, cut.hold(rest), cut.hold(shown))
    assert found.ravel().tolist() == [8.0, -8.0]


def test_sizes_of_changes_add_up(opened):
    *_, rest, shown = opened
    found = energy(rest, shown)
    difference = (shown.maps - rest.maps).double().numpy()
    assert found.shape == (rest.maps.shape[1],)
    lengths = [np.linalg.norm(one.ravel()) ** 2 for one in difference]
    assert found.sum() == pytest.approx(np.mean(lengths), rel=1e-6)
    assert found[3] == pytest.approx(np.mean([(one[3] ** 2).sum() for one in difference]), rel=1e-6)
