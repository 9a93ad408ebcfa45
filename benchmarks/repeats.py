"""Near duplicates: what tells them from faces that are alike, and what the search for them takes.

    python -m benchmarks.repeats FERPLUS.zip CK48 [--json FILE]

The evidence for the two limits of `facslens.datasets.likeness`: pairs of different people that the
hash takes for one picture, and how far a picture moves from itself when it is saved, scaled or lit
in another way. Then the search alone as images grow in number. Before both, `facslens data check`
of FER+ in a process of its own.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from facslens.datasets.base import Faces
from facslens.datasets.images import read_grey
from facslens.datasets.likeness import ALIKE, BITS, candidates, correlation, shrunk
from facslens.datasets.load import load

CHECK = "from facslens.cli.main import main; main()"


def main() -> None:
    """Measure all three and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ferplus", type=Path)
    parser.add_argument("ck48", type=Path)
    parser.add_argument("--json", type=Path)
    choices = parser.parse_args()
    ferplus = f"ferplus:{choices.ferplus},assume_independent=yes"
    found: dict[str, object] = {"limits": {"bits": BITS, "correlation": ALIKE}}
    # First, while this process is small: what it holds when it starts another counts for both.
    found["facslens data check"] = checked(ferplus)
    posed = load(f"ck48:{choices.ck48}")
    for name, faces in (("CK+48", posed), ("drawn", load("synthetic"))):
        found[f"different people, {name}"] = strangers(faces)
    wild = load(ferplus)
    for name, faces in (("CK+48", posed), ("FER+", wild)):
        found[f"one picture, {name}"] = changed(faces, 800)
    levels = [read_grey(path) for path in wild.table["path"]]
    found["search"] = {count: searched(levels, count) for count in (len(levels), 200_000)}
    found["frames"] = frames(27, 4845)
    print(json.dumps(found, indent=2))
    if choices.json:
        choices.json.write_text(json.dumps(found, indent=2))


def strangers(faces: Faces) -> Mapping[str, float]:
    """Count pairs of two people that the hash takes for one picture; how alike they are at most."""
    looks = [shrunk(read_grey(path)) for path in faces.table["path"]]
    hashes, small = np.array([h for h, _ in looks]), np.array([s for _, s in looks])
    person = faces.table["subject"].to_numpy()
    pairs, top = 0, []
    for a, b in candidates(hashes):
        two = person[a] != person[b]
        pairs += int(two.sum())
        top.extend(correlation(small[a[two]], small[b[two]]).tolist())
    sizes = faces.table["subject"].value_counts().to_numpy()
    return {
        "pairs": int((sizes.sum() ** 2 - (sizes**2).sum()) // 2),
        "of few bits": pairs,
        "largest correlation": round(max(top), 4),
        "taken for one picture": sum(value >= ALIKE for value in top),
    }


def changed(faces: Faces, count: int) -> Mapping[str, Mapping[str, float]]:
    """Change some pictures in every way; how many of them are still found."""
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(faces))[:count]
    levels = [read_grey(path) for path in faces.table["path"].iloc[chosen]]
    looks = [shrunk(one) for one in levels]
    small = np.array([s for _, s in looks])
    rows = {}
    for name, change in changes(rng).items():
        other = [shrunk(change(one)) for one in levels]
        bits = np.array(
            [int(a ^ b).bit_count() for (a, _), (b, _) in zip(looks, other, strict=True)]
        )
        alike = correlation(small, np.array([s for _, s in other]))
        rows[name] = {
            "bits, 99 %": float(np.percentile(bits, 99)),
            "correlation, 1 %": round(float(np.percentile(alike, 1)), 4),
            "found": round(float(((bits <= BITS) & (alike >= ALIKE)).mean()), 4),
        }
    return rows


def changes(rng: np.random.Generator) -> Mapping[str, Callable[[np.ndarray], np.ndarray]]:
    """Give the ways in which pictures on the net come back changed."""

    def saved(levels: np.ndarray, quality: int) -> np.ndarray:
        stream = io.BytesIO()
        Image.fromarray(levels).save(stream, "JPEG", quality=quality)
        return np.asarray(Image.open(stream))

    def scaled(levels: np.ndarray, side: int) -> np.ndarray:
        return np.asarray(Image.fromarray(levels).resize((side, side), Image.Resampling.BICUBIC))

    def held(levels: np.ndarray) -> np.ndarray:
        return np.clip(levels, 0, 255).astype(np.uint8)

    return {
        "JPEG of quality 50": lambda x: saved(x, 50),
        "scaled to 100": lambda x: scaled(x, 100),
        "scaled to 32": lambda x: scaled(x, 32),
        "scaled to 224, JPEG of quality 75": lambda x: saved(scaled(x, 224), 75),
        "brighter by 20": lambda x: held(x + 20.0),
        "contrast 0.8": lambda x: held(x * 0.8),
        "gamma 0.8": lambda x: held(255 * (x / 255) ** 0.8),
        "noise of 4 levels": lambda x: held(x + rng.normal(0, 4, x.shape)),
        "one row and column cut off": lambda x: scaled(x[1:, 1:], len(x)),
        "moved by one pixel": lambda x: np.roll(x, 1, axis=1),
    }


def searched(levels: list[np.ndarray], count: int) -> Mapping[str, float]:
    """Take the time of the search among so many hashes: those of faces, with noise for more."""
    rng = np.random.default_rng(0)
    hashes = np.array([shrunk(one)[0] for one in levels])
    more = rng.choice(hashes, count)
    for _ in range(6):  # as far from each other as other faces are
        more = more ^ (np.uint64(1) << rng.integers(0, 64, count).astype(np.uint64))
    some = hashes if count <= len(hashes) else more
    start, pairs = time.process_time(), 0
    for a, _ in candidates(some):
        pairs += len(a)
    return {"seconds of CPU": round(time.process_time() - start, 2), "pairs": pairs}


def frames(people: int, each: int) -> Mapping[str, float]:
    """Take the time of the search among frames: of each person all are alike but for 3 bits."""
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 1 << 63, people, dtype=np.uint64).repeat(each)
    for _ in range(3):
        hashes = hashes ^ (np.uint64(1) << rng.integers(0, 64, len(hashes)).astype(np.uint64))
    start, pairs = time.process_time(), 0
    for a, _ in candidates(hashes):
        pairs += len(a)
    return {"seconds of CPU": round(time.process_time() - start, 2), "pairs": pairs}


def checked(spec: str) -> Mapping[str, float]:
    """Check a dataset in a fresh process: its times and its largest memory."""
    start = time.perf_counter()
    call = [sys.executable, "-c", CHECK, "data", "check", spec, "--json"]
    subprocess.run(call, check=True, capture_output=True, env=dict(os.environ))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "seconds of CPU": round(used.ru_utime + used.ru_stime, 1),
        "MB at most": round(used.ru_maxrss / 1000),
    }


if __name__ == "__main__":
    main()
