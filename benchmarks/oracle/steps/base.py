"""One step of a network."""

from abc import ABC, abstractmethod

from torch import Tensor


class Step(ABC):
    """One step: a value from others, and what arrives at it taken down to them."""

    @abstractmethod
    def forward(self, *inputs: Tensor) -> Tensor:
        """Give the value of the step."""

    @abstractmethod
    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Take what arrives at the value down to each input, under a rule of `RULES`."""


def as_shape(R: Tensor, like: Tensor) -> Tensor:
    """Sum over the axes along which a value was repeated to meet another."""
    repeated = [a for a in range(R.ndim) if like.shape[a] == 1 and R.shape[a] > 1]
    return R.sum(repeated, keepdim=True) if repeated else R
