"""The colour of every point of a head: skin, lips, brows, hair, eyes, teeth, mouth."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, UInt8

from facslens.synthesis.anatomy import CAVITY, EYE, TEETH, TONGUE

Colour = Float32[np.ndarray, "point channel"]

#: Share of each primary in the luminance of linear sRGB (IEC 61966-2-1).
LUMINANCE: Final = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)

# Linear red, green and blue of luminance 1: what is mixed into a tint between the two.
_FAIR: Final = np.array([1.30, 0.94, 0.72])
_DEEP: Final = np.array([1.72, 0.83, 0.56])
_RED: Final = np.array([1.95, 0.76, 0.62])
_BLOND: Final = np.array([1.45, 0.93, 0.42])
_GREY: Final = np.array([1.02, 1.0, 0.96])
_BLUE: Final = np.array([0.72, 1.03, 1.56])


@dataclass(frozen=True)
class Paint:
    """What one person's face is painted with; reflectances are linear, from 0 to 1.

    Parameters
    ----------
    skin
        Luminance of the skin.
    lips
        Luminance of the lips, as a share of the skin's.
    hair, iris, sclera, teeth
        Luminance of each.
    blond, blue
        How blond the hair and how blue the iris, 0 to 1; grey faces do not depend on it.
    brow
        Density of the brows, 0 to 1.
    brow_height, brow_width, brow_length
        Shift upward in metres, half width in metres, and length as a share of the usual.
    lash
        Darkness of the lashes, 0 to 1.
    hairline
        Height at which the hair begins above the forehead, in metres on the average head.
    beard
        Density of beard shadow, 0 to 1.
    folds
        Depth of folds and furrows, 0 to 1; grows with age.
    waves, phases
        Blotches: wave vectors in radians a metre, (wave, 3), and their phases, (wave,).
    """

    skin: float
    lips: float
    hair: float
    iris: float
    sclera: float
    teeth: float
    blond: float
    blue: float
    brow: float
    brow_height: float
    brow_width: float
    brow_length: float
    lash: float
    hairline: float
    beard: float
    folds: float
    waves: Float[np.ndarray, "wave 3"]
    phases: Float[np.ndarray, " wave"]


@dataclass(frozen=True)
class Surface:
    """The places of the visible points on the average head, and their parts; one row per point.

    Parameters
    ----------
    place
        Place on the average head; (point, 3), metres.
    part
        What it belongs to, such as `anatomy.EYE`; (point,).
    lip, lid, lash
        Shares, 0 to 1; (point,).
    """

    place: Float32[np.ndarray, "point 3"]
    part: UInt8[np.ndarray, " point"]
    lip: Float32[np.ndarray, " point"]
    lid: Float32[np.ndarray, " point"]
    lash: Float32[np.ndarray, " point"]


def draw_paint(age: float, male: float, dark: float, rng: np.random.Generator) -> Paint:
    """Draw what a person's face is painted with.

    Parameters
    ----------
    age
        0.67 young to 1 old.
    male
        0 to 1; only beards, brows and lashes depend on it.
    dark
        0 to 1: mean darkness of the skin, around which it varies widely.
    """
    skin = float(np.clip(0.60 - 0.42 * dark + rng.normal(0, 0.06), 0.10, 0.72))
    grey = max(0.0, age - 0.85) * 3
    light = float(rng.beta(1.2, 4.5) * (1 - dark))
    hair = float(np.clip(0.02 + 0.35 * light + 0.35 * grey, 0.015, 0.5))
    bearded = male > 0.5 and rng.random() < 0.5
    return Paint(
        skin=skin,
        lips=float(rng.uniform(0.40, 0.66)),
        hair=hair,
        iris=float(rng.uniform(0.025, 0.16) * (1 - 0.7 * dark)),
        sclera=float(rng.uniform(0.55, 0.75)),
        teeth=float(rng.uniform(0.62, 0.85)),
        blond=light,
        blue=float(rng.random() * (1 - dark)),
        brow=float(rng.uniform(0.6, 1.0)),
        brow_height=float(rng.normal(-0.0038, 0.0012)),
        brow_width=float(rng.uniform(0.0024, 0.0042) + 0.0006 * male),
        brow_length=float(rng.uniform(0.9, 1.1)),
        lash=float(rng.uniform(0.7, 0.98) - 0.15 * male),
        hairline=float(rng.uniform(0.185, 0.207)),
        beard=float(rng.uniform(0.1, 0.7)) if bearded else 0.0,
        folds=float(np.clip(rng.uniform(0.7, 1.0) + 0.9 * (age - 0.75), 0.6, 1.15)),
        waves=rng.normal(0, 160, size=(6, 3)),
        phases=rng.uniform(0, 2 * np.pi, size=6),
    )


def tone(luminance: float, first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Give the colour of a luminance whose tint lies between two."""
    tint = first + (second - first) * share
    return np.asarray(luminance * tint / (tint @ LUMINANCE), dtype=np.float32)


