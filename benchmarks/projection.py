"""Projections of the paper's network beside captum's, in one run: how far apart, how fast.

    python benchmarks/projection.py [--projections 16] [--repeats 3]

captum attributes one scalar at a time (the unit's maximum, found beforehand, so that its
time holds one forward and one backward pass as ours does).
"""

import argparse
import json
import platform
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from captum.attr import Deconvolution
from torch import Tensor, nn

from facslens.models.paper import WIDTHS, PaperNetwork
from facslens.projection.deconvnet import project_units

LAYER = "conv3"
BATCHES = (1, 8, 32)
DEPTH = 8  # conv1, relu1, pool1, conv2, relu2, pool2, conv3, relu3


class Only(nn.Module):
    """One unit's value at one place."""

    def __init__(self, stack: nn.Module, unit: int, row: int, column: int) -> None:
        super().__init__()
        self.stack, self.unit, self.row, self.column = stack, unit, row, column

    def forward(self, images: Tensor) -> Tensor:
        """Give the value for each image."""
        return self.stack(images)[:, self.unit, self.row, self.column]


def by_captum(
    stack: nn.Module, images: Tensor, units: np.ndarray, locations: np.ndarray
) -> np.ndarray:
    """Project one by one with captum."""
    projections = []
    for image, unit, (row, column) in zip(images, units, locations, strict=True):
        method = Deconvolution(Only(stack, int(unit), int(row), int(column)))
        projections.append(method.attribute(image[None].clone().requires_grad_()).detach())
    return torch.cat(projections).numpy()


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    """Give the shortest time of some, which other work on the machine disturbs least."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def compare(size: int, count: int, repeats: int) -> dict[str, float]:
    """Project some responses both ways: greatest difference, milliseconds for each."""
    torch.manual_seed(0)
    network = PaperNetwork(8, size=size).eval()
    stack = nn.Sequential(*list(network)[:DEPTH])
    images = torch.rand(1, 1, size, size).expand(WIDTHS[2], -1, -1, -1)
    every = project_units(network, images, LAYER, np.arange(WIDTHS[2]))
    units = np.flatnonzero(~every.silent)[:count]  # captum can't be asked for no place
    images, locations = images[: len(units)], every.location[units]

    expected = by_captum(stack, images, units, locations)
    gap = np.abs(every.image[units] - expected).max() / np.abs(expected).max()
    captum = milliseconds(lambda: by_captum(stack, images, units, locations), repeats) / len(units)
    line = {"size": size, "projections": len(units), "gap": float(gap), "captum_ms": captum}
    for batch in BATCHES:

        def ours(batch: int = batch) -> object:
            return project_units(network, images, LAYER, units, batch_size=batch)

        each = milliseconds(ours, repeats) / len(units)
        line |= {f"batch_{batch}_ms": each, f"batch_{batch}_ratio": captum / each}
    return {key: round(value, 9) for key, value in line.items()}


def main() -> None:
    """Print one line of JSON for each size of face."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projections", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", "Setting backward hooks on ReLU activations", UserWarning)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}")
    for size in (48, 96):
        print(json.dumps(compare(size, arguments.projections, arguments.repeats)))


if __name__ == "__main__":
    main()
