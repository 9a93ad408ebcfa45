"""Train the network of a run, and predict the expression of every face with it."""

import shutil
from collections.abc import Mapping

from torch import Tensor

from facslens.artifacts import atomic, write_table
from facslens.models import model as models
from facslens.models.device import on_device
from facslens.models.model import Model
from facslens.progress import Report, silent
from facslens.runs.files import CHECKPOINTS, checkpoint_name
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.training.fit import Training, fit
from facslens.training.machines import Machines
from facslens.training.predictions import predict


def run_train(run: Run, progress: Report, machines: Machines | None = None) -> None:
    """Write the weights, ``training.csv`` and ``predictions.parquet``, and any checkpoints.

    The `machines` train together; None is this process alone.
    """
    record = RunRecord(run)
    settings, faces = record.settings, record.faces
    # before the stage begins, for a run may go on from its own model
    begun = settings.begin()
    with run.stage("train") as underway:
        training = _fit(record, settings, begun, machines, progress)
        models.save(training.model, run.folder)
        write_table(run / "training.csv", training.history)
        write_table(
            run / "predictions.parquet", predict(on_device(training.model, run.device), faces)
        )
        for checkpoint in run.folder.glob("training-*.ckpt"):  # of a training with other choices
            checkpoint.unlink()
        if training.checkpoints:
            _write_checkpoints(run, training.checkpoints)
            underway.left(CHECKPOINTS)
        elif (run / CHECKPOINTS).is_dir():  # of the training before
            shutil.rmtree(run / CHECKPOINTS)


def follow(run: Run, settings: Settings, machines: Machines) -> None:
    """Train with the first machine, which writes the run; this one writes nothing.

    The `settings` are those that the first machine trains with.
    """
    _fit(RunRecord(run), settings, settings.begin(), machines, silent)


def _fit(
    record: RunRecord,
    settings: Settings,
    begun: Model | None,
    machines: Machines | None,
    progress: Report,
) -> Training:
    return fit(
        record.faces,
        architecture=settings.model,
        size=settings.size,
        seed=record.seed,
        recipe=settings.recipe,
        init=begun,
        checkpoints=settings.checkpoints or (),
        folder=record.run.folder,
        machines=machines,
        device=record.run.device,
        progress=progress,
    )


def _write_checkpoints(run: Run, kept: Mapping[int, Mapping[str, Tensor]]) -> None:
    """Write the weights of all epochs that were kept in the place of those there were."""
    with atomic(run / CHECKPOINTS) as temporary:
        for epoch, weights in kept.items():
            models.write_weights(weights, temporary / checkpoint_name(epoch))
