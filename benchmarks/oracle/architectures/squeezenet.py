"""SqueezeNet 1.1 (Iandola et al. 2016): no normalisation, windows that hang over the edge."""

import torch
from torch import Tensor, nn

from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.linear import Concatenate, Flatten, Separable
from benchmarks.oracle.steps.matrices import adaptive
from benchmarks.oracle.steps.pointwise import Rectify
from benchmarks.oracle.steps.pooling import MaxPool

#: Squeezed and expanded channels of a fire module; None is a pooling.
PLAN = (
    None,
    (16, 64),
    (16, 64),
    None,
    (32, 128),
    (32, 128),
    None,
    (48, 192),
    (48, 192),
    (64, 256),
    (64, 256),
)


class Fire(nn.Module):
    """Squeeze, and expand in two ways."""

    def __init__(self, inplanes: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inplanes, squeezed, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Give both kinds of maps behind each other."""
        x = self.squeeze_activation(self.squeeze(x))
        return torch.cat(
            [
                self.expand1x1_activation(self.expand1x1(x)),
                self.expand3x3_activation(self.expand3x3(x)),
            ],
            1,
        )


class SqueezeNet(nn.Module):
    """Eight fire modules, and a convolution for the classes."""

    def __init__(self, divide: int = 1, classes: int = 7) -> None:
        super().__init__()
        planes = 64 // divide
        layers: list[nn.Module] = [nn.Conv2d(3, planes, 3, stride=2), nn.ReLU(inplace=True)]
        for entry in PLAN:
            if entry is None:
                layers.append(nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True))
            else:
                layers.append(Fire(planes, entry[0] // divide, entry[1] // divide))
                planes = 2 * entry[1] // divide
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Dropout(p=0.5),
            nn.Conv2d(planes, classes, kernel_size=1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d((1, 1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Give the scores."""
        return torch.flatten(self.classifier(self.features(x)), 1)


def build(full: bool = False) -> nn.Module:
    """Build it with the maps of the paper, or half of them."""
    return SqueezeNet(1 if full else 2)


def describe(g: Graph) -> None:
    """Describe it."""
    relu = Rectify()
    x = g.layer(IMAGE, "features.0", then=relu, stride=2)
    for number, entry in enumerate(PLAN, start=2):
        if entry is None:
            x = g.add(MaxPool(3, 2, ceil=True), x)
            continue
        at = f"features.{number}"
        x = g.layer(x, f"{at}.squeeze", then=relu)
        small = g.layer(x, f"{at}.expand1x1", then=relu)
        large = g.layer(x, f"{at}.expand3x3", then=relu, padding=1)
        x = g.add(Concatenate(), small, large)
    x = g.layer(x, "classifier.1", then=relu)
    g.add(Flatten(), g.add(Separable(lambda size: adaptive(size, 1)), x))
