"""Taking the picture: head pose, camera, lamp, background, and what a camera spoils."""

import io
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import scipy.ndimage
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from facslens.datasets.synthetic.actions import AUS
from facslens.datasets.synthetic.head import Head, Vertices
from facslens.datasets.synthetic.rays import Camera, Caster
from facslens.datasets.synthetic.skin import Skin, Surface, reflectance

#: Rays along each side of a pixel.
RAYS: Final = 2
#: Where an action unit moves the skin by at least this share of its largest movement, the
#: skin is its region.
REGION: Final = 0.35

#: Axis of the head's turns, and the middle of the face, on the average head in metres.
_PIVOT: Final = np.array([0.0, -0.05, 0.11])
_MIDDLE: Final = np.array([0.0, -0.125, 0.1135])


@dataclass(frozen=True)
class Setting:
    """Everything about a picture that is not the face.

    Parameters
    ----------
    yaw, pitch, roll
        Turn of the head in degrees.
    distance, width
        From the eye of the camera to the face, and the width of the picture there, metres.
    shift
        Of the picture's middle, right and down, as shares of its width; (2,).
    lamp
        Unit vector to the lamp; (3,).
    ambient
        Share of the light that comes from everywhere, 0 to 1.
    exposure, contrast
        Factor of the light, and exponent of the levels around 1.
    background
        Grey levels of the four corners of the background, 0 to 1; (4,).
    blur, noise
        Standard deviations: in pixels at 64 pixels a side, and of the level.
    quality
        Of the JPEG through which the picture goes.
    grain
        Seed of its noise.
    """

    yaw: float
    pitch: float
    roll: float
    distance: float
    width: float
    shift: tuple[float, float]
    lamp: tuple[float, float, float]
    ambient: float
    exposure: float
    contrast: float
    background: tuple[float, float, float, float]
    blur: float
    noise: float
    quality: int
    grain: int


def draw_setting(rng: np.random.Generator) -> Setting:
    """Draw the setting of a sequence."""
    side, height = rng.uniform(-1.1, 1.1), rng.uniform(-0.15, 1.0)
    lamp = np.array([np.sin(side) * np.cos(height), -np.cos(side) * np.cos(height), np.sin(height)])
    return Setting(
        yaw=float(np.clip(rng.normal(0, 6), -15, 15)),
        pitch=float(np.clip(rng.normal(0, 5), -15, 15)),
        roll=float(np.clip(rng.normal(0, 2), -5, 5)),
        distance=float(rng.uniform(0.6, 1.4)),
        width=float(rng.uniform(0.128, 0.146)),
        shift=(0.0, 0.0),
        lamp=(float(lamp[0]), float(lamp[1]), float(lamp[2])),
        ambient=float(rng.uniform(0.3, 0.65)),
        exposure=float(rng.uniform(0.85, 1.2)),
        contrast=float(rng.uniform(0.85, 1.15)),
        background=tuple(float(v) for v in np.clip(rng.uniform(0, 0.9) + rng.normal(0, 0.1, 4), 0, 1)),  # type: ignore[arg-type]  # noqa: E501
        blur=float(rng.uniform(0.2, 0.8)),
        noise=float(rng.uniform(0.003, 0.025)),
        quality=int(rng.integers(60, 96)),
        grain=0,
    )


def shaken(setting: Setting, rng: np.random.Generator) -> Setting:
    """Give the setting of the next image of a sequence: the head and the crop move a little."""
    right, down = rng.uniform(-0.025, 0.025, 2)
    return replace(
        setting,
        yaw=float(np.clip(setting.yaw + rng.normal(0, 1.5), -15, 15)),
        pitch=float(np.clip(setting.pitch + rng.normal(0, 1.5), -15, 15)),
        roll=float(np.clip(setting.roll + rng.normal(0, 0.7), -5, 5)),
        width=setting.width * float(rng.uniform(0.98, 1.02)),
        shift=(float(right), float(down)),
        grain=int(rng.integers(2**31)),
    )


@dataclass(frozen=True)
class Picture:
    """One image and the truth in it.

    Parameters
    ----------
    levels
        Grey levels; (row, column).
    regions
        Where each action unit of `AUS` moves the visible skin; (au, row, column).
    """

    levels: UInt8[np.ndarray, "row column"]
    regions: Bool[np.ndarray, "au row column"]


