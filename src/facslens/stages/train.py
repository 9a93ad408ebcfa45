"""Train the network of a run and let it read every face once."""

from facslens.artifacts import write_table
from facslens.models import model as models
from facslens.progress import Report
from facslens.runs.folder import Run
from facslens.runs.settings import Settings
from facslens.stages.faces import read_faces
from facslens.training.fit import fit
from facslens.training.predictions import predict


def run_train(run: Run, progress: Report) -> None:
    """Write the weights, ``training.csv`` and ``predictions.parquet``."""
    settings = Settings.of(run)
    faces = read_faces(run)
    files = ("model.safetensors", "model.json", "training.csv", "predictions.parquet")
    with run.stage("train", *files):
        training = fit(
            faces,
            architecture=settings.model,
            size=settings.size,
            seed=run.info["seed"],
            recipe=settings.recipe,
            init=settings.begin(),
            folder=run.folder,
            progress=progress,
        )
        models.save(training.model, run.folder)
        write_table(run / "training.csv", training.history)
        write_table(run / "predictions.parquet", predict(training.model, faces))
