"""Part ``effects``: what each action unit does to every expression."""

import pandas as pd

from facslens.action_units import PROTOTYPES
from facslens.experiments.effects import agreement, effects, members
from facslens.progress import Report
from facslens.stages.mechanism.subject import Subject


def of_effects(subject: Subject, progress: Report) -> dict[str, pd.DataFrame]:
    """Measure the effects, the members of prototypes, and their agreement with prototypes."""
    logits = subject.logits(progress)
    order = (subject.table, logits, subject.model.expressions, PROTOTYPES, subject.seed)
    return {
        "effects": effects(*order),
        "needed": members(*order),
        "agreement": pd.DataFrame(
            [agreement(*order)], columns=["auroc", "auroc_low", "auroc_high"]
        ),
    }
