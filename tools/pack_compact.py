"""Pack what tools/train_compact.py left into the package: weights as float16, and their hash.

Usage: python tools/pack_compact.py FIRST SECOND

The folders of both generations; the weights are those of the last.
"""

import csv
import hashlib
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from facslens.datasets.labels import EXPRESSIONS, FER2013
from facslens.models.card import FOLDER


def main(generations: list[Path]) -> None:
    """Write ``compact.safetensors`` and ``compact.json``."""
    weights = {
        # what batch normalisation measured stays as it is: it is small, and its range is not
        name: value.contiguous() if value.dim() < 2 else value.contiguous().to(torch.float16)
        for name, value in load_file(generations[-1] / "compact.safetensors").items()
    }
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "compact.safetensors"
    save_file(weights, path)
    card = {
        "name": "compact-1",
        "size": 48,
        "labels": {"ferplus": list(EXPRESSIONS), "fer2013": list(FER2013)},
        "sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest()},
        "log": [
            {"generation": number, **row}
            for number, folder in enumerate(generations, start=1)
            for row in csv.DictReader((folder / "log.csv").open())
        ],
    }
    (FOLDER / "compact.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main([Path(folder) for folder in sys.argv[1:]])
