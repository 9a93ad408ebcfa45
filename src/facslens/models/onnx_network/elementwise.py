"""Functions of each value by itself that PyTorch has no operation for."""

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor

_FUNCTIONS: Final[Mapping[str, Callable[..., Tensor]]] = {
    "HardSigmoid": lambda x, slope, offset: (slope * x + offset).clamp(0, 1),
    "Softsign": lambda x: x / (1 + x.abs()),
    "ThresholdedRelu": lambda x, least: torch.where(x > least, x, torch.zeros_like(x)),
    "Shrink": lambda x, bias, reach: torch.where(
        x < -reach, x + bias, torch.where(x > reach, x - bias, torch.zeros_like(x))
    ),
    "Swish": lambda x, slope: x * torch.sigmoid(slope * x),
}


def elementwise(numbers: Tensor, name: str, *settings: float) -> Tensor:
    """Apply a function of ONNX to each number.

    Examples
    --------
    >>> elementwise(torch.tensor([-1.0, 0.5]), "ThresholdedRelu", 0.0).tolist()
    [0.0, 0.5]
    """
    return _FUNCTIONS[name](numbers, *settings)
