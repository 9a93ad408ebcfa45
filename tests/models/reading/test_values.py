"""Functions of one value are recognised by what they make of numbers, however they are written."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from facslens.models.reading.trace import trace
from facslens.models.reading.values import Affine, Rectifier, Values, probes, recognised

RELU = Rectifier(1.0, 0.0, float("inf"))


class Applied(nn.Module):
    """A function behind a convolution."""

    def __init__(self, function) -> None:
        super().__init__()
        self.conv, self.function = nn.Conv2d(1, 2, 1), function

    def forward(self, x):
        return self.function(self.conv(x))


def found(function):
    """Give which function of the convolution's output the network's answer is."""
    network = Applied(function)
    steps = trace(network, (1, 4, 4))
    tensors = {**dict(network.named_parameters()), **steps.constants}
    values = Values(steps.graph, tensors)
    (convolution,) = (n for n in steps.graph.nodes if "conv2d" in str(n.target))
    (answer,) = steps.answers
    assert values.is_function_of(answer, convolution)
    return values.function(answer, convolution)


def by_index(x):
    x = x.clone()
    x[x < 0] = 0
    return x


@pytest.mark.parametrize(
    "function",
    [
        functional.relu, lambda x: x.clamp(min=torch.zeros(())), lambda x: torch.fmax(x, 0 * x),
        lambda x: x * (x >= 0), lambda x: torch.where(x > 0, x, 0.0), by_index,
        lambda x: (x + x.abs()) * 0.5, lambda x: -torch.minimum(-x, torch.zeros_like(x)),
        lambda x: x - x.clamp(max=0), lambda x: x.relu().relu(), nn.PReLU(init=0.0),
        nn.PReLU(2, init=0.0), nn.LeakyReLU(0.0), lambda x: functional.elu(x, 0.0),
        lambda x: torch.relu(2 * x) / 2, torch.vmap(functional.relu),
    ],
)  # fmt: skip
def test_rectifiers(function):
    assert found(function) == RELU


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (nn.ReLU6(), Rectifier(1.0, 0.0, 6.0)),
        (lambda x: 3 * x.clamp(0, 2), Rectifier(3.0, 0.0, 2.0)),
        (lambda x: -x.relu(), Rectifier(-1.0, 0.0, float("inf"))),
        (lambda x: x.clamp(max=0), Rectifier(1.0, float("-inf"), 0.0)),
        (lambda x: (-x).clamp(0, 4), Rectifier(-1.0, -4.0, 0.0)),
        (lambda x: 2 * x + x - 1, Affine(3.0, -1.0)),
        (lambda x: x.relu() - (-x).relu(), Affine(1.0, 0.0)),
    ],
)
def test_bounds_and_signs(function, expected):
    assert found(function) == expected


@pytest.mark.parametrize(
    "function",
    [
        functional.silu, nn.LeakyReLU(0.01), nn.LeakyReLU(1e-6), nn.ELU(), nn.Softplus(beta=100),
        lambda x: x.clamp(min=1e-3), lambda x: x.clamp(-1, 1), nn.Threshold(0.1, 0.0),
        lambda x: x.relu() + 1, lambda x: x.relu() ** 2, lambda x: x.abs(), functional.gelu,
        lambda x: x * functional.relu6(x + 3) / 6, torch.sign, lambda x: x.log(),
    ],
)  # fmt: skip
def test_what_is_no_rectifier(function):
    assert found(function) is None


def test_other_numbers_at_other_places_make_no_function_of_one_value():
    network = Applied(nn.PReLU(2))
    with torch.no_grad():
        network.function.weight[1] = 0.0
    steps = trace(network, (1, 4, 4))
    values = Values(steps.graph, dict(network.named_parameters()))
    (answer,) = steps.answers
    assert values.source(answer) is None


def test_the_nearest_value_counts():
    # a rectifier of SiLU is no rectifier of the convolution, but one of SiLU
    network = Applied(lambda x: (y := functional.silu(x)) * (y > 0))
    steps = trace(network, (1, 4, 4))
    values = Values(steps.graph, dict(network.named_parameters()))
    (answer,) = steps.answers
    assert "silu" in str(values.source(answer).target)
    assert values.function(answer) == RELU


@given(
    scale=st.floats(0.01, 100).map(lambda s: round(s, 3)),
    high=st.floats(0.1, 1000).map(lambda s: round(s, 2)),
    sign=st.sampled_from([1, -1]),
)
def test_every_scaled_clamp_from_zero_is_found(scale, high, sign):
    numbers = probes()
    clamped = numbers.clamp(0, high) if sign > 0 else numbers.clamp(-high, 0)
    rectifier = recognised(scale * clamped, numbers)
    assert rectifier.scale == pytest.approx(scale)
    assert (rectifier.low, rectifier.high) == pytest.approx((0, high) if sign > 0 else (-high, 0))
