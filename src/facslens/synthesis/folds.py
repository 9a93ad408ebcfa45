"""Folds and furrows: where the skin gathers when action units move it, and how deeply.

Each fold is a line on the average head, drawn once into a map of darkness and of slopes. A face's
folds are those maps, as deep as its action units are strong, the left ones on the left and the
right ones on the right.
"""

import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float32

from facslens.synthesis.actions import Sides

#: Where the maps begin, and how far apart their points are: metres from the middle and upward.
_LOW: Final = 0.020
_STEP: Final = 0.0005
_COLUMNS: Final = 184
_ROWS: Final = 380

#: From the middle line to where a side's fold follows that side alone, in metres.
_SEAM: Final = 0.003


@dataclass(frozen=True)
class Fold:
    """A line along which skin gathers, on the right half of the average head.

    Parameters
    ----------
    au
        The action unit that gathers it; empty for a line that is there at rest.
    points
        Of the line, from end to end; (x, z) in millimetres, x from the middle.
    width
        Standard deviation of its profile in millimetres.
    depth
        How dark its middle becomes, as a share of the light.
    """

    au: str
    points: tuple[tuple[float, float], ...]
    width: float
    depth: float


_NASOLABIAL: Final = ((17.0, 106.0), (21.5, 101.0), (26.5, 93.0), (30.5, 84.0), (33.0, 75.0))

#: After the descriptions of appearance that the literature on wrinkles and FACS shares, such as
#: Ekman, Friesen & Hager 2002 [ekman2002facs]_; the lines and depths are ours, set by eye.
FOLDS: Final = (
    Fold("", _NASOLABIAL, 1.6, 0.10),
    Fold("", ((14.0, 127.0), (21.0, 122.5), (29.0, 121.5)), 3.1, 0.10),
    Fold("AU01", ((0.0, 171.5), (9.0, 172.5), (20.0, 171.0), (27.0, 168.5)), 1.8, 0.50),
    Fold("AU01", ((0.0, 180.0), (12.0, 181.0), (25.0, 179.0)), 2.0, 0.45),
    Fold("AU01", ((0.0, 189.0), (12.0, 189.5), (22.0, 188.0)), 2.0, 0.33),
    Fold("AU02", ((16.0, 171.5), (30.0, 174.5), (45.0, 172.0), (54.0, 165.0)), 1.8, 0.47),
    Fold("AU02", ((14.0, 181.0), (30.0, 184.0), (46.0, 180.0)), 2.0, 0.40),
    Fold("AU02", ((16.0, 190.0), (30.0, 192.0), (42.0, 189.0)), 2.0, 0.28),
    Fold("AU04", ((5.0, 145.5), (6.0, 153.0), (7.5, 160.0), (8.0, 167.0)), 2.2, 0.78),
    Fold("AU04", ((0.0, 144.5), (5.0, 145.0), (9.0, 146.5)), 2.2, 0.53),
    Fold("AU04", ((9.0, 151.0), (16.0, 149.5), (26.0, 148.0)), 3.1, 0.43),
    Fold("AU06", ((46.5, 137.5), (53.0, 141.0), (60.0, 145.5)), 1.7, 0.43),
    Fold("AU06", ((47.0, 134.5), (54.0, 134.5), (62.0, 134.5)), 1.7, 0.45),
    Fold("AU06", ((45.5, 131.0), (52.0, 127.5), (58.0, 123.0)), 1.7, 0.40),
    Fold("AU06", ((15.0, 127.5), (24.0, 123.5), (35.0, 123.0), (45.0, 126.0)), 2.5, 0.43),
    Fold("AU07", ((17.0, 129.0), (26.0, 127.0), (36.0, 127.5), (43.0, 130.5)), 1.8, 0.45),
    Fold("AU09", ((0.0, 138.5), (5.0, 138.0), (10.0, 140.0)), 1.6, 0.42),
    Fold("AU09", ((0.0, 132.0), (6.0, 132.0), (11.0, 135.0)), 1.6, 0.40),
    Fold("AU09", ((5.0, 125.0), (10.0, 126.5), (16.0, 131.0)), 1.8, 0.46),
    Fold("AU09", ((14.0, 113.0), (18.5, 107.0), (23.0, 99.0), (26.5, 91.0)), 2.5, 0.62),
    Fold("AU10", ((16.5, 107.5), (22.5, 101.5), (28.0, 92.5), (32.0, 82.0)), 2.7, 0.62),
    Fold("AU12", ((17.0, 106.0), (23.0, 100.0), (29.0, 90.5), (34.0, 74.0)), 2.8, 0.58),
    Fold("AU12", ((27.0, 77.0), (29.0, 71.0), (28.0, 65.0)), 2.4, 0.43),
    Fold("AU14", ((27.0, 77.5), (30.0, 71.5), (28.0, 64.5)), 2.0, 0.46),
    Fold("AU15", ((22.5, 69.0), (27.0, 62.0), (29.5, 53.0)), 2.2, 0.43),
    Fold("AU16", ((0.0, 53.5), (9.0, 54.0), (17.0, 57.0)), 2.5, 0.38),
    Fold("AU17", ((0.0, 55.5), (8.0, 55.0), (15.0, 52.5), (20.0, 47.5)), 2.7, 0.62),
    Fold("AU17", ((3.0, 49.0), (5.0, 46.0), (4.0, 42.0)), 2.1, 0.35),
    Fold("AU17", ((10.0, 48.0), (11.5, 44.5), (9.0, 40.5)), 2.1, 0.35),
    Fold("AU18", ((4.0, 78.0), (4.5, 83.5)), 1.5, 0.38),
    Fold("AU18", ((11.0, 76.5), (13.0, 82.0)), 1.7, 0.43),
    Fold("AU18", ((8.0, 60.5), (9.5, 55.5)), 1.7, 0.38),
    Fold("AU20", ((24.0, 79.0), (29.0, 72.0), (31.0, 63.0)), 2.1, 0.34),
    Fold("AU20", ((0.0, 52.5), (12.0, 52.5), (22.0, 55.0)), 2.1, 0.22),
    Fold("AU22", ((14.0, 82.0), (20.0, 76.0), (22.0, 68.0)), 2.2, 0.30),
    Fold("AU23", ((0.0, 80.5), (9.0, 80.0), (18.0, 75.5)), 1.8, 0.43),
    Fold("AU23", ((0.0, 58.0), (9.0, 58.5), (16.0, 62.0)), 2.1, 0.45),
    Fold("AU24", ((0.0, 80.0), (10.0, 79.5), (19.0, 75.0)), 1.8, 0.32),
    Fold("AU24", ((0.0, 57.5), (10.0, 58.0), (19.0, 62.5)), 2.2, 0.45),
    Fold("AU24", ((23.0, 74.0), (25.5, 69.0), (23.5, 64.0)), 2.0, 0.42),
    Fold("AU27", ((24.0, 98.0), (29.0, 86.0), (30.5, 72.0)), 2.8, 0.33),
    Fold("AU28", ((0.0, 81.5), (10.0, 81.0), (20.0, 76.0)), 2.1, 0.38),
    Fold("AU28", ((0.0, 57.0), (10.0, 57.5), (19.0, 62.0)), 2.5, 0.53),
)  # fmt: skip

