"""Rectifiers, smooth nonlinearities, products."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

import torch
from torch import Tensor

from benchmarks.oracle.rules import RULES
from benchmarks.oracle.steps.base import Step, as_shape


@final
@dataclass(frozen=True)
class Rectify(Step):
    """max(x, 0), or x brought between 0 and a bound; it fires strictly between."""

    high: float = math.inf

    def forward(self, *inputs: Tensor) -> Tensor:
        """Rectify."""
        (x,) = inputs
        return torch.where(x >= self.high, self.high, torch.where(x > 0, x, 0.0))

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Apply the rule."""
        (x,) = inputs
        return (RULES[rule](R, (x > 0) & (x < self.high)),)


@final
@dataclass(frozen=True)
class Smooth(Step):
    """Any other function of each value; its derivative goes down under every rule."""

    name: str

    def forward(self, *inputs: Tensor) -> Tensor:
        """Apply the function."""
        return FUNCTIONS[self.name][0](inputs[0])

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Multiply by the derivative."""
        return (R * FUNCTIONS[self.name][1](inputs[0]),)


@final
class Multiply(Step):
    """The product of two values; both partial derivatives go down."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """Multiply."""
        first, second = inputs
        return first * second

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Give each factor what arrives times the other."""
        first, second = inputs
        return as_shape(R * second, first), as_shape(R * first, second)


def sigmoid(x: Tensor) -> Tensor:
    """Give 1 / (1 + e⁻ˣ)."""
    return 1 / (1 + torch.exp(-x))


def _normal(x: Tensor) -> tuple[Tensor, Tensor]:
    """Give the standard normal distribution function and its density."""
    distribution = (1 + torch.erf(x / math.sqrt(2))) / 2
    return distribution, torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _gelu_by_tanh(x: Tensor) -> tuple[Tensor, Tensor]:
    """Give the approximation of GELU by tanh, and its derivative."""
    c = math.sqrt(2 / math.pi)
    t = torch.tanh(c * (x + 0.044715 * x**3))
    return x * (1 + t) / 2, (1 + t) / 2 + x * (1 - t**2) * c * (1 + 3 * 0.044715 * x**2) / 2


def _softplus(x: Tensor) -> Tensor:
    return torch.log1p(torch.exp(-x.abs())) + torch.where(x > 0, x, 0.0)


def _hardsigmoid(x: Tensor) -> Tensor:
    return torch.where(x >= 3, 1.0, torch.where(x <= -3, 0.0, x / 6 + 0.5))


def _hardswish_slope(x: Tensor) -> Tensor:
    return torch.where(x >= 3, 1.0, torch.where(x <= -3, 0.0, x / 3 + 0.5))


def _mish_slope(x: Tensor) -> Tensor:
    t = torch.tanh(_softplus(x))
    return t + x * (1 - t**2) * sigmoid(x)


_A, _L = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

#: Name: the function and its derivative.
FUNCTIONS: Final[dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]]] = {
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "tanh": (torch.tanh, lambda x: 1 / torch.cosh(x) ** 2),
    "silu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
    "gelu": (lambda x: x * _normal(x)[0], lambda x: _normal(x)[0] + x * _normal(x)[1]),
    "gelu by tanh": (lambda x: _gelu_by_tanh(x)[0], lambda x: _gelu_by_tanh(x)[1]),
    "gelu by sigmoid": (
        lambda x: x * sigmoid(1.702 * x),
        lambda x: sigmoid(1.702 * x) * (1 + 1.702 * x * sigmoid(-1.702 * x)),
    ),
    "hardsigmoid": (_hardsigmoid, lambda x: (x.abs() < 3).to(x.dtype) / 6),
    "hardswish": (lambda x: x * _hardsigmoid(x), _hardswish_slope),
    "mish": (lambda x: x * torch.tanh(_softplus(x)), _mish_slope),
    "softplus": (_softplus, sigmoid),
    "selu": (
        lambda x: _L * torch.where(x > 0, x, _A * torch.expm1(x)),
        lambda x: _L * torch.where(x > 0, 1.0, _A * torch.exp(x)),
    ),
    "elu": (
        lambda x: torch.where(x > 0, x, torch.expm1(x)),
        lambda x: torch.where(x > 0, 1.0, torch.exp(x)),
    ),
    "leaky": (
        lambda x: torch.where(x > 0, x, 0.1 * x),
        lambda x: torch.where(x > 0, torch.ones_like(x), 0.1),
    ),
    "softsign": (lambda x: x / (1 + x.abs()), lambda x: 1 / (1 + x.abs()) ** 2),
    "exp": (torch.exp, torch.exp),
    "log1p": (torch.log1p, lambda x: 1 / (1 + x)),
    "log sigmoid": (lambda x: -_softplus(-x), lambda x: sigmoid(-x)),
    "hardtanh": (lambda x: x.clamp(-1, 1), lambda x: (x.abs() < 1).to(x.dtype)),
    "clamp from above": (lambda x: x.clamp(max=6), lambda x: (x < 6).to(x.dtype)),
    "threshold": (lambda x: x * (x > 0.5), lambda x: (x > 0.5).to(x.dtype)),
    "softshrink": (
        lambda x: x.sign() * torch.where(x.abs() > 0.5, x.abs() - 0.5, 0.0),
        lambda x: (x.abs() > 0.5).to(x.dtype),
    ),
    "tanhshrink": (lambda x: x - torch.tanh(x), lambda x: torch.tanh(x) ** 2),
    "identity": (lambda x: x, torch.ones_like),
    "square": (lambda x: x * x, lambda x: 2 * x),
    "absolute": (torch.abs, torch.sign),
    "sine": (torch.sin, torch.cos),
}
