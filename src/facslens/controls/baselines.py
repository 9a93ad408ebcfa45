"""Networks to compare the trained one with: untrained, and trained on shuffled labels."""

from dataclasses import replace

import numpy as np
import pandas as pd

from facslens.datasets.base import Faces
from facslens.errors import NotEnoughDataError
from facslens.models.model import Model
from facslens.models.restart import restarted
from facslens.progress import Report, silent
from facslens.training.fit import Training, fit
from facslens.training.recipe import Recipe


def untrained(model: Model, seed: int) -> Model:
    """Make the same architecture with new random weights, as before a training.

    What its units detect is due to the architecture and the faces alone [adebayo2018]_; a trained
    network is compared with it to show what the training adds.

    Raises
    ------
    CallError
        If the weights cannot be drawn anew, see `facslens.models.restart.restarted`.
    """
    return replace(model, network=restarted(model.network, seed), training={})


def shuffle_labels(faces: Faces, seed: int) -> Faces:
    """Permute the expressions of the training part between sequences.

    Faces of one sequence and one expression are near-duplicates, so they form a group and get the
    same label; each label is given to as many groups as before. The other parts stay as they
    are.

    Raises
    ------
    NotEnoughDataError
        If the training part does not show two expressions.

    References
    ----------
    The data randomisation test of Adebayo et al. 2018 [adebayo2018]_.
    """
    table = faces.table
    sequence = table["sequence"].fillna(table["image"])
    training = (table["split"] == "train").fillna(False) & table["expression"].notna()
    groups = pd.MultiIndex.from_arrays([sequence[training], table["expression"][training]])
    codes, names = pd.factorize(groups)
    labels = np.array([expression for _, expression in names], dtype=object)
    if len(set(labels)) < 2:
        raise NotEnoughDataError(
            f"the training part of {faces.name} shows {len(set(labels))} expressions: shuffling "
            f"needs two or more"
        )
    dealt = np.random.default_rng(seed).permutation(labels)
    expression = table["expression"].copy()
    expression[training] = dealt[codes]
    return replace(faces, table=table.assign(expression=expression.astype("string")))


def shuffled(
    faces: Faces,
    model: Model,
    recipe: Recipe,
    seed: int,
    *,
    init: Model | None = None,
    progress: Report = silent,
) -> Training:
    """Train the same architecture on shuffled labels, by the same recipe or a cheaper one.

    The training begins from `init` like that of the trained network, or else from random weights.

    Such a network is trained in the same way, but on labels that are unrelated to the faces: what
    its units detect was not learned from expressions.

    Raises
    ------
    NotEnoughDataError
        If there are too few faces to train on.
    """
    return fit(
        shuffle_labels(faces, seed),
        architecture=model.architecture,
        size=model.size,
        seed=seed,
        recipe=recipe,
        init=init,
        progress=progress,
    )
