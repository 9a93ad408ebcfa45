"""Time what it takes to open a network: reading it once, recording all its layers, asking again.

    python benchmarks/opening.py [--name ResNet-18] [--faces 1000] [--batch 32] [--repeats 5]

A network of `benchmarks.oracle.architectures` at its true size, images of 224 pixels in three
channels, random weights, float32. Recording is compared with a bare forward pass over the same
batches, in turn.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from benchmarks.oracle.architectures.table import ARCHITECTURES
from facslens.models.reading.reading import read_network
from facslens.responses.recorder import record


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", default="ResNet-18", choices=ARCHITECTURES)
    parser.add_argument("--faces", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    choices = parser.parse_args()
    torch.manual_seed(0)
    network = ARCHITECTURES[choices.name].build(True).eval()
    generator = torch.Generator().manual_seed(0)
    batches = [
        torch.randn(choices.batch, 3, 224, 224, generator=generator).contiguous(
            memory_format=torch.channels_last
        )
        for _ in range(choices.faces // choices.batch)
    ]

    def bare() -> None:
        with torch.inference_mode():
            for batch in batches:
                network(batch)

    shape = (3, 224, 224)
    first = seconds(lambda: read_network(network, shape))
    reading = read_network(network, shape)
    fields = seconds(lambda: [reading.field(name) for name in reading.layers])
    layers = reading.choose(None)

    def recorded() -> None:
        record(network, batches, layers, lambda _row, _batch: None)

    bare(), recorded()
    pairs = [(seconds(bare), seconds(recorded)) for _ in range(choices.repeats)]
    ratios = sorted(r / b for b, r in pairs)
    bare_each = statistics.median(b for b, _ in pairs) / (len(batches) * choices.batch) * 1e3
    print(
        f"{choices.name}, {torch.get_num_threads()} threads: read in {first:.1f} s (what PyTorch "
        f"loads for it included), {len(reading.layers)} receptive fields {fields:.2f} s, again "
        f"{seconds(lambda: read_network(network, shape)) * 1e6:.0f} µs; bare {bare_each:.1f} ms a "
        f"face; recording {len(layers)} layers × {statistics.median(ratios):.3f} "
        f"(from {ratios[0]:.3f} to {ratios[-1]:.3f})"
    )


if __name__ == "__main__":
    main()
