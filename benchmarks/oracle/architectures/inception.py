"""GoogLeNet with batch normalisation (Szegedy et al. 2015, Ioffe & Szegedy 2015)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.linear import Concatenate, Flatten, Separable
from benchmarks.oracle.steps.matrices import adaptive
from benchmarks.oracle.steps.pointwise import Rectify
from benchmarks.oracle.steps.pooling import MaxPool

#: Channels of 1×1; reduced and given of 3×3; of 5×5; behind the pooling: table 1 of the paper.
#: A number alone is the kernel of a pooling of stride 2.
PLAN = {
    "inception3a": (64, 96, 128, 16, 32, 32),
    "inception3b": (128, 128, 192, 32, 96, 64),
    "maxpool3": 3,
    "inception4a": (192, 96, 208, 16, 48, 64),
    "inception4b": (160, 112, 224, 24, 64, 64),
    "inception4c": (128, 128, 256, 24, 64, 64),
    "inception4d": (112, 144, 288, 32, 64, 64),
    "inception4e": (256, 160, 320, 32, 128, 128),
    "maxpool4": 2,
    "inception5a": (256, 160, 320, 32, 128, 128),
    "inception5b": (384, 192, 384, 48, 128, 128),
}
EPS = 1e-3


class BasicConv2d(nn.Module):
    """A convolution, its normalisation, a functional ReLU."""

    def __init__(self, inp: int, out: int, **kwargs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inp, out, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Give the maps."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    """Four branches behind each other."""

    def __init__(self, inp: int, one: int, red3: int, three: int, red5: int, five: int, pool: int):
        super().__init__()
        self.branch1 = BasicConv2d(inp, one, kernel_size=1)
        self.branch2 = nn.Sequential(
            BasicConv2d(inp, red3, kernel_size=1),
            BasicConv2d(red3, three, kernel_size=3, padding=1),
        )
        self.branch3 = nn.Sequential(
            BasicConv2d(inp, red5, kernel_size=1),
            BasicConv2d(red5, five, kernel_size=5, padding=2),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True),
            BasicConv2d(inp, pool, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Give the maps of all branches."""
        outputs = [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)]
        return torch.cat(outputs, 1)


class GoogLeNet(nn.Module):
    """Nine inception modules."""

    def __init__(self, divide: int = 1, classes: int = 7) -> None:
        super().__init__()
        stem = 64 // divide
        self.conv1 = BasicConv2d(3, stem, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = BasicConv2d(stem, stem, kernel_size=1)
        self.conv3 = BasicConv2d(stem, 3 * stem, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        channels = 3 * stem
        for name, entry in PLAN.items():
            if isinstance(entry, int):
                setattr(self, name, nn.MaxPool2d(entry, stride=2, ceil_mode=True))
            else:
                sizes = [size // divide for size in entry]
                setattr(self, name, Inception(channels, *sizes))
                channels = sizes[0] + sizes[2] + sizes[4] + sizes[5]
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits."""
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        for name in PLAN:
            x = getattr(self, name)(x)
        x = torch.flatten(self.avgpool(x), 1)
        return self.fc(self.dropout(x))


def build(full: bool = False) -> nn.Module:
    """Build it with the maps of the paper, or a quarter of them."""
    return GoogLeNet(1 if full else 4)


def describe(g: Graph) -> None:
    """Describe it."""

    def unit(x: int, at: str, *, stride: int = 1, padding: int = 0) -> int:
        conv, norm = f"{at}.conv", f"{at}.bn"
        return g.layer(x, conv, norm, Rectify(), stride=stride, padding=padding, eps=EPS)

    x = unit(IMAGE, "conv1", stride=2, padding=3)
    x = unit(g.add(MaxPool(3, 2, ceil=True), x), "conv2")
    x = g.add(MaxPool(3, 2, ceil=True), unit(x, "conv3", padding=1))
    for name, entry in PLAN.items():
        if isinstance(entry, int):
            x = g.add(MaxPool(entry, 2, ceil=True), x)
            continue
        first = unit(x, f"{name}.branch1")
        second = unit(unit(x, f"{name}.branch2.0"), f"{name}.branch2.1", padding=1)
        third = unit(unit(x, f"{name}.branch3.0"), f"{name}.branch3.1", padding=2)
        fourth = unit(g.add(MaxPool(3, 1, 1, ceil=True), x), f"{name}.branch4.1")
        x = g.add(Concatenate(), first, second, third, fourth)
    x = g.add(Flatten(), g.add(Separable(lambda size: adaptive(size, 1)), x))
    g.linear(x, "fc")