class Studio:
    """Draws faces of one head model."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self._caster = Caster(head.canonical, head.triangles)

    def take(
        self,
        face: Vertices,
        skin: Skin,
        setting: Setting,
        *,
        moving: dict[str, float],
        size: int,
    ) -> Picture:
        """Draw a face.

        Parameters
        ----------
        face
            Its vertices, upright, in metres.
        skin, setting
            The person's paint and the setting.
        moving
            Intensities of the action units that furrow the skin.
        size
            Side of the picture in pixels.
        """
        vertices, camera = _pose(face, setting)
        lamp = np.array(setting.lamp, dtype=np.float32)
        hits = self._caster.cast(vertices, camera, lamp, size * RAYS)
        seen = hits.triangle >= 0
        triangle, weight = hits.triangle[seen], hits.weight[seen]
        surface = self._surface(triangle, weight)
        normal = _blend(self.head.normals(vertices), self.head.triangles[triangle], weight)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        view = camera.eye - _blend(vertices, self.head.triangles[triangle], weight)
        light = _light(normal, view, lamp, hits.lit[seen], surface, setting)
        level = _background(setting, size * RAYS)
        paint = reflectance(skin, surface, moving)
        level[seen] = np.clip(paint * light[0] + light[1], 0, 2) ** (1 / 2.2)
        return Picture(
            levels=_develop(_shrink(level), setting, size),
            regions=self._regions(triangle, weight, seen),
        )

    def _surface(self, triangle: np.ndarray, weight: np.ndarray) -> Surface:
        head = self.head
        return Surface(
            place=_blend(head.canonical, head.triangles[triangle], weight),
            part=head.part[triangle],
            lip=(head.lip[triangle] * weight).sum(axis=1),
            lid=(head.lid[triangle] * weight).sum(axis=1),
            lash=(head.lash[triangle] * weight).sum(axis=1),
        )

    def _regions(
        self, triangle: np.ndarray, weight: np.ndarray, seen: np.ndarray
    ) -> Bool[np.ndarray, "au row column"]:
        reach = np.zeros((len(AUS), *seen.shape), dtype=np.float32)
        corners = self.head.reach[:, self.head.triangles[triangle]]
        reach[:, seen] = np.einsum("apc,pc->ap", corners, weight)
        return np.stack([_shrink(one) for one in reach]) >= REGION


def _blend(values: np.ndarray, corners: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.einsum("pcd,pc->pd", values[corners], weight).astype(np.float32)


def _pose(face: Vertices, setting: Setting) -> tuple[Vertices, Camera]:
    yaw, pitch, roll = np.radians([setting.yaw, setting.pitch, setting.roll])
    turn = _turn(2, yaw) @ _turn(0, pitch) @ _turn(1, roll)
    vertices = ((face - _PIVOT) @ turn.T + _PIVOT).astype(np.float32)
    middle = (_MIDDLE - _PIVOT) @ turn.T + _PIVOT
    middle = middle + setting.width * np.array([setting.shift[0], 0, -setting.shift[1]])
    width = np.array([setting.width, 0, 0])
    height = np.array([0, 0, -setting.width])
    return vertices, Camera(
        eye=(middle - [0, setting.distance, 0]).astype(np.float32),
        corner=(middle - width / 2 - height / 2 + [0, 0.0, 0]).astype(np.float32),
        right=width.astype(np.float32),
        down=height.astype(np.float32),
    )


def _turn(axis: int, angle: float) -> Float[np.ndarray, "3 3"]:
    matrix = np.eye(3)
    first, second = [k for k in range(3) if k != axis]
    matrix[[first, second], [first, second]] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


def _light(
    normal: np.ndarray,
    view: np.ndarray,
    lamp: np.ndarray,
    lit: np.ndarray,
    surface: Surface,
    setting: Setting,
) -> tuple[np.ndarray, np.ndarray]:
    """Give diffuse light, a factor of the reflectance, and gloss, which is added."""
    from facslens.datasets.synthetic.anatomy import EYE, SKIN

    sky = 0.75 + 0.25 * normal[:, 2]
    direct = np.maximum(normal @ lamp, 0) * (0.25 + 0.75 * lit)
    diffuse = setting.exposure * (setting.ambient * sky + 1.25 * (1 - setting.ambient) * direct)
    half = view / np.linalg.norm(view, axis=1, keepdims=True) + lamp
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    shine = np.maximum((normal * half).sum(axis=1), 0)
    gloss = np.where(surface.part == EYE, 0.8 * shine**120, 0.05 * shine**18)
    gloss = np.where((surface.part == EYE) | (surface.part == SKIN), gloss, 0)
    return diffuse, gloss * lit * setting.exposure


def _background(setting: Setting, size: int) -> Float[np.ndarray, "row column"]:
    across = np.linspace(0, 1, size)
    a, b, c, d = setting.background
    top, bottom = a + (b - a) * across, c + (d - c) * across
    return top + (bottom - top) * across[:, None]


def _shrink(levels: np.ndarray) -> np.ndarray:
    rows = levels.shape[0] // RAYS
    return np.asarray(levels.reshape(rows, RAYS, rows, RAYS).mean(axis=(1, 3)))


def _develop(
    level: Float[np.ndarray, "row column"], setting: Setting, size: int
) -> UInt8[np.ndarray, "row column"]:
    """Blur, grain, contrast, eight bits, and a JPEG there and back."""
    level = scipy.ndimage.gaussian_filter(level, setting.blur * size / 64)
    grain = np.random.default_rng(setting.grain).normal(0, setting.noise, level.shape)
    level = np.clip(level + grain, 0, 1) ** setting.contrast
    with io.BytesIO() as file:
        Image.fromarray(np.rint(255 * level).astype(np.uint8)).save(
            file, "JPEG", quality=setting.quality
        )
        with Image.open(file) as image:
            return np.array(image)
