"""Weights that TensorFlow.js stores: a manifest that names them, and files of bytes."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file


def read_weights(manifest: Path) -> dict[str, np.ndarray]:
    """Read every array that a manifest, or a model that holds one, names.

    Quantised ones are restored as TensorFlow.js does it, stored number × scale + min in float32.
    """
    content = json.loads(manifest.read_text())
    weights: dict[str, np.ndarray] = {}
    for group in content if isinstance(content, list) else content["weightsManifest"]:
        stored = b"".join((manifest.parent / name).read_bytes() for name in group["paths"])
        offset = 0
        for entry in group["weights"]:
            steps = entry.get("quantization")
            kind = np.dtype(steps["dtype"] if steps else entry["dtype"])
            count = int(np.prod(entry["shape"]))
            values = np.frombuffer(stored, kind, count, offset).reshape(entry["shape"])
            offset += values.nbytes
            if steps:
                values = values.astype(np.float32) * np.float32(steps["scale"])
                values = values + np.float32(steps["min"])
            weights[entry["name"]] = values
        if offset != len(stored):
            raise SystemExit(f"{manifest} names {offset} bytes, but there are {len(stored)}")
    return weights


def in_torch(weights: np.ndarray, *, depthwise: bool = False) -> np.ndarray:
    """Put axes as PyTorch has them: rows, columns, in, out to out, in, rows, columns."""
    if weights.ndim == 4:
        return weights.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
    return weights.T


def write(weights: dict[str, np.ndarray], network: torch.nn.Module, path: Path) -> None:
    """Write weights as safetensors, once the network has taken all of them and lacks none."""
    arrays = {name: np.ascontiguousarray(values) for name, values in weights.items()}
    network.load_state_dict({name: torch.tensor(values) for name, values in arrays.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, path)