def colours(paint: Paint, surface: Surface) -> Colour:
    """Give the linear colour of visible points, without folds.

    Parameters
    ----------
    paint
        What the person is painted with.
    surface
        The points.
    """
    x, y, z = np.abs(surface.place[:, 0]), surface.place[:, 1], surface.place[:, 2]
    deep = float(np.clip((0.62 - paint.skin) / 0.5, 0, 1))
    skin = tone(paint.skin, _FAIR, _DEEP, deep)
    hair = tone(paint.hair, _GREY, _BLOND, paint.blond)
    waves = np.einsum("pd,wd->pw", surface.place, paint.waves.astype(np.float32))
    blotches = 1 + 0.05 * np.sin(waves + paint.phases.astype(np.float32)).mean(axis=1)
    blotches *= 1 - 0.10 * surface.lid
    blotches *= 1 - 0.14 * _bump(x, 0.026, 0.012) * _bump(z, 0.1235, 0.004)  # under the eyes
    colour = skin * blotches[:, None]
    _mix(colour, tone(paint.skin * 0.92, _FAIR, _RED, 0.5 + 0.3 * deep), 0.35 * _flush(x, z))
    _mix(colour, tone(paint.lips * paint.skin, _DEEP, _RED, 0.7 - 0.4 * deep), surface.lip)
    _mix(colour, skin * np.float32(0.10), 0.8 * _between_lips(surface, x, z))
    _mix(colour, hair, paint.beard * _beard(x, y, z) * (1 - surface.lip))
    _mix(colour, hair * np.float32(0.8), paint.brow * _brow(paint, x, z))
    _mix(colour, hair, _hair(paint, surface.place, x, z))
    _mix(colour, _LASHES, paint.lash * surface.lash)
    eye, teeth = surface.part == EYE, surface.part == TEETH
    colour[eye] = _eye(paint, x[eye], y[eye], z[eye])
    colour[teeth] = _teeth(paint, x[teeth])
    for part, inside in ((CAVITY, _CAVITY), (TONGUE, _TONGUE)):
        of = surface.part == part
        colour[of] = inside * _depth(y[of])[:, None]
    return np.asarray(colour)


_CAVITY: Final = tone(0.055, _DEEP, _RED, 0.8)
_TONGUE: Final = tone(0.16, _DEEP, _RED, 1.0)
_LASHES: Final = np.array([0.02, 0.016, 0.014], dtype=np.float32)
_PUPIL: Final = np.full(3, 0.008, dtype=np.float32)


def _mix(colour: Colour, other: np.ndarray, share: np.ndarray) -> None:
    """Mix another colour in, in place."""
    colour += (np.asarray(other, dtype=np.float32) - colour) * share[:, None].astype(np.float32)


def _step(value: np.ndarray, edge: float | np.ndarray, width: float) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip((value - edge) / width * 4, -40, 40))))


def _bump(value: np.ndarray, middle: float | np.ndarray, width: float | np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * ((value - middle) / width) ** 2))


def _depth(y: np.ndarray) -> np.ndarray:
    """Light that comes into the mouth: all of it at the lips, none deep inside."""
    return np.asarray(np.clip((-0.112 - y) / 0.022, 0.04, 1))


def _flush(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Redden the cheeks and the tip of the nose."""
    cheeks = _bump(x, 0.040, 0.014) * _bump(z, 0.105, 0.012)
    return np.asarray(cheeks + _bump(x, 0.0, 0.01) * _bump(z, 0.1, 0.01))


def _between_lips(surface: Surface, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Darken the line where the lips meet, as far as the corners of the mouth."""
    line = _bump(z, 0.0697, 0.0009) * (surface.lip > 0.3)
    return np.asarray(line * (1 - _step(x, 0.0225, 0.002)))


def _beard(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    chin = 1 - _step(z, 0.062 + 0.6 * np.maximum(x - 0.02, 0), 0.012)
    upper_lip = _bump(z, 0.084, 0.005) * (1 - _step(x, 0.024, 0.006))
    return np.asarray(np.clip(chin + upper_lip, 0, 1) * (y < -0.03))


def _brow(paint: Paint, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    along = np.clip((x - 0.010) / (0.042 * paint.brow_length), 0, 1)
    middle = 0.1553 + paint.brow_height + 0.0036 * np.sin(np.pi * along**1.3) - 0.003 * along**3
    width = paint.brow_width * (1.05 - 0.6 * along)
    ends = _step(x, 0.010, 0.003) * (1 - _step(x, 0.010 + 0.042 * paint.brow_length, 0.004))
    return np.asarray(np.clip(1.4 * _bump(z, middle, width), 0, 1) * ends)


def _hair(paint: Paint, place: np.ndarray, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Hair above the forehead and down the temples, with a ragged edge."""
    paces = np.array([310.0, 730.0, 1370.0])
    waves = np.sin(paces * place[:, :1] + paint.phases[: len(paces)])
    ragged = 0.0011 * waves.sum(axis=1)
    edge = paint.hairline + ragged - 13 * x**2
    temple = _step(x, 0.071 + ragged, 0.003) * _step(z, 0.135 + 4 * ragged, 0.006)
    return np.asarray(np.maximum(_step(z, edge, 0.006), temple * (place[:, 1] > -0.085)))


def _eye(paint: Paint, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> Colour:
    radius = np.hypot(x - 0.0302, z - 0.1368)
    colour = np.tile(tone(paint.sclera, _GREY, _FAIR, 0.25), (len(x), 1))
    corners = np.clip(np.abs(x - 0.0302) / 0.012, 0, 1) ** 2
    colour *= (1 - 0.35 * corners)[:, None].astype(np.float32)
    _mix(colour, tone(paint.iris, _DEEP, _BLUE, paint.blue), 1 - _step(radius, 0.0060, 0.0008))
    _mix(colour, _PUPIL, 0.6 * _bump(radius, 0.0058, 0.0006))
    _mix(colour, _PUPIL, 1 - _step(radius, 0.0024, 0.0006))
    colour *= np.where(y < -0.11, 1, 0.2)[:, None].astype(np.float32)
    return colour


def _teeth(paint: Paint, x: np.ndarray) -> Colour:
    gaps = 1 - 0.22 * np.exp(-((np.mod(x, 0.0075) / 0.0007) ** 2))
    shade = (1 - 0.45 * _step(x, 0.017, 0.004)) * gaps
    white = tone(paint.teeth, _GREY, _FAIR, 0.3)
    return np.asarray(white * shade[:, None], dtype=np.float32)
