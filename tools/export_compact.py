"""Write the ONNX file of the network in the package, from its weights and its mapping.

Usage: python tools/export_compact.py

Run it after tools/pack_compact.py and tools/map_compact.py. Batch normalisation is folded into the
convolutions, which makes the file a third faster. The weights stay in float16, as they were packed,
each layer's with the factor of every filter that the folding brought; the runtime multiplies them
once, when it loads the file.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from safetensors.torch import load as read_tensors

from facslens.artifacts import atomic
from facslens.models.card import FOLDER, read_card, read_checked
from facslens.models.compact import CompactNetwork
from facslens.models.export import export_onnx
from facslens.models.seal import SEAL, UNSEALED, sealed
from facslens.preprocess.input import grey_contrast

_MOST_OFF = 1e-5  # of a layer's largest weight, between folded weights and their two factors


def main() -> None:
    """Export, and note the hashes of all files."""
    card = read_card()
    stored = read_tensors(read_checked("compact.safetensors"))
    network = CompactNetwork(sum(map(len, card["labels"].values())), card["size"])
    network.load_state_dict({name: value.float() for name, value in stored.items()})
    known = json.loads((FOLDER / "compact-aus.json").read_text(encoding="utf-8"))
    path = FOLDER / "compact.onnx"
    export_onnx(
        network.eval(),
        path,
        into=grey_contrast(card["size"]),
        labels=card["labels"],
        layer=known["layer"],
        evidence=known["aus"],
    )
    halve(path, {f"network.{name}": value.numpy() for name, value in stored.items()})
    for file in sorted(FOLDER.glob("compact*")):
        if file.name != "compact.json":
            card["sha256"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    (FOLDER / "compact.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def halve(path: Path, packed: dict[str, np.ndarray]) -> None:
    """Store folded weights as the packed ones, in float16, times a factor for each filter."""
    model = onnx.load(path)
    graph, nodes = model.graph, []
    for tensor in graph.initializer:
        if tensor.name not in packed or len(tensor.dims) < 4:
            continue
        folded, half = numpy_helper.to_array(tensor).astype(np.float64), packed[tensor.name]
        axes = tuple(range(1, folded.ndim))
        exact = half.astype(np.float64)
        factor = (folded * exact).sum(axes, keepdims=True) / (exact**2).sum(axes, keepdims=True)
        assert np.abs(exact * factor - folded).max() < _MOST_OFF * np.abs(folded).max(), tensor.name
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        graph.initializer.append(
            numpy_helper.from_array(factor.astype(np.float32), f"{name}.factor")
        )
        nodes += [
            onnx.helper.make_node("Cast", [f"{name}.half"], [f"{name}.single"], to=1),
            onnx.helper.make_node("Mul", [f"{name}.single", f"{name}.factor"], [name]),
        ]
    for node in reversed(nodes):
        graph.node.insert(0, node)
    (seal,) = (entry for entry in model.metadata_props if entry.key == SEAL)
    seal.value = UNSEALED
    with atomic(path) as temporary:
        temporary.write_bytes(sealed(model.SerializeToString()))


if __name__ == "__main__":
    main()
