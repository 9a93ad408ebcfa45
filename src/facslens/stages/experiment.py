"""The experiment: record paired faces, and find which action units themselves move a unit."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from facslens.artifacts import read_json, read_table, sha256, write_json, write_table
from facslens.controls.baselines import untrained
from facslens.controls.pixels import hog
from facslens.datasets.images import grey
from facslens.datasets.stimuli import HALVES, Stimuli
from facslens.errors import ArtifactError, CallError
from facslens.experiments.analysis import COUNTS, Findings, analyse
from facslens.experiments.control import Control
from facslens.experiments.trials import FULL, arrange
from facslens.folders import filling
from facslens.models.adapter import choose_layers
from facslens.models.model import Model
from facslens.preprocess import normalise
from facslens.progress import Report, silent
from facslens.responses.recorder import record
from facslens.responses.store import BatchResponses
from facslens.version import __version__

#: The file of each table of `Findings`.
TABLES: Final = {
    field.name: f"{field.name}.{'parquet' if field.name == 'tuning' else 'csv'}"
    for field in fields(Findings)
}
_BATCH: Final = 64
_RECORDED: Final = ("rest", "again", "alone", "side")


@dataclass(frozen=True)
class Plan:
    """How an experiment is made.

    Parameters
    ----------
    layers
        Names of convolution layers; None takes all.
    untrained
        How many networks with random weights the network is compared with. Their batch
        normalisation is set on faces of the choosing people.
    permutations
        Of the screening test.
    seed
        Of the untrained networks' weights, the permutations and the resamples.

    Raises
    ------
    CallError
        If a number is impossible.
    """

    layers: tuple[str, ...] | None = None
    untrained: int = 5
    permutations: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("untrained", 1), ("permutations", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise CallError(f"{name} is {getattr(self, name)}: expected {least} or more")


def experiment(
    model: Model, stimuli: Stimuli, plan: Plan | None = None, progress: Report = silent
) -> Findings:
    """Find which action units themselves move a unit, on drawn faces that differ in nothing else.

    Parameters
    ----------
    model
        The network.
    stimuli
        The faces; their SHA-256 is checked first.
    plan
        How; None takes the usual one.
    progress
        Called with the number of faces read, by the network and by the untrained ones.

    Raises
    ------
    CallError
        If a layer is not known.
    ArtifactError
        If the stimuli were changed since they were drawn.
    NotEnoughDataError
        If they are too few.
    """
    plan = plan or Plan()
    names = list(choose_layers(model.network, None if plan.layers is None else list(plan.layers)))
    stimuli.check()
    table = stimuli.table
    shown = table["kind"].isin(_RECORDED).to_numpy(dtype=bool)
    few = shown & (table["kind"].isin(["rest"]) | (table["grade"] == FULL)).to_numpy(dtype=bool)
    few &= ~(table["kind"] == "side").to_numpy(dtype=bool)
    total = int(shown.sum()) + plan.untrained * int(few.sum())

    def counted(done: int) -> Callable[[int], None]:
        return lambda read: progress(done + read, total, "faces")

    responses = recorded(model, stimuli, shown, names, counted(0))
    candidates = without_network(model.size, stimuli, few)
    others: list[Mapping[str, Float[np.ndarray, "_shown _unit"]]] = []
    for number in range(plan.untrained):
        other = untrained(model, plan.seed + 1 + number)
        _settle(other.network, stimuli, few, model.size)
        done = int(shown.sum()) + number * int(few.sum())
        others.append(recorded(other, stimuli, few, names, counted(done)))
    whole, part = table[shown], table[few]
    controls = {name: Control.of([arrange(part, v)]) for name, v in candidates.items()}
    found = []
    for layer in names:
        trials = arrange(whole, responses[layer])
        random = Control.of([arrange(part, other[layer]) for other in others])
        compared = {**controls, "untrained": random}
        found.append(
            analyse(trials, compared, layer=layer, permutations=plan.permutations, seed=plan.seed)
        )
    return Findings.joined(found)


def recorded(
    model: Model,
    stimuli: Stimuli,
    rows: Bool[np.ndarray, " image"],
    layers: list[str],
    progress: Callable[[int], None],
) -> dict[str, Float[np.ndarray, "_shown _unit"]]:
    """Record the responses of layers to some rows of the stimuli, in their order."""
    parts: dict[str, list[Float[np.ndarray, "_shown _unit"]]] = {layer: [] for layer in layers}

    def sink(start: int, batch: Mapping[str, BatchResponses]) -> None:
        for layer, found in batch.items():
            parts[layer].append(found.response)
        progress(start + len(found.response))

    modules = choose_layers(model.network, layers)
    record(model.network, _batches(stimuli, rows, model.size), modules, sink)
    return {layer: np.concatenate(found) for layer, found in parts.items()}


def _faces(
    stimuli: Stimuli, rows: Bool[np.ndarray, " image"], size: int
) -> Iterator[Float[Tensor, "image 1 size size"]]:
    """Give the chosen faces of each block, as grey levels in [0, 1]."""
    for _, first, after in stimuli.blocks:
        chosen = rows[first:after]
        if chosen.any():
            images = stimuli.pixels(first, after)[chosen]
            levels = [grey(image) for image in images] if stimuli.colour else list(images)
            yield normalise.scaled(levels, size)


def _batches(
    stimuli: Stimuli, rows: Bool[np.ndarray, " image"], size: int
) -> Iterator[Float[Tensor, "image 1 size size"]]:
    for faces in _faces(stimuli, rows, size):
        for start in range(0, len(faces), _BATCH):
            part = normalise.standardise(faces[start : start + _BATCH])
            yield part.contiguous(memory_format=torch.channels_last)


def without_network(
    size: int, stimuli: Stimuli, rows: Bool[np.ndarray, " image"]
) -> dict[str, Float[np.ndarray, "shown _candidate"]]:
    """Give pixels, histograms of gradients and the total change of the picture as candidates.

    A pixel or bin counts as it is, and negated: it may turn dark where an action unit shows.
    """
    pixels, gradients, totals = [], [], []
    for faces in _faces(stimuli, rows, size):
        bright = normalise.standardise(faces).flatten(1).numpy()
        bins = hog(faces[:, 0].double().numpy()).astype(np.float32)
        pixels.append(np.concatenate([bright, -bright], axis=1))
        gradients.append(np.concatenate([bins, -bins], axis=1))
        totals.append(np.abs(bright - bright[:1]).sum(axis=1, keepdims=True))
    return {
        "pixels": np.concatenate(pixels),
        "gradients": np.concatenate(gradients),
        "total": np.concatenate(totals),
    }


def _settle(
    network: nn.Module, stimuli: Stimuli, rows: Bool[np.ndarray, " image"], size: int
) -> None:
    """Set batch normalisation to the means over the choosing people's faces in one setting."""
    layers = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if not layers:
        return
    table = stimuli.table
    chosen = rows & (table["half"] == HALVES[0]).to_numpy(dtype=bool)
    chosen &= (table["setting"] == table["setting"].min()).to_numpy(dtype=bool)
    flags = {module: module.training for module in network.modules()}
    network.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # cumulative
        layer.train()
    with torch.inference_mode():
        for batch in _batches(stimuli, chosen, size):
            network(batch)
    for module, training in flags.items():
        module.training = training


