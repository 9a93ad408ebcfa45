"""Time and memory of all distances with their nulls, against SciPy in a double loop.

The size is that of the paper's network on CK+: three layers of 64, 128 and 256 units, 19
action units, 269 sequences of seven expressions, 1,000 permutations of each of the two nulls,
free and within expression. Run as

    OMP_NUM_THREADS=2 python -m benchmarks.association [--only compiled numpy …] [--json FILE]

``compiled`` and ``numpy`` are the two ways to that, with and without numba; ``scipy`` is the peer;
``large`` is one distance at 100,000 images × 2,000 units × 30 AUs; ``growth`` fits how the time
grows in images, units, AUs and permutations.
"""

import argparse
import json
import os
import resource
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

from facslens.association import DISTANCES, Association, associate, concatenate
from facslens.association.distances import compiled
from facslens.association.distances.bins import BINS
from facslens.association.distances.histograms import UNIFORM

LAYERS = {"conv1": 64, "conv2": 128, "conv3": 256}
SEQUENCES, AUS = 269, 19
EXPRESSIONS = np.arange(SEQUENCES) % 7
LARGE = 100_000, 2_000, 30
#: What `growth` starts from.
SIZES = {"images": 4_000, "units": 128, "AUs": 16, "permutations": 1_000}
DOUBLINGS = (1, 2, 4, 8)
NULLS = {"free": None, "within expression": EXPRESSIONS}

Row = dict[str, float]


def faces(rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Give rectified responses of three layers and labels from frequent to rare."""
    prevalence = np.geomspace(0.4, 0.05, AUS)
    labels = (rng.random((SEQUENCES, AUS)) < prevalence).astype(float)
    responses = {
        name: np.maximum(
            rng.normal(size=(SEQUENCES, units)) + labels[:, rng.integers(AUS, size=units)], 0
        )
        for name, units in LAYERS.items()
    }
    return responses, labels


def histograms(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the two mixed histograms on shared bins."""
    span = (min(p.min(), q.min()), max(p.max(), q.max()))
    mixed = [
        (1 - UNIFORM) * np.histogram(x, BINS, span)[0] / len(x) + UNIFORM / BINS for x in (p, q)
    ]
    return mixed[0], mixed[1]


def average_precision(p: np.ndarray, q: np.ndarray) -> float:
    """Average precision, for which SciPy has nothing."""
    values = np.r_[p, q]
    order = np.argsort(-values)
    label = (np.arange(len(values)) < len(p))[order]
    last = np.flatnonzero(np.diff(values[order], append=-np.inf))
    hits = np.cumsum(label)[last]
    return float(np.sum(np.diff(hits, prepend=0) * hits / (last + 1)) / len(p))


SCIPY: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "kl": lambda p, q: float(stats.entropy(*histograms(p, q))),
    "js": lambda p, q: float(jensenshannon(*histograms(p, q), base=2)),
    "wasserstein": lambda p, q: stats.wasserstein_distance(p, q) / np.r_[p, q].std(),
    "ks": lambda p, q: stats.ks_2samp(p, q, method="asymp").statistic,
    "auroc": lambda p, q: stats.mannwhitneyu(p, q).statistic / (len(p) * len(q)),
    "auprc": average_precision,
    "pearson": lambda p, q: stats.pearsonr(np.r_[p, q], np.r_[np.ones_like(p), 0 * q]).statistic,
}


