"""Where to cut a unit's responses so that it says "present" or "absent"."""

import numpy as np
from jaxtyping import Float


def best_thresholds(
    responses: Float[np.ndarray, "row unit"], labels: Float[np.ndarray, "row au"]
) -> tuple[Float[np.ndarray, "unit au"], Float[np.ndarray, "unit au"]]:
    """Give the threshold of largest F1 for every unit and action unit, and that F1.

    Parameters
    ----------
    responses
        Finite.
    labels
        1 present, 0 absent, NaN unknown: such rows play no part.

    Returns
    -------
    threshold
        In the response's unit; a response at or above it says "present". It lies halfway
        between two neighbouring responses, or at the smallest. Of equally good thresholds
        the highest is taken. NaN where no row carries the AU.
    f1
        2 TP / (2 TP + FP + FN) at that threshold, in the rows that chose it.

    Examples
    --------
    >>> responses = np.array([[1.0], [2.0], [4.0], [5.0]])
    >>> threshold, f1 = best_thresholds(responses, np.array([[0.0], [1.0], [1.0], [1.0]]))
    >>> threshold.item(), f1.item()
    (1.5, 1.0)
    """
    present, known = labels == 1, ~np.isnan(labels)
    n_present = present.sum(axis=0)
    threshold = np.empty((responses.shape[1], labels.shape[1]))
    f1 = np.empty_like(threshold)
    for unit, response in enumerate(responses.T):
        order = np.argsort(-response, kind="stable")
        ordered = response[order]
        ends = np.flatnonzero(np.diff(ordered, append=-np.inf))
        hits = np.cumsum(present[order], axis=0)[ends]
        said = np.cumsum(known[order], axis=0)[ends]
        score = 2 * hits / np.maximum(said + n_present, 1)
        best = score.argmax(axis=0)
        cuts = ordered[ends]
        lower = np.append(cuts[1:], cuts[-1])
        threshold[unit] = ((cuts + lower) / 2)[best]
        f1[unit] = score.max(axis=0)
    empty = n_present == 0
    threshold[:, empty] = f1[:, empty] = np.nan
    return threshold, f1
