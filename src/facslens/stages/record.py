"""Record the response of every unit to every face."""

from facslens.artifacts import atomic, write_table
from facslens.progress import Report
from facslens.responses.recording import record_faces
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.stages.recognised import write_recognition


def run_record(run: Run, progress: Report) -> None:
    """Write ``responses.zarr`` and ``exemplars.parquet``, and in an audit the expressions named."""
    record = RunRecord(run)
    model, faces = record.model, record.faces
    with run.stage("record"):
        with atomic(run / "responses.zarr") as temporary:
            recording = record_faces(
                model,
                faces,
                layers=record.opened["layers"] if run.is_audit else record.settings.layers,
                path=temporary,
                exemplars=record.settings.exemplars,
                progress=progress,
            )
        write_table(run / "exemplars.parquet", recording.exemplars)
        if run.is_audit:
            write_recognition(record, progress)
