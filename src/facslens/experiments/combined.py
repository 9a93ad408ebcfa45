"""Changes from rest under several action units at once, by person, and their means over people."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from facslens.errors import CallError
from facslens.experiments.absolute import resampled
from facslens.statistics import percentiles

#: The grade at which prototypes, pairs and the action units alone beside them are drawn.
TOGETHER: Final = "D"
_KINDS: Final = ("together", "without", "pair", "alone")

#: By kind and action units, separated by blanks: the change of every expression, a row for each
#: person and setting.
Changes = dict[tuple[str, str], pd.DataFrame]


def checked(
    logits: Float[np.ndarray, "image expression"], expressions: Sequence[str]
) -> Float[np.ndarray, "image expression"]:
    """Give logits in double precision.

    Raises
    ------
    CallError
        If there is not one column for each expression, if there are fewer than two of them, or
        if a value is not finite.
    """
    if logits.shape[1] != len(expressions):
        raise CallError(
            f"logits has {logits.shape[1]} columns: expected one for each of "
            f"{len(expressions)} expressions"
        )
    if len(expressions) < 2:
        raise CallError(
            f"the network reads {len(expressions)} expression{'s' * (len(expressions) != 1)}: "
            f"a change towards an expression needs at least two"
        )
    if not np.isfinite(logits).all():
        image = int(np.flatnonzero(~np.isfinite(logits).all(axis=1))[0])
        raise CallError(f"the logits of image {image} are not finite: a change needs numbers")
    return logits.astype(np.float64)


def changes_together(table: pd.DataFrame, values: Float[np.ndarray, "image expression"]) -> Changes:
    """Give the changes from rest at the grade `TOGETHER`, by kind and action units.

    Parameters
    ----------
    table
        Rows as `facslens.experiments.trials.arrange` takes them.
    values
        Of every row, such as centred logits.
    """
    keys = table[["person", "setting", "kind", "aus", "grade"]].reset_index(drop=True)
    wide = pd.DataFrame(values).set_index(pd.MultiIndex.from_frame(keys[["person", "setting"]]))
    rest = wide[(keys["kind"] == "rest").to_numpy()]
    change = wide - rest.reindex(wide.index).to_numpy()
    drawn = keys["kind"].isin(_KINDS) & (keys["grade"] == TOGETHER)
    return {
        (str(kind), str(aus)): change.iloc[rows.index]
        for (kind, aus), rows in keys[drawn].groupby(["kind", "aus"], sort=False)
    }


def by_person(faces: Sequence[pd.DataFrame]) -> Float[np.ndarray, "person face expression"]:
    """Give several changes side by side, for the people in whom all were drawn.

    Only settings in which a person was drawn in all these ways count; their mean stands for the
    person. People are in the order of their names.
    """
    shared = faces[0].index
    for other in faces[1:]:
        shared = shared.intersection(other.index)
    people = shared.get_level_values(0)
    means = [face.loc[shared].groupby(people).mean().to_numpy() for face in faces]
    return np.stack(means, axis=1)


def means(
    values: Float[np.ndarray, "person row column"], seed: int
) -> tuple[Float[np.ndarray, "row column"], ...]:
    """Average over the known people, with a 95 % percentile interval over resampled people."""
    known: Bool[np.ndarray, "person row column"] = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    counts: Int[np.ndarray, "resample person"] = resampled(len(values), seed)
    with np.errstate(invalid="ignore"):
        mean = filled.sum(axis=0) / known.sum(axis=0)
        drawn = np.tensordot(counts, filled, axes=1) / np.tensordot(counts, known, axes=1)
    low, high = percentiles(np.moveaxis(drawn, 0, -1))
    return mean, low, high
