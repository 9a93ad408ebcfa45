"""Networks: train, load and save them, and what they answer."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from facslens.api.faces import split
from facslens.errors import CallError

if TYPE_CHECKING:
    from torch import nn

    from facslens.datasets.base import Faces
    from facslens.models.model import Model
    from facslens.preprocess.input import Input
    from facslens.projection.deconvnet import Projections
    from facslens.responses.store import Responses
    from facslens.runs.record import RunRecord
    from facslens.training.recipe import Recipe


def train(
    faces: "Faces",
    model: str | None = None,
    *,
    init: "Model | str | Path | None" = None,
    size: int = 48,
    seed: int = 0,
    recipe: "Recipe | None" = None,
) -> "Model":
    """Train a network to tell expressions apart.

    Parameters
    ----------
    faces
        Faces without a split are split as `split` does it with the same seed.
    model
        The architecture to train: ``paper`` or ``compact``. None takes that of `init`, or the
        paper's.
    init
        A model to begin from and to fine-tune: a Model, a run's folder, or ``compact`` for the
        network in the package. None draws the weights from the seed.
    size
        Side of the network's input in pixels.
    seed
        Of everything random in it.
    recipe
        The numbers of the training; None takes the usual ones.

    Raises
    ------
    CallError
        If a choice is not known, or `init` is of another architecture or has seen faces that are
        held out here.
    NotEnoughDataError
        If there are too few faces or expressions.
    """
    from facslens.models.initial import architecture_of
    from facslens.runs.model import open_model
    from facslens.training.fit import fit

    architecture = architecture_of(model, init)
    if faces.table["split"].isna().all():
        faces = split(faces, seed)
    begun = None if init is None else open_model(init, "init")
    return fit(
        faces, architecture=architecture, size=size, seed=seed, recipe=recipe, init=begun
    ).model


def record(
    model: "Model | str | Path",
    faces: "Faces",
    layer: str | Sequence[str] | None = None,
    *,
    batch_size: int = 64,
) -> "Responses":
    """Record what every unit responds to every face, in memory.

    Parameters
    ----------
    model
        A Model, a run's folder, or ``compact`` for the network in the package.
    faces
        Those to record.
    layer
        A convolution layer, or several; None records all.
    batch_size
        Faces that the network reads at once.

    Raises
    ------
    CallError
        If there is no such model or layer.
    """
    from facslens.responses.recording import record_faces
    from facslens.runs.model import open_model

    layers = [layer] if isinstance(layer, str) else None if layer is None else list(layer)
    opened = open_model(model)
    return record_faces(opened, faces, layers=layers, batch_size=batch_size).responses


def project(
    model: "Model | str | Path",
    faces: "Faces",
    layer: str,
    unit: int,
    image: int | str,
    rule: str = "deconvnet",
) -> "Projections":
    """Project a unit's response to one face back to pixels.

    Parameters
    ----------
    model
        A Model, a run's folder, or ``compact`` for the network in the package.
    faces
        The faces that `image` is one of.
    layer, unit
        Name of a layer, and number of one of its units.
    image
        Row of the face in the table, or its image name.
    rule
        ``deconvnet``, ``guided`` or ``gradient``; or, by captum (extra ``attribution``),
        ``integrated_gradients`` or ``occlusion``, for layers of tokens, too, to which the rules
        know no way down.

    Raises
    ------
    CallError
        If there is no such model, face, layer, unit or rule.
    """
    from facslens.preprocess import normalise
    from facslens.projection.attributed import METHODS, attribute_units
    from facslens.projection.deconvnet import project_units
    from facslens.runs.model import open_model

    if isinstance(image, str):
        rows = np.flatnonzero(faces.table["image"] == image)
    else:
        rows = np.arange(len(faces))[image : image + 1]
    if len(rows) == 0:
        raise CallError(f"image is {image!r}, but there is no such face among {len(faces)}")
    opened = open_model(model)
    levels = normalise.read([faces.table["path"].iloc[rows[0]]], opened.input)
    face = normalise.as_read(levels, opened.input)
    units = np.array([unit])
    if rule in METHODS:
        return attribute_units(opened.network, face, layer, units, method=rule)
    return project_units(opened.network, face, layer, units, rule=rule)


def predict(
    paths: str | Path | Sequence[str | Path],
    model: "Model | str | Path" = "compact",
    *,
    labels: str | None = None,
    runtime: str = "auto",
    detector: str | None = "blazeface",
    every: int = 1,
) -> pd.DataFrame:
    """Read the expression of every face in pictures and videos, and which action units show.

    Parameters
    ----------
    paths
        Pictures, videos, folders or patterns.
    model
        A Model, a run's folder, ``compact`` for the network in the package, or the ONNX file that
        ``facslens export`` writes. A Model alone comes without evidence of its units, so that
        nothing is said of action units.
    labels
        Which head of ``compact`` speaks: ``ferplus`` (the default) or ``fer2013``.
    runtime
        ``onnx``, ``torch``, or ``auto``: ONNX Runtime where it can run the network, else PyTorch.
    detector
        What finds the faces; None takes every picture for a crop of one face.
    every
        Of a video, every how many frames one is read.

    Returns
    -------
    pandas.DataFrame
        A row for each face, with the columns of `facslens.prediction.predict.columns`. A picture
        without a face has a row, and so has a file that cannot be read.

    Warns
    -----
    UserWarning
        Of how many files below a folder are neither pictures nor videos, by their endings.

    Raises
    ------
    CallError
        If a choice is not known, or a path names a camera, which has no end.
    """
    from facslens.datasets.defects import Defect
    from facslens.prediction.faces import finder
    from facslens.prediction.pieces import beginnings, pieces
    from facslens.prediction.predict import columns
    from facslens.prediction.predict import predict as predict_rows
    from facslens.prediction.sources import find, is_camera
    from facslens.prediction.write import Kept
    from facslens.stages.open_network import Choice, open_network

    if every < 1:
        raise CallError(f"every is {every}: expected 1 or more")
    named = [paths] if isinstance(paths, str | Path) else paths
    skipped: list[Defect] = []
    entries = find(map(str, named), skipped)
    for defect in skipped:
        warnings.warn(defect.message, stacklevel=2)
    if camera := next(filter(is_camera, entries), None):
        raise CallError(f"{camera} has no end: read it with facslens predict {camera}")
    network = open_network(Choice(model, labels, runtime))
    face = finder(detector, network.input)
    rows = [
        row
        for piece in pieces(entries, beginnings(entries), Kept())
        for _, row in predict_rows(piece.pictures(every), face, network, os.cpu_count() or 1)
    ]
    return pd.DataFrame(rows, columns=columns(network))


def load_model(model: str | Path) -> "Model":
    """Load a model: that of a run, one that `save_model` wrote, or the network in the package.

    Parameters
    ----------
    model
        The folder, or ``compact`` for the network in the package.

    Raises
    ------
    CallError
        If there is no such model.
    ArtifactError
        If a file of it is missing or damaged.
    """
    from facslens.runs.model import open_model

    return open_model(model)


def open_network(
    network: "nn.Module | str | Path",
    *,
    weights: str | Path | None = None,
    input: "Input | str | None" = None,  # noqa: A002  what everybody calls it
    expressions: Sequence[str] | None = None,
    output: str | None = None,
) -> "Model":
    """Open a network that was made and trained elsewhere.

    Parameters
    ----------
    network
        A `torch.nn.Module`, which stays as it is; ``FILE.py:FUNCTION``, whose code is run; a
        ``.pt2`` file of `torch.export`; an ``.onnx`` file; the folder of a transformers model with
        safetensors.
    weights
        For ``FILE.py:FUNCTION``, the file of the weights: safetensors, or ``.pth`` with weights
        alone.
    input
        What it reads, such as ``rgb224-imagenet``: see `facslens.preprocess.input.parse_input`. A
        folder of transformers, a network of timm and a file of ``facslens export`` say so
        themselves.
    expressions
        The names of its classes in order, in any spelling that datasets may have; a class that is
        no expression of facslens's keeps its own name. A folder of transformers names them itself.
    output
        Which part of what the network gives is its answer, by key, attribute or number, and what
        its numbers are: ``logits``, ``probabilities``, ``independent`` for scores before a logistic
        function each, ``chances`` behind them, or ``regression`` for numbers such as valence; or
        both with a colon between, such as ``head1:probabilities``. None finds out what is certain.

    Raises
    ------
    CallError
        If there is no such network, it fits neither input nor expressions, it is not certain which
        part is its answer, or it cannot be read exactly.
    ArtifactError
        If its files are damaged, do not fit each other, or could only be read by running code.

    Examples
    --------
    >>> from torch import nn
    >>> network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(7200, 2))
    >>> model = open_network(network, input="rgb32-signed", expressions=["Happy", "calm"])
    >>> model.expressions, model.opened["output"]
    (('happiness', 'calm'), 'logits')
    """
    if isinstance(network, str | Path):
        from facslens.preprocess.input import Input
        from facslens.stages.open_foreign import open_foreign

        reads = input.name if isinstance(input, Input) else input
        found = None if weights is None else str(weights)
        return open_foreign(str(network), found, reads, expressions, output)
    from facslens.models.opening.open import needed_input, needed_names, open_module

    if weights is not None:
        raise CallError("weights is given with a module, which holds its own: leave it out")
    return open_module(
        network,
        reads=needed_input(input, network),
        expressions=needed_names(expressions),
        output=output,
    )


def save_model(model: "Model", folder: str | Path) -> None:
    """Write a model to a folder, from which `load_model` reads it back equal.

    Parameters
    ----------
    model
        The model.
    folder
        Gets ``model.safetensors`` and ``model.json``; it is made where there is none.

    Raises
    ------
    CallError
        If the model is of another architecture than those of facslens.
    ArtifactError
        If the files cannot be written.
    """
    from facslens.models.model import save

    save(model, Path(folder))


def load_run(run: str | Path) -> "RunRecord":
    """Open a run: its faces, network, responses, association, mapping and so on are attributes."""
    from facslens.runs.folder import Run
    from facslens.runs.record import RunRecord
    from facslens.stages.reopen import with_network

    return RunRecord(with_network(Run.open(Path(run))))
