"""The default detector, loaded once, and photographs to try it on."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from facslens.datasets.images import read_grey
from facslens.datasets.load import load
from facslens.preprocess.detect import make_detector
from facslens.preprocess.detection import Detector


@pytest.fixture(scope="session")
def detect() -> Detector:
    return make_detector()


@pytest.fixture(scope="session")
def drawn_faces() -> list[np.ndarray]:
    """Sixteen faces of the package, 64×64, of as many people."""
    table = load("synthetic").table
    neutral = table[table["expression"] == "neutral"].drop_duplicates("subject")
    return [read_grey(path) for path in neutral["path"].iloc[:16]]


@pytest.fixture(scope="session")
def photograph() -> Callable[..., np.ndarray]:
    """Put faces at (left, top, side, degrees) onto a smooth ground; gives its colours."""

    def draw(size: tuple[int, int], *placed: tuple[np.ndarray, tuple[float, ...]]) -> np.ndarray:
        rng = np.random.default_rng(5)
        ground = rng.integers(90, 170, (6, 8), dtype=np.uint8)
        canvas = Image.fromarray(ground).resize(size, Image.Resampling.BICUBIC)
        for face, (left, top, side, degrees) in placed:
            sized = Image.fromarray(face).resize((int(side), int(side)), Image.Resampling.BICUBIC)
            whole = Image.new("L", sized.size, 255)
            place = (int(left), int(top))
            canvas.paste(
                sized.rotate(degrees, Image.Resampling.BICUBIC), place, whole.rotate(degrees)
            )
        return np.dstack([np.asarray(canvas)] * 3)

    return draw
