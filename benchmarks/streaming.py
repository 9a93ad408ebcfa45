"""What memory `record` and `associate` take as the faces grow, and how fast faces are recorded.

The faces in the package, repeated under other names, through the paper's network at 48×48; each
size in a process of its own. Run as

    OMP_NUM_THREADS=2 python -m benchmarks.streaming [--faces 10000 200000] [--json FILE]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.ratios import show
from facslens.association.discovery.associate import associate
from facslens.datasets.base import Faces
from facslens.datasets.load import load
from facslens.models.model import build
from facslens.responses.recording import record_faces
from facslens.responses.store import Responses, StoredColumns

#: Permutations; few, for what is measured is memory.
PERMUTATIONS = 50


def repeated(count: int) -> Faces:
    """Repeat the faces in the package until there are so many, each time as other people."""
    faces = load("synthetic")
    rows = np.arange(count)
    table = faces.table.iloc[rows % len(faces)].reset_index(drop=True)
    again = pd.Series(rows // len(faces)).astype("string") + "-"
    for column in ("image", "subject", "sequence"):
        table[column] = again + table[column]
    return Faces(table, "repeated")


def recorded(folder: Path, count: int) -> dict[str, float]:
    """Record all units of the paper's network."""
    faces = repeated(count)
    model = build("paper", faces.expressions, 48, seed=0)
    start = time.perf_counter()
    record_faces(model, faces, path=folder / "responses.zarr")
    return {"seconds": time.perf_counter() - start}


def associated(folder: Path, count: int) -> dict[str, float]:
    """Test all units of its last layer for each action unit, by AUROC."""
    faces = repeated(count)
    responses = Responses.open(folder / "responses.zarr")
    whole = StoredColumns(responses, responses.layers[-1], np.ones(count, bool))
    start = time.perf_counter()
    associate(
        whole,
        faces.table[list(faces.aus)],
        distance="auroc",
        permutations=PERMUTATIONS,
    )
    return {"seconds": time.perf_counter() - start}


WORK = {"record": recorded, "associate": associated}


def main() -> None:
    """Measure each size, and print peaks and how they grow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, nargs="+", default=[10_000, 200_000])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=3, metavar=("WORK", "FOLDER", "FACES"))
    choices = parser.parse_args()
    if choices.one:
        name, folder, faces = choices.one
        found = WORK[name](Path(folder), int(faces))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({**found, "peak": peak / 1024}))
        return
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for count in choices.faces:
            folder = Path(place) / str(count)
            for name in WORK:
                call = [sys.executable, "-m", "benchmarks.streaming", "--one", name, folder, count]
                out = subprocess.run(
                    [str(part) for part in call], check=True, stdout=subprocess.PIPE, text=True
                )
                found = json.loads(out.stdout.splitlines()[-1])
                stored = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
                rows.append(
                    {
                        "what": name,
                        "faces": count,
                        "peak, MiB": found["peak"],
                        "faces a second": count / found["seconds"],
                        "stored, bytes a face and unit": stored / count / 448,
                    }
                )
    show(rows, choices.json)


if __name__ == "__main__":
    main()
