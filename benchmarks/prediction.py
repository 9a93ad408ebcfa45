"""How long a face, a photograph and the whole command take, each beside something bare.

    OMP_NUM_THREADS=1 python benchmarks/prediction.py FACE

FACE is a picture of a face; it is put into a photograph of 640×480 pixels.
"""

import argparse
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

from benchmarks.ratios import show
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
    parser.add_argument("--json", type=Path)
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
    rows = [
        {"what": f"{of}, {name}", "ms": times[name], "ratio": times[name] / one["onnx"],
         "of": "a face alone, onnx"}
        for of, times in (("a face alone", one), ("a face of a batch of 64", batch))
        for name in networks
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photograph.jpg"
        photograph(read_grey(choices.face), path)
        found = [row for _, row in whole_way(networks["onnx"], path)()]
        print(f"the photograph: {len(found)} row, {found[0]['expression']}, {found[0]['note']}")
        way = milliseconds(whole_way(networks["onnx"], path), choices.repeats // 4)
        rows.append({"what": "photograph of 640×480, whole way", "ms": way,
                     "ratio": way / one["onnx"], "of": "a face alone, onnx"})  # fmt: skip
        facslens = str(Path(sys.executable).with_name("facslens"))
        bare = milliseconds(command(sys.executable, "-c", "import numpy, onnxruntime"), 5)
        for runtime in ("onnx", "torch"):
            cold = milliseconds(command(facslens, "predict", str(path), "--runtime", runtime), 5)
            rows.append({"what": f"facslens predict, cold, {runtime}", "ms": cold,
                         "ratio": cold / bare, "of": "import numpy, onnxruntime"})  # fmt: skip
    show(rows, choices.json)


if __name__ == "__main__":
    main()
