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
    # Along a row of its own, an action unit's labels are summed many times as fast.
    present = np.ascontiguousarray((labels == 1).T)
    known = np.ascontiguousarray(~np.isnan(labels).T)
    complete, n_present = known.all(), present.sum(axis=1)
    threshold = np.empty((len(units.order), labels.shape[1]))
    f1 = np.empty_like(threshold)
    for unit, (order, step) in enumerate(zip(units.order, units.step, strict=True)):
        ends = np.append(np.flatnonzero(step > 0), len(order) - 1)
        hits = np.cumsum(present[:, order], axis=1, dtype=np.int32)[:, ends]
        said = ends + 1 if complete else np.cumsum(known[:, order], axis=1, dtype=np.int32)[:, ends]
        score = 2 * hits / np.maximum(said + n_present[:, None], 1)
        best = score.argmax(axis=1)
        cuts = units.responses[order[ends], unit]
        lower = np.append(cuts[1:], cuts[-1])
        threshold[unit] = ((cuts + lower) / 2)[best]
        f1[unit] = score.max(axis=1)
    empty = n_present == 0
    threshold[:, empty] = f1[:, empty] = np.nan
    return threshold, f1
