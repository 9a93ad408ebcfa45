"""Which paired faces an experiment shows to a network, and which to its controls."""

import numpy as np
from jaxtyping import Bool

from facslens.datasets.stimuli import HALVES, Stimuli
from facslens.experiments.combined import TOGETHER
from facslens.experiments.trials import FULL

#: Rows of the stimuli.
Rows = Bool[np.ndarray, " image"]


def needed(stimuli: Stimuli) -> Rows:
    """Choose the faces that an experiment has to see.

    Of the choosing people those at rest and at full intensity; of the measuring people every
    single action unit at every grade, on both sides and on one, and the second face at rest. Of
    all people the prototypes of expressions, whole and without a member, and pairs, and each action
    unit alone at the grade of these.
    """
    table = stimuli.table
    beside = (table["kind"] == "alone") & (table["grade"] == TOGETHER)
    prototypes = table["kind"].isin(["together", "without", "pair"]) | beside
    measured = table["kind"].isin(["again", "alone", "side"]) & (table["half"] != HALVES[0])
    rows: Rows = compared(stimuli) | (prototypes | measured).to_numpy(dtype=bool)
    return rows


def compared(stimuli: Stimuli) -> Rows:
    """Choose the faces that controls have to see: those at rest and at full intensity."""
    table = stimuli.table
    alone = (table["kind"] == "alone") & (table["grade"] == FULL)
    rows: Rows = ((table["kind"] == "rest") | alone).to_numpy(dtype=bool)
    return rows
