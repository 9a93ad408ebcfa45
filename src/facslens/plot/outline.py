"""The outline of a face, and curves as SVG writes them, for matplotlib."""

import re
from typing import Final

import numpy as np
from matplotlib.path import Path

#: A face from the front in a square of 100: its contour, brows, eyes, nose and mouth. Eyes and
#: mouth are where those of the drawn faces are on average.
FACE: Final = (
    "M16,38C15,12 33,1 50,1S85,12 84,38C84,62 76,84 63,94C55,100 45,100 37,94C24,84 16,62 16,38Z",
    "M23,27C28,22 37,22 43,26M57,26C63,22 72,22 77,27",
    "M26,35C30,30 38,30 42,35C38,38.5 30,38.5 26,35Z",
    "M58,35C62,30 70,30 74,35C70,38.5 62,38.5 58,35Z",
    "M48,38C47,48 44,55 42,60C45,64 55,64 58,60",
    "M35,78C41,74 46,74 50,76C54,74 59,74 65,78C58,84 42,84 35,78ZM35,78C45,79.5 55,79.5 65,78",
)


def curve(written: str) -> Path:
    """Read a path of moves, cubic curves and closings: the letters M, C, S and Z of SVG.

    Examples
    --------
    >>> curve("M0,0C0,1 1,1 1,0S2,-1 2,0").vertices.tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [1.0, -1.0], [2.0, -1.0], [2.0, 0.0]]
    """
    points: list[tuple[float, float]] = []
    codes: list[np.uint8] = []
    begun = (0.0, 0.0)
    for letter, numbers in re.findall(r"([MCSZ])([^MCSZ]*)", written):
        values = [float(v) for v in re.findall(r"-?[\d.]+", numbers)]
        pairs = list(zip(values[::2], values[1::2], strict=True))
        if letter == "M":
            begun = pairs[0]
            codes.append(Path.MOVETO)
        elif letter == "Z":
            pairs = [begun]
            codes.append(Path.CLOSEPOLY)
        else:
            if letter == "S":  # its first handle mirrors the last one
                (x, y), (at_x, at_y) = points[-2:]
                pairs = [(2 * at_x - x, 2 * at_y - y), *pairs]
            codes.extend([Path.CURVE4] * 3)
        points.extend(pairs)
    return Path(points, codes)
