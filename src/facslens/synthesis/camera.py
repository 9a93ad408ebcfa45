"""Take the picture: head pose, camera, lamp, background, and the camera's blur and noise."""

import io
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import scipy.ndimage
from jaxtyping import Bool, Float, Float32, UInt8
from PIL import Image

from facslens.synthesis.actions import AUS, Sides
from facslens.synthesis.anatomy import EYE, SKIN
from facslens.synthesis.folds import relief
from facslens.synthesis.head import Head, Vertices
from facslens.synthesis.paint import LUMINANCE, Paint, Surface, colours
from facslens.synthesis.rays import Camera, Caster

#: Rays along each side of a pixel.
RAYS: Final = 2
#: Where an action unit moves the skin by at least this share of its largest movement, the
#: skin is its region.
REGION: Final = 0.5

#: From the middle between eyes and mouth to the axis of the head's turns, metres.
_PIVOT: Final = np.array([0.0, 0.075, 0.0])
#: The picture's middle lies above the middle between eyes and mouth by this share of its
#: width, so that the eyes come at about 35 % of its height and the mouth at 78 %.
_ABOVE: Final = 0.065


@dataclass(frozen=True)
class Setting:
    """Everything about a picture that is not the face.

    Parameters
    ----------
    yaw, pitch, roll
        Turn of the head in degrees.
    distance
        From the camera to the face, in metres.
    width
        Of the picture, as a multiple of the distance from the eyes to the mouth.
    shift
        Of the picture's middle, right and down, as shares of its width; (2,).
    lamp
        Unit vector to the lamp; (3,).
    ambient
        Share of the light that comes from everywhere, 0 to 1.
    exposure, contrast
        Factor of the light, and exponent of the levels around 1.
    warmth
        Of the light: its red as a multiple of its green, and its green of its blue.
    background
        Levels of the four corners of the background, 0 to 1, in red, green and blue; (4, 3).
    blur, noise
        Standard deviations: in pixels at 64 pixels a side, and of the level.
    quality
        Of the JPEG through which the picture goes; 0 for none.
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
    warmth: float
    background: tuple[tuple[float, float, float], ...]
    blur: float
    noise: float
    quality: int
    grain: int

    @property
    def tint(self) -> Float32[np.ndarray, " channel"]:
        """Red, green and blue of the light, of luminance 1."""
        light = np.array([self.warmth, 1.0, 1 / self.warmth])
        return np.asarray(light / (light @ LUMINANCE), dtype=np.float32)


def draw_setting(rng: np.random.Generator) -> Setting:
    """Draw the setting of a sequence."""
    side, height = rng.uniform(-0.9, 0.9), rng.uniform(-0.1, 0.9)
    wall = rng.uniform(0, 0.9) + rng.normal(0, 0.1, (4, 1)) + rng.normal(0, 0.04, 3)
    lamp = np.array([np.sin(side) * np.cos(height), -np.cos(side) * np.cos(height), np.sin(height)])
    return Setting(
        yaw=float(np.clip(rng.normal(0, 6), -15, 15)),
        pitch=float(np.clip(rng.normal(0, 5), -15, 15)),
        roll=float(np.clip(rng.normal(0, 2), -5, 5)),
        distance=float(rng.uniform(0.6, 1.4)),
        width=float(rng.uniform(2.05, 2.3)),
        shift=(0.0, 0.0),
        lamp=(float(lamp[0]), float(lamp[1]), float(lamp[2])),
        ambient=float(rng.uniform(0.4, 0.65)),
        exposure=float(rng.uniform(1.0, 1.45)),
        contrast=float(rng.uniform(1.0, 1.3)),
        warmth=float(rng.uniform(0.95, 1.08)),
        background=tuple((r, g, b) for r, g, b in np.clip(wall, 0, 1).tolist()),
        blur=float(rng.uniform(0.1, 0.4)),
        noise=float(rng.uniform(0.002, 0.009)),
        quality=int(rng.integers(70, 96)),
        grain=0,
    )


def draw_varied(rng: np.random.Generator) -> Setting:
    """Draw a setting that differs from others as much as the crops of a real detector do.

    Turns of ±20°, nods of ±10°, roll of ±8°, ±10 % in scale, ±5 % in place, other light, blur and
    noise; no JPEG, so that what an action unit leaves alone stays equal to the bit.
    """
    right, down = rng.uniform(-0.05, 0.05, 2)
    return replace(
        draw_setting(rng),
        yaw=float(rng.uniform(-20, 20)),
        pitch=float(rng.uniform(-10, 10)),
        roll=float(rng.uniform(-8, 8)),
        width=float(2.175 * rng.uniform(0.9, 1.1)),
        shift=(float(right), float(down)),
        quality=0,
        grain=int(rng.integers(2**31)),
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
    """One image, and where its action units are.

    Parameters
    ----------
    colour
        Red, green and blue as sRGB; (row, column, channel).
    regions
        Where each action unit of `AUS` moves the visible skin; (au, row, column).
    """

    colour: UInt8[np.ndarray, "row column channel"]
    regions: Bool[np.ndarray, "au row column"]

    @property
    def grey(self) -> UInt8[np.ndarray, "row column"]:
        """Its grey levels, as every reader of images makes them (ITU-R BT.601)."""
        return np.array(Image.fromarray(self.colour).convert("L"))


class Studio:
    """Draws faces of one head model."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self._caster = Caster(head.canonical, head.triangles)

    def take(
        self,
        face: Vertices,
        rest: Vertices,
        paint: Paint,
        setting: Setting,
        *,
        moving: Sides,
        size: int,
    ) -> Picture:
        """Draw a face.

        Parameters
        ----------
        face, rest
            Its vertices, upright, in metres; and those of the same face at rest, by whose eyes
            and mouth the picture is cropped.
        paint, setting
            The person's paint and the setting.
        moving
            Left and right intensity of the action units, which fold the skin.
        size
            Side of the picture in pixels.
        """
        turn, vertices, camera = _pose(face, *self.head.eyes_and_mouth(rest), setting)
        lamp = np.array(setting.lamp, dtype=np.float32)
        hits = self._caster.cast(vertices, camera, lamp, size * RAYS)
        seen = hits.triangle >= 0
        triangle, weight = hits.triangle[seen], hits.weight[seen]
        surface = self._surface(triangle, weight)
        normals = self.head.normals(vertices)
        normal = _blend(normals, self.head.triangles[triangle], weight)
        darkness, slope = relief(surface.place[:, 0], surface.place[:, 2], moving, paint.folds)
        darkness[surface.part != SKIN] = 0
        slope[surface.part != SKIN] = 0
        normal -= np.einsum("pc,ce->pe", slope, turn[:, [0, 2]].T.astype(np.float32))
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        open_ = self.head.openness(vertices, normals)
        reached = (open_[self.head.triangles[triangle]] * weight).sum(axis=1) * (1 - darkness)
        view = camera.eye - _blend(vertices, self.head.triangles[triangle], weight)
        diffuse, gloss = _light(normal, view, lamp, hits.lit[seen], reached, surface, setting)
        level = _background(setting, size * RAYS)
        colour = colours(paint, surface) * (diffuse[:, None] * setting.tint)
        level[seen] = np.clip(colour + gloss[:, None], 0, 2) ** (1 / 2.2)
        return Picture(
            colour=_develop(_shrink(level), setting, size),
            regions=self._regions(triangle, weight, seen),
        )

    def reach(
        self, face: Vertices, rest: Vertices, moving: Sides, setting: Setting, size: int
    ) -> Bool[np.ndarray, "row column"]:
        """Say which pixels can differ from those of the face at rest; no other can.

        A pixel can differ where skin has moved, or lies so near that its slope or its openness
        follows, where a fold appears, where a shadow moves, and as far around as the blur reaches.

        Parameters
        ----------
        face, rest
            The vertices of the face, and of the same face at rest.
        moving
            Left and right intensity of what has moved it.
        setting, size
            Those of both pictures.
        """
        head, near = self.head, (face != rest).any(axis=1)
        near |= (head.around @ near.astype(np.float32)) > 0
        crop = head.eyes_and_mouth(rest)
        lamp = np.array(setting.lamp, dtype=np.float32)
        hits = []
        for vertices in (face, rest):
            _, posed, camera = _pose(vertices, *crop, setting)
            hits.append(self._caster.cast(posed, camera, lamp, size * RAYS))
        rays = (hits[0].lit != hits[1].lit) | (hits[0].triangle != hits[1].triangle)
        for one in hits:
            seen = one.triangle >= 0
            corners = head.triangles[one.triangle[seen]]
            place = _blend(head.canonical, corners, one.weight[seen])
            folded = relief(place[:, 0], place[:, 2], moving, 1.0)
            flat = relief(place[:, 0], place[:, 2], {}, 1.0)
            differs = (folded[0] != flat[0]) | (folded[1] != flat[1]).any(axis=1)
            rays[seen] |= near[corners].any(axis=1) | differs
        spread = int(4 * setting.blur * size / 64 + 0.5)  # as far as SciPy's Gaussian goes
        pixels = _shrink(rays) > 0
        return np.asarray(scipy.ndimage.maximum_filter(pixels, 2 * spread + 1))

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


