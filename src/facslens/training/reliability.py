"""Compare the probabilities that a network predicts with how often it is right."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from facslens.statistics import calibration_bins
from facslens.training.intervals import wilson

BINS: Final = 15


@dataclass(frozen=True)
class Reliability:
    """How far predicted probabilities are from observed frequencies.

    Parameters
    ----------
    ece
        Expected calibration error: the mean distance between confidence and accuracy over the
        bins, each weighted by its faces. In [0, 1], and biased upwards where bins hold few
        faces.
    brier
        Mean over faces of the squared distance between the probabilities and the truth, summed
        over classes. In [0, 2]; lower is better.
    confidence
        Mean of the largest probability; a network for which it exceeds the accuracy is
        overconfident.
    table
        A row for each bin of the largest probability (low, high]: ``low``, ``high``, ``count``,
        ``confidence``, ``accuracy``, ``accuracy_low``, ``accuracy_high``; NaN in an empty bin.
    """

    ece: float
    brier: float
    confidence: float
    table: pd.DataFrame


def reliability(
    probability: Float[np.ndarray, "image expression"],
    true: Int[np.ndarray, " image"],
    bins: int = BINS,
) -> Reliability:
    """Compare the largest probability of every face with how often it is right.

    Parameters
    ----------
    probability
        Rows that sum to 1.
    true
        The column of what each face shows.
    bins
        Of equal width on (0, 1].

    Returns
    -------
    Reliability
        All NaN without faces.

    References
    ----------
    Guo et al. 2017, section 2 [guo2017]_; Brier 1950 [brier1950]_.

    Examples
    --------
    Two predictions with probability 0.8, one of them wrong: the accuracy is 0.5, which differs by
    0.3; the squared distances are 0.08 and 1.28.

    >>> found = reliability(np.array([[0.8, 0.2], [0.2, 0.8]]), np.array([0, 0]))
    >>> round(found.ece, 3), round(found.brier, 3), round(found.confidence, 3)
    (0.3, 0.68, 0.8)
    """
    count = len(true)
    top = probability.max(axis=1) if count else np.zeros(0)
    right = probability.argmax(axis=1) == true if count else np.zeros(0, bool)
    found = calibration_bins(top, right, bins)
    edges, faces = np.arange(bins + 1) / bins, found.count
    accuracy = [wilson(int(h), int(n)) for h, n in zip(found.hits, faces, strict=True)]
    table = pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "count": faces,
            "confidence": np.where(faces > 0, found.said / np.maximum(faces, 1), np.nan),
            "accuracy": [a.value for a in accuracy],
            "accuracy_low": [a.low for a in accuracy],
            "accuracy_high": [a.high for a in accuracy],
        }
    )
    if not count:
        return Reliability(np.nan, np.nan, np.nan, table)
    truth = np.eye(probability.shape[1])[true]
    return Reliability(
        ece=found.error,
        brier=float(np.square(probability - truth).sum(axis=1).mean()),
        confidence=float(top.mean()),
        table=table,
    )
