"""Mix face shapes with ARKit names into action units, and measure those of a mixed face."""

from collections.abc import Mapping
from typing import Final

#: Left and right intensity, 0 to 1, of action units.
Sides = Mapping[str, tuple[float, float]]

#: Share of an action unit's largest movement from which on it counts as present. It is the
#: lower edge of FACS grade A when the grades A–E divide the range evenly into 1–5 of 5.
PRESENT: Final = 0.2

#: Jaw opening, as a share of the widest, from which on the jaw drops (AU26) and the mouth
#: stretches (AU27); the larger one excludes the smaller.
JAW_DROP: Final = 0.1
MOUTH_STRETCH: Final = 0.5

#: Gap between the lips in metres from which on they part (AU25), and at which grade E is
#: reached.
LIPS_PART: Final = 0.0015
LIPS_APART: Final = 0.015

# At full intensity. A name ending in * stands for a Left and a Right shape. AU25, AU26 and
# AU27 only steer here: their truth is read from the jaw and the lips (see `opening`).
_SHAPES: Final[dict[str, dict[str, float]]] = {
    "AU01": {"browInnerUp": 1.8},
    "AU02": {"browOuterUp*": 1.7},
    "AU04": {"browDown*": 0.65, "browInnerUp": -0.6},
    "AU05": {"eyeWide*": 1.2},
    "AU06": {"cheekSquint*": 0.9, "eyeSquint*": 0.3},
    "AU07": {"eyeSquint*": 0.9, "eyeBlink*": 0.22},
    "AU09": {"noseSneer*": 1.2, "browDown*": 0.25, "mouthUpperUp*": 0.22, "cheekSquint*": 0.3},
    "AU10": {"mouthUpperUp*": 1.1},
    "AU12": {"mouthSmile*": 1.15},
    "AU14": {"mouthDimple*": 1.3},
    "AU15": {"mouthFrown*": 1.25},
    "AU16": {"mouthLowerDown*": 1.0},
    "AU17": {"mouthShrugLower": 1.0, "mouthShrugUpper": 0.3},
    "AU18": {"mouthPucker": 1.0},
    "AU20": {"mouthStretch*": 1.3},
    "AU22": {"mouthFunnel": 1.0},
    "AU23": {"mouthRollUpper": 0.45, "mouthRollLower": 0.45, "mouthPucker": 0.3},
    "AU24": {"mouthPress*": 1.0},
    "AU25": {"mouthLowerDown*": 0.55, "mouthUpperUp*": 0.48},
    "AU26": {"jawOpen": 0.45},
    "AU27": {"jawOpen": 1.1},
    "AU28": {"mouthRollUpper": 1.0, "mouthRollLower": 1.0},
    "AU43": {"eyeBlink*": 1.0},
}

#: The action units that synthetic faces have, in order.
AUS: Final = tuple(_SHAPES)

#: Degrees of one opening: of the lips, of the jaw, and of the jaw wide open.
OPENING: Final = ("AU25", "AU26", "AU27")

#: The action units with a left and a right half that can differ.
SIDED: Final = tuple(
    au
    for au, shapes in _SHAPES.items()
    if any(name.endswith("*") for name in shapes) and au not in OPENING
)

#: Pairs that one face cannot show at once, or whose shapes would undo one another.
EXCLUDED: Final = frozenset(
    frozenset(f"AU{number:02d}" for number in pair)
    for pair in (
        (25, 26), (25, 27), (26, 27),  # degrees of one opening
        (5, 43), (7, 43),  # lids wide, or tightened, and closed
        (12, 15), (12, 18), (12, 22), (12, 20),  # corners up, down, in, sideways
        (14, 15), (14, 18), (14, 20), (14, 22), (12, 14),
        (15, 18), (15, 20), (15, 22), (18, 20), (18, 22), (20, 22),
        (16, 17), (17, 27), (10, 28), (16, 28), (9, 10),  # one lip up and down
        (18, 28), (20, 28), (22, 28), (12, 28), (14, 28), (15, 28), (17, 28),
        (23, 24), (23, 28), (24, 28), (18, 23), (18, 24), (22, 23), (22, 24), (20, 23), (20, 24),
        (23, 25), (23, 26), (23, 27), (24, 25), (24, 26), (24, 27), (28, 25), (28, 26), (28, 27),
        (10, 23), (10, 24), (16, 23), (16, 24), (17, 26), (18, 27), (15, 27), (14, 27), (20, 27),
        (16, 27), (10, 27), (22, 27),
    )
)  # fmt: skip


def mixture(intensity: Sides) -> dict[str, float]:
    """Give the weight of each face shape for action units of given intensities.

    Parameters
    ----------
    intensity
        For each action unit its left and right intensity, 0 to 1. One without sides takes
        the larger of the two.

    Returns
    -------
    dict
        Weight of each shape, by its ARKit name; shapes of several action units add up.

    References
    ----------
    The pairs of shape and action unit are those that ARKit's names and pictures suggest and
    py-feat documents [cheong2023pyfeat]_; the weights were set by eye.

    Examples
    --------
    >>> mixture({"AU12": (1.0, 0.5), "AU01": (0.5, 0.5)})
    {'mouthSmileLeft': 1.15, 'mouthSmileRight': 0.575, 'browInnerUp': 0.9}
    """
    weights: dict[str, float] = {}
    for au, sides in intensity.items():
        for name, weight in _SHAPES[au].items():
            if name.endswith("*"):
                for side, value in zip(("Left", "Right"), sides, strict=True):
                    shape = name[:-1] + side
                    weights[shape] = weights.get(shape, 0.0) + weight * value
            else:
                weights[name] = weights.get(name, 0.0) + weight * max(sides)
    return weights


def full(au: str) -> dict[str, float]:
    """Give the weights of the shapes of one action unit at full intensity on both sides."""
    return mixture({au: (1.0, 1.0)})


def opening(jaw: float, gap: float) -> dict[str, float]:
    """Measure AU25, AU26 and AU27 on a face, whichever shapes have opened its mouth.

    Parameters
    ----------
    jaw
        Opening of the jaw as a share of its widest.
    gap
        Distance between the lips in metres, beyond that of the same face at rest.

    Returns
    -------
    dict
        Intensity of each, 0 to 1. A dropped jaw comes with parted lips, because the face shapes
        open both. A face with AU27 has no AU26.

    Examples
    --------
    >>> opening(jaw=0.0, gap=0.0), opening(jaw=0.9, gap=0.02)["AU27"]
    ({'AU25': 0.0, 'AU26': 0.0, 'AU27': 0.0}, 0.9)
    """
    parted = _between(gap, LIPS_PART, LIPS_APART)
    dropped = _between(jaw, JAW_DROP, MOUTH_STRETCH) if jaw < MOUTH_STRETCH else 0.0
    stretched = min(jaw, 1.0) if jaw >= MOUTH_STRETCH else 0.0
    return {"AU25": parted, "AU26": dropped, "AU27": stretched}


def _between(value: float, low: float, high: float) -> float:
    """Scale so that `low` becomes `PRESENT` and `high` 1; below `low`, 0."""
    if value < low:
        return 0.0
    return min(1.0, PRESENT + (1 - PRESENT) * (value - low) / (high - low))