# Sums are written by einsum, not as matrix products: these change in their last bits with the
# number of threads, and then so do pixels.
def _blend(values: np.ndarray, corners: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("pcd,pc->pd", values[corners], weight), dtype=np.float32)


def _pose(
    face: Vertices, eyes: np.ndarray, mouth: np.ndarray, setting: Setting
) -> tuple[np.ndarray, Vertices, Camera]:
    yaw, pitch, roll = np.radians([setting.yaw, setting.pitch, setting.roll])
    turn = _turn(2, yaw) @ _turn(0, pitch) @ _turn(1, roll)
    pivot = (eyes + mouth) / 2 + _PIVOT
    vertices = (np.einsum("vd,ed->ve", face - pivot, turn) + pivot).astype(np.float32)
    side = setting.width * float(np.linalg.norm(eyes - mouth))
    right, down = setting.shift
    middle = pivot - turn @ _PIVOT + side * np.array([right, 0, _ABOVE - down])
    across, upward = np.array([side, 0, 0]), np.array([0, 0, side])
    return (
        turn,
        vertices,
        Camera(
            eye=(middle - [0, setting.distance, 0]).astype(np.float32),
            corner=(middle - across / 2 + upward / 2).astype(np.float32),
            right=across.astype(np.float32),
            down=(-upward).astype(np.float32),
        ),
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
    reached: np.ndarray,
    surface: Surface,
    setting: Setting,
) -> tuple[np.ndarray, np.ndarray]:
    """Give diffuse light, a factor of the reflectance, and gloss, which is added."""
    sky = (0.7 + 0.3 * normal[:, 2]) * reached
    direct = np.maximum(np.einsum("pd,d->p", normal, lamp), 0) * (0.2 + 0.8 * lit)
    direct *= np.sqrt(reached)
    diffuse = setting.exposure * (setting.ambient * sky + 1.25 * (1 - setting.ambient) * direct)
    half = view / np.linalg.norm(view, axis=1, keepdims=True) + lamp
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    shine = np.maximum((normal * half).sum(axis=1), 0)
    gloss = np.where(surface.part == EYE, 0.8 * shine**120, 0.05 * shine**18)
    gloss = np.where((surface.part == EYE) | (surface.part == SKIN), gloss, 0)
    return diffuse, gloss * lit * reached * setting.exposure


