"""U-Net (Ronneberger et al. 2015), with padding and batch normalisation as it is used today."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.linear import Concatenate, Flatten, Separable
from benchmarks.oracle.steps.matrices import adaptive
from benchmarks.oracle.steps.pointwise import Rectify
from benchmarks.oracle.steps.pooling import MaxPool

LEVELS = 4


class DoubleConv(nn.Sequential):
    """Two convolutions of 3×3."""

    def __init__(self, inp: int, out: int) -> None:
        super().__init__(
            nn.Conv2d(inp, out, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
            nn.Conv2d(out, out, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """Down four levels and up again; the mean of the last maps is the score."""

    def __init__(self, base: int = 64, classes: int = 7) -> None:
        super().__init__()
        widths = [base * 2**level for level in range(LEVELS + 1)]
        self.pool = nn.MaxPool2d(2)
        self.inc = DoubleConv(3, base)
        self.down, self.up, self.conv = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for narrow, wide in pairwise(widths):
            self.down.append(DoubleConv(narrow, wide))
        for wide, narrow in pairwise(reversed(widths)):
            self.up.append(nn.ConvTranspose2d(wide, narrow, kernel_size=2, stride=2))
            self.conv.append(DoubleConv(wide, narrow))
        self.outc = nn.Conv2d(base, classes, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Give the scores."""
        skips = [self.inc(x)]
        for down in self.down:
            skips.append(down(self.pool(skips[-1])))
        x = skips.pop()
        for up, conv in zip(self.up, self.conv, strict=True):
            x = conv(torch.cat([skips.pop(), up(x)], dim=1))
        return self.outc(x).mean((2, 3))


def build(full: bool = False) -> nn.Module:
    """Build it with 64 maps in the first level, or 8."""
    return UNet(64 if full else 8)


def describe(g: Graph) -> None:
    """Describe it."""

    def double(x: int, at: str) -> int:
        x = g.layer(x, f"{at}.0", f"{at}.1", Rectify(), padding=1)
        return g.layer(x, f"{at}.3", f"{at}.4", Rectify(), padding=1)

    skips = [double(IMAGE, "inc")]
    for level in range(LEVELS):
        skips.append(double(g.add(MaxPool(2, 2), skips[-1]), f"down.{level}"))
    x = skips.pop()
    for level in range(LEVELS):
        up = g.transposed(x, f"up.{level}", stride=2)
        x = double(g.add(Concatenate(), skips.pop(), up), f"conv.{level}")
    x = g.layer(x, "outc")
    g.add(Flatten(), g.add(Separable(lambda size: adaptive(size, 1)), x))
