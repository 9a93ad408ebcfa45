"""The emotion network of @vladmandic/human in PyTorch: python human.py DIR/node FILE.

Written after the graph in the package's models/emotion.json, into whose weights batch normalisation
is folded: a small Xception of two blocks. FILE gets the package's own weights; `build` makes the
network for them. It reads 64×64 grey levels from −1 to 0.9998: the package's weights of red, green
and blue add up to 0.9999.
"""

import sys
from pathlib import Path

import torch
from tfjs_weights import in_torch, read_weights, write
from torch import nn
from torch.nn import functional

MODEL = "node_modules/@vladmandic/human/models/emotion.json"
#: Layers here: where the graph keeps their weights and biases, or their depthwise weights alone.
PLACES = {
    "conv1": "conv2d_1/Conv2D",
    "conv2": "conv2d_2/Conv2D",
    "block2.shortcut": "conv2d_3/Conv2D",
    "block2.conv1.pointwise": "separable_conv2d_1/separable_conv2d",
    "block2.conv2.pointwise": "separable_conv2d_2/separable_conv2d",
    "block3.shortcut": "conv2d_4/Conv2D",
    "block3.conv1.pointwise": "separable_conv2d_3/separable_conv2d",
    "block3.conv2.pointwise": "separable_conv2d_4/separable_conv2d",
}
DEPTHWISE = {
    "block2.conv1.depthwise": "unknown_9",
    "block2.conv2.depthwise": "unknown_15",
    "block3.conv1.depthwise": "unknown_26",
    "block3.conv2.depthwise": "unknown_32",
}
LAST = {"conv3.weight": "unknown_43", "conv3.bias": "unknown_44"}


class Separable(nn.Sequential):
    """A convolution of each map by itself, then a mixture of them."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(into, into, 3, padding=1, groups=into, bias=False)
        self.pointwise = nn.Conv2d(into, out, 1)


class Block(nn.Module):
    """Two separable convolutions and a maximum, beside a shortcut."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(into, out, 1, 2)
        self.conv1 = Separable(into, out)
        self.conv2 = Separable(out, out)
        self.pool = nn.MaxPool2d(3, 2, 1)  # sides 29 and 15: TensorFlow pads both ends, too

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Rectify, which changes nothing in the first block, and add both ways."""
        inner = functional.relu(self.conv1(functional.relu(maps)))
        return self.pool(self.conv2(inner)) + self.shortcut(maps)


class Emotion(nn.Module):
    """The network, from pixels to seven logits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 2)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.block2 = Block(64, 128)
        self.block3 = Block(128, 256)
        self.conv3 = nn.Conv2d(256, 7, 3, padding=1)

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        """Give the logits."""
        maps = functional.relu(self.conv2(functional.relu(self.conv1(faces))))
        return self.conv3(self.block3(self.block2(maps))).mean((2, 3))


def build() -> nn.Module:
    """Make the network, its weights still to be loaded."""
    return Emotion()


def main(folder: Path, path: Path) -> None:
    """Write the weights."""
    stored = read_weights(folder / MODEL)
    model = "StatefulPartitionedCall/model_1/"
    weights = {here: in_torch(stored[there]) for here, there in LAST.items()}
    for here, there in PLACES.items():
        weights[f"{here}.weight"] = in_torch(stored[f"{model}{there}_weights"])
        weights[f"{here}.bias"] = stored[f"{model}{there}_bn_offset"]
    for here, there in DEPTHWISE.items():
        weights[f"{here}.weight"] = in_torch(stored[there], depthwise=True)
    write(weights, build(), path)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
