"""MobileNetV2 (Sandler et al. 2018): ReLU6, and bottlenecks with no nonlinearity."""

from torch import Tensor, nn

from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.linear import Flatten, Separable
from benchmarks.oracle.steps.matrices import adaptive
from benchmarks.oracle.steps.pointwise import Rectify

#: Expansion, channels, repeats and stride of the first, as in table 2 of the paper.
PLAN = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class ConvBNReLU(nn.Sequential):
    """A convolution, its normalisation, ReLU6."""

    def __init__(self, inp: int, out: int, kernel: int = 3, stride: int = 1, groups: int = 1):
        super().__init__(
            nn.Conv2d(inp, out, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU6(inplace=True),
        )


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project."""

    def __init__(self, inp: int, oup: int, stride: int, expand_ratio: int) -> None:
        super().__init__()
        hidden_dim = inp * expand_ratio
        self.use_res_connect = stride == 1 and inp == oup
        layers: list[nn.Module] = []
        if expand_ratio != 1:
            layers.append(ConvBNReLU(inp, hidden_dim, kernel=1))
        layers += [
            ConvBNReLU(hidden_dim, hidden_dim, stride=stride, groups=hidden_dim),
            nn.Conv2d(hidden_dim, oup, 1, bias=False),
            nn.BatchNorm2d(oup),
        ]
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Give the block's maps."""
        if self.use_res_connect:
            return x + self.conv(x)
        return self.conv(x)


class MobileNetV2(nn.Module):
    """Seventeen inverted residuals."""

    def __init__(self, divide: int = 1, classes: int = 7) -> None:
        super().__init__()
        inp = 32 // divide
        features: list[nn.Module] = [ConvBNReLU(3, inp, stride=2)]
        for t, c, n, s in PLAN:
            for i in range(n):
                features.append(InvertedResidual(inp, c // divide, s if i == 0 else 1, t))
                inp = c // divide
        features.append(ConvBNReLU(inp, 1280 // divide, kernel=1))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280 // divide, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits."""
        x = self.features(x)
        x = nn.functional.adaptive_avg_pool2d(x, (1, 1))
        return self.classifier(x.reshape(x.shape[0], -1))


def build(full: bool = False) -> nn.Module:
    """Build it with the maps of the paper, or a quarter of them."""
    return MobileNetV2(1 if full else 4)


def describe(g: Graph) -> None:
    """Describe it."""
    relu6 = Rectify(6.0)

    def unit(x: int, at: str, stride: int, padding: int) -> int:
        return g.layer(x, f"{at}.0", f"{at}.1", relu6, stride=stride, padding=padding)

    x, number = unit(IMAGE, "features.0", 2, 1), 1
    for expansion, _, repeats, stride in PLAN:
        for repeat in range(repeats):
            at, last, before = f"features.{number}.conv", 0, x
            if expansion != 1:
                x, last = unit(x, f"{at}.0", 1, 0), 1
            x = unit(x, f"{at}.{last}", stride if repeat == 0 else 1, 1)
            plus = before if repeat > 0 else None
            x = g.layer(x, f"{at}.{last + 1}", f"{at}.{last + 2}", plus=plus)
            number += 1
    x = unit(x, f"features.{number}", 1, 0)
    x = g.add(Flatten(), g.add(Separable(lambda size: adaptive(size, 1)), x))
    g.linear(x, "classifier.1")
