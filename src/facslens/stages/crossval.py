"""Which units detect action units in each fold of a cross-validation."""

import numpy as np
import pandas as pd

from facslens.association.discovery.associate import associate
from facslens.association.replication.folds import beside, choose_units, fold_table
from facslens.association.sample import make_sample
from facslens.controls.baselines import untrained
from facslens.datasets.base import Faces
from facslens.datasets.frames import check_sequences
from facslens.datasets.splits import CONFIRMATION, DISCOVERY
from facslens.errors import DataError, NotEnoughDataError
from facslens.models.model import Model
from facslens.responses.recording import record_faces
from facslens.runs.parts import expression_strata


def check_aus(faces: Faces) -> None:
    """Check before the training that the faces have action unit labels, one set a sequence.

    Raises
    ------
    DataError
        If the faces have no action unit labels, or these could only be tested by frame.
    """
    if not faces.aus:
        raise DataError(
            f"{faces.name} has no action unit labels: add them, for example with aus=FILE"
        )
    check_sequences(faces)


def associate_fold(model: Model, faces: Faces, seed: int = 0, controls: int = 0) -> pd.DataFrame:
    """Choose units of the last layer on a fold's discovery part, and test them on the others.

    Units of untrained networks are chosen and tested by the same rule.

    Parameters
    ----------
    model
        The fold's network.
    faces
        With the fold's split; neutral faces are discarded.
    seed
        Of the permutations and the training; the untrained networks use the seeds after it.
    controls
        Number of untrained networks of the same architecture to compare it with.

    Returns
    -------
    pandas.DataFrame
        As `fold_table` gives it, with the columns of `beside`; empty where no unit could be chosen.
    """
    faces = faces.where(~faces.neutral)
    layer = model.reading.choose(None)[-1]
    found = _tell(model, faces, layer, seed)
    # not the seed of the training itself, which drew the weights that it began with
    others = [untrained(model, seed + 1 + number) for number in range(controls)]
    return beside(found, [_tell(other, faces, layer, seed) for other in others])


def _tell(model: Model, faces: Faces, layer: str, seed: int) -> pd.DataFrame:
    """Choose a network's units, and give their responses to a fold's test subjects."""
    responses = record_faces(model, faces, layers=[layer]).responses.response(layer)
    aus = list(faces.aus)
    chosen = _choose(responses, faces, layer, seed)
    rows = faces.table["split"].isin(CONFIRMATION).to_numpy(dtype=bool)
    test = faces.where(rows)
    strata = expression_strata(test)
    sample = make_sample(
        responses[rows],
        test.table[aus],
        sequence=test.table["sequence"],
        subject=test.table["subject"],
        strata=strata,
    )
    return fold_table(
        chosen,
        sample,
        aus=aus,
        people=sorted(test.table["subject"].unique()),
        expressions=sorted(strata.unique()),
    )


def _choose(responses: np.ndarray, faces: Faces, layer: str, seed: int) -> pd.DataFrame:
    rows = faces.table["split"].isin(DISCOVERY).to_numpy(dtype=bool)
    table = faces.table[rows]
    try:
        association = associate(
            responses[rows],
            table[list(faces.aus)],
            sequence=table["sequence"],
            subject=table["subject"],
            seed=seed,
            layer=layer,
        )
    except NotEnoughDataError:  # a fold without a choice is counted, it ends no other fold
        return pd.DataFrame(columns=["au", "layer", "unit", "accepted"])
    return choose_units(association)
