"""Open networks of public repositories, as they are, with random weights: a table in Markdown.

    python benchmarks/repositories.py DIR [NETWORK ...]

DIR holds a clone of each, DIR/DAN and so on, at the commit that `NETWORKS` names. Beside the
network's own code goes a file of a few lines, opened.py, that makes the network; then `facslens
layers`, a recording of eight drawn faces and, in every layer, a deconvnet projection of the unit
that answers most.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import facslens as fl
from facslens.errors import CallError
from facslens.projection.layer_table import BY_DERIVATIVE, EXACT, REFUSED, describe_layers

FACES = 8
SEVEN = "neutral,anger,disgust,fear,happiness,sadness,surprise"  # in any order: weights are random
EIGHT = f"{SEVEN},contempt"
#: The authors' own answer of a network that gives the parts of one.
COMBINED = """
class Combined(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network
    def forward(self, x):
        return {answer}
"""


@dataclass(frozen=True)
class Public:
    """A network of a repository: where it is, the lines that make it, and what it reads."""

    repository: str
    commit: str
    lines: str
    made: str
    input: str
    expressions: str = SEVEN

    @property
    def folder(self) -> str:
        """Name of the clone."""
        return self.repository.split("/")[1]


_WUJIE = ("WuJie1010/Facial-Expression-Recognition.Pytorch", "fefe665")
_SIQUEIRA = (
    "siqueira-hc/Efficient-Facial-Feature-Learning-with-Wide-Ensemble-based-Convolutional-"
    "Neural-Networks",
    "5980cbf",
)
#: Weights that ESR-9 wants to load when it is made.
_RANDOM = """
from model.ml.esr_9 import Base, ConvolutionalBranch, ESR
import tempfile
def random():
    with tempfile.TemporaryDirectory() as folder:
        ESR.PATH_TO_SAVED_NETWORK = folder
        torch.save(Base().state_dict(), f"{folder}/{ESR.FILE_NAME_BASE_NETWORK}")
        for i in range(1, 10):
            name = ESR.FILE_NAME_CONV_BRANCH.format(i)
            torch.save(ConvolutionalBranch().state_dict(), f"{folder}/{name}")
        return ESR(torch.device("cpu"))
def listed():
    network = random()
    network.convolutional_branches = torch.nn.ModuleList(network.convolutional_branches)
    return network
"""
#: models/__init__.py of that repository imports a package for its other networks.
_WITHOUT_OTHERS = """
import pathlib, sys, types
sys.modules["models"] = models = types.ModuleType("models")
models.__file__, models.__path__ = __file__, [str(pathlib.Path(__file__).parent / "models")]
from models.resmasking import resmasking_dropout1
"""
#: In the place of torchvision, a copy of its ResNet that another of these repositories brings.
_WITHOUT_TORCHVISION = """
import pathlib, sys, types
beside = pathlib.Path(__file__).parent
sys.path[:0] = [str(beside / "networks"), str(beside.parent / "EfficientFace" / "models")]
import resnet
sys.modules["torchvision"] = types.ModuleType("torchvision")
sys.modules["torchvision"].models = resnet
from dan import DAN
del sys.modules["torchvision"]
"""
NETWORKS = {
    "VGG19": Public(*_WUJIE, "from models import VGG", 'VGG("VGG19")', "rgb44"),
    "ResNet18": Public(*_WUJIE, "from models import ResNet18", "ResNet18()", "rgb44"),
    "Residual Masking Network": Public(
        "phamquiluan/ResidualMaskingNetwork", "9141618",
        _WITHOUT_OTHERS, "resmasking_dropout1()", "rgb224",
    ),
    "EfficientFace": Public(
        "zengqunzhao/EfficientFace", "8d19537",
        "from models.EfficientFace import efficient_face", "efficient_face()",
        "rgb224-mean0.57535914,0.44928582,0.40079932-std0.20735591,0.18981615,0.18132027",
    ),
    "MA-Net": Public(
        "zengqunzhao/MA-Net", "923fa6c",
        "from model.manet import *"
        + COMBINED.format(answer="sum(w * y for w, y in zip((0.6, 0.4), self.network(x)))"),
        "Combined(MANet(BasicBlock, MulScaleBlock, AttentionBlock, [2, 2, 2, 2], 7))", "rgb224",
    ),
    "DAN": Public(
        "yaoing/DAN", "3872eef", _WITHOUT_TORCHVISION, "DAN(pretrained=False)", "rgb224-imagenet"
    ),
    "ESR-9": Public(*_SIQUEIRA, _RANDOM, "random()", "rgb96", EIGHT),
    "ESR-9, its branches in a ModuleList": Public(
        *_SIQUEIRA, _RANDOM + COMBINED.format(answer="sum(self.network(x)[0]) / 9"),
        "Combined(listed())", "rgb96", EIGHT,
    ),
}  # fmt: skip


def row(name: str, clones: Path) -> list[str]:
    """Open a network, record and project; give its line of the table."""
    public = NETWORKS[name]
    file = clones / public.folder / "opened.py"
    file.write_text(
        f"import torch\n{public.lines}\ndef build():\n"
        f"    torch.manual_seed(0)\n    return {public.made}\n"
    )
    cells = [f"`{public.repository}` ({public.commit})", name]
    try:
        model = fl.open_network(
            f"{file}:build", input=public.input, expressions=public.expressions.split(",")
        )
    except CallError as error:
        return [*cells, "", "", "", "", f"no: {error}"]
    layers = describe_layers(model)
    faces = fl.load_faces("synthetic")
    faces = faces.where(np.arange(len(faces.table)) < FACES)
    responses = fl.record(model, faces, list(layers["layer"]))
    projected = silent = 0
    for layer in layers["layer"]:
        values = responses.response(layer)
        image, unit = np.unravel_index(values.argmax(), values.shape)
        made = fl.project(model, faces, layer, int(unit), int(image))
        assert np.isfinite(made.image).all()
        silent += int(made.silent[0])
        projected += 1
    print(f"{name}: {model.opened}, {projected} projected, of which {silent} silent")
    counts = [str((layers["rules"] == rules).sum()) for rules in (EXACT, BY_DERIVATIVE, REFUSED)]
    return [*cells, str(len(layers)), *counts, "yes"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clones", type=Path, metavar="DIR")
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(NETWORKS))
    choices = parser.parse_args()
    lines = [row(name, choices.clones.absolute()) for name in choices.networks or NETWORKS]
    head = ["repository", "network", "layers", "exact", "by derivative", "refused", "opened"]
    for line in (head, ["---"] * len(head), *lines):
        print(f"| {' | '.join(line)} |")


if __name__ == "__main__":
    main()
