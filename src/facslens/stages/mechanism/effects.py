"""Part ``effects``: what each action unit does to every expression."""

import pandas as pd

from facslens.action_units import INTERACTING, PROTOTYPES
from facslens.datasets.base import is_neutral
from facslens.experiments.effects import agreement, effects, members
from facslens.experiments.interactions import interactions
from facslens.experiments.sequences import SEQUENCES, sequences
from facslens.experiments.words import words
from facslens.progress import Report
from facslens.runs.parts import confirmation
from facslens.stages.mechanism.subject import Subject


def of_effects(subject: Subject, progress: Report) -> dict[str, pd.DataFrame]:
    """Measure the effects alone, in prototypes and together, beside those in sequences of faces."""
    logits = subject.logits(progress)
    model, seed = subject.model, subject.seed
    order = (subject.table, logits, model.expressions, PROTOTYPES, seed, model.scale)
    logits_of = order[:3]
    found = {
        "effects": effects(*order),
        "needed": members(*order),
        "interactions": interactions(*logits_of, INTERACTING, seed, model.scale),
    }
    return found | {
        "agreement": pd.DataFrame(
            [agreement(*order)], columns=["auroc", "auroc_low", "auroc_high"]
        ),
        "sequences": of_sequences(subject, found["effects"]),
        # of numbers that are no chances of expressions the sentences would be wrong
        "words": words(found, model.expressions if model.scale != "none" else ()),
    }


def of_sequences(subject: Subject, found: pd.DataFrame) -> pd.DataFrame:
    """Measure a run's sequences of people whom its network has not seen; none elsewhere.

    Parameters
    ----------
    subject
        The network. Where it is none of a run, or the run holds no predictions, or no sequence
        with a neutral face, there are no rows.
    found
        The effects on drawn faces.
    """
    record, expressions = subject.record, list(subject.model.expressions)
    if record is None or not record.has("predictions.parquet"):
        return pd.DataFrame(columns=list(SEQUENCES))
    faces = record.faces
    rows = confirmation(faces, neutral=True).rows
    table = faces.table[rows]  # a sequence keeps its neutral frames here
    said = record.predictions.set_index("image").reindex(table["image"])
    return sequences(
        table.reset_index(drop=True),
        said[expressions].to_numpy(),
        is_neutral(table),
        expressions,
        faces.aus,
        found,
        subject.seed,
    )
