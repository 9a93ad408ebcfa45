"""The network of this package: python ours.py torch|onnx ferplus|fer2013 FACES."""

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from serve import read_faces, serve
from torch import Tensor, nn

from facslens import __version__
from facslens.models.card import FOLDER, load_pretrained, read_card
from facslens.preprocess import normalise

ONNX = FOLDER / "compact.onnx"


class Whole(nn.Module):
    """Grey levels in [0, 1] to probabilities."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: Tensor) -> Tensor:
        """Normalise the contrast, and ask the network."""
        return torch.softmax(self.network(normalise.standardise(faces)), dim=1)


def by_torch(whole: Whole):
    """Give a function that reads one face, in eager mode."""

    def read(face: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return whole(torch.from_numpy(face)[None, None].float() / 255)[0].numpy()

    return read


def by_onnx(path: Path, labels: str):
    """Give a function that reads one face with ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    wanted = [f"probabilities_{labels}"]

    def read(face: np.ndarray) -> np.ndarray:
        levels = face[None, None].astype(np.float32) / np.float32(255)
        return session.run(wanted, {"faces": levels})[0][0]

    return read


def exported(whole: Whole, labels: str, folder: Path) -> Path:
    """Write an ONNX file where the package brings none yet."""
    path = folder / "compact.onnx"
    torch.onnx.export(
        whole,
        (torch.zeros(1, 1, 48, 48),),
        path,
        input_names=["faces"],
        output_names=[f"probabilities_{labels}"],
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    return path


def main(runtime: str, labels: str, faces: str) -> None:
    """Load the network and serve."""
    torch.set_num_threads(1)
    model = load_pretrained(labels=labels)
    model.network.eval()
    whole = Whole(model.network).eval()
    about = {
        "version": f"{__version__} ({read_card()['name']})",
        "runtime": f"torch {torch.__version__}",
        "parameters": sum(p.numel() for p in model.network.parameters()),
        "bytes": (FOLDER / "compact.safetensors").stat().st_size,
        "sha256": read_card()["sha256"]["compact.safetensors"],
        "licence": "Apache-2.0",
        "labels": list(model.expressions),
    }
    if runtime == "torch":
        serve(about, by_torch(whole), read_faces(faces))
        return
    about["runtime"] = f"ONNX Runtime {version('onnxruntime')}"
    with tempfile.TemporaryDirectory() as folder:
        path = ONNX if ONNX.is_file() else exported(whole, labels, Path(folder))
        about["bytes"] = path.stat().st_size
        serve(about, by_onnx(path, labels), read_faces(faces))


if __name__ == "__main__":
    main(*sys.argv[1:])
