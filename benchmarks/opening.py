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
from pathlib import Path

import torch

from benchmarks.oracle.architectures.table import ARCHITECTURES
from benchmarks.ratios import show
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
    parser.add_argument("--json", type=Path)
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
    row = {
        "what": f"recording {len(layers)} layers of {choices.name}",
        "threads": torch.get_num_threads(),
        "read, s": first,  # what PyTorch loads for it included
        "fields, s": fields,
        "read again, µs": 1e6 * seconds(lambda: read_network(network, shape)),
        "bare, ms a face": bare_each,
        "ratio": statistics.median(ratios),
        "lowest": ratios[0],
        "highest": ratios[-1],
    }
    show([row], choices.json)


if __name__ == "__main__":
    main()
