"""The flat Python interface: the stages as plain functions."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from facslens.association.discovery.associate import associate as associate_arrays
from facslens.association.discovery.result import Association
from facslens.datasets.base import Faces
from facslens.datasets.load import load as load_faces
from facslens.datasets.splits import holdout
from facslens.errors import CallError
from facslens.models.initial import architecture_of, load_named
from facslens.models.model import Model
from facslens.models.model import load as read_model
from facslens.prediction.faces import detected, whole
from facslens.prediction.predict import columns
from facslens.prediction.predict import predict as predict_rows
from facslens.prediction.sources import find, is_camera, pictures
from facslens.preprocess import normalise
from facslens.preprocess.detect import make_detector
from facslens.projection.deconvnet import Projections, project_units
from facslens.responses.recording import record_faces
from facslens.responses.store import Responses
from facslens.runs.record import RunRecord
from facslens.stages.open_network import Choice, open_network
from facslens.training.fit import fit
from facslens.training.recipe import Recipe

#: The name of `load_faces` in the first version.
load = load_faces


def split(faces: Faces, seed: int = 0) -> Faces:
    """Give the faces a split column: disjoint in subject, as `holdout` makes it."""
    return faces.with_split(holdout(faces, seed))


def train(
    faces: Faces,
    model: str | None = None,
    *,
    init: str | None = None,
    size: int = 48,
    seed: int = 0,
    recipe: Recipe | None = None,
) -> Model:
    """Train a network; faces without a split are split as `split` does with the same seed.

    ``init="compact"`` begins from the network in the package, a run's folder from its model;
    `model` is then of the same architecture, and the paper's without it.
    """
    architecture = architecture_of(model, init)
    if faces.table["split"].isna().all():
        faces = split(faces, seed)
    begun = None if init is None else load_named(init)
    return fit(
        faces, architecture=architecture, size=size, seed=seed, recipe=recipe, init=begun
    ).model


def record(
    model: Model, faces: Faces, layer: str | Sequence[str] | None = None, *, batch_size: int = 64
) -> Responses:
    """Record the units of one layer, several, or all; in memory."""
    layers = [layer] if isinstance(layer, str) else None if layer is None else list(layer)
    return record_faces(model, faces, layers=layers, batch_size=batch_size).responses


def associate(
    responses: Responses | np.ndarray,
    labels: Faces | np.ndarray | pd.DataFrame,
    **choices: Any,
) -> Association:
    """Associate units with action units: of a recording and faces, or of plain arrays.

    Parameters
    ----------
    responses
        A recording of one layer, or an array (image, unit).
    labels
        The faces, all of which were recorded, or an array (image, au). Neutral faces are
        left out, and each sequence counts once.
    **choices
        As `facslens.association.discovery.associate.associate` takes them.

    Examples
    --------
    >>> found = associate(np.eye(4), np.eye(4)[:, :1], distance="auroc", min_present=1)
    >>> found.table.loc[0, "value"].item()
    1.0
    """
    if not isinstance(responses, Responses) or not isinstance(labels, Faces):
        if isinstance(responses, Responses) or isinstance(labels, Faces):
            raise CallError("associate needs a recording and faces, or two arrays: not one of each")
        return associate_arrays(responses, labels, **choices)
    layer = choices.pop("layer", None)
    if layer is None:
        if len(responses.layers) > 1:
            raise CallError(f"layer is missing: the recording holds {', '.join(responses.layers)}")
        (layer,) = responses.layers
    faces = labels.where(~labels.neutral)
    place = pd.Series(range(len(responses.images)), index=responses.images)
    unknown = faces.table["image"][~faces.table["image"].isin(place.index)]
    if len(unknown):
        raise CallError(f"the image {unknown.iloc[0]!r} was not recorded")
    subject = faces.table["subject"]
    defaults = {
        "sequence": faces.table["sequence"],
        "subject": subject if subject.notna().all() else None,
        "layer": layer,
    }
    return associate_arrays(
        responses.response(layer)[place[faces.table["image"]].to_numpy()],
        faces.table[list(faces.aus)],
        **{**defaults, **choices},
    )


def project(
    model: Model, faces: Faces, layer: str, unit: int, image: int | str, rule: str = "deconvnet"
) -> Projections:
    """Project a unit's response to one face back to pixels.

    Parameters
    ----------
    model, faces
        A model, and the faces that `image` is one of.
    layer, unit
        Name of a convolution layer, and number of a unit of it.
    image
        Row of the face in the table, or its image name.
    rule
        ``deconvnet``, ``guided`` or ``gradient``.

    Raises
    ------
    CallError
        If there is no such face, layer, unit or rule.
    """
    if isinstance(image, str):
        rows = np.flatnonzero(faces.table["image"] == image)
    else:
        rows = np.arange(len(faces))[image : image + 1]
    if len(rows) == 0:
        raise CallError(f"there is no face {image!r} among {len(faces)}")
    face = normalise.standardise(normalise.read([faces.table["path"].iloc[rows[0]]], model.size))
    return project_units(model.network, face, layer, np.array([unit]), rule=rule)


def predict(
    paths: str | Path | Sequence[str | Path],
    model: str | Path = "compact",
    *,
    labels: str | None = None,
    runtime: str = "auto",
    detector: str | None = "blazeface",
    every: int = 1,
) -> pd.DataFrame:
    """Read the expression of every face in pictures and videos, and the evidence of AUs.

    Parameters
    ----------
    paths
        Pictures, videos, folders or patterns.
    model
        ``compact``, a run's folder, or a file of ``facslens export``.
    labels
        Of ``compact``: ``ferplus`` (the default) or ``fer2013``.
    runtime
        ``auto``, ``onnx`` or ``torch``.
    detector
        What finds the faces; None takes every picture for a crop of one face.
    every
        Of a video, every how many frames one is read.

    Returns
    -------
    pandas.DataFrame
        A row a face, with the columns of `facslens.prediction.predict.columns`; a picture without a
        face, or a file that cannot be read, has a row, too.

    Raises
    ------
    CallError
        If a choice is not known, or a path names a camera, which has no end.
    """
    named = [paths] if isinstance(paths, str | Path) else paths
    entries = find(map(str, named))
    if camera := next(filter(is_camera, entries), None):
        raise CallError(f"{camera} has no end: read it with facslens predict {camera}")
    network = open_network(Choice(str(model), labels, runtime))
    size = network.size
    finder = whole(size) if detector is None else detected(make_detector(detector), size)
    source = (picture for entry in entries for picture in pictures(entry, every))
    rows = [row for _, row in predict_rows(source, finder, network, os.cpu_count() or 1)]
    return pd.DataFrame(rows, columns=columns(network))


def load_model(run: str | Path) -> Model:
    """Read the model that a run left."""
    return read_model(Path(run))


def load_run(run: str | Path) -> RunRecord:
    """Open a run: faces, network, responses, association, mapping and the rest are attributes."""
    return RunRecord.open(run)
