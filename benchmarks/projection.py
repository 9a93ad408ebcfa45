"""Projections beside captum's and plain PyTorch's, in one run: ratios, and how far apart.

    python -m benchmarks.projection [--only paper,conv3,sizes,resnet] [--faces 94] [--json FILE]

paper: nine exemplars of all 448 units of the paper's network at 96×96, each unit's largest
responses among some noise, forward passes included. conv3: its units alone, on nine faces that all
of them share. sizes: from 48×48 to 192×192, forward passes left out. resnet: ResNet-18 at 224×224,
layer3, against a forward and a backward pass each. captum and PyTorch take a sample of the pairs,
evenly over the layers' units, in the best of some batch sizes; theirs and ours in turn. Times are
the shortest of some. Each part runs in a process of its own; peak memory
is that of the process after our first pass, images and their projections included.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from captum.attr import Deconvolution
from torch import Tensor, nn

from benchmarks.oracle.architectures.resnet import build
from facslens.models.paper import WIDTHS, PaperNetwork
from facslens.models.reading.reading import read_network, read_steps
from facslens.models.reading.run import Steps
from facslens.projection.deconvnet import project_units
from facslens.responses.recorder import peak

BATCHES = (1, 4, 16, 64)
EXEMPLARS = 9
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


class Places(nn.Module):
    """One value of some maps for each image."""

    def __init__(self, maps: nn.Module, units: Tensor, places: Tensor) -> None:
        super().__init__()
        self.maps, self.units, self.places = maps, units, places

    def forward(self, images: Tensor) -> Tensor:
        """Give the values."""
        rows, columns = self.places.unbind(1)
        return self.maps(images)[torch.arange(len(images)), self.units, rows, columns]


class Maps(nn.Module):
    """A network up to the maps of a layer."""

    def __init__(self, network: nn.Module, layer: str) -> None:
        super().__init__()
        reading = read_steps(network, (3, 224, 224))
        self._layer = reading.layers[layer]
        self._tensors = {k: v.detach() for k, v in reading.tensors(network).items()}
        self._steps = Steps(reading.graph, [reading.trace.images], [self._layer.maps])

    def forward(self, images: Tensor) -> Tensor:
        """Give the maps."""
        return self._layer.as_maps(self._steps([images], self._tensors)[0])


def by_captum(maps: nn.Module, images: Tensor, pairs: Pairs, batch: int) -> Tensor:
    """Project with captum, some pairs at a time."""
    of, units, places = (torch.from_numpy(np.asarray(p, dtype=np.int64)) for p in pairs)
    found = []
    for first in range(0, len(of), batch):
        part = slice(first, first + batch)
        some = images[of[part]].requires_grad_()
        method = Deconvolution(Places(maps, units[part], places[part]))
        found.append(method.attribute(some).detach())
    return torch.cat(found)


def by_torch(maps: nn.Module, images: Tensor, pairs: Pairs, batch: int) -> Tensor:
    """Take the gradient with plain PyTorch, a forward and a backward pass for each pair."""
    of, units, places = (torch.from_numpy(np.asarray(p, dtype=np.int64)) for p in pairs)
    found = []
    for first in range(0, len(of), batch):
        part = slice(first, first + batch)
        some = images[of[part]].requires_grad_()
        values = Places(maps, units[part], places[part])(some)
        found += torch.autograd.grad(values.sum(), some)
    return torch.cat(found)


def seconds(work: Callable[[], object]) -> float:
    """Time something once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def recorded(network: nn.Module, images: Tensor, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """Give all units' responses and locations."""
    listener = read_network(network, tuple(images.shape[1:])).listener(network, [layer], peak)
    with torch.inference_mode():
        found = [listener(some)[0][layer] for some in torch.split(images, 16)]
    return tuple(np.concatenate([getattr(f, k) for f in found]) for k in ("response", "location"))  # type: ignore[return-value]


def exemplars(network: nn.Module, images: Tensor, layer: str) -> Pairs:
    """Give the faces that each unit answers most, the units, and where; but silent ones."""
    response, location = recorded(network, images, layer)
    of = np.argsort(-response, axis=0, kind="stable")[:EXEMPLARS].T
    units = np.arange(response.shape[1])[:, None].repeat(of.shape[1], axis=1)
    of, units = of.ravel(), units.ravel()
    places = location[of, units]
    fired = places[:, 0] >= 0
    return of[fired], units[fired], places[fired]


def sample(pairs: Pairs, count: int) -> Pairs:
    """Give evenly spaced pairs."""
    chosen = np.linspace(0, len(pairs[0]) - 1, min(count, len(pairs[0]))).astype(int)
    of, units, places = (p[chosen] for p in pairs)
    return of, units, places


def ours(network: nn.Module, images: Tensor, layer: str, pairs: Pairs, rule: str) -> Tensor:
    """Project with facslens."""
    of, units, places = pairs
    found = project_units(network, images, layer, units, places, image_of=of, rule=rule)
    return torch.from_numpy(found.image)


def against(
    peer: Callable[[nn.Module, Tensor, Pairs, int], Tensor],
    network: nn.Module,
    maps: nn.Module,
    images: Tensor,
    layer: str,
    pairs: Pairs,
    rule: str,
    count: int,
    repeats: int,
) -> dict[str, float]:
    """Time all pairs in ours, and a sample in the peer's, whose time is scaled to all."""
    ours(network, images, layer, pairs, rule)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # before the peer's
    some = sample(pairs, count)
    expected = peer(maps, images, some, 4)
    gap = (ours(network, images, layer, some, rule) - expected).abs().max() / expected.abs().max()
    peers = {b: float("inf") for b in BATCHES if b <= max(count, 1)}
    own = float("inf")
    for _ in range(repeats):
        own = min(own, seconds(lambda: ours(network, images, layer, pairs, rule)))
        for batch in peers:
            took = seconds(lambda b=batch: peer(maps, images, some, b))  # type: ignore[misc]
            peers[batch] = min(peers[batch], took)
    batch = min(peers, key=peers.__getitem__)
    scaled = peers[batch] / len(some[0]) * len(pairs[0])
    return {
        "pairs": len(pairs[0]), "faces": len(np.unique(pairs[0])), "gap": float(gap),
        "ours_s": own, "ours_ms": 1000 * own / len(pairs[0]), "peer_s": scaled,
        "peer_ms": 1000 * scaled / len(pairs[0]), "peer_batch": batch, "ratio": scaled / own,
        "peak_gb": peak_gb,
    }  # fmt: skip


def _paper(size: int) -> PaperNetwork:
    torch.manual_seed(0)
    return PaperNetwork(8, size=size).eval()


def _until(network: nn.Sequential, layer: str) -> nn.Sequential:
    names = [name for name, _ in network.named_children()]
    return nn.Sequential(*list(network)[: names.index(layer) + 2])


def paper(faces: int, repeats: int) -> dict[str, object]:
    """All layers of the paper's network, and their sum."""
    network, images = _paper(96), torch.rand(faces, 1, 96, 96)
    layers: dict[str, dict[str, float]] = {}
    for layer in ("conv1", "conv2", "conv3"):
        pairs = exemplars(network, images, layer)
        layers[layer] = against(
            by_captum, network, _until(network, layer), images, layer, pairs, "deconvnet", 64,
            repeats,
        )  # fmt: skip
    total = {key: sum(one[key] for one in layers.values()) for key in ("pairs", "ours_s", "peer_s")}
    return {"layers": layers, **total, "ratio": total["peer_s"] / total["ours_s"]}


def conv3(_faces: int, repeats: int) -> dict[str, object]:
    """All units of the last layer on nine faces."""
    network, images = _paper(96), torch.rand(EXEMPLARS, 1, 96, 96)
    pairs, maps = exemplars(network, images, "conv3"), _until(network, "conv3")
    return dict(against(by_captum, network, maps, images, "conv3", pairs, "deconvnet", 64, repeats))


class _Stack(nn.Sequential):
    """The paper's convolutions for images of any size, with a mean behind."""

    def __init__(self) -> None:
        parts = _until(_paper(96), "conv3")
        super().__init__(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTHS[2], 8))


