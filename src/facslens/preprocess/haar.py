"""Haar cascades of OpenCV 4: a detector without a network; eyes are found in some faces only.

References
----------
Viola and Jones 2001 [viola2001]_.
"""

import math
from pathlib import Path
from typing import Any, Final

import numpy as np

from facslens.errors import CallError
from facslens.preprocess.alignment import Similarity, fitted
from facslens.preprocess.crop import TEMPLATE
from facslens.preprocess.detection import Box, Detection, Detector, plausible
from facslens.shapes import Float64, UInt8

#: How much the picture shrinks from one look to the next; how many looks must agree.
STEP: Final = 1.1
AGREE: Final = 5
#: Least side of a face in pixels, which is also what the cascade was trained on.
LEAST: Final = 24
#: Most pixels that are looked at: OpenCV needs some 50 bytes for each, and larger pictures are
#: reduced first.
MOST: Final = 12_000_000


def make() -> Detector:
    """Load both cascades.

    Raises
    ------
    CallError
        If OpenCV is not installed, or is one without cascades.
    """
    try:
        import cv2
    except ImportError as error:
        raise CallError(
            "the detector haar needs the package cv2: install the extra by `pip install "
            '"facslens[haar]"`'
        ) from error
    if not hasattr(cv2, "CascadeClassifier"):
        raise CallError(
            f"the detector haar needs OpenCV 4, whose cascades OpenCV {cv2.__version__} no "
            f'longer has: install the extra by `pip install "facslens[haar]"`'
        )
    folder = Path(cv2.__file__).parent / "data"
    faces = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))
    eyes = cv2.CascadeClassifier(str(folder / "haarcascade_eye.xml"))

    def detect(picture: UInt8[np.ndarray, "row column 3"]) -> list[Detection]:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        factor = math.ceil(math.sqrt(grey.size / MOST))
        if factor > 1:
            size = (grey.shape[1] // factor, grey.shape[0] // factor)
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        found = faces.detectMultiScale(grey, STEP, AGREE, minSize=(LEAST, LEAST))
        boxes = sorted((_box(box) for box in found), key=lambda box: -box[2])
        seen = [Detection(*box, math.nan, points_of(grey, box, eyes)) for box in boxes]
        way = Similarity(complex(factor), 0j)
        return seen if factor == 1 else [face.moved(way) for face in seen]

    return detect


def points_of(
    grey: UInt8[np.ndarray, "row column"], box: Box, cascade: Any
) -> Float64[np.ndarray, "3 2"] | None:
    """Find one eye in each half of a face's upper part, and place the mouth relative to the eyes.

    Returns
    -------
    array or None
        None unless each half holds exactly one eye.
    """
    left, top, width, height = map(int, box)
    upper = grey[top : top + round(0.6 * height), left : left + width]
    found = [_box(eye) for eye in cascade.detectMultiScale(upper, STEP, AGREE)]
    middles = sorted((left + x + w / 2, top + y + h / 2) for x, y, w, h in found)
    half = left + width / 2
    if len(middles) != 2 or not middles[0][0] < half < middles[1][0]:
        return None
    template = np.array(TEMPLATE)
    points = fitted(template[:2], np.array(middles))(template)
    return points if plausible(points, box) else None


def _box(found: Any) -> Box:
    x, y, width, height = found
    return float(x), float(y), float(width), float(height)
