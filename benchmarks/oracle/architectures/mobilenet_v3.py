"""MobileNetV3-Small (Howard et al. 2019): Hardswish, and hard squeeze-and-excitation."""

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.linear import Flatten, Separable
from benchmarks.oracle.steps.matrices import adaptive
from benchmarks.oracle.steps.pointwise import Multiply, Rectify, Smooth

#: Kernel, expanded and given channels, squeeze-and-excitation, Hardswish, stride: table 2.
PLAN = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)
EPS = 1e-3


class SqueezeExcite(nn.Module):
    """Weigh each channel by what its means say."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = max(8, (channels // 4 + 4) // 8 * 8)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Give the weighed maps."""
        scale = F.adaptive_avg_pool2d(x, 1)
        scale = F.relu(self.fc1(scale), inplace=True)
        scale = F.hardsigmoid(self.fc2(scale), inplace=True)
        return scale * x


class Bottleneck(nn.Module):
    """Expand, filter each channel, weigh, project."""

    def __init__(self, inp: int, k: int, exp: int, out: int, se: bool, hs: bool, stride: int):
        super().__init__()
        act = nn.Hardswish if hs else nn.ReLU
        layers: list[nn.Module] = []
        if exp != inp:
            layers += [self._unit(inp, exp, 1, 1, 1, act)]
        layers += [self._unit(exp, exp, k, stride, exp, act)]
        if se:
            layers += [SqueezeExcite(exp)]
        layers += [self._unit(exp, out, 1, 1, 1, None)]
        self.block = nn.Sequential(*layers)
        self.shortcut = stride == 1 and inp == out

    @staticmethod
    def _unit(inp: int, out: int, k: int, stride: int, groups: int, act: type | None) -> nn.Module:
        parts: list[nn.Module] = [
            nn.Conv2d(inp, out, k, stride, (k - 1) // 2, groups=groups, bias=False),
            nn.BatchNorm2d(out, eps=EPS, momentum=0.01),
        ]
        return nn.Sequential(*parts, *([act(inplace=True)] if act else []))

    def forward(self, x: Tensor) -> Tensor:
        """Give the block's maps."""
        result = self.block(x)
        if self.shortcut:
            result += x
        return result


class MobileNetV3(nn.Module):
    """Eleven bottlenecks."""

    def __init__(self, divide: int = 1, classes: int = 7) -> None:
        super().__init__()
        inp = 16 // divide
        layers: list[nn.Module] = [
            nn.Sequential(
                nn.Conv2d(3, inp, 3, 2, 1, bias=False),
                nn.BatchNorm2d(inp, eps=EPS),
                nn.Hardswish(inplace=True),
            )
        ]
        for k, exp, out, se, hs, stride in PLAN:
            layers += [Bottleneck(inp, k, exp // divide, out // divide, se, hs, stride)]
            inp = out // divide
        last = 576 // divide
        layers += [
            nn.Sequential(
                nn.Conv2d(inp, last, 1, bias=False),
                nn.BatchNorm2d(last, eps=EPS),
                nn.Hardswish(inplace=True),
            )
        ]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(last, 1024 // divide),
            nn.Hardswish(inplace=True),
            nn.Dropout(p=0.2, inplace=True),
            nn.Linear(1024 // divide, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits."""
        x = F.adaptive_avg_pool2d(self.features(x), 1)
        return self.classifier(x.flatten(1))


def build(full: bool = False) -> nn.Module:
    """Build it with the maps of the paper, or a quarter of them."""
    return MobileNetV3(1 if full else 4)


def describe(g: Graph) -> None:
    """Describe it."""
    relu, swish, hard = Rectify(), Smooth("hardswish"), Smooth("hardsigmoid")
    mean = Separable(lambda size: adaptive(size, 1))
    x = g.layer(IMAGE, "features.0.0", "features.0.1", swish, stride=2, padding=1, eps=EPS)
    given = 16
    for number, (kernel, exp, out, excite, hs, stride) in enumerate(PLAN, start=1):
        at, part, before, act = f"features.{number}.block", 0, x, swish if hs else relu
        if exp != given:
            x, part = g.layer(x, f"{at}.0.0", f"{at}.0.1", act, eps=EPS), 1
        conv, norm = f"{at}.{part}.0", f"{at}.{part}.1"
        x = g.layer(x, conv, norm, act, stride=stride, padding=(kernel - 1) // 2, eps=EPS)
        part += 1
        if excite:
            scale = g.layer(g.add(mean, x), f"{at}.{part}.fc1", then=relu)
            scale = g.layer(scale, f"{at}.{part}.fc2", then=hard)
            x, part = g.add(Multiply(), scale, x), part + 1
        plus = before if stride == 1 and given == out else None
        x = g.layer(x, f"{at}.{part}.0", f"{at}.{part}.1", plus=plus, eps=EPS)
        given = out
    last = f"features.{len(PLAN) + 1}"
    x = g.layer(x, f"{last}.0", f"{last}.1", swish, eps=EPS)
    x = g.add(swish, g.linear(g.add(Flatten(), g.add(mean, x)), "classifier.0"))
    g.linear(x, "classifier.3")
