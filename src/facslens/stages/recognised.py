"""What the network of an audit makes of faces: the expressions it names, and whether by chance."""

import dataclasses
import math
from typing import Final

from facslens.artifacts import write_json, write_table
from facslens.progress import Report
from facslens.runs.record import RunRecord
from facslens.stages.seen import of_faces
from facslens.training.chance import recognition
from facslens.training.predictions import predict

_COUNTS: Final = ("faces", "left_out", "groups", "classes")


def write_recognition(record: RunRecord, progress: Report) -> None:
    """Write ``predictions.parquet``, ``accuracy.json``, and the mean face as the network reads it.

    Accuracy is counted on all faces whose expression is known, over people where all are known and
    otherwise over sequences; see `facslens.training.chance.recognition`.
    """
    run, faces, model = record.run, record.faces, record.model
    predictions = predict(model, faces, progress=progress)
    write_table(run / "predictions.parquet", predictions)
    people = faces.table["subject"]
    known = bool(people.notna().all())
    sequence = faces.table["sequence"].fillna(faces.table["image"])
    found = recognition(predictions, people if known else sequence, seed=record.seed)
    seen = of_faces(model, faces)
    seen.paint(run / "seen-faces.png")
    intervals = {
        name: {end: None if math.isnan(value) else value for end, value in ends.items()}
        for name in ("accuracy", "recall")
        if (ends := dataclasses.asdict(getattr(found, name)))
    }
    write_json(
        run / "accuracy.json",
        {
            **{name: getattr(found, name) for name in _COUNTS},
            **intervals,
            "chance": found.chance if found.classes else None,
            "beyond_chance": found.beyond_chance,
            "grouped_by": "people" if known else "sequences",
            "seen": seen.numbers(),
        },
    )
