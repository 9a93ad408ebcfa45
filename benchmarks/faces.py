"""Detecting faces and cutting them out: the template, the rate, the error and the time.

Run as

    OMP_NUM_THREADS=1 python benchmarks/faces.py ../shared/data/ferplus.zip
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from facslens.datasets.ferplus import read_votes
from facslens.datasets.images import read_grey
from facslens.preprocess.alignment import Similarity
from facslens.preprocess.crop import TEMPLATE, crop, crop_box
from facslens.preprocess.detect import DETECTORS, make_detector
from facslens.preprocess.detection import Detection, Detector

SIZE = 48
FRAMES = (1.5, 1.75, 2.0)  # sides of the padded picture in sides of the face


def main() -> None:
    """Measure one detector and print every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ferplus", type=Path)
    parser.add_argument("--detector", choices=DETECTORS, default="blazeface")
    parser.add_argument("--faces", type=int, default=500)
    choices = parser.parse_args()
    detector = make_detector(choices.detector)
    rng = np.random.default_rng(0)
    rows = read_votes(choices.ferplus, [], own=False)
    paths = rows.loc[rows["split"] == "train", "path"]
    faces = [read_grey(p) for p in rng.permutation(paths)[: choices.faces]]

    found = [detector(colours(face)) for face in faces]
    print(f"faces as they are: {np.mean([bool(f) for f in found]):.3f} of {len(faces)} found")
    places = [in_face(face, detector) for face in faces]
    known = [p for p in places if p is not None and p.points is not None]
    landmarks = np.array([p.points for p in known])
    if len(known):
        print(f"landmarks, medians of {len(known)}:", np.median(landmarks, axis=0).round(2))
    boxes = np.array([p.box for p in places if p is not None])
    left, top, width, height = np.median(boxes, axis=0)
    print(
        f"box, medians of {len(boxes)}: {left:.2f} {top:.2f} {width:.2f} {height:.2f}; the crop's "
        f"centre lies at {(SIZE / 2 - left) / width:.3f}, {(SIZE / 2 - top) / height:.3f} in it, "
        f"its side is {SIZE / width:.3f} widths"
    )

    rows = pd.DataFrame([pasted(f, p, detector, rng) for f, p in zip(faces, places, strict=True)])
    print(rows.describe().loc[["count", "mean", "50%"]].round(3).to_string())


def colours(grey: np.ndarray) -> np.ndarray:
    """Give grey levels three times."""
    return np.dstack([grey] * 3)


def in_face(face: np.ndarray, detector: Detector) -> Detection | None:
    """Find a crop's face as well as can be: the median over several frames around it."""
    found = []
    for frame in FRAMES:
        margin = round(SIZE * (frame - 1) / 2)
        wide = np.pad(face, margin, mode="edge")
        large = Image.fromarray(wide).resize((4 * len(wide), 4 * len(wide)), Image.BICUBIC)
        seen = detector(colours(np.asarray(large)))
        if seen:
            found.append(seen[0].moved(Similarity(0.25 + 0j, -margin * (1 + 1j))))
    if len(found) < len(FRAMES):
        return None
    box = np.median([f.box for f in found], axis=0).tolist()
    points = [f.points for f in found if f.points is not None]
    return Detection(*box, math.nan, np.median(points, axis=0) if points else None)


def pasted(
    face: np.ndarray, truth: Detection | None, detector: Detector, rng: np.random.Generator
) -> dict[str, float]:
    """Place a face in a photograph of 640 × 480, three to six times as large, and find it."""
    angle = math.radians(rng.uniform(-20, 20))
    turn = rng.uniform(3, 6) * complex(math.cos(angle), math.sin(angle))
    reach = abs(turn) * SIZE * 0.65
    across, down = (rng.uniform(min(reach, s / 2), max(s - reach, s / 2)) for s in (640, 480))
    way = Similarity(turn, complex(across, down) - turn * complex(SIZE, SIZE) / 2)
    photograph = paste(face, way, rng)
    rgb = colours(photograph)
    start, started = time.perf_counter(), time.process_time()
    found = detector(rgb)
    cut = None
    if found and found[0].points is not None:
        cut = crop(photograph, found[0].points, SIZE)
    elif found:
        cut = crop_box(photograph, found[0].box, SIZE)
    row = {"found": float(bool(found)), "ms": 1e3 * (time.perf_counter() - start)}
    row["ms of CPU"] = 1e3 * (time.process_time() - started)
    if cut is None:
        return row
    row["correlation"] = float(np.corrcoef(cut.ravel(), face.ravel())[0, 1])
    if found[0].points is not None:
        back = way.inverse()(found[0].points)
        template = SIZE * np.array(TEMPLATE)
        row["eyes to template, px"] = float(np.linalg.norm((back - template)[:2], axis=1).mean())
        if truth is not None and truth.points is not None:
            gap = np.linalg.norm((back - truth.points)[:2], axis=1)
            row["eyes to truth, px"] = float(gap.mean())
            own = crop(face, truth.points, SIZE)
            row["correlation of aligned crops"] = float(np.corrcoef(cut.ravel(), own.ravel())[0, 1])
    return row


def paste(face: np.ndarray, way: Similarity, rng: np.random.Generator) -> np.ndarray:
    """Draw a face on a smooth random ground of 640 × 480."""
    ground = rng.integers(60, 200, (6, 8), dtype=np.uint8)
    canvas = Image.fromarray(ground).resize((640, 480), Image.BICUBIC)
    back = way.inverse()
    data = (
        back.turn.real, -back.turn.imag, back.shift.real,
        back.turn.imag, back.turn.real, back.shift.imag,
    )  # fmt: skip
    image = Image.fromarray(face).transform(canvas.size, Image.AFFINE, data, Image.BICUBIC)
    whole = Image.new("L", (SIZE, SIZE), 255).transform(canvas.size, Image.AFFINE, data)
    canvas.paste(image, mask=whole)
    return np.asarray(canvas)


if __name__ == "__main__":
    main()
