"""Predict the expressions of faces, and measure how often the predictions are right."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from facslens.datasets.base import Faces
from facslens.models.model import Model
from facslens.preprocess import normalise
from facslens.progress import Report, silent

#: Columns that come before one probability column an expression.
COLUMNS = ("image", "split", "true", "predicted")


def predict(
    model: Model, faces: Faces, *, batch_size: int = 64, progress: Report = silent
) -> pd.DataFrame:
    """Give the probability of every expression for every face.

    Parameters
    ----------
    model
        A trained model.
    faces
        Any faces; an expression that is not known stays missing in ``true``.
    batch_size
        Faces in one forward pass; it does not change the result beyond rounding.

    Returns
    -------
    pandas.DataFrame
        Columns ``image``, ``split``, ``true``, ``predicted``, then a probability column for
        every expression of the model.
    """
    paths = list(faces.table["path"])
    parts: list[Float[np.ndarray, "image expression"]] = []
    with torch.inference_mode():
        for batch in normalise.batches(paths, model.input, batch_size):
            parts.append(torch.softmax(model.network(batch), dim=1).numpy())
            progress(sum(map(len, parts)), len(paths), "")
    probability = np.concatenate(parts) if parts else np.zeros((0, len(model.expressions)))
    names = np.asarray(model.expressions, dtype=object)
    return pd.DataFrame(
        {
            "image": faces.table["image"],
            "split": faces.table["split"],
            "true": faces.table["expression"],
            "predicted": pd.Series(names[probability.argmax(axis=1)], dtype="string"),
            **{name: probability[:, i] for i, name in enumerate(model.expressions)},
        }
    )


def accuracy(predictions: pd.DataFrame) -> float:
    """Share of right predictions among faces of known expression; NaN without any.

    Examples
    --------
    >>> accuracy(pd.DataFrame({"true": ["fear", "anger", None], "predicted": ["fear"] * 3}))
    0.5
    """
    known = predictions.dropna(subset=["true"])
    return float((known["true"] == known["predicted"]).mean()) if len(known) else float("nan")


def confusion(predictions: pd.DataFrame, expressions: Sequence[str]) -> pd.DataFrame:
    """Count the faces by true expression (rows) and predicted expression (columns)."""
    known = predictions.dropna(subset=["true"])
    names = list(expressions)
    counts = pd.crosstab(known["true"].astype(object), known["predicted"].astype(object))
    return counts.reindex(index=names, columns=names, fill_value=0).rename_axis(
        index="true", columns="predicted"
    )


def per_class(counts: pd.DataFrame) -> pd.DataFrame:
    """Precision, recall and F1 of each expression from its confusion matrix.

    Returns
    -------
    pandas.DataFrame
        Index expression; columns ``count``, ``precision``, ``recall``, ``f1``. Where a
        denominator is 0 (never shown, never predicted) the value is NaN, not 0.

    Examples
    --------
    >>> counts = pd.DataFrame([[3, 1], [0, 4]], index=["fear", "anger"], columns=["fear", "anger"])
    >>> per_class(counts).round(3).loc["fear"].tolist()
    [4.0, 1.0, 0.75, 0.857]
    """
    matrix = counts.to_numpy(dtype=float)
    right, shown, said = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)

    def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)

    return pd.DataFrame(
        {
            "count": shown.astype(int),
            "precision": share(right, said),
            "recall": share(right, shown),
            "f1": share(2 * right, shown + said),
        },
        index=counts.index,
    )
