"""Record what every unit answers to every face."""

from facslens.artifacts import atomic, write_table
from facslens.models import model as models
from facslens.progress import Report
from facslens.responses.recording import record_faces
from facslens.runs.folder import Run
from facslens.runs.settings import Settings
from facslens.stages.faces import read_faces


def run_record(run: Run, progress: Report) -> None:
    """Write ``responses.zarr`` and ``exemplars.parquet``."""
    settings = Settings.of(run)
    run.need("model.safetensors", "train")
    model = models.load(run.folder)
    faces = read_faces(run)
    with run.stage("record", "responses.zarr", "exemplars.parquet"):
        with atomic(run / "responses.zarr") as temporary:
            recording = record_faces(
                model,
                faces,
                layers=settings.layers,
                path=temporary,
                exemplars=settings.exemplars,
                progress=progress,
            )
        write_table(run / "exemplars.parquet", recording.exemplars)
