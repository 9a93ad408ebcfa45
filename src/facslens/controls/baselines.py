"""Networks that should know less than the trained one: untrained, and of shuffled labels."""

import numpy as np
import pandas as pd

from facslens.datasets.base import Faces
from facslens.errors import NotEnoughDataError
from facslens.models.model import Model, build
from facslens.progress import Report, silent
from facslens.training.fit import Training, fit
from facslens.training.recipe import Recipe


def untrained(model: Model, seed: int) -> Model:
    """Make the same architecture with weights drawn afresh, as before a training.

    What its units tell of action units they tell because of the architecture and the faces
    alone [adebayo2018]_; a training is to be held against it.
    """
    return build(model.architecture, model.expressions, model.size, seed)


def shuffle_labels(faces: Faces, seed: int) -> Faces:
    """Deal the expressions of the training part out again, a sequence at a time.

    Faces of one sequence and one expression keep together, for they are near-duplicates; how
    often each label goes to such a group stays what it was. The other parts are untouched.

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
    return Faces(table.assign(expression=expression.astype("string")), faces.name, faces.notes)


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

    It begins where the trained network began: from `init`, or from weights of the seed.

    Such a network is fitted as hard as the trained one, to something that says nothing of
    faces: what its units tell was not learned from expressions.

    Raises
    ------
    NotEnoughDataError
        If there is too little to train on.
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
