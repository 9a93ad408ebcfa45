"""What a face takes in training, and what would change it: each way beside the way it is.

The paper's network at 48×48 and the faces in the package. A round takes some steps of each way in
turn; the table has the median ratio of each way to the first. Run as

    OMP_NUM_THREADS=2 python -m benchmarks.training [--steps 6] [--rounds 5] [--json FILE]
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.ratios import show
from facslens.datasets.load import load
from facslens.models.model import build
from facslens.preprocess import augment, normalise
from facslens.preprocess.ahead import pictures
from facslens.training.recipe import Recipe

RECIPE = Recipe()


@dataclass(frozen=True)
class Way:
    """How steps are taken; the defaults are those of `facslens.training`."""

    batch: int = RECIPE.batch_size
    layout: torch.memory_format = torch.channels_last
    read: bool = False
    fused: bool = False
    compiled: bool = False
    bfloat16: bool = False


def ways() -> dict[str, Way]:
    """Give the ways, by what they change."""
    usual = Way()
    return {
        "as it is": usual,
        "faces read from their files": replace(usual, read=True),
        "rows of channels (contiguous)": replace(usual, layout=torch.contiguous_format),
        "batches of 64": replace(usual, batch=64),
        "batches of 128": replace(usual, batch=128),
        "AdamW in one kernel (fused)": replace(usual, fused=True),
        "torch.compile": replace(usual, compiled=True),
        "bfloat16": replace(usual, bfloat16=True),
    }


def stepping(way: Way, faces: np.ndarray, paths: list[str]) -> Callable[[int], None]:
    """Give what takes some steps in one way."""
    model = build("paper", tuple("abcdefgh"), 48, seed=0)
    network: nn.Module = model.network.train().to(memory_format=way.layout)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=way.fused)
    if way.compiled:
        network = torch.compile(network)  # type: ignore[assignment]
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    averages = [p.detach().clone() for p in network.parameters()]

    def batch() -> Tensor:
        chosen = rng.integers(len(faces), size=way.batch)
        some = pictures([paths[n] for n in chosen], model.input) if way.read else faces[chosen]
        changed = augment.augment(normalise.to_levels(some), RECIPE.augmentation, generator)
        return normalise.standardise(changed).contiguous(memory_format=way.layout)

    def steps(count: int) -> None:
        for _ in range(count):
            images, classes = batch(), torch.from_numpy(rng.integers(8, size=way.batch))
            with torch.autocast("cpu", torch.bfloat16, enabled=way.bfloat16):
                loss = functional.cross_entropy(network(images).float(), classes)
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            with torch.no_grad():
                torch._foreach_lerp_(averages, list(network.parameters()), 1 - RECIPE.average)

    return steps


def main() -> None:
    """Measure all ways in turn and show them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=6, help="of the usual batch, in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=list(ways()))
    parser.add_argument("--json", type=Path)
    choices = parser.parse_args()
    paths = list(load("synthetic").table["path"][:1024])
    faces = pictures(paths, build("paper", tuple("ab"), 48, seed=0).input)
    chosen = {name: way for name, way in ways().items() if name in choices.only}
    ready = {name: stepping(way, faces, paths) for name, way in chosen.items()}
    for steps in ready.values():
        steps(2)
    took: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(choices.rounds):
        for name, steps in ready.items():
            count = max(1, choices.steps * RECIPE.batch_size // chosen[name].batch)
            start = time.perf_counter()
            steps(count)
            spent = time.perf_counter() - start
            took[name].append(1000 * spent / count / chosen[name].batch)
    first = next(iter(took.values()))
    rows = [
        {
            "what": name,
            "ms a face": statistics.median(own),
            "ratio": statistics.median(o / f for o, f in zip(own, first, strict=True)),
        }
        for name, own in took.items()
    ]
    show(rows, choices.json)


if __name__ == "__main__":
    main()
