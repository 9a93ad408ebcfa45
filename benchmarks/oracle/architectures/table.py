"""The architectures by name, how to fill them with weights, and how to describe them."""

from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import nn

from benchmarks.oracle.architectures import (
    convnext,
    densenet,
    efficientnet,
    inception,
    mobilenet_v2,
    mobilenet_v3,
    regnet,
    resnet,
    squeezenet,
    unet,
    vgg,
    vit,
)
from benchmarks.oracle.graph import Graph


class Architecture(NamedTuple):
    """How to build a network, reduced or in full, and how to describe it."""

    build: Callable[[bool], nn.Module]
    describe: Callable[[Graph], None]


#: Every architecture by its name.
ARCHITECTURES: Final[dict[str, Architecture]] = {
    name: Architecture(module.build, module.describe)
    for name, module in {
        "ResNet-18": resnet,
        "VGG-11-BN": vgg,
        "MobileNetV2": mobilenet_v2,
        "MobileNetV3-S": mobilenet_v3,
        "EfficientNet-B0": efficientnet,
        "DenseNet-121": densenet,
        "SqueezeNet": squeezenet,
        "GoogLeNet-BN": inception,
        "ConvNeXt-T": convnext,
        "ViT": vit,
        "U-Net": unet,
        "RegNetY-400MF": regnet,
    }.items()
}


def prepare(network: nn.Module, seed: int) -> nn.Module:
    """Fill a network with random weights and statistics in float64, in evaluation mode.

    Nothing stays 0 or 1: an error that an identity would hide has to show. Scales of
    normalisations have both signs, so that the largest value before one is not the largest behind.
    """
    draw = torch.Generator().manual_seed(seed)

    def normal(like: torch.Tensor, mean: float, deviation: float) -> torch.Tensor:
        return mean + deviation * torch.randn(like.shape, generator=draw, dtype=torch.float64)

    network = network.double().eval()
    with torch.no_grad():
        for name, value in [*network.named_parameters(), *network.named_buffers()]:
            if name.endswith("running_var"):
                value.copy_(0.5 + normal(value, 0, 1).abs())
            elif name.endswith("num_batches_tracked"):
                continue
            elif value.ndim >= 2 and name.endswith("weight"):
                spread = (2 / value[0].numel()) ** 0.5
                value.copy_(normal(value, 0, spread))
            elif name.endswith(("weight", "gamma")):
                value.copy_(normal(value, 0.8, 0.6))
            else:
                value.copy_(normal(value, 0, 0.2))
    return network


def described(network: nn.Module, describe: Callable[[Graph], None]) -> Graph:
    """Describe a network by its parameters."""
    graph = Graph({name: value.detach() for name, value in network.state_dict().items()})
    describe(graph)
    return graph
