"""How fast faces are drawn: start-up, and faces a second with one process and with two.

python benchmarks/synthetic.py
"""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.ratios import show
from facslens.engines.local import Local
from facslens.synthesis.generate import Order, generate

PEOPLE = 24


def measure(workers: int) -> tuple[float, float]:
    """Give seconds until the first person is done, and faces a second after that."""
    marks: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        generate(
            Order(PEOPLE, "natural", size=64),
            Path(folder) / "faces",
            engine=Local(workers),
            progress=lambda done, *_: marks.append((time.perf_counter() - start, done)),
        )
        images = sum(1 for _ in Path(folder).rglob("*.png"))
    (first, before), (last, after) = marks[workers], marks[-1]
    return first, images / PEOPLE * (after - before) / (last - first)


def main() -> None:
    """Measure one and two processes in turn and show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    choices = parser.parse_args()
    found = [(workers, *measure(workers)) for workers in (1, 2)]
    rows = [
        {"processes": n, "first people, s": first, "faces/s": speed, "ratio": speed / found[0][2]}
        for n, first, speed in found
    ]
    show(rows, choices.json)


if __name__ == "__main__":
    main()
