"""Small networks that give their answer in every way that people write."""

import dataclasses
from collections import namedtuple

import torch
from torch import nn

NAMES = ["happy", "sad", "calm"]
Pair = namedtuple("Pair", ["scores", "maps"])


@dataclasses.dataclass
class Answer:
    loss: object = None
    logits: object = None


class Network(nn.Module):
    """Convolutions, and an answer that a function makes of scores and maps."""

    def __init__(self, make=lambda scores, maps: scores, classes=3, channels=1):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.features = nn.Sequential(
                nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3)
            )
            self.scores = nn.Linear(6, classes)
        self.make = make

    def forward(self, x):
        maps = self.features(x)
        return self.make(self.scores(maps.mean((2, 3))), maps)
