"""Which triangle each ray of a pinhole camera meets, and whether a lamp reaches that point."""

from dataclasses import dataclass
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Bool, Float32, Int32

from facslens.synthesis.extra import not_installed

try:
    import warp as wp
except ImportError as error:
    raise not_installed(error) from error

#: Metres by which a shadow ray starts off the skin, so that it does not meet its own triangle.
_LIFT = 0.002


@wp.kernel
@no_type_check  # these annotations are for Warp's compiler
def _cast(
    mesh: wp.uint64,
    eye: wp.vec3,
    corner: wp.vec3,
    right: wp.vec3,
    down: wp.vec3,
    lamp: wp.vec3,
    lift: float,
    triangle: wp.array2d(dtype=wp.int32),
    weight: wp.array2d(dtype=wp.vec2),
    lit: wp.array2d(dtype=wp.int32),
) -> None:
    row, column = wp.tid()
    through = corner + right * (float(column) + 0.5) + down * (float(row) + 0.5)
    direction = wp.normalize(through - eye)
    hit = wp.mesh_query_ray(mesh, eye, direction, 10.0)
    triangle[row, column] = -1
    if hit.result:
        triangle[row, column] = hit.face
        weight[row, column] = wp.vec2(hit.u, hit.v)
        point = eye + direction * hit.t + lamp * lift
        if not wp.mesh_query_ray_anyhit(mesh, point, lamp, 1.0):
            lit[row, column] = 1


@dataclass(frozen=True)
class Hits:
    """What the rays met, one ray per pixel.

    Parameters
    ----------
    triangle
        The triangle, or −1 for nothing; (row, column).
    weight
        Weights of its three corners at the point met; (row, column, 3).
    lit
        Whether nothing stands between that point and the lamp; (row, column).
    """

    triangle: Int32[np.ndarray, "row column"]
    weight: Float32[np.ndarray, "row column 3"]
    lit: Bool[np.ndarray, "row column"]


@dataclass(frozen=True)
class Camera:
    """A pinhole: the eye, and the square of the picture in the world.

    Parameters
    ----------
    eye
        Where the rays start; (3,), metres.
    corner
        Upper left corner of the picture; (3,).
    right, down
        Its edges; (3,).
    """

    eye: Float32[np.ndarray, " 3"]
    corner: Float32[np.ndarray, " 3"]
    right: Float32[np.ndarray, " 3"]
    down: Float32[np.ndarray, " 3"]


class Caster:
    """Casts rays at one mesh whose vertices move.

    The hierarchy of boxes is built once, from the first vertices, and then only refitted, so that
    the result does not depend on the faces drawn before.
    """

    def __init__(
        self, vertices: Float32[np.ndarray, "vertex 3"], triangles: Int32[np.ndarray, "triangle 3"]
    ) -> None:
        self._device = "cpu"
        points = wp.array(vertices, dtype=wp.vec3, device=self._device)
        indices = wp.array(triangles.ravel(), dtype=wp.int32, device=self._device)
        self._mesh = wp.Mesh(points=points, indices=indices)

    def cast(
        self,
        vertices: Float32[np.ndarray, "vertex 3"],
        camera: Camera,
        lamp: Float32[np.ndarray, " 3"],
        size: int,
    ) -> Hits:
        """Cast size × size rays; ``lamp`` is the unit vector that points to the lamp."""
        self._mesh.points.assign(vertices)
        self._mesh.refit()
        triangle = self._new(wp.int32, size)
        weight = self._new(wp.vec2, size)
        lit = self._new(wp.int32, size)
        wp.launch(
            _cast,
            dim=(size, size),
            inputs=[
                self._mesh.id,
                wp.vec3(*camera.eye),
                wp.vec3(*camera.corner),
                wp.vec3(*(camera.right / size)),
                wp.vec3(*(camera.down / size)),
                wp.vec3(*lamp),
                _LIFT,
            ],
            outputs=[triangle, weight, lit],
            device=self._device,
        )
        first_two = weight.numpy()
        third = 1 - first_two.sum(axis=2, keepdims=True)
        return Hits(
            triangle=triangle.numpy(),
            weight=np.concatenate([first_two, third], axis=2),
            lit=lit.numpy() > 0,
        )

    def _new(self, kind: Any, size: int) -> Any:
        return wp.zeros((size, size), dtype=kind, device=self._device)
