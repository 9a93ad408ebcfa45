"""Which action units occur together so often that these faces cannot tell them apart.

Posed faces show several action units at once, so that a unit that detects one of them seems to
detect all. `facslens.association.confirmation.partial` measures the part of an effect that the
other action units do not explain.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float

from facslens.association.coverage import MIN_PRESENT, MIN_SUBJECTS

#: Ridge of the two fits, as a share of each standardised predictor's variance: enough to keep
#: action units that nearly always come together finite, too little to leave much of them in.
RIDGE: Final = 0.01


def residuals(
    predictors: Float[np.ndarray, "row predictor"],
    targets: Float[np.ndarray, "row target"],
    new_predictors: Float[np.ndarray, "other predictor"],
    new_targets: Float[np.ndarray, "other target"],
) -> tuple[Float[np.ndarray, "row target"], Float[np.ndarray, "other target"]]:
    """Fit a ridge regression on some rows and give the residuals of these and of other rows.

    Notes
    -----
    β = (XᵀX + λ n I)⁻¹ Xᵀ (Y − Ȳ) with X standardised by its own mean and deviation and
    λ = `RIDGE`. NaN and constant predictors count as their mean.

    References
    ----------
    [hoerl1970]_
    """
    known = ~np.isnan(predictors)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, predictors, 0).sum(axis=0) / count
    spread = np.sqrt(np.where(known, (predictors - mean) ** 2, 0).sum(axis=0) / count)
    spread = np.where(spread > 0, spread, np.inf)
    x, new_x = (np.nan_to_num((p - mean) / spread) for p in (predictors, new_predictors))
    centre = targets.mean(axis=0)
    penalty = RIDGE * len(x) * np.eye(x.shape[1])
    beta = np.linalg.solve(x.T @ x + penalty, x.T @ (targets - centre))
    return targets - centre - x @ beta, new_targets - centre - new_x @ beta


def confound_table(
    labels: Float[np.ndarray, "sequence au"],
    aus: Sequence[str],
    subject: np.ndarray | None = None,
    *,
    min_sequences: int = MIN_PRESENT,
    min_subjects: int = MIN_SUBJECTS,
) -> pd.DataFrame:
    """Find the action units that occur together so often that no unit could tell them apart.

    Parameters
    ----------
    labels
        1, 0 or NaN; one row a sequence.
    aus
        Name of each column.
    subject
        Number of each row's subject.
    min_sequences, min_subjects
        Two AUs can be told apart where at least this many sequences, of this many subjects,
        show one of the two without the other.

    Returns
    -------
    pandas.DataFrame
        One row an AU: au; closest, the AU whose labels correlate most with its own; phi, that
        correlation; n_differ, the sequences in which exactly one of the two is present;
        explained, the share of the label's variance that all other AUs predict, in these
        sequences; inseparable, the AUs from which it cannot be told apart, separated by blanks.
        For an AU that never varies closest is missing and phi is NaN.

    Examples
    --------
    >>> labels = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1], [0, 0, 0.0]])
    >>> table = confound_table(labels, ["AU01", "AU02", "AU12"], min_sequences=1)
    >>> table[["au", "closest", "phi", "n_differ"]]
         au closest  phi  n_differ
    0  AU01    AU02  1.0         0
    1  AU02    AU01  1.0         0
    2  AU12    AU01  0.0         2
    >>> table["inseparable"].tolist()
    ['AU02', 'AU01', '']
    """
    rows = []
    for j, au in enumerate(aus):
        phi = np.full(len(aus), np.nan)
        differ = np.zeros(len(aus), np.int64)
        inseparable = []
        for k, other in enumerate(aus):
            known = ~np.isnan(labels[:, [j, k]]).any(axis=1)
            one, two = labels[known, j], labels[known, k]
            if k == j or not (0 < one.sum() < len(one) and 0 < two.sum() < len(two)):
                continue
            phi[k] = np.corrcoef(one, two)[0, 1]
            apart = one != two
            differ[k] = int(apart.sum())
            people = differ[k] if subject is None else len(np.unique(subject[known][apart]))
            if differ[k] < min_sequences or (subject is not None and people < min_subjects):
                inseparable.append(other)
        alone = bool(np.isnan(phi).all())
        best = 0 if alone else int(np.nanargmax(phi))
        rows.append(
            {
                "au": au,
                "closest": pd.NA if alone else aus[best],
                "phi": phi[best] if not alone else np.nan,
                "n_differ": pd.NA if alone else int(differ[best]),
                "explained": _explained(labels, j),
                "inseparable": " ".join(inseparable),
            }
        )
    return pd.DataFrame(rows).astype({"closest": "string", "n_differ": "Int64"})


def _explained(labels: Float[np.ndarray, "sequence au"], column: int) -> float:
    """Give the share of a label's variance that the others predict; NaN where it does not vary."""
    known = ~np.isnan(labels[:, column])
    label = labels[known, column][:, None]
    if not known.any() or np.ptp(label) == 0:
        return float("nan")
    others = np.delete(labels[known], column, axis=1)
    left, _ = residuals(others, label, others, label)
    return float(1 - left.var() / label.var())
