"""The network of Zhu, Fan & Yuan 2019, which is that of Khorrami, Paine & Huang 2015."""

from collections import OrderedDict
from typing import Final

from torch import nn

from facslens.errors import CallError

WIDTHS: Final = (64, 128, 256)
HIDDEN: Final = 300
DROPOUT: Final = 0.5
SIZES: Final = (48, 96)


class PaperNetwork(nn.Sequential):
    """Three bias-free convolutions, max pooling down to quadrants, 300 units, the scores.

    Its convolution part is positively homogeneous (no bias, ReLU, max pooling), which makes
    every unit's response equal to its gradient times the input.

    Parameters
    ----------
    classes
        Number of scores, one an expression.
    size
        Side of the square grey input in pixels: 48 or 96. The parameters do not depend on
        it, for the last pooling always leaves 2×2 quadrants.

    Notes
    -----
    1,335,508 parameters with eight classes. Input (image, 1, size, size) float32, output
    (image, classes) scores before the softmax.

    References
    ----------
    arXiv:1904.09737 [zhu2019]_; arXiv:1510.02969, section 3 [khorrami2015]_.

    Examples
    --------
    >>> sum(p.numel() for p in PaperNetwork(classes=8).parameters())
    1335508
    """

    def __init__(self, classes: int, size: int = 48) -> None:
        if size not in SIZES:
            raise CallError(f"size is {size}: the paper's network reads faces of 48 or 96 pixels")
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        channels = 1
        for number, width in enumerate(WIDTHS, start=1):
            parts[f"conv{number}"] = nn.Conv2d(channels, width, 5, padding=2, bias=False)
            parts[f"relu{number}"] = nn.ReLU()
            last = number == len(WIDTHS)
            quadrant = size // 2 ** len(WIDTHS)
            parts[f"pool{number}"] = nn.MaxPool2d(quadrant if last else 2)
            channels = width
        parts["flatten"] = nn.Flatten()
        parts["hidden"] = nn.Linear(4 * channels, HIDDEN)
        parts["relu4"] = nn.ReLU()
        parts["dropout"] = nn.Dropout(DROPOUT)
        parts["scores"] = nn.Linear(HIDDEN, classes)
        super().__init__(parts)
