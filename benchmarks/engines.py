"""Recording with two local workers of Ray beside one process, one thread each, start left out.

The paper's network at 48×48 and the faces in the package, repeated. Run as

    OMP_NUM_THREADS=1 python -m benchmarks.engines [--faces 36864] [--workers 2] [--json FILE]
"""

import argparse
import os
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from benchmarks.ratios import show
from benchmarks.streaming import repeated
from facslens.engines.local import Local
from facslens.engines.ray import Ray
from facslens.models.model import build
from facslens.responses.recording import Recording, record_faces


class OneProcess(Local):
    """Does pieces here, on bytes that travel and without processes that read ahead, as Ray does."""

    far: ClassVar[bool] = True


def main() -> None:
    """Measure both in turn, and compare what they recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=36_864)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    choices = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    torch.set_num_threads(1)
    faces = repeated(choices.faces)
    model = build("paper", faces.expressions, 48, seed=0)
    here = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    ray.init(num_cpus=choices.workers, log_to_driver=False, logging_level="ERROR", **here)
    some = repeated(1)
    for _ in range(2):  # every worker loads what it needs
        record_faces(model, some, engine=Ray())

    def timed(engine: Local | Ray) -> tuple[float, Recording]:
        start = time.perf_counter()
        found = record_faces(model, faces, engine=engine)
        return time.perf_counter() - start, found

    one, own = timed(OneProcess())
    several, other = timed(Ray())
    equal = all(
        np.array_equal(own.responses.response(layer), other.responses.response(layer))
        for layer in own.responses.layers
    )
    row = {
        "faces": choices.faces,
        "one process, s": one,
        f"{choices.workers} workers, s": several,
        "ratio": one / several,
        "equal": str(equal),
    }
    show([row], choices.json)


if __name__ == "__main__":
    main()
