"""DenseNet-121 (Huang et al. 2017): normalisation and functional ReLU before each convolution."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.linear import Concatenate, Flatten, Separable
from benchmarks.oracle.steps.matrices import adaptive, average
from benchmarks.oracle.steps.pointwise import Rectify
from benchmarks.oracle.steps.pooling import MaxPool

BLOCKS = (6, 12, 24, 16)


class DenseLayer(nn.Module):
    """A bottleneck, and the new maps."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Give the new maps."""
        out = self.conv1(F.relu(self.norm1(torch.cat(features, 1))))
        return self.conv2(F.relu(self.norm2(out)))


class DenseBlock(nn.ModuleList):
    """Layers that each see all before."""

    def forward(self, x: Tensor) -> Tensor:
        """Give all maps, old and new."""
        features = [x]
        for layer in self:
            features.append(layer(features))
        return torch.cat(features, 1)


class Transition(nn.Module):
    """Half the maps, half the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, channels // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Give the smaller maps."""
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2)


class DenseNet(nn.Module):
    """Four dense blocks."""

    def __init__(self, growth: int = 32, classes: int = 7) -> None:
        super().__init__()
        channels = 2 * growth
        self.conv0 = nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False)
        self.norm0 = nn.BatchNorm2d(channels)
        self.blocks, self.transitions = nn.ModuleList(), nn.ModuleList()
        for number, layers in enumerate(BLOCKS):
            self.blocks.append(
                DenseBlock(DenseLayer(channels + i * growth, growth) for i in range(layers))
            )
            channels += layers * growth
            if number < len(BLOCKS) - 1:
                self.transitions.append(Transition(channels))
                channels //= 2
        self.norm5 = nn.BatchNorm2d(channels)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits."""
        x = F.max_pool2d(F.relu(self.norm0(self.conv0(x))), 3, stride=2, padding=1)
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number < len(self.transitions):
                x = self.transitions[number](x)
        x = F.relu(self.norm5(x), inplace=True)
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


def build(full: bool = False) -> nn.Module:
    """Build it with a growth of 32, or of 8."""
    return DenseNet(32 if full else 8)


def describe(g: Graph) -> None:
    """Describe it."""
    relu, half = Rectify(), Separable(lambda size: average(size, 2, 2, 0))
    x = g.layer(IMAGE, "conv0", "norm0", relu, stride=2, padding=3)
    x = g.add(MaxPool(3, 2, 1), x)
    for number, layers in enumerate(BLOCKS):
        features = [x]
        for layer in range(layers):
            at = f"blocks.{number}.{layer}"
            seen = g.add(Concatenate(), *features)
            seen = g.add(relu, g.batch_norm(seen, f"{at}.norm1"))
            seen = g.layer(seen, f"{at}.conv1", f"{at}.norm2", relu)
            features.append(g.layer(seen, f"{at}.conv2", padding=1))
        x = g.add(Concatenate(), *features)
        if number < len(BLOCKS) - 1:
            at = f"transitions.{number}"
            x = g.add(relu, g.batch_norm(x, f"{at}.norm"))
            x = g.add(half, g.layer(x, f"{at}.conv"))
    x = g.add(relu, g.batch_norm(x, "norm5"))
    x = g.add(Flatten(), g.add(Separable(lambda size: adaptive(size, 1)), x))
    g.linear(x, "classifier")
