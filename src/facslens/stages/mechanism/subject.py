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
from facslens.experiments.convergence import CAUSED
from facslens.experiments.faces import needed
from facslens.models.model import Model
from facslens.models.reading.any_reading import layers_named
from facslens.progress import Report
from facslens.runs.record import RunRecord
from facslens.stages.answers import Answers
from facslens.stages.stimulated import OUTPUT, read_faces, responding

#: In place of the names of layers: every one of them.
ALL = "all"
_CARD = ("layer", "au", "unit", "shown_as")


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
        """The rows of the stimuli that `facslens.experiments.faces.needed` names."""
        return self.stimuli.table[needed(self.stimuli)]

    def logits(self, progress: Report) -> Float[np.ndarray, "image expression"]:
        """Give the network's output for the rows of `table`."""
        if self.answers is not None:
            return self.answers.logits
        rows = needed(self.stimuli)
        total = int(rows.sum())
        (found,) = read_faces(
            self.stimuli,
            [(rows, responding(self.model, ()), self.model.input)],
            lambda n: progress(n, total, "faces"),
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

    def cards(self) -> pd.DataFrame:
        """Give the units that an action unit's card shows as *caused* or *observed*.

        Returns
        -------
        pandas.DataFrame
            layer, au, unit, shown_as: one row each. A unit is observed in a run whose tested
            mapping holds on unseen coded people.
        """
        units = self.units()
        caused = units[units["verdict"] == CAUSED].assign(shown_as="caused")
        parts = [caused[[*_CARD]]]
        if self.record is not None and self.record.has("experiment/convergence.csv"):
            both = self.record.table("experiment/convergence.csv")
            both = both[both["layer"].isin(self.layers)]
            held = both[both["status_observed"] == "confirmed"]
            joint = both[both["confirmed_real"].fillna(value=False)]
            for rows, column, shown in (
                (held, "unit_observed", "observed"),
                (joint, "unit_joint", "observed"),
                (joint[joint["verdict_joint"] == CAUSED], "unit_joint", "caused"),
            ):
                named = rows.rename(columns={column: "unit"}).assign(shown_as=shown)
                parts.append(named[[*_CARD]])
        every = pd.concat(parts).drop_duplicates().astype({"unit": "int64"})
        key = ["layer", "au", "unit"]
        ordered = every.sort_values("shown_as", kind="stable")
        grouped = ordered.groupby(key)["shown_as"].agg(", ".join)
        return grouped.reset_index()


def layers_of(every: Sequence[str], named: Sequence[str] | None) -> tuple[str, ...]:
    """Give the layers to look at: the last one, those of a name or pattern, or `ALL`.

    Raises
    ------
    CallError
        If there is no such layer.
    """
    if not named:
        return tuple(every[-1:])
    return tuple(every if ALL in named else layers_named(every, named))