def _background(setting: Setting, size: int) -> Float[np.ndarray, "row column channel"]:
    across = np.linspace(0, 1, size)[:, None]
    a, b, c, d = np.array(setting.background)
    top, bottom = a + (b - a) * across, c + (d - c) * across
    return np.asarray(top + (bottom - top) * across[:, None])


def _shrink(levels: np.ndarray) -> np.ndarray:
    rows = levels.shape[0] // RAYS
    return np.asarray(levels.reshape(rows, RAYS, rows, RAYS, *levels.shape[2:]).mean(axis=(1, 3)))


def _develop(
    level: Float[np.ndarray, "row column channel"], setting: Setting, size: int
) -> UInt8[np.ndarray, "row column channel"]:
    """Blur, grain, contrast, eight bits, and a JPEG there and back."""
    level = scipy.ndimage.gaussian_filter(level, setting.blur * size / 64, axes=(0, 1))
    grain = np.random.default_rng(setting.grain).normal(0, setting.noise, level.shape[:2])
    level = np.clip(level + grain[:, :, None], 0, 1) ** setting.contrast
    if not setting.quality:
        return np.rint(255 * level).astype(np.uint8)
    with io.BytesIO() as file:
        Image.fromarray(np.rint(255 * level).astype(np.uint8)).save(
            file, "JPEG", quality=setting.quality
        )
        with Image.open(file) as image:
            return np.array(image)
