"""Write the ONNX file of the network in the package, from its weights and its mapping.

Usage: python tools/export_compact.py

Run it after tools/pack_compact.py and tools/map_compact.py. Batch normalisation is folded into the
convolutions, which makes the file a third faster and lets float16 no longer hold its weights.
"""

import hashlib
import json

from safetensors.torch import load as read_tensors

from facslens.models.card import FOLDER, read_card, read_checked
from facslens.models.compact import CompactNetwork
from facslens.models.export import export_onnx


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
        size=card["size"],
        labels=card["labels"],
        layer=known["layer"],
        evidence=known["aus"],
    )
    for file in sorted(FOLDER.glob("compact*")):
        if file.name != "compact.json":
            card["sha256"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    (FOLDER / "compact.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
