"""The loop of a peer that is written in Python: needs NumPy alone, for its environment is its own.

The first line that goes out says what the peer is. Then for every line [first, last] that comes
in, the faces first … last - 1 are read one by one, and a line goes out with what was said of each
and how many milliseconds each took, from its 48×48 grey levels to the probabilities.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SIDE = 48


def serve(
    about: dict[str, Any], read: Callable[[np.ndarray], np.ndarray], faces: np.ndarray
) -> None:
    """Answer until nobody asks any more.

    Parameters
    ----------
    about
        ``version``, ``runtime``, ``parameters``, ``bytes``, ``licence``; ``labels``, the names of
        the probabilities in their order.
    read
        One face (48, 48) of grey levels in 0 … 255 to its probabilities.
    faces
        (face, 48, 48), uint8.
    """
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        first, last = json.loads(line)
        answers, milliseconds = [], []
        for face in faces[first:last]:
            start = time.perf_counter()
            answer = read(face)
            milliseconds.append(1000 * (time.perf_counter() - start))
            answers.append([float(value) for value in answer])
        print(json.dumps({"probabilities": answers, "ms": milliseconds}), flush=True)


def read_faces(path: str) -> np.ndarray:
    """Read all faces from a file of bytes without a header."""
    return np.fromfile(path, np.uint8).reshape(-1, SIDE, SIDE)
