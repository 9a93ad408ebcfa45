"""Fit directions of a network's layers to drawn faces, and make a network that has them."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from facslens.controls.baselines import untrained
from facslens.datasets.stimuli import HALVES, Stimuli
from facslens.directions.gathered import Gathered
from facslens.directions.kinds import FITTED, KINDS, check_kinds
from facslens.errors import CallError
from facslens.experiments.faces import compared
from facslens.models.directions import check_has_steps, directed, undirected
from facslens.models.model import Model
from facslens.models.reading.directed import Directed
from facslens.preprocess import normalise
from facslens.stages.stimulated import as_read


def with_directions(
    model: Model,
    stimuli: Stimuli,
    layers: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    seed: int = 0,
) -> Model:
    """Make a model whose units are directions of a network's layers.

    Parameters
    ----------
    model
        Whose layers; it stays as it is.
    stimuli
        Drawn faces. Directions are fitted to those of the choosing people at rest and with one
        action unit at full intensity, and to nobody else.
    layers
        Names or patterns of layers; None takes the last.
    kinds
        Some of `facslens.directions.kinds.KINDS`; None takes all that the layer can have.
    seed
        Of what is drawn.

    Returns
    -------
    Model
        Its network is a `facslens.models.reading.directed.Directed`, with the same answer. Each
        kind of directions is a layer, named ``LAYER:KIND``.

    Raises
    ------
    CallError
        If a layer or a kind is not known, the model has directions already, or PyTorch does not
        run its network.
    """
    if isinstance(model.network, Directed):
        raise CallError("the model has directions already: give the network itself")
    check_has_steps(model)
    named = None if kinds is None else check_kinds(kinds)
    chosen = model.reading.choose(layers) if layers else model.reading.choose(None)[-1:]
    gathered = gather(model, stimuli, chosen, seed)
    mixtures = {
        layer: {
            kind: KINDS[kind](found)
            for kind in named or KINDS
            if named or kind != "nonnegative" or found.least >= 0
        }
        for layer, found in gathered.items()
    }
    return directed(model, mixtures)


def directed_alike(model: Model, other: Model, stimuli: Stimuli, seed: int) -> Model:
    """Fit directions of the same layers and kinds to another network, if the model has any."""
    if not isinstance(model.network, Directed):
        return other
    gathered = gather(other, stimuli, list(model.network.mixtures), seed)
    return directed(
        other,
        {
            layer: {kind: KINDS[kind](gathered[layer]) for kind in kinds}
            for layer, kinds in model.network.mixtures.items()
        },
    )


def untrained_alike(model: Model, seed: int, stimuli: Stimuli) -> Model:
    """Draw the weights of a network anew, and fit directions to it like those of the model."""
    return directed_alike(model, untrained(undirected(model), seed), stimuli, seed)


def fitted_layers(model: Model) -> tuple[str, ...]:
    """Name the layers whose units were fitted to action units."""
    network = model.network
    mixtures = network.mixtures if isinstance(network, Directed) else {}
    return tuple(f"{layer}:{FITTED}" for layer, kinds in mixtures.items() if FITTED in kinds)


def gather(model: Model, stimuli: Stimuli, layers: Sequence[str], seed: int) -> dict[str, Gathered]:
    """Gather what maps hold at every place of the choosing people's faces, in one pass."""
    number = {au: place for place, au in enumerate(stimuli.aus)}
    found = {name: Gathered(model.reading.layers[name].units, stimuli.aus, seed) for name in layers}
    listener = model.reading.listener(model.network, layers, Tensor.clone)
    for faces, aus in _blocks(stimuli, model):
        with torch.inference_mode():
            maps, _answer = listener(as_read(faces, model.input))
        for name, own in maps.items():
            values: np.ndarray = own.numpy(force=True)
            found[name].add(values[0], values[1:], np.array([number[au] for au in aus]))
    return found


def _blocks(stimuli: Stimuli, model: Model) -> Iterator[tuple[Tensor, list[str]]]:
    """Give each block of the choosing people: the face at rest, and one for each action unit."""
    rows = compared(stimuli) & (stimuli.table["half"] == HALVES[0]).to_numpy(dtype=bool)
    for _, first, after in stimuli.blocks:
        own = rows[first:after]
        if own.any():
            table = stimuli.table.iloc[first:after][own]
            assert table["kind"].iloc[0] == "rest"
            images = list(stimuli.pixels(first, after)[own])
            yield normalise.scaled(images, model.input), list(table["aus"])[1:]
