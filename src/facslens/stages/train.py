"""Train the network of a run, and predict the expression of every face with it."""

from facslens.artifacts import write_table
from facslens.models import model as models
from facslens.progress import Report
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.training.fit import fit
from facslens.training.predictions import predict


def run_train(run: Run, progress: Report) -> None:
    """Write the weights, ``training.csv`` and ``predictions.parquet``."""
    record = RunRecord(run)
    settings, faces = record.settings, record.faces
    # before the stage begins, for a run may go on from its own model
    begun = settings.begin()
    with run.stage("train"):
        training = fit(
            faces,
            architecture=settings.model,
            size=settings.size,
            seed=record.seed,
            recipe=settings.recipe,
            init=begun,
            folder=run.folder,
            progress=progress,
        )
        models.save(training.model, run.folder)
        write_table(run / "training.csv", training.history)
        write_table(run / "predictions.parquet", predict(training.model, faces))
        for checkpoint in run.folder.glob("training-*.ckpt"):  # of a training with other choices
            checkpoint.unlink()
