"""How long a face, a photograph and the whole command take, each beside something bare.

    OMP_NUM_THREADS=1 python benchmarks/prediction.py FACE

FACE is a picture of a face; it is put into a photograph of 640×480 pixels.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from facslens.datasets.images import read_grey
from facslens.prediction.faces import detected
from facslens.prediction.network import Network
from facslens.prediction.predict import predict
from facslens.prediction.sources import pictures
from facslens.preprocess.detect import make_detector
from facslens.preprocess.fit import fit
from facslens.preprocess.input import grey_contrast
from facslens.stages.open_network import Choice, open_network


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    """Give the median time of a call, after three that do not count."""
    times = []
    for number in range(repeats + 3):
        start = time.perf_counter()
        work()
        if number >= 3:
            times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def photograph(face: np.ndarray, path: Path) -> None:
    """Put a face of 220 pixels into a photograph of 640×480."""
    canvas = Image.new("RGB", (640, 480), (96, 104, 112))
    canvas.paste(Image.fromarray(face).resize((220, 220)).convert("RGB"), (210, 120))
    canvas.save(path, quality=92)


def whole_way(network: Network, path: Path) -> Callable[[], object]:
    """From the file to its rows."""
    finder = detected(make_detector("blazeface"), network.input)
    return lambda: list(predict(pictures(path), finder, network, 1))


def command(*arguments: str) -> Callable[[], object]:
    """Run a command from a cold start."""
    return lambda: subprocess.run(arguments, check=True, capture_output=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("face", type=Path)
    parser.add_argument("--repeats", type=int, default=200)
    choices = parser.parse_args()
    torch.set_num_threads(1)
    crop = fit(read_grey(choices.face), grey_contrast(48))[None]
    networks = {name: open_network(Choice(runtime=name)) for name in ("onnx", "torch")}
    one = {
        name: milliseconds(lambda n=n: n.read(crop), choices.repeats)
        for name, n in networks.items()
    }
    many = np.repeat(crop, 64, axis=0)
    batch = {name: milliseconds(lambda n=n: n.read(many), 10) / 64 for name, n in networks.items()}
    print(f"one thread; load of the machine {os.getloadavg()[0]:.1f}")
    for name in networks:
        print(
            f"network alone, {name}: {one[name]:.2f} ms a face, in batches of 64 {batch[name]:.2f}"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photograph.jpg"
        photograph(read_grey(choices.face), path)
        rows = [row for _, row in whole_way(networks["onnx"], path)()]
        print(f"the photograph: {len(rows)} row, {rows[0]['expression']}, {rows[0]['note']}")
        way = milliseconds(whole_way(networks["onnx"], path), choices.repeats // 4)
        print(f"photograph of 640×480, whole way: {way:.1f} ms")
        facslens = str(Path(sys.executable).with_name("facslens"))
        bare = milliseconds(command(sys.executable, "-c", "import numpy, onnxruntime"), 5)
        for runtime in ("onnx", "torch"):
            cold = milliseconds(command(facslens, "predict", str(path), "--runtime", runtime), 5)
            print(
                f"facslens predict, cold, {runtime}: {cold / 1e3:.2f} s; {cold / bare:.1f} × "
                f"python -c 'import numpy, onnxruntime'"
            )


if __name__ == "__main__":
    main()
