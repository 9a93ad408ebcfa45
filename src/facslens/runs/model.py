"""Open a model in any of the ways that a call may name it; files of a run are checked."""

from pathlib import Path

from facslens.models.card import PRETRAINED
from facslens.models.initial import load_named
from facslens.models.model import Model
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord


def open_model(
    model: Model | str | Path, argument: str = "model", labels: str | None = None
) -> Model:
    """Open a model like `facslens.models.initial.load_named`, and check the hashes of a run's.

    Parameters
    ----------
    model
        A Model; the name of a network in the package; the folder of a run, or one that
        `facslens.models.model.save` wrote. A `Path` is always a folder.
    argument
        The argument's name in the call, for the error.
    labels
        Which labels (head) of a network in the package; None takes the first. Other models have
        one head.

    Raises
    ------
    CallError
        If it is none of these, or has no such head.
    ArtifactError
        If its files are missing or damaged, or a run's have changed since the training.
    """
    packaged = isinstance(model, str) and model in PRETRAINED
    if not packaged and labels is None and isinstance(model, str | Path):
        folder = Path(model)
        if (folder / "run.json").is_file():
            # out of date is allowed: `facslens train RUN --init RUN` goes on from such a model
            return RunRecord(Run.open(folder), outdated=True).model
    return load_named(model, argument, labels)
