"""What recording every unit costs beside a bare forward pass over the same batches.

The paper's network at 48×48; both take the same tensors, in turn, in one run. Run as

    OMP_NUM_THREADS=2 python benchmarks/recording.py
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.ratios import show
from facslens.models.model import build
from facslens.models.reading.reading import read_network
from facslens.responses.recorder import record


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure both in turn and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--json", type=Path)
    choices = parser.parse_args()

    network = build("paper", tuple("abcdefg"), choices.size, seed=0).network
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(choices.images, 1, choices.size, choices.size, generator=generator)
    batches = images.contiguous(memory_format=torch.channels_last).split(choices.batch)
    modules = read_network(network, (1, choices.size, choices.size)).choose(None)

    def bare() -> None:
        with torch.inference_mode():
            for batch in batches:
                network(batch)

    def recorded() -> None:
        record(network, batches, modules, lambda _row, _batch: None)

    bare(), recorded()
    pairs = [(seconds(bare), seconds(recorded)) for _ in range(choices.repeats)]
    ratios = sorted(r / b for b, r in pairs)
    forward = statistics.median(b for b, _ in pairs) / choices.images * 1e3
    units = sum(m.out_channels for n, m in network.named_modules() if n in modules)
    row = {
        "what": f"recording {units} units at {choices.size}×{choices.size}",
        "threads": torch.get_num_threads(),
        "batch": choices.batch,
        "bare, ms an image": forward,
        "ratio": statistics.median(ratios),
        "lowest": ratios[0],
        "highest": ratios[-1],
    }
    show([row], choices.json)


if __name__ == "__main__":
    main()
