"""Attributions by captum: they add up, they lie where the response depends, they are named."""

import numpy as np
import pytest
import torch
from torch import nn

from facslens.errors import CallError
from facslens.projection.attributed import METHODS, attribute_units
from facslens.projection.deconvnet import project_units


class Tokens(nn.Module):
    """Patches of 4 pixels, tokens that see each other, and a layer at every token."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.mix = nn.Conv2d(1, 6, 4, 4), nn.MultiheadAttention(6, 2, batch_first=True)
        self.up, self.scores = nn.Linear(6, 5), nn.Linear(5, 3)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = x + self.mix(x, x, x, need_weights=False)[0]
        return self.scores(nn.functional.gelu(self.up(x)).mean(1))


@pytest.fixture
def network():
    torch.manual_seed(3)
    return Tokens()


IMAGES = torch.randn(3, 1, 12, 12, generator=torch.Generator().manual_seed(1))


def test_integrated_gradients_add_up_to_the_response(network):
    units = np.array([0, 3, 4])
    found = attribute_units(network, IMAGES, "up", units)
    with torch.no_grad():
        x = network.patch(torch.cat([IMAGES, 0 * IMAGES])).flatten(2).transpose(1, 2)
        maps = nn.functional.gelu(network.up(x + network.mix(x, x, x, need_weights=False)[0]))
    for row, unit in enumerate(units):
        token = int(maps[row, :, unit].argmax())
        response = float(maps[row, token, unit])
        assert found.response[row] == pytest.approx(response, rel=1e-5)
        if response > 0:
            assert found.location[row].tolist() == [0, token]
            least = response - float(maps[3 + row, token, unit])
            # 50 steps of a smooth function
            assert found.image[row].sum() == pytest.approx(least, rel=0.02)
    assert not found.silent.all()
    assert found.window[~found.silent].tolist() == [[0, 0, 12, 12]] * int((~found.silent).sum())
    assert found.notes == ("integrated gradients, by captum: no projection of the papers",)


def test_occlusion_changes_nothing_outside_of_what_is_seen():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.SiLU())
    images = IMAGES.abs()
    found = attribute_units(network, images, "0", np.array([0, 1, 0]), method="occlusion")
    assert not found.silent.all()
    for image, (top, left, bottom, right), silent in zip(
        found.image[:, 0], found.window, found.silent, strict=True
    ):
        outside = image.copy()
        # a square of 2 pixels may begin just outside
        outside[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1] = 0
        assert not outside.any()
        assert silent or image.any()


def test_the_rules_refuse_tokens_and_say_what_to_use(network):
    with pytest.raises(CallError, match=r"'up' is a layer of tokens.*integrated gradients"):
        project_units(network, IMAGES, "up", np.array([0, 0, 0]))
    with pytest.raises(CallError, match="method is 'lime': expected one of integrated_gradients"):
        attribute_units(network, IMAGES, "up", np.array([0, 0, 0]), method="lime")
    assert list(METHODS) == ["integrated_gradients", "occlusion"]
