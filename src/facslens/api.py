"""The flat Python interface: the stages as plain functions."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from facslens.errors import CallError

if TYPE_CHECKING:
    from facslens.association.discovery.result import Association
    from facslens.datasets.base import Faces
    from facslens.experiments.analysis import Findings
    from facslens.models.model import Model
    from facslens.projection.deconvnet import Projections
    from facslens.responses.store import Responses
    from facslens.runs.record import RunRecord
    from facslens.training.recipe import Recipe


def load_faces(spec: str = "synthetic") -> "Faces":
    """Load the faces of a dataset.

    Parameters
    ----------
    spec
        ``NAME[:PATH][,key=value…]``, as the command line's ``--data`` takes it: for example
        ``ck48:PATH/TO/ck48``. `facslens.datasets.load.LAYOUTS` has every layout. Without it, the
        drawn faces in the package.

    Raises
    ------
    CallError
        If it names no layout, or a key that the layout does not have.
    DataError
        If the dataset has an error.
    """
    from facslens.datasets.load import load as read_faces

    return read_faces(spec)


#: The name that `load_faces` had in the first version.
load = load_faces


def split(faces: "Faces", seed: int = 0) -> "Faces":
    """Divide the faces into training, validation and test faces, no subject in two of them.

    Parameters
    ----------
    faces
        Of known subjects.
    seed
        Of the choice of subjects.

    Returns
    -------
    Faces
        The same faces with a split column, as `facslens.datasets.splits.holdout` makes it.
    """
    from facslens.datasets.splits import holdout

    return faces.with_split(holdout(faces, seed))


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


def associate(
    responses: "Responses | np.ndarray",
    labels: "Faces | np.ndarray | pd.DataFrame",
    **choices: Any,
) -> "Association":
    """Test every unit against every action unit: of a recording and faces, or of plain arrays.

    Plain arrays need no network and no PyTorch.

    Parameters
    ----------
    responses
        A recording, or an array (image, unit).
    labels
        With a recording the faces, all of which were recorded: neutral ones are left out, and
        each sequence counts once. With an array, an array (image, au) of presence: 1, 0, or NaN
        where it is unknown.
    **choices
        Those of `facslens.association.discovery.associate.associate`; `layer` where the recording
        has several.

    Raises
    ------
    CallError
        If a recording comes without faces or faces without a recording, if the layer is missing,
        or if a face was not recorded.

    Examples
    --------
    >>> found = associate(np.eye(4), np.eye(4)[:, :1], distance="auroc", min_present=1)
    >>> found.table.loc[0, "value"].item()
    1.0
    """
    from facslens.association.discovery.associate import associate as associate_arrays
    from facslens.datasets.base import Faces
    from facslens.responses.store import Responses

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


def experiment(
    model: "Model | str | Path" = "compact",
    stimuli: str | Path | None = None,
    *,
    layer: str | Sequence[str] | None = None,
    untrained: int = 5,
    permutations: int = 1000,
    seed: int = 0,
) -> "Findings":
    """Find which action units themselves move a unit, on drawn faces that differ in nothing else.

    Parameters
    ----------
    model
        A Model, a run's folder, or ``compact`` for the network in the package.
    stimuli
        A folder that ``facslens data stimuli`` made; None for the faces in the package.
    layer
        A convolution layer, or several; None takes all.
    untrained
        How many untrained networks the network is compared with.
    permutations
        Of the screening test.
    seed
        Of the untrained networks, the permutations and the resamples.

    Returns
    -------
    Findings
        Its table ``caused`` has a row for each layer and action unit, with the verdict.

    Raises
    ------
    CallError
        If there is no such model or layer.
    ArtifactError
        If the folder holds no stimuli, or they were changed since they were drawn.
    NotEnoughDataError
        If the stimuli show too few people.
    """
    from facslens.datasets.stimuli import read_stimuli
    from facslens.runs.model import open_model
    from facslens.stages.experiment import Plan, experiment

    layers = (layer,) if isinstance(layer, str) else None if layer is None else tuple(layer)
    plan = Plan(layers, untrained, permutations, seed)
    faces = read_stimuli(None if stimuli is None else Path(stimuli))
    return experiment(open_model(model), faces, plan)


def mechanism(
    model: "Model | str | Path" = "compact",
    stimuli: str | Path | None = None,
    *,
    only: str | Sequence[str] | None = None,
    layer: str | Sequence[str] | None = None,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """Measure what each action unit does to the expression, and through which units.

    Parameters
    ----------
    model
        A Model, a run's folder, or ``compact`` for the network in the package.
    stimuli
        A folder that ``facslens data stimuli`` made; None for the faces in the package.
    only
        A part, or several: ``effects``, ``mediation``, ``layers``, ``groups``; None makes all.
    layer
        A convolution layer whose units are looked at, several, or ``all``; None takes the last.
    seed
        Of everything random.

    Returns
    -------
    dict
        Tables by name, as `facslens.stages.mechanism.parts.PARTS` lists them.

    Raises
    ------
    CallError
        If there is no such model, part or layer.
    ArtifactError
        If the folder holds no stimuli, or they were changed since they were drawn.
    NotEnoughDataError
        If the stimuli show too few people.
    """
    from facslens.datasets.stimuli import read_stimuli
    from facslens.models.adapter import choose_layers
    from facslens.runs.model import open_model
    from facslens.stages.mechanism.make import mechanism
    from facslens.stages.mechanism.subject import Subject, layers_of

    opened, faces = open_model(model), read_stimuli(None if stimuli is None else Path(stimuli))
    named = [layer] if isinstance(layer, str) else layer
    subject = Subject(opened, faces, layers_of([*choose_layers(opened.network, None)], named), seed)
    return mechanism(subject, [only] if isinstance(only, str) else only)


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
        Name of a convolution layer, and number of one of its units.
    image
        Row of the face in the table, or its image name.
    rule
        ``deconvnet``, ``guided`` or ``gradient``.

    Raises
    ------
    CallError
        If there is no such model, face, layer, unit or rule.
    """
    from facslens.preprocess import normalise
    from facslens.projection.deconvnet import project_units
    from facslens.runs.model import open_model

    if isinstance(image, str):
        rows = np.flatnonzero(faces.table["image"] == image)
    else:
        rows = np.arange(len(faces))[image : image + 1]
    if len(rows) == 0:
        raise CallError(f"image is {image!r}, but there is no such face among {len(faces)}")
    opened = open_model(model)
    face = normalise.standardise(normalise.read([faces.table["path"].iloc[rows[0]]], opened.size))
    return project_units(opened.network, face, layer, np.array([unit]), rule=rule)


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

    Raises
    ------
    CallError
        If a choice is not known, or a path names a camera, which has no end.
    """
    from facslens.prediction.faces import detected, whole
    from facslens.prediction.predict import columns
    from facslens.prediction.predict import predict as predict_rows
    from facslens.prediction.sources import find, is_camera, pictures
    from facslens.preprocess.detect import make_detector
    from facslens.stages.open_network import Choice, open_network

    if every < 1:
        raise CallError(f"every is {every}: expected 1 or more")
    named = [paths] if isinstance(paths, str | Path) else paths
    entries = find(map(str, named))
    if camera := next(filter(is_camera, entries), None):
        raise CallError(f"{camera} has no end: read it with facslens predict {camera}")
    network = open_network(Choice(model, labels, runtime))
    size = network.size
    finder = whole(size) if detector is None else detected(make_detector(detector), size)
    source = (picture for entry in entries for picture in pictures(entry, every))
    rows = [row for _, row in predict_rows(source, finder, network, os.cpu_count() or 1)]
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
    from facslens.runs.record import RunRecord

    return RunRecord.open(run)
