"""How often a response is larger with an action unit than without, among comparable pairs.

Only rows of one stratum are compared. Without strata these are any two rows. Strata are, for
example, the expressions, to test what a unit detects beyond the expression, or the folds of a
cross-validation, where each fold has a network of its own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

from facslens.association.distances.table import distances


@dataclass(frozen=True)
class Concordance:
    """The share of pairs (present, absent) of one stratum that the present row wins.

    Parameters
    ----------
    value
        (unit, au): pooled over the strata; a tie counts half. NaN without a comparable pair.
    pairs
        (au,): comparable pairs.
    rarer
        (au,): rows with the label that is rarer in their stratum, summed over the strata. This
        is the sample size behind the value; a stratum with one label only adds nothing.
    """

    value: Float[np.ndarray, "unit au"]
    pairs: Int[np.ndarray, " au"]
    rarer: Int[np.ndarray, " au"]


def concordance(
    responses: Float[np.ndarray, "row unit"],
    labels: Float[np.ndarray, "row au"],
    strata: Int[np.ndarray, " row"] | None = None,
) -> Concordance:
    """Pool the AUROC of the strata, each weighted by its pairs n₁ n₀.

    Parameters
    ----------
    responses
        Finite.
    labels
        1 present, 0 absent, NaN unknown.
    strata
        Number of each row's stratum; None is one stratum, and then it is the AUROC itself.

    Examples
    --------
    Overall the present rows win three of six pairs, within the two strata one of three.

    >>> responses = np.array([[1.0], [2.0], [4.0], [3.0], [5.0]])
    >>> labels = np.array([[1.0], [0.0], [0.0], [1.0], [1.0]])
    >>> concordance(responses, labels).value.round(3).item()
    0.5
    >>> within = concordance(responses, labels, np.array([0, 0, 1, 1, 1]))
    >>> within.value.round(3).item(), within.pairs, within.rarer
    (0.333, array([3]), array([2]))
    """
    shape = responses.shape[1], labels.shape[1]
    won = np.zeros(shape)
    pairs, rarer = np.zeros(shape[1], np.int64), np.zeros(shape[1], np.int64)
    numbers = np.zeros(len(labels), np.intp) if strata is None else strata
    for number in np.unique(numbers):
        rows = numbers == number
        n1, n0 = (labels[rows] == 1).sum(axis=0), (labels[rows] == 0).sum(axis=0)
        if not (n1 * n0).any():
            continue
        auroc = distances(responses[rows], labels[rows], "auroc")[0]
        auroc[np.ptp(responses[rows], axis=0) == 0] = 0.5  # all ties, here
        won += np.where(n1 * n0 > 0, auroc, 0) * (n1 * n0)
        pairs += n1 * n0
        rarer += np.minimum(n1, n0)
    return Concordance(won / np.where(pairs > 0, pairs, np.nan), pairs, rarer)


def resampled_concordance(
    response: Float[np.ndarray, " row"],
    label: Num[np.ndarray, " row"],
    subject: Int[np.ndarray, " row"],
    weights: Float[np.ndarray, "resample subject"],
    strata: Int[np.ndarray, " row"] | None = None,
) -> Float[np.ndarray, " resample"]:
    """Compute the concordance of one unit in every resample of the subjects.

    Notes
    -----
    A sum over pairs of subjects, wᵀ A w over wᵀ N w, with A the comparisons won, N those made
    and w how often each subject was drawn. NaN where a resample has no comparable pair.

    Examples
    --------
    Each subject once is the AUROC itself; the last subject's high absent response costs one
    of two comparisons, two of three when it is drawn twice.

    >>> response, label = np.array([2.0, 1.0, 3.0]), np.array([1, 0, 0])
    >>> weights = np.array([[1.0, 1, 1], [1.0, 1, 2]])
    >>> resampled_concordance(response, label, np.array([0, 1, 2]), weights).round(3)
    array([0.5  , 0.333])
    """
    owner = np.eye(weights.shape[1])[subject]
    present, absent = label == 1, label == 0
    difference = response[present][:, None] - response[absent]
    wins = (difference > 0) + 0.5 * (difference == 0)
    n1, n0 = weights @ owner[present].sum(axis=0), weights @ owner[absent].sum(axis=0)
    made = n1 * n0
    if strata is not None:
        compare = strata[present][:, None] == strata[absent]
        wins = wins * compare
        made = _bilinear(owner[present].T @ compare @ owner[absent], weights)
    won = _bilinear(owner[present].T @ wins @ owner[absent], weights)
    return won / np.where(made > 0, made, np.nan)


def _bilinear(
    matrix: Float[np.ndarray, "subject subject"], weights: Float[np.ndarray, "resample subject"]
) -> Float[np.ndarray, " resample"]:
    return np.asarray(np.einsum("rs,rs->r", weights @ matrix, weights))
