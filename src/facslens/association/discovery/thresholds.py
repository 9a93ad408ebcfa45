"""Where to cut a unit's responses so that it says "present" or "absent"."""

import numpy as np
from jaxtyping import Float

from facslens.association.distances.units import Units


def best_thresholds(
    units: Units, labels: Float[np.ndarray, "row au"]
) -> tuple[Float[np.ndarray, "unit au"], Float[np.ndarray, "unit au"]]:
    """Give the threshold of largest F1 for every unit and action unit, and that F1.

    Parameters
    ----------
    units
        Their responses, one row for each row of labels.
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
    >>> labels = np.array([[0.0], [1.0], [1.0], [1.0]])
    >>> threshold, f1 = best_thresholds(Units(responses), labels)
    >>> threshold.item(), f1.item()
    (1.5, 1.0)
    """
    # Each action unit has a contiguous row. F1 only rises where a row with it is passed, so that
    # the k-th of those, with all that tie with it, is all there is to try.
    present = np.ascontiguousarray((labels == 1).T)
    known = np.ascontiguousarray(~np.isnan(labels).T)
    complete, n_present = known.all(), present.sum(axis=1)
    threshold = np.full((len(units.order), labels.shape[1]), np.nan)
    f1 = np.full_like(threshold, np.nan)
    for unit, (order, step) in enumerate(zip(units.order, units.step, strict=True)):
        ends = np.append(np.flatnonzero(step > 0), len(order) - 1)
        end = np.repeat(ends, np.diff(ends, prepend=-1))  # of the values that tie with each
        ordered = units.responses[order, unit]
        for au in np.flatnonzero(n_present):
            last = end[np.flatnonzero(present[au, order])]
            said = last + 1 if complete else np.cumsum(known[au, order])[last]
            score = 2 * np.arange(1, len(last) + 1) / (said + len(last))
            best = score.argmax()
            lower = min(last[best] + 1, len(order) - 1)
            threshold[unit, au] = (ordered[last[best]] + ordered[lower]) / 2
            f1[unit, au] = score[best]
    return threshold, f1
