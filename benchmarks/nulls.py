"""Whether the tests keep their level where the labels mean nothing, with people and without.

Every data set is drawn so that no unit knows anything of any AU beyond the person: 90 people
of 3 sequences of 3 frames. "With people" means that each person has a look, which moves all
responses, and a habit of showing AUs; look and habit are drawn apart for each person. Run as

    OMP_NUM_THREADS=1 python benchmarks/nulls.py
"""

import argparse
import time

import numpy as np
from scipy import stats

from facslens.association import DISTANCES, associate

PEOPLE, SEQUENCES, FRAMES, UNITS, AUS = 90, 3, 3, 16, 8


def people(rng: np.random.Generator, effect: float) -> dict[str, np.ndarray]:
    """Draw frames of people; `effect` is the spread of looks and habits, 0 for none."""
    person = np.repeat(np.arange(PEOPLE), SEQUENCES)
    look = effect * rng.normal(size=(PEOPLE, UNITS))[person]
    habit = effect * rng.normal(size=(PEOPLE, AUS))[person]
    chance = 1 / (1 + np.exp(1.2 - habit))
    labels = (rng.random(chance.shape) < chance).astype(float)
    responses = rng.normal(size=look.shape) + look
    frames = np.repeat(np.arange(len(person)), FRAMES)
    return {
        "responses": responses[frames] + 0.1 * rng.normal(size=(len(frames), UNITS)),
        "labels": labels[frames],
        "sequence": frames,
        "subject": person[frames],
    }


def uniform(shuffles: int, permutations: int) -> None:
    """Print how p-values of one pair a shuffle are spread."""
    rng = np.random.default_rng(1)
    p: dict[str, list[float]] = {name: [] for name in DISTANCES}
    for seed in range(shuffles):
        labels = (rng.permutation(200) < 50).astype(float)[:, None]
        responses = rng.normal(size=(200, 1))
        table = associate(
            responses, labels, distance="all", permutations=permutations, seed=seed
        ).table
        for name, value in zip(table["distance"], table["p"], strict=True):
            p[name].append(value)
    print(f"\np of one pair in {shuffles} independent shuffles, {permutations} permutations:")
    print(f"{'distance':<12}{'≤ 0.01':>8}{'≤ 0.05':>8}{'≤ 0.50':>8}{'chi² p':>8}")
    for name, values in p.items():
        array = np.array(values)
        shares = [(array <= level).mean() for level in (0.01, 0.05, 0.5)]
        # p is k / (N + 1): half a step down, so that every bin holds as many of these values.
        bins = np.histogram(array - 0.5 / (permutations + 1), 20, (0, 1))[0]
        chi = stats.chisquare(bins).pvalue
        print(f"{name:<12}" + "".join(f"{s:8.3f}" for s in shares) + f"{chi:8.3f}")


def false_mappings(effect: float, repetitions: int, permutations: int) -> None:
    """Print in how many data sets without any detector one is mapped."""
    ways = {
        "frames, free": {"sequence": None},
        "sequences, free": {},
        "sequences, within subject": {"within_subject": True},
    }
    found = {(way, name): 0 for way in ways for name in ("kl", "auroc")}
    for seed in range(repetitions):
        faces = people(np.random.default_rng([2, seed]), effect)
        for way, choices in ways.items():
            result = associate(
                **{**faces, **choices},
                distance=["kl", "auroc"],
                permutations=permutations,
                seed=seed,
            )
            for name in ("kl", "auroc"):
                mapping = result.mapping(name)
                found[way, name] += bool(mapping["unit"][mapping["au"].notna()].notna().any())
    print(f"\nspread of looks and habits {effect}: data sets with a false mapping of {repetitions}")
    for way in ways:
        print(f"  {way:<28} KL {found[way, 'kl']:>4}   AUROC {found[way, 'auroc']:>4}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--shuffles", type=int, default=1000)
    parser.add_argument("--permutations", type=int, default=199)
    options = parser.parse_args()
    start = time.perf_counter()
    for effect in (0.0, 0.5, 1.0):
        false_mappings(effect, options.repetitions, options.permutations)
    uniform(options.shuffles, options.permutations)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
