"""Map the network in the package: record it on CK+48, associate, confirm, calibrate.

Usage: python tools/map_compact.py CK48 [--seed 0] [--run RUN]

CK48 is the folder of the faces with their FACS codes, none of whom the network has seen: half of
the people choose the layer and the units, the other half confirm and calibrate them. Writes
compact-aus.json and compact-mapping.csv beside the weights: tables alone, no face. Needs some two
minutes on an idle core. RUN, a new folder, keeps the run that it makes on the way.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from facslens.artifacts import sha256, write_json, write_table
from facslens.datasets.splits import CONFIRMATION, DISCOVERY, halves
from facslens.models import model as models
from facslens.models.card import FOLDER
from facslens.models.pretrained import load_pretrained
from facslens.prediction.evidence import PACKAGED, Evidence, entries
from facslens.progress import shown
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.selection import of_rule
from facslens.runs.settings import Settings
from facslens.stages.associate import run_associate
from facslens.stages.evidence import run_evidence
from facslens.stages.faces import run_faces
from facslens.stages.record import run_record
from facslens.version import __version__

NOTE = (
    "The faces are the last three, most intense frames of posed sequences, of seven expressions "
    "and never neutral. Probabilities hold for faces like those, as often with an action unit as "
    "those; on other faces, neutral ones above all, they are too high or too low. A sequence's "
    "response is the mean over its frames. No interval is corrected for the number of AUs."
)
#: Significant digits of the numbers in the mapping.
DIGITS = 3


def main() -> None:
    """Make a run of a network that was trained elsewhere, and take its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(
            options.run or Path(folder) / "run",
            data=f"ck48:{options.data}",
            seed=options.seed,
            settings=Settings(model="compact").entries(),
        )
        make(run)
        record = RunRecord(run)
        evidence = run_evidence(record)
        write_json(PACKAGED["compact"], entries(evidence, **provenance(record, evidence)))
        write_table(FOLDER / "compact-mapping.csv", tested(record.mapping))
    for one in evidence:
        print(one.sentence)


def make(run: Run) -> None:
    """Run every stage but the training."""
    with shown("faces") as progress:
        run_faces(run, progress, halves)
    models.save(load_pretrained("compact"), run.folder)
    run.accept(["model.safetensors", "model.json"])
    with shown("record") as progress:
        run_record(run, progress)
    with shown("associate") as progress:
        run_associate(run, progress)


def provenance(record: RunRecord, evidence: list[Evidence]) -> dict[str, Any]:
    """Say what the evidence was made from."""
    settings, faces = record.settings, record.faces
    return {
        "network": "compact",
        "sha256": {"compact.safetensors": sha256(FOLDER / "compact.safetensors")},
        "facslens": __version__,
        "data": faces.name,
        "digest": faces.digest(),
        "images": len(faces),
        "sequences": int(faces.table["sequence"].nunique()),
        "subjects": {
            name: int(faces.part(*splits).table["subject"].nunique())
            for name, splits in (("discovery", DISCOVERY), ("confirmation", CONFIRMATION))
        },
        "seed": record.seed,
        "distance": settings.distance,
        "permutations": settings.permutations,
        "null": settings.null,
        "layer": evidence[0].layer,
        "note": NOTE,
    }


def tested(mapping: pd.DataFrame) -> pd.DataFrame:
    """Keep the tested mapping of all layers, its numbers to a few digits."""
    rows = of_rule(mapping)
    numbers = rows.select_dtypes("float").columns.difference(["unit", "rank"])
    rounded = {c: rows[c].map(lambda x: float(f"{x:.{DIGITS}g}")) for c in numbers}
    counts = [c for c in rows if c in ("unit", "rank") or c.startswith("n_")]
    return rows.assign(**rounded).drop(columns="rule").astype(dict.fromkeys(counts, "Int64"))


if __name__ == "__main__":
    main()
