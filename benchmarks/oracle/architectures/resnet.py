"""ResNet-18 (He et al. 2016): one in-place ReLU shared within each block."""

from torch import Tensor, nn

from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.steps.linear import Flatten, Separable
from benchmarks.oracle.steps.matrices import adaptive
from benchmarks.oracle.steps.pointwise import Rectify
from benchmarks.oracle.steps.pooling import MaxPool

STRIDES = (1, 2, 2, 2)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut."""

    def __init__(self, inplanes: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or inplanes != planes:
            self.downsample = nn.Sequential(
                nn.Conv2d(inplanes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Give the block's maps."""
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    """Four stages of two blocks."""

    def __init__(self, width: int = 64, classes: int = 7) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        planes = width
        for stage, stride in enumerate(STRIDES, start=1):
            out = width * 2 ** (stage - 1)
            blocks = nn.Sequential(BasicBlock(planes, out, stride), BasicBlock(out, out, 1))
            setattr(self, f"layer{stage}", blocks)
            planes = out
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(planes, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def build(full: bool = False) -> nn.Module:
    """Build it with 64 maps in the first layer, or 16."""
    return ResNet(64 if full else 16)


def describe(g: Graph) -> None:
    """Describe it."""
    relu = Rectify()
    x = g.layer(IMAGE, "conv1", "bn1", relu, stride=2, padding=3)
    x = g.add(MaxPool(3, 2, 1), x)
    for stage, stride in enumerate(STRIDES, start=1):
        for block in (0, 1):
            at, step = f"layer{stage}.{block}", stride if block == 0 else 1
            shortcut = x
            if step == 2:
                shortcut = g.layer(x, f"{at}.downsample.0", f"{at}.downsample.1", stride=2)
            x = g.layer(x, f"{at}.conv1", f"{at}.bn1", relu, stride=step, padding=1)
            x = g.layer(x, f"{at}.conv2", f"{at}.bn2", relu, padding=1, plus=shortcut)
    x = g.add(Separable(lambda size: adaptive(size, 1)), x)
    g.linear(g.add(Flatten(), x), "fc")
