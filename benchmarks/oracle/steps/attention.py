"""Steps of a vision transformer, over (image, token, feature)."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from benchmarks.oracle.steps.base import Step


@final
@dataclass(frozen=True)
class Tokens(Step):
    """Every place of a map as a token, behind a class token, each with its position added."""

    first: Tensor
    position: Tensor

    def forward(self, *inputs: Tensor) -> Tensor:
        """Make tokens."""
        (x,) = inputs
        places = x.reshape(*x.shape[:2], -1).transpose(1, 2)
        first = self.first.expand(len(x), 1, -1)
        return torch.cat([first, places], dim=1) + self.position

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Put the places back."""
        return (R[:, 1:].transpose(1, 2).reshape(inputs[0].shape),)


@final
class FirstToken(Step):
    """The class token."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """Take it."""
        return inputs[0][:, 0]

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Put it back."""
        found = torch.zeros_like(inputs[0])
        found[:, 0] = R
        return (found,)


@final
@dataclass(frozen=True)
class Attention(Step):
    """softmax(q kᵀ / √d) v in each head, from q, k and v behind each other."""

    heads: int

    def forward(self, *inputs: Tensor) -> Tensor:
        """Attend."""
        _, _, v, weights = self._parts(inputs[0])
        return self._joined(weights @ v)

    def down(self, R: Tensor, rule: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Multiply by the transposed Jacobian."""
        q, k, v, weights = self._parts(inputs[0])
        images, tokens, features = R.shape
        arriving = R.reshape(images, tokens, self.heads, -1).transpose(1, 2)
        at_weights = arriving @ v.transpose(2, 3)
        mean = (at_weights * weights).sum(-1, keepdim=True)
        at_scores = weights * (at_weights - mean) / (features / self.heads) ** 0.5
        down = (
            at_scores @ k,
            at_scores.transpose(2, 3) @ q,
            weights.transpose(2, 3) @ arriving,
        )
        return (torch.cat([self._joined(part) for part in down], dim=2),)

    def _parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        images, tokens, features = x.shape
        parts = x.reshape(images, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = parts[0], parts[1], parts[2]
        scores = q @ k.transpose(2, 3) / (features / 3 / self.heads) ** 0.5
        powers = torch.exp(scores - scores.amax(-1, keepdim=True))
        return q, k, v, powers / powers.sum(-1, keepdim=True)

    def _joined(self, x: Tensor) -> Tensor:
        images, _, tokens, _ = x.shape
        return x.transpose(1, 2).reshape(images, tokens, -1)
