"""Findings: associate, and the experiment and the mechanism on drawn faces."""

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
    from facslens.responses.store import Responses


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
    DataError
        If an action unit comes and goes within a sequence, or frames are of no sequence.

    Examples
    --------
    >>> found = associate(np.eye(4), np.eye(4)[:, :1], distance="auroc", min_present=1)
    >>> found.table.loc[0, "value"].item()
    1.0
    """
    from facslens.association.discovery.associate import associate as associate_arrays
    from facslens.datasets.base import Faces
    from facslens.datasets.frames import check_sequences
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
    check_sequences(labels)
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


def with_directions(
    model: "Model | str | Path" = "compact",
    layer: str | Sequence[str] | None = None,
    *,
    kinds: str | Sequence[str] | None = None,
    stimuli: str | Path | None = None,
    seed: int = 0,
) -> "Model":
    """Make a model whose units are directions of a layer: mixtures of its maps at every place.

    Parameters
    ----------
    model
        A Model, a run's folder, or ``compact`` for the network in the package.
    layer
        A layer, or several; None takes the last.
    kinds
        ``probe`` (a direction for each action unit), ``principal``, ``nonnegative`` (which needs
        scikit-learn), ``random``, or several; None takes all that the layer can have.
    stimuli
        A folder that ``facslens data stimuli`` made; None for the faces in the package. Directions
        are fitted to the people on whom an experiment chooses its units.
    seed
        Of what is drawn.

    Returns
    -------
    Model
        It answers as `model` does. Each kind of directions is a layer of it, named ``LAYER:KIND``,
        that is recorded, tested, projected and patched like any other.

    Raises
    ------
    CallError
        If there is no such model, layer or kind, or the network cannot be read step by step.
    ArtifactError
        If the folder holds no stimuli.
    """
    from facslens.datasets.stimuli import read_stimuli
    from facslens.runs.model import open_model
    from facslens.stages.directions import with_directions

    layers = [layer] if isinstance(layer, str) else layer
    named = [kinds] if isinstance(kinds, str) else kinds
    faces = read_stimuli(None if stimuli is None else Path(stimuli))
    return with_directions(open_model(model), faces, layers, named, seed)


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
    from facslens.runs.model import open_model
    from facslens.stages.mechanism.make import mechanism
    from facslens.stages.mechanism.subject import Subject, layers_of

    opened, faces = open_model(model), read_stimuli(None if stimuli is None else Path(stimuli))
    named = [layer] if isinstance(layer, str) else layer
    subject = Subject(opened, faces, layers_of(opened.reading.choose(None), named), seed)
    return mechanism(subject, [only] if isinstance(only, str) else only)
