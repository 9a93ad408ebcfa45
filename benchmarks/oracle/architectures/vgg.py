"""VGG-11 with batch normalisation (Simonyan & Zisserman 2015)."""

from torch import Tensor, nn

from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.linear import Flatten, Separable
from benchmarks.oracle.steps.matrices import adaptive
from benchmarks.oracle.steps.pointwise import Rectify
from benchmarks.oracle.steps.pooling import MaxPool

PLAN = (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M")


class VGG(nn.Module):
    """Convolutions of 3×3, and three fully connected layers."""

    def __init__(self, divide: int = 1, classes: int = 7) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for entry in PLAN:
            if entry == "M":
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
            else:
                out = int(entry) // divide
                conv = nn.Conv2d(channels, out, kernel_size=3, padding=1)
                layers += [conv, nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
                channels = out
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        hidden = 4096 // divide
        self.classifier = nn.Sequential(
            nn.Linear(channels * 7 * 7, hidden),
            nn.ReLU(True),
            nn.Dropout(),
            nn.Linear(hidden, hidden),
            nn.ReLU(True),
            nn.Dropout(),
            nn.Linear(hidden, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits."""
        x = self.avgpool(self.features(x))
        return self.classifier(x.view(x.size(0), -1))


def build(full: bool = False) -> nn.Module:
    """Build it with 64 to 512 maps a layer, or a quarter of them."""
    return VGG(1 if full else 4)


def describe(g: Graph) -> None:
    """Describe it."""
    x, place = IMAGE, 0
    for entry in PLAN:
        if entry == "M":
            x, place = g.add(MaxPool(2, 2), x), place + 1
        else:
            conv, norm = f"features.{place}", f"features.{place + 1}"
            x, place = g.layer(x, conv, norm, Rectify(), padding=1), place + 3
    x = g.add(Flatten(), g.add(Separable(lambda size: adaptive(size, 7)), x))
    x = g.add(Rectify(), g.linear(x, "classifier.0"))
    x = g.add(Rectify(), g.linear(x, "classifier.3"))
    g.linear(x, "classifier.6")
