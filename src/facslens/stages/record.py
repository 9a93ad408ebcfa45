"""Record the response of every unit to every face."""

import hashlib

from facslens.artifacts import take_place, write_table
from facslens.engines.engine import Engine
from facslens.models.initial import digest
from facslens.progress import Report
from facslens.responses.recording import record_faces
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.stages.recognised import write_recognition
from facslens.version import __version__

#: Where responses are recorded; it becomes ``responses.zarr`` when all of them are there.
PART = "responses.zarr.part"


def run_record(run: Run, progress: Report, engine: Engine | None = None) -> None:
    """Write ``responses.zarr`` and ``exemplars.parquet``, and in an audit the expressions named.

    A recording that was interrupted goes on where it ended.
    """
    record = RunRecord(run)
    model, faces = record.model, record.faces
    layers = record.opened["layers"] if run.is_audit else record.settings.layers
    what = (digest(model), run.info["faces"], layers, __version__)
    with run.stage("record"):
        recording = record_faces(
            model,
            faces,
            layers=layers,
            path=run / PART,
            order=hashlib.sha256(repr(what).encode()).hexdigest(),
            exemplars=record.settings.exemplars,
            engine=engine,
            progress=progress,
        )
        take_place(run / PART, run / "responses.zarr")
        write_table(run / "exemplars.parquet", recording.exemplars)
        if run.is_audit:
            write_recognition(record, progress)
