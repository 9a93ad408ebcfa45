"""From drawn to real faces and back: what a network reads off faces that it was not trained on.

    python benchmarks/transfer.py RUN SPEC

RUN is a finished run; SPEC other faces. Accuracy is over the faces whose expression the network
knows, its other expressions masked; AUROC is that of each action unit's first unit, on the peaks.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from facslens.association.distances.table import distances
from facslens.association.sample import make_sample
from facslens.datasets.load import load
from facslens.responses.recording import record_faces
from facslens.runs.record import RunRecord
from facslens.runs.selection import first_units
from facslens.training.predictions import predict


def main(folder: Path, spec: str) -> None:
    """Print both."""
    record = RunRecord.open(folder)
    model, faces = record.model, load(spec)
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
    layer = record.mapping["layer"].iloc[-1]
    first = first_units(record.mapping, layer).dropna(subset=["unit"])
    first = first[first["au"].isin(faces.aus)]
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
