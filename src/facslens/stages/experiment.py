"""The experiment: record paired faces, and find which action units themselves move a unit."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from facslens.controls.baselines import untrained
from facslens.controls.pixels import hog
from facslens.datasets.images import grey
from facslens.datasets.stimuli import HALVES, Stimuli
from facslens.errors import CallError
from facslens.experiment.analysis import Findings, analyse
from facslens.experiment.trials import FULL, Trials, arrange
from facslens.models.adapter import choose_layers
from facslens.models.model import Model
from facslens.preprocess import normalise
from facslens.progress import Report, silent
from facslens.responses.recorder import record
from facslens.responses.store import BatchResponses

#: Untrained networks that a trained one is compared with.
UNTRAINED: Final = 5
_BATCH: Final = 64
_RECORDED: Final = ("rest", "again", "alone", "side")


def experiment(
    model: Model,
    stimuli: Stimuli,
    *,
    layers: list[str] | None = None,
    untrained_networks: int = UNTRAINED,
    permutations: int = 1000,
    seed: int = 0,
    progress: Report = silent,
) -> Findings:
    """Find which action units themselves move a unit, on drawn faces that differ in nothing else.

    Parameters
    ----------
    model
        The network.
    stimuli
        The faces; their SHA-256 is checked first.
    layers
        Names of convolution layers; None takes all.
    untrained_networks
        How many networks with random weights the network is compared with. Their batch
        normalisation is set on faces of the choosing people.
    permutations
        Of the screening test.
    seed
        Of the untrained networks' weights, the permutations and the resamples.
    progress
        Called with the number of faces read, by the network and by the untrained ones.

    Raises
    ------
    CallError
        If a layer is not known, or there is no untrained network.
    ArtifactError
        If the stimuli were changed since they were drawn.
    NotEnoughDataError
        If they are too few.
    """
    if untrained_networks < 1:
        raise CallError(f"untrained is {untrained_networks}: expected 1 or more")
    stimuli.check()
    table = stimuli.table
    shown = table["kind"].isin(_RECORDED).to_numpy(dtype=bool)
    few = shown & (table["kind"].isin(["rest"]) | (table["grade"] == FULL)).to_numpy(dtype=bool)
    few &= ~(table["kind"] == "side").to_numpy(dtype=bool)
    names = list(choose_layers(model.network, layers))
    total = int(shown.sum()) + untrained_networks * int(few.sum())

    def counted(done: int) -> Callable[[int], None]:
        return lambda read: progress(done + read, total, "faces")

    responses = recorded(model, stimuli, shown, names, counted(0))
    candidates = _without_network(model.size, stimuli, few)
    others: list[Mapping[str, Float[np.ndarray, "image unit"]]] = []
    for number in range(untrained_networks):
        other = untrained(model, seed + 1 + number)
        _settle(other.network, stimuli, few, model.size)
        done = int(shown.sum()) + number * int(few.sum())
        others.append(recorded(other, stimuli, few, names, counted(done)))
    whole, part = table[shown], table[few]
    controls = {name: [arrange(part, values)] for name, values in candidates.items()}
    found = []
    for layer in names:
        trials = arrange(whole, responses[layer])
        compared: dict[str, list[Trials]] = {
            **controls,
            "untrained": [arrange(part, other[layer]) for other in others],
        }
        found.append(analyse(trials, compared, layer=layer, permutations=permutations, seed=seed))
    return Findings.joined(found)


def recorded(
    model: Model,
    stimuli: Stimuli,
    rows: Bool[np.ndarray, " image"],
    layers: list[str],
    progress: Callable[[int], None],
) -> dict[str, Float[np.ndarray, "image unit"]]:
    """Record the responses of layers to some rows of the stimuli, in their order."""
    parts: dict[str, list[Float[np.ndarray, "image unit"]]] = {layer: [] for layer in layers}

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


def _without_network(
    size: int, stimuli: Stimuli, rows: Bool[np.ndarray, " image"]
) -> dict[str, Float[np.ndarray, "image candidate"]]:
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


def summary(findings: Findings) -> pd.DataFrame:
    """Count by layer how many action units are caused, and how many pass each part of it."""
    rows = []
    for layer, own in findings.caused.groupby("layer", sort=False):
        verdicts = own["verdict"].value_counts()
        row = {"layer": layer, "aus": len(own)}
        rows.append(row | {name: int(verdicts.get(name, 0)) for name in sorted(verdicts.index)})
    return pd.DataFrame(rows).fillna(0)
