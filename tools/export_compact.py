"""Write the ONNX file of the network in the package, from its weights and its mapping.

Usage: python tools/export_compact.py

Run it after tools/pack_compact.py and tools/map_compact.py. Weights are stored as float16, which
loses nothing, for the packaged weights are float16, too.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from safetensors.torch import load as read_tensors

from facslens.models.card import FOLDER, read_card, read_checked
from facslens.models.compact import CompactNetwork
from facslens.models.export import export_onnx


def main() -> None:
    """Export, shrink, and note the hashes of all files."""
    card = read_card()
    stored = read_tensors(read_checked("compact.safetensors"))
    network = CompactNetwork(sum(map(len, card["labels"].values())), card["size"])
    network.load_state_dict({name: value.float() for name, value in stored.items()})
    known = json.loads((FOLDER / "compact-aus.json").read_text(encoding="utf-8"))
    path = FOLDER / "compact.onnx"
    export_onnx(
        network.eval(),
        path,
        size=card["size"],
        labels=card["labels"],
        layer=known["layer"],
        evidence=known["aus"],
    )
    halve(path)
    for file in sorted(FOLDER.glob("compact*")):
        if file.name != "compact.json":
            card["sha256"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    (FOLDER / "compact.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def halve(path: Path) -> None:
    """Store every large tensor that float16 holds exactly as float16, and cast it when loaded."""
    model = onnx.load(path)
    graph = model.graph
    for tensor in list(graph.initializer):
        values = onnx.numpy_helper.to_array(tensor)
        half = values.astype(np.float16) if values.dtype == np.float32 else values
        if values.dtype != np.float32 or values.size < 1000 or not np.array_equal(half, values):
            continue
        graph.initializer.remove(tensor)
        graph.initializer.append(onnx.numpy_helper.from_array(half, f"{tensor.name}.half"))
        cast = onnx.helper.make_node(
            "Cast", [f"{tensor.name}.half"], [tensor.name], to=onnx.TensorProto.FLOAT
        )
        graph.node.insert(0, cast)
    onnx.checker.check_model(model)
    onnx.save(model, path)


if __name__ == "__main__":
    main()
