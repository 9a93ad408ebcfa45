"""The network of this package: python ours.py torch|onnx ferplus|fer2013 FACES."""

import sys
from importlib.metadata import version

from serve import read_faces, serve

from facslens import __version__
from facslens.models.card import FOLDER, read_card
from facslens.models.pretrained import load_pretrained
from facslens.stages.open_network import Choice, open_network


def main(runtime: str, labels: str, faces: str) -> None:
    """Load the network and serve."""
    import torch

    torch.set_num_threads(1)
    network = open_network(Choice(labels=labels, runtime=runtime))
    packages = {"torch": "torch", "onnx": "onnxruntime"}
    file = {"torch": "compact.safetensors", "onnx": "compact.onnx"}[runtime]
    about = {
        "version": f"{__version__} ({read_card()['name']})",
        "runtime": f"{packages[runtime]} {version(packages[runtime])}",
        "parameters": load_pretrained(labels=labels).parameters,
        "bytes": (FOLDER / file).stat().st_size,
        "sha256": read_card()["sha256"][file],
        "licence": "Apache-2.0",
        "labels": list(network.expressions),
    }
    serve(about, lambda face: network.read(face[None]).probabilities[0], read_faces(faces))


if __name__ == "__main__":
    main(*sys.argv[1:])
