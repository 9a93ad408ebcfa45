"""The reflectance of every point of a head: skin, lips, brows, eyes, teeth, furrows."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, UInt8

from facslens.synthesis.anatomy import CAVITY, EYE, TEETH, TONGUE

#: How strongly each of these action units furrows the skin that it gathers.
FURROWING: Final = ("AU01", "AU02", "AU04", "AU06", "AU09", "AU12", "AU17")


@dataclass(frozen=True)
class Skin:
    """What one person's face is painted with; grey reflectances from 0 to 1.

    Parameters
    ----------
    skin, lips, hair, iris, sclera, teeth
        Reflectance of each; ``lips`` as a share of the skin's.
    brow
        Density of the brows, 0 to 1.
    brow_height, brow_width, brow_length
        Shift upward in metres, half width in metres, and length as a share of the usual.
    hairline
        Height at which the hair begins above the forehead, in metres on the average head.
    beard
        Density of beard shadow, 0 to 1.
    furrows
        Depth of furrows, 0 to 1; grows with age.
    waves, phases
        Blotches: wave vectors in radians a metre, (wave, 3), and their phases, (wave,).
    """

    skin: float
    lips: float
    hair: float
    iris: float
    sclera: float
    teeth: float
    brow: float
    brow_height: float
    brow_width: float
    brow_length: float
    hairline: float
    beard: float
    furrows: float
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


def draw_skin(age: float, male: float, dark: float, rng: np.random.Generator) -> Skin:
    """Draw what a person's face is painted with.

    Parameters
    ----------
    age
        0.67 young to 1 old.
    male
        0 to 1; only beards depend on it.
    dark
        0 to 1: mean darkness of the skin, around which it varies widely.
    """
    skin = float(np.clip(0.62 - 0.42 * dark + rng.normal(0, 0.06), 0.12, 0.75))
    grey = max(0.0, age - 0.85) * 3
    hair = float(np.clip(rng.beta(1.3, 4) * 0.5 * (1 - dark) + 0.03 + 0.4 * grey, 0.02, 0.6))
    bearded = male > 0.5 and rng.random() < 0.5
    return Skin(
        skin=skin,
        lips=float(rng.uniform(0.55, 0.85)),
        hair=hair,
        iris=float(rng.uniform(0.04, 0.3) * (1 - 0.7 * dark)),
        sclera=float(rng.uniform(0.6, 0.8)),
        teeth=float(rng.uniform(0.6, 0.85)),
        brow=float(rng.uniform(0.45, 0.95)),
        brow_height=float(rng.normal(0, 0.0012)),
        brow_width=float(rng.uniform(0.0022, 0.0046)),
        brow_length=float(rng.uniform(0.85, 1.1)),
        hairline=float(rng.uniform(0.195, 0.215)),
        beard=float(rng.uniform(0.1, 0.7)) if bearded else 0.0,
        furrows=float(np.clip(rng.uniform(0.25, 0.6) + 1.2 * (age - 0.67), 0.2, 1)),
        waves=rng.normal(0, 160, size=(6, 3)),
        phases=rng.uniform(0, 2 * np.pi, size=6),
    )


def reflectance(
    skin: Skin, surface: Surface, moving: dict[str, float]
) -> Float32[np.ndarray, " point"]:
    """Give the reflectance of visible points.

    Parameters
    ----------
    skin
        What the person is painted with.
    surface
        The points.
    moving
        Intensity, 0 to 1, of the action units of `FURROWING`; others are ignored.
    """
    x, y, z = np.abs(surface.place[:, 0]), surface.place[:, 1], surface.place[:, 2]
    grey = skin.skin * (
        1
        + 0.05
        * np.sin(np.einsum("pd,wd->pw", surface.place, skin.waves) + skin.phases).mean(axis=1)
    )
    grey *= 1 - 0.12 * surface.lid
    grey *= 1 - 0.10 * _bump(x, 0.030, 0.014) * _bump(z, 0.121, 0.005)  # under the eyes
    grey += (skin.lips - 1) * skin.skin * _lip(surface, x, z)
    grey = _mix(grey, skin.hair, skin.beard * _beard(x, y, z) * (1 - surface.lip))
    grey = _mix(grey, skin.hair, skin.brow * _brow(skin, x, z))
    grey = _mix(grey, skin.hair, _step(z, skin.hairline - 12 * x**2, 0.004))
    grey = _mix(grey, 0.03, 0.75 * surface.lash)
    grey *= 1 - 0.5 * skin.furrows * _furrows(moving, x, z)
    for part, value in (
        (EYE, _eye(skin, surface)),
        (CAVITY, 0.10 * _depth(y)),
        (TONGUE, 0.35 * _depth(y)),
        (TEETH, skin.teeth * (1 - 0.5 * _step(x, 0.016, 0.003)) * _gaps(x)),
    ):
        grey = np.where(surface.part == part, value, grey)
    return grey.astype(np.float32)


def _mix(grey: np.ndarray, other: float, share: np.ndarray) -> np.ndarray:
    return np.asarray(grey + (other - grey) * share)


def _step(value: np.ndarray, edge: float | np.ndarray, width: float) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip((value - edge) / width * 4, -40, 40))))


def _bump(value: np.ndarray, middle: float | np.ndarray, width: float | np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * ((value - middle) / width) ** 2))


def _depth(y: np.ndarray) -> np.ndarray:
    """Light that comes into the mouth: all of it at the lips, none deep inside."""
    return np.asarray(np.clip((-0.095 - y) / 0.035, 0.05, 1))


def _lip(surface: Surface, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Red of the lips, with a dark line where they meet."""
    line = _bump(z, 0.0700, 0.0008) * (surface.lip > 0.3) * (x < 0.022)
    return np.asarray(surface.lip + 0.8 * line)