def sizes(_faces: int, repeats: int) -> dict[str, object]:
    """Time a projection in the last layer on images of growing size."""
    network = _Stack().eval()
    pixels, ready = (48, 96, 192), {}
    for size in pixels:
        images = torch.rand(2, 1, size, size)
        _, location = recorded(network, images, "6")
        # as many units again and again, so that what is done for each face drops out
        units = np.resize(np.flatnonzero((location >= 0).all((0, 2))), 800)
        side = size // 4
        middle = np.full((len(units), 2), side // 2)  # windows that no border cuts
        ready[size] = images, units, middle
    took = {size: [float("inf")] * 2 for size in pixels}
    for _ in range(2 * repeats):
        for size, (images, units, places) in ready.items():
            for which, count in enumerate((len(units) // 4, len(units))):
                pairs = np.zeros(count, dtype=int), units[:count], places[:count]
                spent = seconds(lambda p=pairs, i=images: ours(network, i, "6", p, "deconvnet"))  # type: ignore[misc]
                took[size][which] = min(took[size][which], spent)
    each: dict[str, float] = {}
    for size, (few, many) in took.items():
        count = len(ready[size][1])
        each[f"{size}_ms"] = 1000 * (many - few) / (count - count // 4)
    return {**each, "ratio": each["192_ms"] / each["48_ms"]}


def resnet(_faces: int, repeats: int) -> dict[str, object]:
    """Every convolution of ResNet-18's layer3 but that of the shortcut."""
    torch.manual_seed(0)
    network = build(full=True).eval()
    images = torch.rand(4, 3, 224, 224)
    found: dict[str, object] = {}
    for block in range(2):
        for number in (1, 2):
            layer = f"layer3.{block}.conv{number}"
            response, location = recorded(network, images, layer)
            of, units = np.nonzero(response > 0)
            pairs = sample((of, units, location[of, units]), 128)
            maps = Maps(network, layer)
            found[layer] = against(
                by_torch, network, maps, images, layer, pairs, "gradient", 16, repeats
            )
    return found


PARTS = {"paper": paper, "conv3": conv3, "sizes": sizes, "resnet": resnet}


def alone(name: str, options: Sequence[str]) -> dict[str, object]:
    """Measure one part in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.projection", "--part", name, *options]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, object] = json.loads(said.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print every part's figures, and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    parser.add_argument("--faces", type=int, default=94, help="for exemplars to be chosen from")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="a file for all figures")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "Setting backward hooks on ReLU activations", UserWarning)
    if options.part:
        found = PARTS[options.part](options.faces, options.repeats)
        print(json.dumps(found))
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}")
    given = ["--faces", str(options.faces), "--repeats", str(options.repeats)]
    results = {}
    for name in options.only.split(","):
        results[name] = alone(name, given)
        print(name, json.dumps(results[name], indent=1), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
