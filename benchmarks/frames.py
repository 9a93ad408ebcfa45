"""Why nothing is tested by frame: false and true findings by what counts as an observation.

Videos of 60 people, one each, of 150 frames. Four AUs come and go, on average 25 frames at a time.
A unit's response is a stationary process whose frames are correlated (0.95 from one to the next),
beside a look of each person. Run as

    OMP_NUM_THREADS=1 python benchmarks/frames.py
"""

import argparse
import time
from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd

from facslens.association import associate
from facslens.datasets.base import make_table
from facslens.datasets.frames import by_sequence

PEOPLE, FRAMES, EPISODE = 60, 150, 30
AUS: Final = ("AU01", "AU02", "AU04", "AU05")
#: Chances that an AU begins, and ends, at a frame; how the response of a frame resembles the last.
BEGINS, ENDS, ALIKE = 1 / 250, 1 / 25, 0.95
DISTANCES: Final = ("auroc", "kl")

Table = pd.DataFrame
#: What counts as an observation: the rows, their sequences, and whose labels change places.
WAYS: Final[dict[str, Callable[[Table], tuple[Table, pd.Series | None, pd.Series | None]]]] = {
    "a frame": lambda t: (t, None, None),
    "a frame, within each video": lambda t: (t, None, t["sequence"]),
    "frames in a row of equal label": lambda t: (t, _runs(t), None),
    "episodes of 30 frames": lambda t: (*_taken(_episodes(t), "mean"), None),
    "episodes, within each video": lambda t: _within(_episodes(t)),
    "sequences, by=peak": lambda t: (*_taken(t, "peak"), None),
    "sequences, by=mean": lambda t: (*_taken(t, "mean"), None),
}


def videos(rng: np.random.Generator, effect: float, look: float) -> tuple[Table, pd.Series]:
    """Draw frames with labels, and a unit's responses, which AU01 raises by `effect`."""
    shows = np.empty((PEOPLE, FRAMES, len(AUS)))
    noise = np.empty((PEOPLE, FRAMES))
    state = rng.random((PEOPLE, len(AUS))) < BEGINS / (BEGINS + ENDS)
    level = rng.normal(size=PEOPLE)
    for frame in range(FRAMES):
        draw = rng.random(state.shape)
        state = np.where(state, draw >= ENDS, draw < BEGINS)
        level = ALIKE * level + np.sqrt(1 - ALIKE**2) * rng.normal(size=PEOPLE)
        shows[:, frame], noise[:, frame] = state, level
    response = noise + effect * shows[:, :, 0] + look * rng.normal(size=(PEOPLE, 1))
    names = [f"{number:06d}" for number in range(PEOPLE * FRAMES)]
    person = np.repeat([f"{number:03d}" for number in range(PEOPLE)], FRAMES)
    rows: dict[str, object] = {"image": names, "path": names, "subject": person, "sequence": person}
    rows |= {"frame": np.tile(np.arange(FRAMES), PEOPLE)}
    rows |= {au: shows[:, :, column].ravel() for column, au in enumerate(AUS)}
    return make_table(pd.DataFrame(rows)), pd.Series(response.ravel(), index=names)


def _taken(table: Table, way: str) -> tuple[Table, pd.Series]:
    kept, _ = by_sequence(table, way, "videos")
    return kept, kept["sequence"]


def _runs(table: Table) -> pd.Series:
    label = table[AUS[0]]
    return label.ne(label.groupby(table["sequence"]).shift()).cumsum()


def _episodes(table: Table) -> Table:
    number = (table["frame"] // EPISODE).astype("string")
    return table.assign(sequence=table["sequence"] + ", " + number)


def _within(table: Table) -> tuple[Table, pd.Series, pd.Series]:
    kept, sequence = _taken(table, "mean")
    return kept, sequence, kept["subject"]


def found(
    effect: float, look: float, repetitions: int, permutations: int
) -> dict[str, list[float]]:
    """Give for each way the share of data sets in which AU01 is found, by each distance."""
    counts = {way: np.zeros(len(DISTANCES)) for way in WAYS}
    for seed in range(repetitions):
        table, response = videos(np.random.default_rng([3, seed]), effect, look)
        for way, take in WAYS.items():
            kept, sequence, strata = take(table)
            result = associate(
                response[kept["image"]].to_numpy()[:, None],
                kept[[AUS[0]]],
                sequence=sequence,
                strata=strata,
                distance=DISTANCES,
                permutations=permutations,
                seed=seed,
            )
            p = result.table.set_index("distance")["p_maxT"]
            counts[way] += (p[list(DISTANCES)] <= 0.05).to_numpy()
    return {way: list(count / repetitions) for way, count in counts.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--permutations", type=int, default=199)
    options = parser.parse_args()
    start = time.perf_counter()
    cases = {"no effect": (0.0, 0.0), "no effect, looks": (0.0, 1.0), "an effect": (1.0, 0.0)}
    columns = {
        name: found(*case, options.repetitions, options.permutations)
        for name, case in cases.items()
    }
    print(f"share of {options.repetitions} data sets with p ≤ 0.05, AUROC and KL")
    print(f"{'an observation is':<34}" + "".join(f"{name:>20}" for name in columns))
    for way in WAYS:
        shares = (f"{column[way][0]:.3f}  {column[way][1]:.3f}" for column in columns.values())
        print(f"{way:<34}" + "".join(f"{share:>20}" for share in shares))
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
