"""Models whose units are directions: made, taken apart, written and read."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from facslens.artifacts import read_table, write_table
from facslens.errors import ArtifactError, CallError
from facslens.models.model import Model, write_weights
from facslens.models.reading.any_reading import ReadsItself
from facslens.models.reading.directed import Directed, Mixture

#: The files of a folder with directions: what they mix, and what each is called.
WEIGHTS: Final = "directions.safetensors"
NAMES: Final = "directions.csv"
_SUFFIX: Final = " with directions"


def directed(model: Model, mixtures: Mapping[str, Mapping[str, Mixture]]) -> Model:
    """Give a model whose network has directions for units, too."""
    network = Directed(model.network, model.input.shape, mixtures).eval()
    return replace(model, network=network, architecture=f"{model.architecture}{_SUFFIX}")


def undirected(model: Model) -> Model:
    """Give the model itself, without its directions."""
    network = model.network
    if not isinstance(network, Directed):
        return model
    architecture = model.architecture.removesuffix(_SUFFIX)
    return replace(model, network=network.network, architecture=architecture)


def check_has_steps(model: Model) -> None:
    """Refuse a network whose maps cannot be changed on the way to its answer.

    Raises
    ------
    CallError
        If PyTorch does not run it.
    """
    if isinstance(model.network, ReadsItself):
        raise CallError(
            f"directions of a layer need the PyTorch network: this one is {model.network.no_steps}"
        )


def write_directions(model: Model, folder: Path) -> None:
    """Write `WEIGHTS` and `NAMES` into a folder, of a model that has directions."""
    assert isinstance(model.network, Directed)
    weights, rows = {}, []
    for layer, kinds in model.network.mixtures.items():
        for kind, mixture in kinds.items():
            weights[f"{layer}:{kind}.weight"] = torch.from_numpy(mixture.weight)
            weights[f"{layer}:{kind}.offset"] = torch.from_numpy(mixture.offset)
            rows += [
                {"layer": layer, "kind": kind, "unit": unit, "name": name}
                for unit, name in enumerate(mixture.names)
            ]
    write_weights(weights, folder / WEIGHTS)
    write_table(folder / NAMES, pd.DataFrame(rows))


def read_directions(model: Model, folder: Path) -> Model:
    """Give a model the directions that a folder holds.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged, or they do not fit the model.
    """
    file = folder / WEIGHTS
    table = read_table(folder / NAMES)
    try:
        weights = load_file(file)
        mixtures: dict[str, dict[str, Mixture]] = {}
        for (layer, kind), rows in table.groupby(["layer", "kind"], sort=False):
            weight, offset = (
                weights[f"{layer}:{kind}.{part}"].numpy().astype(np.float64)
                for part in ("weight", "offset")
            )
            names = tuple(map(str, rows["name"]))
            if len(names) != len(weight) or not np.isfinite(weight).all():
                raise ValueError(f"{len(names)} names for {len(weight)} directions of {layer}")
            mixtures.setdefault(str(layer), {})[str(kind)] = Mixture(weight, offset, names)
        return directed(model, mixtures)
    except FileNotFoundError as error:
        raise ArtifactError(f"{file} does not exist") from error
    except (SafetensorError, OSError, ValueError, KeyError, CallError) as error:
        raise ArtifactError(f"{file} holds no directions of this network: {error}") from error