def double_loop(
    distance: Callable[[np.ndarray, np.ndarray], float], responses: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Compute one distance for every unit and AU, (unit, au)."""
    return np.array(
        [[distance(r[label == 1], r[label == 0]) for label in labels.T] for r in responses.T]
    )


def peak_mib() -> float:
    """Give the largest memory this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Give wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def everything(
    responses: dict[str, np.ndarray], labels: np.ndarray, permutations: int
) -> Association:
    """Associate all layers by all distances under both nulls."""
    return concatenate(
        [
            associate(
                values,
                labels,
                strata=strata,
                layer=layer,
                distance="all",
                permutations=permutations,
            )
            for layer, values in responses.items()
            for strata in NULLS.values()
        ]
    )


def whole(way: str, permutations: int) -> Row:
    """Time the paper's size, compilation apart."""
    responses, labels = faces(np.random.default_rng(0))
    first = 0.0
    if way == "compiled":
        if compiled.loops() is None:
            raise SystemExit("compiled needs numba: install the extra 'fast'")
        few = {layer: values[:, :4] for layer, values in responses.items()}
        first, again = (timed(lambda: everything(few, labels, 300))[0] for _ in range(2))
        first -= again
    loops, before = compiled.loops, peak_mib()
    if way == "numpy":
        compiled.loops = lambda: None
    try:
        wall, cpu = timed(lambda: everything(responses, labels, permutations))
    finally:
        compiled.loops = loops
    row = {"wall_s": wall, "cpu_s": cpu, "before_mib": before, "peak_mib": peak_mib()}
    print(f"{way}: {wall:.1f} s wall, {cpu:.1f} s CPU", end="")
    print(f"; memory {before:.0f} MiB before, {row['peak_mib']:.0f} at its peak")
    if way == "compiled":
        print(f"  before, to compile or to read what was compiled earlier: {first:.1f} s")
        row["compile_s"] = first
    return row


def scipy_loop(peer_units: int, permutations: int) -> Row:
    """Time SciPy for some units and one label matrix, and compare what it finds."""
    responses, labels = faces(np.random.default_rng(0))
    some = responses["conv3"][:, :peer_units]
    units = sum(LAYERS.values())
    mine = associate(some, labels, distance="all", permutations=1).table
    print(
        f"SciPy double loop, one thread, timed on {some.shape[1]} units, "
        f"extrapolated to {units} units and 2 × {permutations} + 1 matrices:"
    )
    print(f"{'distance':<12}{'one matrix':>12}{'with nulls':>12}{'largest difference':>20}")
    row, hours = {}, 0.0
    for name in SCIPY:
        start = time.perf_counter()
        peer = double_loop(SCIPY[name], some, labels)
        one = (time.perf_counter() - start) * units / some.shape[1]
        off = np.abs(mine.loc[mine["distance"] == name, "value"] - peer.ravel()).max()
        with_null = one * (len(NULLS) * permutations + 1) / 3600
        hours += with_null
        row[f"{name}_hours"], row[f"{name}_off"] = with_null, float(off)
        print(f"{name:<12}{one:>10.2f} s{with_null:>10.2f} h{off:>20.1e}")
    print(f"all {len(SCIPY)}: {hours:.2f} h")
    return row | {"total_s": hours * 3600}


def many(images: int, units: int, aus: int) -> tuple[np.ndarray, np.ndarray]:
    """Give rectified responses in float32, made a few units at a time, and labels."""
    rng = np.random.default_rng(0)
    labels = (rng.random((images, aus)) < np.geomspace(0.4, 0.05, aus)).astype(float)
    responses = np.empty((images, units), np.float32)
    for unit in range(units):
        noise = rng.standard_normal(images, dtype=np.float32)
        responses[:, unit] = np.maximum(noise + 0.3 * labels[:, unit % aus], 0)
    return responses, labels


def large(permutations: int) -> Row:
    """Time and memory of AUROC at a size that no cache holds."""
    images, units, aus = LARGE
    responses, labels = many(images, units, aus)
    wall, cpu = timed(
        lambda: associate(responses, labels, distance="auroc", permutations=permutations)
    )
    print(
        f"{images} images × {units} units × {aus} AUs, AUROC, {permutations} permutations: "
        f"{wall:.0f} s wall, {cpu:.0f} s CPU, {peak_mib():.0f} MiB at its peak, of which "
        f"{responses.nbytes / 2**20:.0f} are the responses"
    )
    return {"wall_s": wall, "cpu_s": cpu, "peak_mib": peak_mib()}


def growth() -> Row:
    """Fit the exponent with which the CPU time grows in each size, the others fixed."""
    row = {}
    print("AUROC: CPU seconds as one size doubles, and the slope of their logarithms")
    for axis, name in enumerate(SIZES):
        times = []
        for factor in DOUBLINGS:
            size = [factor * n if i == axis else n for i, n in enumerate(SIZES.values())]
            responses, labels = many(*size[:3])
            run = partial(associate, responses, labels, distance="auroc", permutations=size[3])
            times.append(min(timed(run)[1] for _ in range(2)))
        slope = float(np.polyfit(np.log(DOUBLINGS), np.log(times), 1)[0])
        row[name] = slope
        print(
            f"{name:<14}from {SIZES[name]:>5}: {'  '.join(f'{t:.2f}' for t in times)}"
            f"   exponent {slope:.2f}"
        )
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = ("compiled", "numpy", "scipy", "large", "growth")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--permutations", type=int, default=1000)
    parser.add_argument("--peer-units", type=int, default=64, help="units SciPy is timed on")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    threads = os.environ.get("OMP_NUM_THREADS", "unset")
    print(
        f"{sum(LAYERS.values())} units × {AUS} AUs × {SEQUENCES} sequences, {len(DISTANCES)} "
        f"distances, two nulls, {options.permutations} permutations, OMP_NUM_THREADS={threads}"
    )
    measure: dict[str, Callable[[], Row]] = {
        "compiled": lambda: whole("compiled", options.permutations),
        "numpy": lambda: whole("numpy", options.permutations),
        "scipy": lambda: scipy_loop(options.peer_units, options.permutations),
        "large": lambda: large(options.permutations),
        "growth": growth,
    }
    found = {part: measure[part]() for part in parts if part in options.only}
    for way in ("compiled", "numpy"):
        if way in found and "scipy" in found:
            times = found["scipy"]["total_s"] / found[way]["wall_s"]
            found[way]["times_scipy"] = times
            print(f"SciPy's loop takes {times:,.0f} times as long as the {way} way")
    if options.json:
        options.json.write_text(json.dumps(found | {"threads": threads}, indent=2) + "\n")


if __name__ == "__main__":
    main()
