"""A small residual network for 48×48 faces from the wild."""

from typing import Final, no_type_check

from torch import Tensor, nn

from facslens.errors import CallError

#: Channels behind the first convolution, then of each stage; every stage halves the maps.
STEM: Final = 32
WIDTHS: Final = (40, 80, 176)
#: Residual blocks in a stage.
DEPTH: Final = 2
DROPOUT: Final = 0.3
#: Shortest side that still leaves a map to every stage.
MIN_SIZE: Final = 32


class Block(nn.Module):
    """Two 3×3 convolutions; their output is added to the input, and the sum is rectified.

    Parameters
    ----------
    channels, width
        Channels of the input and of the output.
    stride
        1 keeps the side of the maps, 2 halves it; where it or the width changes, a 1×1 convolution
        brings the input to the same shape.

    References
    ----------
    The basic block of He et al. 2016 [he2016]_.
    """

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    @no_type_check  # what follows the calls passes stand-ins through here, which are no tensors
    def forward(self, maps: Tensor) -> Tensor:
        """Give the rectified sum."""
        inner = self.relu1(self.norm1(self.conv1(maps)))
        return self.relu2(self.norm2(self.conv2(inner)) + self.shortcut(maps))


class CompactNetwork(nn.Sequential):
    """One convolution, three stages of two residual blocks, the mean of each map, the scores.

    Parameters
    ----------
    classes
        Number of scores.
    size
        Side of the square grey input in pixels; the parameters do not depend on it.

    Notes
    -----
    1,242,680 parameters with eight classes. Input (image, 1, size, size) float32, output
    (image, classes) scores before the softmax. The trunk that the package's weights hold was
    trained with 15 scores, FER+'s eight and FER2013's seven: see
    `facslens.models.pretrained`.

    Examples
    --------
    >>> sum(p.numel() for p in CompactNetwork(classes=8).parameters())
    1242680
    """

    def __init__(self, classes: int, size: int = 48) -> None:
        if size < MIN_SIZE:
            raise CallError(
                f"size is {size}: the compact network reads faces of {MIN_SIZE} pixels or more"
            )
        super().__init__()
        self.stem = nn.Conv2d(1, STEM, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(STEM)
        self.relu = nn.ReLU()
        channels = STEM
        for stage, width in enumerate(WIDTHS, start=1):
            for number in range(DEPTH):
                block = Block(channels, width, stride=2 if number == 0 else 1)
                self.add_module(f"block{stage}{'ab'[number]}", block)
                channels = width
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(DROPOUT)
        self.scores = nn.Linear(channels, classes)
