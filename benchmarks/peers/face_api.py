"""The expression network of @vladmandic/face-api in PyTorch: python face_api.py DIR/node FILE.

Written after the package's src/faceFeatureExtractor and src/faceProcessor: four blocks of four
convolutions, all but the first separable, in which each convolution reads the rectified sum of the
outputs before it. FILE gets the package's own weights; `build` makes the network for them. It reads
112×112 pixels of red, green and blue, less 122.782, 117.001 and 104.298, divided by 255.
"""

import sys
from pathlib import Path

import torch
from tfjs_weights import in_torch, read_weights, write
from torch import nn
from torch.nn import functional

MANIFEST = "node_modules/@vladmandic/face-api/model/face_expression_model-weights_manifest.json"


class Halved(nn.Module):
    """Zeros right and below: where TensorFlow pads an even side that is halved."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Pad."""
        return functional.pad(maps, (0, 1, 0, 1))


class Separable(nn.Sequential):
    """A convolution of each map by itself, then a mixture of them."""

    def __init__(self, into: int, out: int, *, halves: bool = False) -> None:
        super().__init__()
        if halves:
            self.pad = Halved()
        stride, padding = (2, 0) if halves else (1, 1)
        self.depthwise = nn.Conv2d(into, into, 3, stride, padding, groups=into, bias=False)
        self.pointwise = nn.Conv2d(into, out, 1)


class Dense(nn.Module):
    """Four convolutions, the first of which halves the maps."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        first = nn.Sequential(Halved(), nn.Conv2d(into, out, 3, 2))
        self.conv0 = Separable(into, out, halves=True) if into != 3 else first
        self.conv1 = Separable(out, out)
        self.conv2 = Separable(out, out)
        self.conv3 = Separable(out, out)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Give the rectified sum of all four."""
        total = functional.relu(self.conv0(maps))
        read = total
        for conv in (self.conv1, self.conv2, self.conv3):
            total = total + conv(read)
            read = functional.relu(total)
        return read


class FaceExpression(nn.Module):
    """The network, from pixels to seven logits."""

    def __init__(self) -> None:
        super().__init__()
        self.dense0 = Dense(3, 32)
        self.dense1 = Dense(32, 64)
        self.dense2 = Dense(64, 128)
        self.dense3 = Dense(128, 256)
        self.fc = nn.Linear(256, 7)

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        """Give the logits."""
        maps = self.dense3(self.dense2(self.dense1(self.dense0(faces))))
        return self.fc(functional.avg_pool2d(maps, 7, 2).flatten(1))


def build() -> nn.Module:
    """Make the network, its weights still to be loaded."""
    return FaceExpression()


def renamed(name: str) -> str:
    """Give the name here of a weight there: dense1/conv0/bias is dense1.conv0.pointwise.bias."""
    if name.startswith("fc/"):
        return {"fc/weights": "fc.weight", "fc/bias": "fc.bias"}[name]
    *place, kind = name.split("/")
    first = place == ["dense0", "conv0"]
    part = {
        "filters": "1.weight",
        "bias": "1.bias" if first else "pointwise.bias",
        "depthwise_filter": "depthwise.weight",
        "pointwise_filter": "pointwise.weight",
    }[kind]
    return ".".join((*place, part))


def main(folder: Path, path: Path) -> None:
    """Write the weights."""
    stored = read_weights(folder / MANIFEST)
    weights = {
        renamed(name): in_torch(values, depthwise="depthwise" in name)
        for name, values in stored.items()
    }
    write(weights, build(), path)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
