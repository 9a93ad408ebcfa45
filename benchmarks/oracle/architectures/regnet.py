"""RegNetY-400MF (Radosavovic et al. 2020): groups of 8, squeeze-and-excitation."""

from torch import Tensor, nn

from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.linear import Flatten, Separable
from benchmarks.oracle.steps.matrices import adaptive
from benchmarks.oracle.steps.pointwise import Multiply, Rectify, Smooth

WIDTHS, DEPTHS, GROUP = (48, 104, 208, 440), (1, 3, 6, 6), 8


class SE(nn.Module):
    """Weigh each channel by what the means say."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d((1, 1))
        self.f_ex = nn.Sequential(
            nn.Conv2d(width, squeezed, 1, bias=True),
            nn.ReLU(inplace=True),
            nn.Conv2d(squeezed, width, 1, bias=True),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Give the weighed maps."""
        return x * self.f_ex(self.avg_pool(x))


class YBlock(nn.Module):
    """1×1, 3×3 in groups, squeeze-and-excitation, 1×1, beside a shortcut."""

    def __init__(self, inp: int, out: int, stride: int) -> None:
        super().__init__()
        self.proj = None
        if inp != out or stride != 1:
            self.proj = nn.Conv2d(inp, out, 1, stride=stride, bias=False)
            self.bn = nn.BatchNorm2d(out)
        self.a = nn.Conv2d(inp, out, 1, bias=False)
        self.a_bn = nn.BatchNorm2d(out)
        self.b = nn.Conv2d(out, out, 3, stride=stride, padding=1, groups=out // GROUP, bias=False)
        self.b_bn = nn.BatchNorm2d(out)
        self.se = SE(out, max(4, inp // 4))
        self.c = nn.Conv2d(out, out, 1, bias=False)
        self.c_bn = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(True)

    def forward(self, x: Tensor) -> Tensor:
        """Give the block's maps."""
        y = self.relu(self.a_bn(self.a(x)))
        y = self.relu(self.b_bn(self.b(y)))
        y = self.c_bn(self.c(self.se(y)))
        shortcut = self.bn(self.proj(x)) if self.proj is not None else x
        return self.relu(shortcut + y)


class RegNet(nn.Module):
    """A stem and four stages."""

    def __init__(self, divide: int = 1, classes: int = 7) -> None:
        super().__init__()
        inp = 32 // divide
        self.stem = nn.Sequential(
            nn.Conv2d(3, inp, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(inp),
            nn.ReLU(True),
        )
        self.stages = nn.ModuleList()
        for width, depth in zip(WIDTHS, DEPTHS, strict=True):
            out = max(GROUP, width // divide // GROUP * GROUP)
            blocks = [YBlock(inp, out, 2), *(YBlock(out, out, 1) for _ in range(depth - 1))]
            self.stages.append(nn.Sequential(*blocks))
            inp = out
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(inp, classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits."""
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.head(x)


def build(full: bool = False) -> nn.Module:
    """Build it with the maps of the paper, or about a quarter of them."""
    return RegNet(1 if full else 4)


def describe(g: Graph) -> None:
    """Describe it."""
    relu, mean = Rectify(), Separable(lambda size: adaptive(size, 1))
    x = g.layer(IMAGE, "stem.0", "stem.1", relu, stride=2, padding=1)
    for stage, depth in enumerate(DEPTHS):
        for block in range(depth):
            at, stride = f"stages.{stage}.{block}", 2 if block == 0 else 1
            shortcut = x
            if block == 0:
                shortcut = g.layer(x, f"{at}.proj", f"{at}.bn", stride=2)
            y = g.layer(x, f"{at}.a", f"{at}.a_bn", relu)
            y = g.layer(y, f"{at}.b", f"{at}.b_bn", relu, stride=stride, padding=1)
            scale = g.layer(g.add(mean, y), f"{at}.se.f_ex.0", then=relu)
            scale = g.layer(scale, f"{at}.se.f_ex.2", then=Smooth("sigmoid"))
            y = g.add(Multiply(), y, scale)
            x = g.layer(y, f"{at}.c", f"{at}.c_bn", relu, plus=shortcut)
    g.linear(g.add(Flatten(), g.add(mean, x)), "head.2")