def write_experiment(
    model: Model,
    stimuli: Stimuli,
    folder: Path,
    plan: Plan | None = None,
    progress: Report = silent,
) -> Findings:
    """Make an experiment and write its tables into a folder, with a note of how they were made.

    The folder gets ``tuning.parquet``, ``rivals.csv``, ``dose.csv``, ``caused.csv``,
    ``controls.csv`` and ``experiment.json``, which has the plan and the SHA-256 of the stimuli, the
    weights and every table. The same call again only reads them.

    Raises
    ------
    CallError
        If the folder holds anything else, or a layer is not known.
    ArtifactError
        If it cannot be written, or a table was changed since.
    """
    plan = plan or Plan()
    choose_layers(model.network, None if plan.layers is None else list(plan.layers))
    order = {
        **{name: list(v) if isinstance(v, tuple) else v for name, v in asdict(plan).items()},
        "stimuli": stimuli.sha256,
        "network": weights_digest(model),
        "facslens": __version__,
    }
    with filling(folder, "experiment.json", order, "an experiment") as noted:
        if "sha256" in noted:
            return read_experiment(folder)
        findings = experiment(model, stimuli, plan, progress)
        for name, file in TABLES.items():
            write_table(folder / file, getattr(findings, name))
        hashes = {file: sha256(folder / file) for file in TABLES.values()}
        write_json(folder / "experiment.json", {**order, "sha256": hashes})
    return findings


def read_experiment(folder: Path) -> Findings:
    """Read the tables of a finished experiment, after checking them.

    Raises
    ------
    ArtifactError
        If the experiment is not finished, or a table is missing or was changed.
    """
    hashes = read_json(folder / "experiment.json").get("sha256", {})
    for file in TABLES.values():
        if sha256(folder / file) != hashes.get(file):
            raise ArtifactError(
                f"{folder / file} is not what the experiment left, by its SHA-256: make it again "
                f"into a new folder"
            )
    texts = ("smallest_grade", "behind")
    types = {
        **dict.fromkeys((*COUNTS, "candidate"), "Int64"),
        **dict.fromkeys(("layer", "au", *texts), "str"),
        "ahead": "boolean",
    }
    tables = {name: read_table(folder / file, types) for name, file in TABLES.items()}
    tables["caused"] = tables["caused"].fillna(dict.fromkeys(texts, ""))
    return Findings(**tables)


def weights_digest(model: Model) -> str:
    """Give the SHA-256 of a network's weights, names and values."""
    whole = hashlib.sha256()
    for name, value in sorted(model.network.state_dict().items()):
        whole.update(name.encode() + value.contiguous().numpy(force=True).tobytes())
    return whole.hexdigest()
