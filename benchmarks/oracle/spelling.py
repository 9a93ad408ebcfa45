"""A way to write a nonlinearity, with every answer that is right.

A network that is refused is never wrong; one that has no answer has to be refused.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.oracle.graph import Graph
from benchmarks.oracle.small import (
    WIDTH,
    Nonlinearity,
    Small,
    describe_small,
    once,
    with_nonlinearity,
)
from benchmarks.oracle.steps.pointwise import FUNCTIONS, Rectify, Smooth


@dataclass(frozen=True)
class Spelling:
    """A nonlinearity, the answers that are right by how it is understood, and its channels."""

    f: Callable[[Tensor], Tensor]
    answers: dict[str, Nonlinearity] = field(default_factory=dict)
    gives: int = WIDTH

    def network(self) -> nn.Module:
        """Build the network with it."""
        return with_nonlinearity(Small(gives=self.gives), self.f)

    def descriptions(self) -> dict[str, Callable[[Graph], None]]:
        """Give a description of the network for every answer."""
        return {name: describe_small(answer) for name, answer in self.answers.items()}


def rectifier(f: Callable[[Tensor], Tensor]) -> Spelling:
    """Expect what ReLU does."""
    return Spelling(f, {"rectifier": once(Rectify())})


def bounded(f: Callable[[Tensor], Tensor]) -> Spelling:
    """Expect what ReLU6 does."""
    return Spelling(f, {"bounded": once(Rectify(6.0))})


def smooth(f: Callable[[Tensor], Tensor], name: str) -> Spelling:
    """Expect the derivative of a function of `FUNCTIONS`."""
    return Spelling(f, {"smooth": once(Smooth(name))})


def load_spellings(path: Path) -> dict[str, Spelling]:
    """Read a file's tables RECTIFIERS, BOUNDED and SMOOTH; values say which function is smooth."""
    spec = importlib.util.spec_from_file_location("spellings_of_others", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = {name: rectifier(f) for name, f in module.RECTIFIERS.items()}
    found |= {name: bounded(f) for name, f in module.BOUNDED.items()}
    return found | {name: smooth(f, _recognised(f)) for name, f in module.SMOOTH.items()}


def _recognised(f: Callable[[Tensor], Tensor]) -> str:
    x = torch.linspace(-7, 7, 8 * 141, dtype=torch.float64).view(1, WIDTH, 141, 1)
    with torch.no_grad():
        return next(
            name
            for name, (function, _) in FUNCTIONS.items()
            if torch.allclose(f(x.clone()), function(x), rtol=1e-12, atol=1e-12)
        )
