"""The parts of the head's mesh, its lips and lashes, and teeth, which the mesh lacks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from jaxtyping import Bool, Float, Float32, Int, Int32, UInt8
from PIL import Image
from scipy.spatial import cKDTree

#: What a triangle belongs to.
SKIN, EYE, CAVITY, TONGUE, TEETH = range(5)

_PARTS: Final = {
    "eye_front.L": EYE, "eye_back.L": EYE, "eye_front.R": EYE, "eye_back.R": EYE,
    "eye_cavity.L": CAVITY, "eye_cavity.R": CAVITY, "mouth_cavity": CAVITY, "tongue": TONGUE,
}  # fmt: skip

# Lengths in metres on the average head.
_MOUTH_HEIGHT: Final = 0.0700  # where its lips meet
_EYE_HEIGHT: Final = 0.1370
_ARCH: Final = np.linspace(-1.15, 1.15, 15)  # angle along the dental arch, 0 in front
_ARCH_WIDTH: Final = 0.0225
_ARCH_DEPTH: Final = 0.030
_ARCH_FRONT: Final = -0.1262
_TOOTH: Final = 0.0095
_NEIGHBOURS: Final = 8


@dataclass(frozen=True)
class Teeth:
    """Two strips of teeth, and how they follow the head.

    Parameters
    ----------
    vertices
        On the average head; (tooth_vertex, 3).
    triangles
        Of these vertices; (triangle, 3).
    follow
        Weights of the head's vertices whose displacement each tooth vertex shares;
        (tooth_vertex, vertex), rows add up to 1.
    lower
        Which of them belong to the lower jaw; (tooth_vertex,).
    """

    vertices: Float[np.ndarray, "tooth_vertex 3"]
    triangles: Int32[np.ndarray, "tooth_triangle 3"]
    follow: Float[np.ndarray, "tooth_vertex vertex"]
    lower: Bool[np.ndarray, " tooth_vertex"]


def parts(model: Any, data: Path) -> UInt8[np.ndarray, " triangle"]:
    """Say what each triangle belongs to, by the colour of the model's part map at its middle."""
    folder = data / "segmentation"
    colours = yaml.safe_load((folder / "body_parts_segmentation.yaml").read_text())["colors"]
    with Image.open(folder / "body_parts_segmentation.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    middle = _texture(model).mean(axis=1)
    found = pixels[_pixel(middle, pixels.shape)]
    part = np.full(len(found), SKIN, dtype=np.uint8)
    for name, code in _PARTS.items():
        part[(found == np.array(colours[name])).all(axis=1)] = code
    return part


def mask(model: Any, file: Path) -> Float32[np.ndarray, "triangle 3"]:
    """Read a mask in texture space, 0 to 1, at each corner of each triangle."""
    with Image.open(file) as picture:
        pixels = np.asarray(picture.convert("L"), dtype=np.float32) / 255
    corners = _texture(model)
    found = pixels[_pixel(corners.reshape(-1, 2), pixels.shape)]
    return np.asarray(found.reshape(-1, 3))


def lashes(
    triangles: Int32[np.ndarray, "triangle 3"],
    part: UInt8[np.ndarray, " triangle"],
    average: Float[np.ndarray, "vertex 3"],
) -> Float32[np.ndarray, "triangle 3"]:
    """Give the skin's corners at the rim of the eyes: 1 above, less below, 0 elsewhere."""
    near_eyes = np.abs(average[:, 2] - _EYE_HEIGHT) < 0.02
    rim = _rim(triangles, part, len(average)) & near_eyes
    weight = np.where(average[:, 2] > _EYE_HEIGHT - 0.002, 1.0, 0.45) * rim
    return np.asarray(weight[triangles] * (part == SKIN)[:, None], dtype=np.float32)


def eyes(
    triangles: Int32[np.ndarray, "triangle 3"],
    part: UInt8[np.ndarray, " triangle"],
    average: Float[np.ndarray, "vertex 3"],
) -> tuple[Int32[np.ndarray, " left"], Int32[np.ndarray, " right"]]:
    """Find the vertices of the left and of the right eyeball."""
    found = np.unique(triangles[part == EYE]).astype(np.int32)
    left = average[found, 0] > 0
    return found[left], found[~left]


def lips(
    triangles: Int32[np.ndarray, "triangle 3"],
    part: UInt8[np.ndarray, " triangle"],
    average: Float[np.ndarray, "vertex 3"],
) -> tuple[int, int]:
    """Find the two vertices where upper and lower lip meet in the middle."""
    rim = _rim(triangles, part, len(average))
    middle = rim & (np.abs(average[:, 0]) < 0.001) & (np.abs(average[:, 2] - _MOUTH_HEIGHT) < 0.02)
    found = np.flatnonzero(middle)
    return (
        int(found[average[found, 2].argmax()]),
        int(found[average[found, 2].argmin()]),
    )


def teeth(
    average: Float[np.ndarray, "vertex 3"],
    triangles: Int32[np.ndarray, "triangle 3"],
    part: UInt8[np.ndarray, " triangle"],
) -> Teeth:
    """Build two strips of teeth just behind the lips, each of which moves with its jaw."""
    upper = _strip(_MOUTH_HEIGHT - 0.0005, _MOUTH_HEIGHT + _TOOTH)
    lower = _strip(_MOUTH_HEIGHT - _TOOTH, _MOUTH_HEIGHT - 0.0008)
    vertices = np.concatenate([upper, lower])
    is_lower = np.arange(len(vertices)) >= len(upper)
    cavity = np.unique(triangles[part == CAVITY])
    cavity = cavity[np.abs(average[cavity, 2] - _MOUTH_HEIGHT) < 0.04]
    follow = np.zeros((len(vertices), len(average)))
    for side in (False, True):
        sides = cavity[(average[cavity, 2] < _MOUTH_HEIGHT) == side]
        rows = np.flatnonzero(is_lower == side)
        distance, near = cKDTree(average[sides]).query(vertices[rows], k=_NEIGHBOURS)
        weight = 1 / (np.asarray(distance) + 1e-3)
        # a jaw is stiff: all its teeth follow as one
        follow[rows[:, None], sides[near]] = weight / weight.sum(axis=1, keepdims=True)
        follow[rows] = follow[rows].mean(axis=0)
    strip = _strip_triangles(len(_ARCH))
    return Teeth(
        vertices=vertices,
        triangles=np.concatenate([strip, strip + len(upper)]),
        follow=follow,
        lower=is_lower,
    )


def _texture(model: Any) -> Float[np.ndarray, "triangle 3 2"]:
    places = model.texture_coordinates.numpy()
    return np.asarray(places[model.face_texture_coordinate_indices.numpy()])


def _pixel(
    places: Float[np.ndarray, "place 2"], shape: tuple[int, ...]
) -> tuple[Int[np.ndarray, " place"], Int[np.ndarray, " place"]]:
    row = ((1 - places[:, 1]) * shape[0]).astype(int).clip(0, shape[0] - 1)
    column = (places[:, 0] * shape[1]).astype(int).clip(0, shape[1] - 1)
    return row, column


def _rim(
    triangles: Int32[np.ndarray, "triangle 3"], part: UInt8[np.ndarray, " triangle"], count: int
) -> Bool[np.ndarray, " vertex"]:
    """Say which vertices skin and cavities share: the rims of eyes and mouth."""
    touched = np.zeros((2, count), dtype=bool)
    touched[0, triangles[part == SKIN]] = True
    touched[1, triangles[part == CAVITY]] = True
    return np.asarray(touched.all(axis=0))


def _strip(low: float, high: float) -> Float[np.ndarray, "tooth_vertex 3"]:
    x = _ARCH_WIDTH * np.sin(_ARCH)
    y = _ARCH_FRONT + _ARCH_DEPTH * (1 - np.cos(_ARCH))
    return np.concatenate([np.stack([x, y, np.full_like(x, z)], axis=1) for z in (low, high)])


def _strip_triangles(columns: int) -> Int32[np.ndarray, "tooth_triangle 3"]:
    k = np.arange(columns - 1)
    below, above = k, k + columns
    faces = [np.stack([below, below + 1, above], 1), np.stack([below + 1, above + 1, above], 1)]
    return np.concatenate(faces).astype(np.int32)
