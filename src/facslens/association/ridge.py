"""Ridge regression of many labels at once, its penalty chosen on people who are left out."""

from typing import Final

import numpy as np
from jaxtyping import Float, Int, Num

#: Penalties tried, for standardised responses and the mean squared error.
PENALTIES: Final = tuple(10.0**k for k in range(-3, 4))
#: Folds of the subjects by which the penalty is chosen.
FOLDS: Final = 5


def ridge(
    responses: Float[np.ndarray, "row unit"],
    label: Num[np.ndarray, "row ..."],
    penalties: tuple[float, ...] = PENALTIES,
) -> tuple[Float[np.ndarray, "unit penalty ..."], Float[np.ndarray, "penalty ..."]]:
    """Fit a linear model of each label by ridge regression.

    Minimises mean (label − responses · weights − intercept)² + penalty · |weights|² for each
    penalty.

    Parameters
    ----------
    responses
        Of every row.
    label
        One for each row, or several in columns.
    penalties
        Positive numbers.

    Returns
    -------
    weights, intercept

    Notes
    -----
    One eigendecomposition of the covariances, of the units or, where there are fewer, of the
    rows, serves all penalties and labels [hoerl1970]_.

    References
    ----------
    [hoerl1970]_

    Examples
    --------
    Without a penalty to speak of the line goes through both points.

    >>> weights, intercept = ridge(np.array([[0.0], [2.0]]), np.array([0, 1]), (1e-9,))
    >>> weights.round(6).item(), intercept.round(6).item()
    (0.5, 0.0)
    """
    rows, units = responses.shape
    centre, level = responses.mean(axis=0), label.mean(axis=0)
    centred = responses - centre
    wide = rows < units
    products = centred @ centred.T if wide else centred.T @ centred
    squares, vectors = np.linalg.eigh(products)
    parted = (label - level).reshape(rows, -1)
    parted = vectors.T @ (parted if wide else centred.T @ parted)
    shrunk = np.maximum(squares, 0)[:, None] + rows * np.array(penalties)
    found = np.tensordot(vectors, parted[:, None] / shrunk[:, :, None], axes=1)
    weights = np.tensordot(centred.T, found, axes=1) if wide else found
    weights = weights.reshape(units, len(penalties), *label.shape[1:])
    return weights, level - np.tensordot(centre, weights, axes=1)


def grouped_folds(
    subject: Int[np.ndarray, " row"], folds: int, seed: int
) -> Int[np.ndarray, " row"]:
    """Assign subjects to folds of nearly equal size at random; each subject is in one fold."""
    names, codes = np.unique(subject, return_inverse=True)
    place: Int[np.ndarray, " row"] = np.random.default_rng(seed).permutation(len(names))[codes]
    return place % folds
