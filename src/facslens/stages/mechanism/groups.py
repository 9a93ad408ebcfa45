"""Part ``groups``: whether twins of another skin, age or sex are read as strongly."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from facslens.datasets.stimuli import HALVES, Stimuli
from facslens.experiments.effects import centred
from facslens.experiments.faces import Rows
from facslens.experiments.groups import Measure, at_rest, groups, most_moved
from facslens.experiments.trials import FULL
from facslens.preprocess.input import Input
from facslens.progress import Report
from facslens.stages.mechanism.subject import Subject
from facslens.stages.stimulated import OUTPUT, as_read, read_faces, responding


def of_groups(subject: Subject, progress: Report) -> dict[str, pd.DataFrame]:
    """Compare twins: the units of the experiment, the expressions, and the pixels beside them.

    Stimuli without twins give a table without rows.
    """
    stimuli = subject.stimuli
    rows = shown(stimuli)
    if not rows.any():
        return {"groups": groups(stimuli.table[rows], [], subject.seed)}
    expressions = subject.model.expressions
    moved = most_moved(subject.table, subject.logits(progress), expressions)
    table, found = stimuli.table[rows], _read(subject, rows, progress)
    units = subject.units()
    measures = []
    for layer in subject.layers:
        own = units[units["layer"] == layer]
        chosen = dict(zip(own["au"], own["unit"].astype(int), strict=True))
        measures.append(Measure("unit", found[layer], chosen, layer))
    logits = centred(found[OUTPUT].astype(np.float64))
    measures.append(Measure("expression", logits, moved, expressions=expressions))
    measures.append(Measure("pixels", found["pixels"], dict.fromkeys(stimuli.aus, 0), tested=False))
    return {"groups": groups(table, measures, subject.seed)}


def shown(stimuli: Stimuli) -> Rows:
    """Choose the faces of the measuring people at rest and at full intensity, and their twins.

    Of people, in settings, in which there are twins.
    """
    table = stimuli.table
    block = pd.MultiIndex.from_frame(table[["person", "setting"]])
    twin = (table["kind"] == "twin") & (table["half"] == HALVES[1])
    alone = (table["kind"] == "alone") & (table["grade"] == FULL)
    own = ((table["kind"] == "rest") | alone) & block.isin(block[twin])
    rows: Rows = (twin | own).to_numpy(dtype=bool)
    return rows


def _read(subject: Subject, rows: Rows, progress: Report) -> dict[str, np.ndarray]:
    total = int(rows.sum())
    beside = _Pixels(subject.model.input, at_rest(subject.stimuli.table[rows]))
    own = responding(subject.model, subject.layers)

    def reader(faces: Tensor) -> Mapping[str, np.ndarray]:
        return {**own(faces), "pixels": beside(faces)}

    (found,) = read_faces(
        subject.stimuli,
        [(rows, reader, subject.model.input)],
        lambda n: progress(n, total, "twins"),
    )
    return found


@dataclass
class _Pixels:
    """Measure how far each face is, as it is read, from its face at rest.

    Parameters
    ----------
    into
        What is read of it.
    rest
        For every face, in the order in which they are read, the number of the one at rest, which
        comes before it.
    """

    into: Input
    rest: Int[np.ndarray, " image"]
    read: int = 0
    kept: dict[int, Tensor] = field(default_factory=dict)

    def __call__(self, faces: Float[Tensor, "_face _channel _row _column"]) -> np.ndarray:
        """Give the mean absolute difference over pixels; (face, 1)."""
        bright = as_read(faces, self.into)
        numbers = range(self.read, self.read + len(faces))
        self.read += len(faces)
        for number, face in zip(numbers, bright, strict=True):
            if self.rest[number] == number:
                self.kept[number] = face.clone()
        rest = torch.stack([self.kept[int(self.rest[number])] for number in numbers])
        return (bright - rest).abs().mean(dim=(1, 2, 3))[:, None].numpy()
