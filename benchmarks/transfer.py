"""From drawn to real faces and back: what a network reads off faces that it was not trained on.

    python benchmarks/transfer.py RUN SPEC

RUN is a finished run; SPEC other faces. Accuracy is over the faces whose expression the network
knows, its other expressions masked; AUROC is that of each action unit's first unit, on the peaks.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from facslens.artifacts import read_table
from facslens.association.distances.table import distances
from facslens.association.sample import make_sample
from facslens.datasets.load import load
from facslens.models import model as models
from facslens.responses.recording import record_faces
from facslens.runs.folder import Run
from facslens.training.predictions import predict


def main(folder: Path, spec: str) -> None:
    """Print both."""
    run = Run.open(folder)
    model, faces = models.load(run.folder), load(spec)
    table = faces.table
    shared = [e for e in model.expressions if (table["expression"] == e).any() and e != "neutral"]
    faces = faces.where((table["expression"].isin(shared)).to_numpy(dtype=bool))
    scores = predict(model, faces)
    read = scores[shared].to_numpy().argmax(axis=1)
    right = np.array(shared)[read] == faces.table["expression"].to_numpy()
    print(f"{len(faces)} faces of {', '.join(shared)}: accuracy {right.mean():.3f}")
    for expression in shared:
        own = (faces.table["expression"] == expression).to_numpy(dtype=bool)
        print(f"  {expression}: {right[own].mean():.3f} of {own.sum()}")
    mapping = read_table(run.need("mapping.csv", "associate"))
    layer = mapping["layer"].iloc[-1]
    first = mapping.query("view == 'au_to_unit' and rule == 'tested' and rank == 1")
    first = first[(first["layer"] == layer) & first["au"].isin(faces.aus)].dropna(subset=["unit"])
    responses = record_faces(model, faces, layers=[layer], exemplars=1).responses.response(layer)
    aus = list(first["au"])
    sample = make_sample(responses, faces.table[aus], sequence=faces.table["sequence"])
    auroc = distances(sample.responses, sample.labels, "auroc")[0]
    units = first["unit"].astype(int).to_numpy()
    own = pd.Series(auroc[units, np.arange(len(aus))], index=aus).dropna()
    print(
        f"{layer}: mean AUROC of {len(own)} mapped AUs {own.mean():.3f}, "
        f"{(own > 0.7).sum()} above 0.7"
    )
    print("  " + ", ".join(f"{au} {value:.2f}" for au, value in own.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
