"""Weights of TensorFlow.js: restored from few bits, and with the axes of PyTorch."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

PATH = Path(__file__).parents[2] / "benchmarks" / "peers" / "tfjs_weights.py"


@pytest.fixture(scope="module")
def tfjs():
    spec = importlib.util.spec_from_file_location(PATH.stem, PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def manifest(folder, weights, stored):
    (folder / "part1").write_bytes(stored[:3])
    (folder / "part2").write_bytes(stored[3:])
    path = folder / "manifest.json"
    path.write_text(json.dumps([{"weights": weights, "paths": ["part1", "part2"]}]))
    return path


STEPS = {"dtype": "uint8", "scale": 0.5, "min": -1.0}
WEIGHTS = [
    {"name": "conv", "shape": [1, 2], "dtype": "float32", "quantization": STEPS},
    {"name": "bias", "shape": [1], "dtype": "float32"},
]


def test_quantised_and_plain_numbers_are_read_across_files(tfjs, tmp_path):
    stored = bytes([0, 4]) + np.float32(2.5).tobytes()
    found = tfjs.read_weights(manifest(tmp_path, WEIGHTS, stored))
    assert found["conv"].tolist() == [[-1.0, 1.0]]  # 0 and 4 times 0.5, less 1
    assert found["bias"].tolist() == [2.5]
    with pytest.raises(SystemExit, match="names 6 bytes, but there are 7"):
        tfjs.read_weights(manifest(tmp_path, WEIGHTS, stored + b"x"))


@pytest.mark.parametrize("depthwise", [False, True])
def test_a_convolution_gives_what_the_sum_over_its_window_gives(tfjs, depthwise):
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(3, 2, 3))  # row, column, channel, as TensorFlow has them
    weights = rng.normal(size=(3, 2, 3, 1 if depthwise else 4))
    alone = "rci,rcik->ik" if depthwise else "rci,rcik->k"
    expected = np.einsum(alone, maps, weights).ravel()
    turned = tfjs.in_torch(weights, depthwise=depthwise).copy()
    found = functional.conv2d(
        torch.tensor(maps).permute(2, 0, 1)[None],
        torch.tensor(turned),
        groups=3 if depthwise else 1,
    )
    assert found.flatten().numpy() == pytest.approx(expected, abs=1e-12)  # float64
