"""Part ``layers``: where action units become readable, and where expressions do."""

import numpy as np
import pandas as pd

from facslens.controls.baselines import untrained
from facslens.experiments.faces import Rows
from facslens.experiments.probes import SHOWN
from facslens.experiments.readable import readable
from facslens.models.directions import undirected
from facslens.progress import Report
from facslens.stages.mechanism.subject import Subject
from facslens.stages.stimulated import OUTPUT, read_faces, responding, settle


def of_layers(subject: Subject, progress: Report) -> dict[str, pd.DataFrame]:
    """Probe every layer of the network, and of an untrained one, whichever layers are looked at."""
    model, stimuli = undirected(subject.model), subject.stimuli
    layers = model.reading.choose(None)
    other = untrained(model, subject.seed + 1)
    settle([other], stimuli)
    rows = probed(stimuli.table)
    total = 2 * int(rows.sum())
    readers = [(rows, responding(one, layers), one.input) for one in (model, other)]
    own, plain = read_faces(stimuli, readers, lambda n: progress(n, total, "faces"))
    logits = own.pop(OUTPUT)
    found = readable(
        stimuli.table[rows],
        own,
        plain,
        logits,
        model.expressions,
        subject.seed,
        lambda done: progress(done, len(layers), "probes"),
    )
    return {
        "readable": found.readable,
        "readable_layers": found.layers,
        "readable_from": found.first,
    }


def probed(table: pd.DataFrame) -> Rows:
    """Choose the faces at rest, and with each action unit alone at the grades of `SHOWN`."""
    alone = (table["kind"] == "alone") & table["grade"].isin(SHOWN)
    rows: Rows = np.asarray((table["kind"] == "rest") | alone, dtype=bool)
    return rows
