"""One face that a detector found in a picture."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from facslens.preprocess.alignment import Similarity
from facslens.shapes import Float64, UInt8

#: Left, top, width and height.
Box = tuple[float, float, float, float]

#: What detectors are: from the picture's colours to the faces in it, the best score first.
Detector = Callable[[UInt8[np.ndarray, "row column 3"]], "list[Detection]"]


@dataclass(frozen=True, eq=False)
class Detection:
    """Where a face is, in pixels of the picture; the convention of places is that of `crop`.

    Parameters
    ----------
    left, top, width, height
        The box; it may reach beyond the picture.
    score
        The detector's confidence, 0 to 1; NaN where it gives none.
    points
        Right eye (left in the picture), left eye and middle of the mouth; None where the detector
        gives none, or gives points that cannot be those of a face.
    """

    left: float
    top: float
    width: float
    height: float
    score: float
    points: Float64[np.ndarray, "3 2"] | None = None

    @property
    def box(self) -> Box:
        """Left, top, width, height."""
        return self.left, self.top, self.width, self.height

    def moved(self, way: Similarity) -> "Detection":
        """Move and scale the face; its box stays upright even if the map rotates."""
        middle = complex(self.left + self.width / 2, self.top + self.height / 2)
        middle = way.turn * middle + way.shift
        width, height = self.width * abs(way.turn), self.height * abs(way.turn)
        return replace(
            self,
            left=middle.real - width / 2,
            top=middle.imag - height / 2,
            width=width,
            height=height,
            points=None if self.points is None else way(self.points),
        )


def plausible(points: Float64[np.ndarray, "3 2"], box: Box) -> bool:
    """Tell whether landmarks can be those of a face: inside its box, and not mirrored.

    Examples
    --------
    >>> face = np.array([[3.0, 4.0], [7.0, 4.0], [5.0, 8.0]])
    >>> plausible(face, (0.0, 0.0, 10.0, 10.0)), plausible(face[[1, 0, 2]], (0.0, 0.0, 10.0, 10.0))
    (True, False)
    """
    left, top, width, height = box
    x, y = points[:, 0] - left, points[:, 1] - top
    if not ((x >= 0) & (x <= width) & (y >= 0) & (y <= height)).all():
        return False
    # Right eye, left eye, mouth run clockwise in a picture, whichever way the head leans.
    across, down = points[1] - points[0], points[2] - points[0]
    return bool(across[0] * down[1] - across[1] * down[0] > 0)