#: The action units that gather the skin into folds.
FOLDING: Final = tuple(dict.fromkeys(fold.au for fold in FOLDS if fold.au))


def relief(
    x: Float32[np.ndarray, " point"],
    z: Float32[np.ndarray, " point"],
    sides: Sides,
    depth: float,
) -> tuple[Float32[np.ndarray, " point"], Float32[np.ndarray, "point 2"]]:
    """Give the folds of a face at points of the average head.

    Parameters
    ----------
    x, z
        Places on the average head in metres: to the subject's left, and up; (point,).
    sides
        Left and right intensity, 0 to 1, of the action units; those without folds are ignored.
    depth
        How deep this person's folds are, as a share of the deepest; those at rest, too.

    Returns
    -------
    darkness
        Share of the light that does not reach the bottom of a fold; (point,).
    slope
        By how much the skin rises outward, a metre to the left and a metre up; (point, 2).
    """
    maps = _maps()
    column = np.clip(np.abs(x) / _STEP, 0, _COLUMNS - 1.001)
    row = np.clip((z - _LOW) / _STEP, 0, _ROWS - 1.001)
    cell = np.rint(row).astype(np.intp) * _COLUMNS + np.rint(column).astype(np.intp)
    found = maps[""][cell] * np.float32(depth)
    left = np.clip(0.5 + x / (2 * _SEAM), 0, 1)[:, None].astype(np.float32)
    for au in FOLDING:
        on_left, on_right = sides.get(au, (0.0, 0.0))
        if on_left or on_right:
            share = np.float32(on_left) * left + np.float32(on_right) * (1 - left)
            found += np.float32(depth) * share * maps[au][cell]
    inside = (row > 0) & (row < _ROWS - 1.01) & (column < _COLUMNS - 1.01)
    found *= inside[:, None]
    found[:, 1] *= np.sign(x)
    return np.clip(found[:, 0], 0, 0.8), found[:, 1:]


@lru_cache(maxsize=1)
def _maps() -> dict[str, Float32[np.ndarray, "cell 3"]]:
    """Draw the folds of each action unit: darkness, and slopes outward along x and z."""
    x = np.arange(_COLUMNS) * _STEP * 1000
    z = (_LOW + np.arange(_ROWS) * _STEP) * 1000
    found = {au: np.zeros((_ROWS, _COLUMNS, 3)) for au in ("", *FOLDING)}
    for fold in FOLDS:
        distance, along = _distance(x[None, :], z[:, None], fold.points)
        starts_in_the_middle = fold.points[0][0] == 0
        taper = np.clip((1 - along) / 0.3, 0, 1)
        if not starts_in_the_middle:
            taper = taper * np.clip(along / 0.25, 0, 1)
        line = np.exp(-0.5 * (distance / fold.width) ** 2) * taper
        bulge = np.exp(-0.5 * (distance / (3 * fold.width)) ** 2) * taper
        height = fold.depth * fold.width * (0.8 * bulge - 1.6 * line) / 1000
        along_z, along_x = np.gradient(height, _STEP)
        found[fold.au] += np.stack([fold.depth * line, along_x, along_z], axis=2)
    return {au: one.reshape(-1, 3).astype(np.float32) for au, one in found.items()}


def _distance(
    x: np.ndarray, z: np.ndarray, points: tuple[tuple[float, float], ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Measure how far points lie from a line of segments, and how far along it, 0 to 1."""
    segments = list(itertools.pairwise(points))
    lengths = [np.hypot(b[0] - a[0], b[1] - a[1]) for a, b in segments]
    nearest = np.full(np.broadcast_shapes(x.shape, z.shape), np.inf)
    along = np.zeros_like(nearest)
    gone = 0.0
    for (a, b), length in zip(segments, lengths, strict=True):
        share = ((x - a[0]) * (b[0] - a[0]) + (z - a[1]) * (b[1] - a[1])) / length**2
        share = np.clip(share, 0, 1)
        away = np.hypot(x - a[0] - share * (b[0] - a[0]), z - a[1] - share * (b[1] - a[1]))
        closer = away < nearest
        nearest = np.where(closer, away, nearest)
        along = np.where(closer, (gone + share * length) / sum(lengths), along)
        gone += length
    return nearest, along
