"""Changes in place are written as new values only where nothing else would see them."""

import operator

import pytest
import torch
from torch import nn
from torch.export import export
from torch.nn import functional

from facslens.models.reading.changes import without_changes


class Applied(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.conv, self.function = nn.Conv2d(1, 4, 3), function

    def forward(self, x):
        return self.function(self.conv(x))


def chained(x):
    y = functional.relu_(x)
    y += 1
    y.mul_(2).clamp_(max=3)
    return y - x  # both names are of the same values


def through_a_view(x):
    x.view(x.shape[0], -1).relu_()
    return x


def seen_by_a_view(x):
    view = x.permute(0, 2, 3, 1)
    x.relu_()
    return view


def flattened(x):
    return x.flatten(1).relu_()


IMAGES = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("function", [functional.relu_, chained, nn.ReLU6(inplace=True)])
def test_the_same_is_computed_without_a_change(function):
    network = Applied(function)
    program = export(network, (IMAGES,), strict=False)
    assert without_changes(program.graph)
    changing = [
        n.target._schema.name
        for n in program.graph.nodes
        if n.op == "call_function" and n.target is not operator.getitem
        and n.target._schema.is_mutable
    ]  # fmt: skip
    assert changing == []
    program.graph_module.recompile()
    with torch.no_grad():
        expected = network(IMAGES.clone())
        (found,) = program.graph_module(*network.parameters(), IMAGES)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize("function", [through_a_view, seen_by_a_view, flattened])
def test_what_a_view_sees_is_left_to_the_exporter(function):
    program = export(Applied(function), (IMAGES,), strict=False)
    before = str(program.graph)
    assert not without_changes(program.graph)
    assert str(program.graph) == before


def test_an_image_that_is_changed_is_left_to_the_exporter():
    class Normalises(Applied):
        def forward(self, x):
            x -= 0.5
            return self.conv(x)

    program = export(Normalises(None), (IMAGES.clone(),), strict=False)
    assert not without_changes(program.graph)
