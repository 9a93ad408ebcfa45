"""Open a model, whichever way a call names it; that of a run only as the run left it."""

from pathlib import Path

from facslens.models.card import PRETRAINED
from facslens.models.initial import load_named
from facslens.models.model import Model
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord


def open_model(
    model: Model | str | Path, argument: str = "model", labels: str | None = None
) -> Model:
    """Open a model as `facslens.models.initial.load_named` does, a run's with its hashes checked.

    Parameters
    ----------
    model
        A Model; the name of a network in the package; the folder of a run, or one that
        `facslens.models.model.save` wrote. A `Path` is always a folder.
    argument
        What the call names the argument, for the error.
    labels
        Which head of a network in the package; None takes its first. Other models have one head.

    Raises
    ------
    CallError
        If it is none of these, or has no such head.
    ArtifactError
        If its files are missing or damaged, or a run's are not what the training left.
    """
    packaged = isinstance(model, str) and model in PRETRAINED
    if not packaged and labels is None and isinstance(model, str | Path):
        folder = Path(model)
        if (folder / "run.json").is_file():
            # out of date is allowed: `facslens train RUN --init RUN` goes on from such a model
            return RunRecord(Run.open(folder), outdated=True).model
    return load_named(model, argument, labels)