def _beard(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    chin = 1 - _step(z, 0.062 + 0.6 * np.maximum(x - 0.02, 0), 0.012)
    upper_lip = _bump(z, 0.084, 0.005) * (1 - _step(x, 0.024, 0.006))
    return np.asarray(np.clip(chin + upper_lip, 0, 1) * (y < -0.03))


def _brow(skin: Skin, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    along = np.clip((x - 0.010) / (0.042 * skin.brow_length), 0, 1)
    middle = 0.1555 + skin.brow_height + 0.0045 * np.sin(np.pi * along**1.3) - 0.003 * along**3
    width = skin.brow_width * (1.1 - 0.6 * along)
    ends = _step(x, 0.010, 0.003) * (1 - _step(x, 0.010 + 0.042 * skin.brow_length, 0.004))
    return np.asarray(np.clip(1.3 * _bump(z, middle, width), 0, 1) * ends)


def _eye(skin: Skin, surface: Surface) -> np.ndarray:
    x, y, z = np.abs(surface.place[:, 0]), surface.place[:, 1], surface.place[:, 2]
    radius = np.hypot(x - 0.0302, z - 0.1368)
    iris = 1 - _step(radius, 0.0060, 0.0008)
    pupil = 1 - _step(radius, 0.0024, 0.0006)
    ring = 0.5 * _bump(radius, 0.0058, 0.0006)
    eye = _mix(np.full_like(x, skin.sclera), skin.iris, iris)
    eye = eye * (1 - ring)
    return np.asarray(_mix(eye, 0.015, pupil) * np.where(y < -0.11, 1, 0.2))


def _gaps(x: np.ndarray) -> np.ndarray:
    """Faint lines between the teeth."""
    return np.asarray(1 - 0.25 * np.exp(-((np.mod(x, 0.0075) / 0.0007) ** 2)))


def _furrows(moving: dict[str, float], x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Darkness of the lines where action units gather the skin, 0 to 1."""
    amount = {au: moving.get(au, 0.0) for au in FURROWING}
    forehead = max(amount["AU01"], amount["AU02"]) * _step(z, 0.170, 0.004)
    forehead_x = 1 - _step(x, 0.022 if amount["AU02"] < amount["AU01"] else 0.045, 0.008)
    lines = forehead * forehead_x * _ridge(z, 0.0105)
    lines = lines + amount["AU04"] * _bump(x, 0.0055, 0.0013) * _bump(z, 0.160, 0.006)
    lines = lines + amount["AU09"] * _bump(z, 0.142, 0.007) * (x < 0.012) * _ridge(z, 0.0055)
    crows = _bump(x, 0.056, 0.006) * _bump(z, 0.134, 0.008) * _ridge(z + 0.25 * x, 0.006)
    lines = lines + amount["AU06"] * crows
    fold = np.clip((0.104 - z) / 0.034, 0, 1)
    nasolabial = _bump(x, 0.0195 + 0.0155 * fold, 0.0018) * (fold > 0) * (fold < 1)
    lines = lines + max(amount["AU09"], 0.8 * amount["AU12"], 0.2) * nasolabial
    chin = _bump(z, 0.046, 0.006) * _bump(x, 0.0, 0.012)
    dimples = 0.5 + 0.5 * np.sin(x * 1500) * np.sin(z * 1700)
    lines = lines + 0.6 * amount["AU17"] * chin * dimples
    return np.asarray(np.clip(lines, 0, 1))


def _ridge(value: np.ndarray, period: float) -> np.ndarray:
    return np.asarray((0.5 + 0.5 * np.cos(2 * np.pi * value / period)) ** 3)
