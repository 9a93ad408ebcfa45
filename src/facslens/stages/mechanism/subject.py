"""What the parts of a mechanism are asked about: a network, drawn faces, and an experiment."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from jaxtyping import Float

from facslens.datasets.stimuli import Stimuli
from facslens.errors import CallError
from facslens.experiments.analysis import Findings
from facslens.models.model import Model
from facslens.progress import Report
from facslens.runs.record import RunRecord
from facslens.stages.answers import Answers
from facslens.stages.stimulated import OUTPUT, needed, read_faces, responding

#: In place of the names of layers: every one of them.
ALL = "all"


@dataclass(frozen=True)
class Subject:
    """A network, the drawn faces, and what is known of both.

    Parameters
    ----------
    model, stimuli
        The network and the faces.
    layers
        Names of the convolution layers whose units are looked at, in the order of the network.
    seed
        Of everything random.
    findings
        Of the experiment in these layers; None if it has not been made, or is not needed.
    answers
        What the network answered in it; None asks the network where it is needed.
    record
        The run whose network it is; None for any other network.
    """

    model: Model
    stimuli: Stimuli
    layers: tuple[str, ...]
    seed: int = 0
    findings: Findings | None = None
    answers: Answers | None = None
    record: RunRecord | None = None

    @cached_property
    def table(self) -> pd.DataFrame:
        """The rows of the stimuli that `facslens.stages.stimulated.needed` names."""
        return self.stimuli.table[needed(self.stimuli)]

    def logits(self, progress: Report) -> Float[np.ndarray, "image expression"]:
        """Give the network's output for the rows of `table`."""
        if self.answers is not None:
            return self.answers.logits
        rows = needed(self.stimuli)
        total = int(rows.sum())
        with responding(self.model, ()) as reader:
            (found,) = read_faces(
                self.stimuli, self.model.size, [(rows, reader)], lambda n: progress(n, total, "")
            )
        logits: Float[np.ndarray, "image expression"] = found[OUTPUT]
        return logits

    def units(self) -> pd.DataFrame:
        """Give the units of the experiment: layer, au, unit and verdict, one row each.

        Raises
        ------
        CallError
            If no experiment was made.
        """
        if self.findings is None:
            raise CallError("the units of an experiment are needed: make one first")
        caused = self.findings.caused
        own = caused[caused["layer"].isin(self.layers)].dropna(subset=["unit"])
        return own[["layer", "au", "unit", "verdict"]].reset_index(drop=True)


def layers_of(every: Sequence[str], named: Sequence[str] | None) -> tuple[str, ...]:
    """Give the layers to look at: the last one, those that are named, or `ALL`.

    Raises
    ------
    CallError
        If there is no such layer.
    """
    for name in named or ():
        if name not in (*every, ALL):
            raise CallError(f"there is no layer {name!r}: expected {', '.join(every)} or {ALL}")
    if not named:
        return tuple(every[-1:])
    return tuple(layer for layer in every if layer in named or ALL in named)
