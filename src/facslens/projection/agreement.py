"""The similarity of two pictures: structural similarity and rank correlation."""

from typing import Final

import numpy as np
from jaxtyping import Float
from scipy import ndimage, stats

from facslens.errors import CallError

#: Standard deviation of the Gaussian window of `ssim` in pixels, and how far it reaches.
_SIGMA: Final = 1.5
_REACH: Final = 5
#: Of the two constants that keep the quotients of `ssim` defined.
_K: Final = (0.01, 0.03)


def ssim(
    one: Float[np.ndarray, "row column"],
    other: Float[np.ndarray, "_row _column"],
    span: float = 1.0,
) -> float:
    """Mean structural similarity of two pictures.

    At every pixel, with Gaussian-weighted means m, variances v and covariance c of its
    surroundings, (2 m₁ m₂ + a)(2 c + b) / ((m₁² + m₂² + a)(v₁ + v₂ + b)); then the mean.

    Parameters
    ----------
    one, other
        Of equal shape.
    span
        Difference between the largest and the smallest value that a picture can have.

    Returns
    -------
    float
        At most 1; equal pictures have 1.

    Raises
    ------
    CallError
        If the shapes differ.

    Notes
    -----
    The window is that of [wang2004]_: 11×11 with a standard deviation of 1.5; a = (0.01 span)²
    and b = (0.03 span)². The picture is mirrored at its border, so that the similarity of
    small pictures is defined, too; the original discards the border.

    References
    ----------
    [wang2004]_

    Examples
    --------
    >>> picture = np.eye(12)
    >>> round(ssim(picture, picture), 6), ssim(picture, picture[::-1]) < 0.5
    (1.0, True)
    """
    if one.shape != other.shape:
        raise CallError(
            f"one has the shape {one.shape} and other {other.shape}: needs equal shapes"
        )

    def mean(values: Float[np.ndarray, "row column"]) -> Float[np.ndarray, "row column"]:
        blurred: Float[np.ndarray, "row column"] = ndimage.gaussian_filter(
            values, _SIGMA, truncate=_REACH / _SIGMA
        )
        return blurred

    one, other = one.astype(np.float64), other.astype(np.float64)
    m1, m2 = mean(one), mean(other)
    v1, v2, c = mean(one**2) - m1**2, mean(other**2) - m2**2, mean(one * other) - m1 * m2
    a, b = ((k * span) ** 2 for k in _K)
    local = (2 * m1 * m2 + a) * (2 * c + b) / ((m1**2 + m2**2 + a) * (v1 + v2 + b))
    return float(local.mean())


def rank_correlation(
    one: Float[np.ndarray, "row column"], other: Float[np.ndarray, "row column"]
) -> float:
    """Spearman's correlation of two pictures' pixels; NaN where one of them is flat.

    Examples
    --------
    >>> rank_correlation(np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 5.0, 5.1]]))
    1.0
    """
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    first, second = (stats.rankdata(picture) for picture in (one, other))
    return float(round(np.corrcoef(first, second)[0, 1], 12))


def edges(image: Float[np.ndarray, "row column"]) -> Float[np.ndarray, "row column"]:
    """Length of the grey levels' gradient (Sobel), which depends on no network.

    Examples
    --------
    >>> edges(np.array([[0.0, 0, 1, 1]] * 3))[1].tolist()
    [0.0, 4.0, 4.0, 0.0]
    """
    length: Float[np.ndarray, "row column"] = np.hypot(
        ndimage.sobel(image, axis=0), ndimage.sobel(image, axis=1)
    )
    return length
