"""Similarities of the plane: shift, turn and scale, as complex numbers."""

from dataclasses import dataclass

import numpy as np

from facslens.shapes import Complex128, Float64


@dataclass(frozen=True)
class Similarity:
    """The map z → turn · z + shift of points x + iy; no similarity is a mirror image.

    Parameters
    ----------
    turn
        Its absolute value is the scale, its argument the angle, clockwise where y is down.
    shift
        The point to which 0 is moved.
    """

    turn: complex
    shift: complex

    def __call__(
        self, points: Float64[np.ndarray, "*points 2"]
    ) -> Float64[np.ndarray, "*points 2"]:
        """Move points (x, y).

        Examples
        --------
        >>> quarter = Similarity(turn=2j, shift=1 + 0j)
        >>> quarter(np.array([[1.0, 0.0], [0.0, 1.0]])).tolist()
        [[1.0, 2.0], [-1.0, 0.0]]
        """
        return plain(np.asarray(self.turn * numbers(points) + self.shift))

    def inverse(self) -> "Similarity":
        """Give the inverse map.

        Raises
        ------
        ZeroDivisionError
            If the map moves all points to one place.
        """
        return Similarity(1 / self.turn, -self.shift / self.turn)


def fitted(
    start: Float64[np.ndarray, "point 2"], end: Float64[np.ndarray, "point 2"]
) -> Similarity:
    """Find the similarity that moves points to others with the least sum of squared distances.

    Returns
    -------
    Similarity
        All NaN where `start` is a single place.

    References
    ----------
    The problem of Umeyama 1991 [umeyama1991]_; in the plane it is the regression of one
    complex number on another.
    """
    a, b = numbers(start), numbers(end)
    centred = a - a.mean()
    spread = np.vdot(centred, centred).real
    turn = np.vdot(centred, b) / spread if spread else complex(np.nan, np.nan)
    return Similarity(complex(turn), complex(b.mean() - turn * a.mean()))


def numbers(points: Float64[np.ndarray, "*points 2"]) -> Complex128[np.ndarray, "*points"]:
    """Write (x, y) as x + iy."""
    return np.asarray(points[..., 0] + 1j * points[..., 1])


def plain(points: Complex128[np.ndarray, "*points"]) -> Float64[np.ndarray, "*points 2"]:
    """Write x + iy as (x, y)."""
    return np.stack([points.real, points.imag], axis=-1)
