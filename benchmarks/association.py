"""Time and memory of all distances with their nulls, against SciPy in a double loop.

The size is that of the paper's network on CK+: three layers of 64, 128 and 256 units, 19
action units, 269 sequences of seven expressions, 1,000 permutations of each of the two nulls,
free and within expression. Run as

    OMP_NUM_THREADS=2 python benchmarks/association.py
"""

import argparse
import os
import resource
import time
import warnings
from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

from facslens.association import DISTANCES, associate, concatenate
from facslens.association.distances.bins import BINS
from facslens.association.distances.histograms import UNIFORM

LAYERS = {"conv1": 64, "conv2": 128, "conv3": 256}
SEQUENCES, AUS = 269, 19
EXPRESSIONS = np.arange(SEQUENCES) % 7
NULLS = {"free": None, "within expression": EXPRESSIONS}


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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--permutations", type=int, default=1000)
    parser.add_argument("--peer-units", type=int, default=64, help="units SciPy is timed on")
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    responses, labels = faces(np.random.default_rng(0))
    units = sum(LAYERS.values())
    before = peak_mib()

    print(
        f"{units} units × {AUS} AUs × {SEQUENCES} sequences, {options.permutations} permutations,"
        f" OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'unset')}"
    )
    start, cpu = time.perf_counter(), time.process_time()
    parts = []
    for layer, values in responses.items():
        parts += [
            associate(
                values,
                labels,
                strata=strata,
                layer=layer,
                distance="all",
                permutations=options.permutations,
            )
            for strata in NULLS.values()
        ]
        print(f"  {layer}: {time.perf_counter() - start:6.1f} s so far")
    total = time.perf_counter() - start
    result = concatenate(parts)
    print(
        f"all {len(DISTANCES)} distances, both nulls: {total:.1f} s wall, "
        f"{time.process_time() - cpu:.1f} s CPU"
    )
    print(f"peak memory: {peak_mib():.0f} MiB, {before:.0f} before; rows: {len(result.table)}")

    some = responses["conv3"][:, : options.peer_units]
    share = units / some.shape[1]
    table = result.table[(result.table["layer"] == "conv3") & (result.table["null"] == "free")]
    print(
        f"\nSciPy double loop, one thread, timed on {some.shape[1]} units, "
        f"extrapolated to {units} units and 2 × {options.permutations} + 1 matrices:"
    )
    print(f"{'distance':<12}{'one matrix':>12}{'with nulls':>12}{'largest difference':>20}")
    hours = 0.0
    for name in SCIPY:
        start = time.perf_counter()
        peer = double_loop(SCIPY[name], some, labels)
        one = (time.perf_counter() - start) * share
        mine = table.loc[table["distance"] == name, "value"].to_numpy().reshape(-1, AUS)
        off = np.abs(mine[: len(peer)] - peer).max()
        with_null = one * (len(NULLS) * options.permutations + 1) / 3600
        hours += with_null
        print(f"{name:<12}{one:>10.2f} s{with_null:>10.2f} h{off:>20.1e}")
    print(f"all {len(SCIPY)}: {hours:.2f} h, {hours * 3600 / total:.0f} times as long")


if __name__ == "__main__":
    main()
