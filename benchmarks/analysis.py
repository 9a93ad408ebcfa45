"""The experiment's analysis alone, on made-up answers of a network of ResNet-18's layers.

60 people in two settings, 23 action units at five grades, sides and all else that the design
``long`` draws; 4,800 units in 20 layers. Nothing is drawn and no network is asked. Run as

    OMP_NUM_THREADS=1 python -m benchmarks.analysis [--people 60] [--profile]
"""

import argparse
import cProfile
import pstats
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.ratios import show
from facslens.datasets.stimuli import HALVES
from facslens.experiments.analysis import Findings, analyse
from facslens.experiments.control import Control
from facslens.experiments.trials import FULL, Arrangement, Strips
from facslens.synthesis.pairs import draw_model, draw_settings, long

SETTINGS: Final = 2
#: Units of ResNet-18's convolutions by layer, shortcuts with them: 4,800.
LAYERS: Final = {"conv1": 64} | {
    f"layer{stage + 1}.{number}": 64 << stage
    for stage in range(4)
    for number in range(5 if stage else 4)
}
#: Candidates of each control that all layers share, and sets of as many candidates as units.
CONTROLS: Final = {"pixels": 4608, "gradients": 1152}
SETS: Final = {"untrained": 5, "rotated": 3}


def main() -> None:
    """Measure the parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--permutations", type=int, default=1000)
    parser.add_argument("--profile", action="store_true", help="print where the time goes, too")
    parser.add_argument("--json", type=Path)
    choices = parser.parse_args()
    table = stimuli(choices.people)
    full = (table["kind"] == "alone") & (table["grade"] == FULL)
    few = table[(table["kind"] == "rest") | full]
    rng = np.random.default_rng(0)
    profile = cProfile.Profile()
    spent = dict.fromkeys(("controls of the faces", "controls of a layer", "analysis"), 0.0)

    def timed(what: str) -> "_Timer":
        return _Timer(spent, what, profile if choices.profile else None)

    with timed("analysis"):
        every, part = Arrangement.of(table), Arrangement.of(few)
    shared = {}
    for name, candidates in CONTROLS.items():
        values = answers(rng, few, candidates)
        with timed("controls of the faces"):
            shared[name] = Control.in_strips([Strips(part, values)])
    found: list[Findings] = []
    for layer, units in LAYERS.items():
        responses = answers(rng, table, units)
        controls = dict(shared)
        for name, count in SETS.items():
            sets = [answers(rng, few, units) for _ in range(count)]
            with timed("controls of a layer"):
                controls[name] = Control.in_strips(Strips(part, one) for one in sets)
        with timed("analysis"):
            trials = every.trials(responses)
            found.append(analyse(trials, controls, layer=layer, permutations=choices.permutations))
    with timed("analysis"):
        joined = Findings.joined(found)
    sizes = f"{len(table)} faces, {sum(LAYERS.values())} units"
    rows = [{"what": what, "of": sizes, "seconds": value} for what, value in spent.items()]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    show([{**row, "peak memory, GiB": peak} for row in rows], choices.json)
    print(f"{len(joined.tuning)} pairs, {int((joined.caused['verdict'] == 'caused').sum())} caused")
    if choices.profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(60)


class _Timer:
    """Adds the time of the processor that its block takes to what was spent on it."""

    def __init__(self, spent: dict[str, float], what: str, profile: cProfile.Profile | None):
        self.spent, self.what, self.profile = spent, what, profile

    def __enter__(self) -> None:
        self.start = time.process_time()
        if self.profile:
            self.profile.enable()

    def __exit__(self, *_: object) -> None:
        if self.profile:
            self.profile.disable()
        self.spent[self.what] += time.process_time() - self.start


def stimuli(people: int) -> pd.DataFrame:
    """Make the table of drawn faces, without drawing them; half of the people choose."""
    return pd.DataFrame(_rows(people))


def _rows(people: int) -> Iterator[dict[str, object]]:
    for number in range(people):
        person = draw_model(0, number)
        for place, setting in enumerate(draw_settings(0, number, SETTINGS)):
            for one in long(person, setting):
                yield {
                    "person": f"P{number:04d}",
                    "setting": place,
                    "half": HALVES[number % 2],
                    "kind": one.kind,
                    "aus": " ".join(one.aus),
                    "grade": one.grade,
                    "side": one.side,
                }


def answers(rng: np.random.Generator, table: pd.DataFrame, units: int) -> np.ndarray:
    """Make up responses: strong effects of people and settings, some of action units; a ReLU."""
    block = pd.factorize(pd.MultiIndex.from_frame(table[["person", "setting"]]))[0]
    shown, names = pd.factorize(table["aus"])
    effect = rng.normal(size=(len(names), units)) * (rng.random((len(names), units)) < 0.2)
    grade = table["grade"].map({"": 0, "A": 1, "B": 2, "C": 3, "D": 4, "E": 5}).to_numpy() / 5
    found = rng.normal(size=(block.max() + 1, units))[block] + grade[:, None] * effect[shown]
    found += 0.1 * rng.normal(size=found.shape)
    return np.maximum(found, 0).astype(np.float32)


if __name__ == "__main__":
    main()
