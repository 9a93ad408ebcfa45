"""The experiment's level, on made-up responses, and whether it finds planted filters.

python benchmarks/experiment.py level [--trials 1000]
python benchmarks/experiment.py planted [--seeds 20]
python benchmarks/experiment.py network compact|RUN [LAYER …]
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from facslens.controls.planted import Planted, hide
from facslens.datasets.stimuli import Stimuli, read_stimuli
from facslens.experiments.analysis import analyse
from facslens.experiments.control import Control
from facslens.experiments.faces import compared, needed
from facslens.experiments.screen import screen
from facslens.experiments.trials import Trials, arrange
from facslens.models.model import Model
from facslens.preprocess.input import grey_contrast
from facslens.runs.model import open_model
from facslens.stages import experiment as stage
from facslens.stages.stimulated import read_faces, responding, without_network
from facslens.statistics import ALPHA
from facslens.training.intervals import wilson

AUS = 23
#: What the planted filters read.
INTO = grey_contrast(48)
PEOPLE, SETTINGS = 60, 2
UNITS = 64


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("level", "planted", "network"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    if options.what == "level":
        level(options.trials)
    elif options.what == "planted":
        planted(options.seeds)
    else:
        name, *layers = options.names
        packaged = not Path(name).is_dir()
        network(open_model(name if packaged else Path(name)), tuple(layers) or None)


def level(trials: int) -> None:
    """Count false findings without any effect, and with unequal energy but no specificity."""
    extent = np.random.default_rng(0).lognormal(sigma=0.8, size=AUS)
    for kind in ("no effect", "unequal energy"):
        screened = caused = 0
        for seed in range(trials):
            rng = np.random.default_rng([seed, len(kind)])
            drawn = made_up(rng, extent if kind == "unequal energy" else None)
            if kind == "no effect":  # with unequal energy names can be told apart
                screened += screen(drawn, 199, seed).min() <= ALPHA
            blank = made_up(rng, None, units=3)
            controls = {name: Control.of([blank]) for name in ("pixels", "gradients", "untrained")}
            found = analyse(drawn, controls, layer="made up", permutations=1, seed=seed).caused
            caused += (found["verdict"] == "caused").any()
        counts = {"any AU caused": caused}
        if kind == "no effect":
            counts["max-T at 0.05"] = screened
        for what, count in counts.items():
            share = wilson(int(count), trials)
            print(f"{kind}: {what} in {count} of {trials}: {share.low:.3f} to {share.high:.3f}")


def made_up(rng: np.random.Generator, extent: np.ndarray | None, units: int = UNITS) -> Trials:
    """Responses with strong effects of people and settings, and none of any action unit alone."""
    person = np.repeat(np.arange(PEOPLE), SETTINGS)
    blocks = PEOPLE * SETTINGS
    rest = 3 * rng.normal(size=(PEOPLE, units))[person] + 3 * rng.normal(size=(blocks, units))
    peculiar = rng.normal(size=(PEOPLE, AUS, units))[person]  # to a person, in all settings
    change = peculiar + rng.normal(size=(blocks, AUS, units))
    if extent is not None:  # a unit follows how much moves, more or less from face to face
        weight = rng.uniform(-1.5, 1.5, units)
        change = extent[:, None] * (weight + 0.5 * change)
    steps = np.arange(1, 6)[:, None, None, None] / 5
    nothing = np.full((blocks, AUS, units), np.nan)
    return Trials(
        tuple(f"AU{number:02d}" for number in range(1, AUS + 1)),
        tuple(f"P{number:03d}" for number in range(PEOPLE)),
        person,
        np.arange(PEOPLE) % 2 == 0,
        rest,
        rest + 0.1 * rng.normal(size=rest.shape),
        tuple(rest[:, None] + steps * change),
        nothing,
        nothing,
    )


def planted(seeds: int) -> None:
    """Hide filters that follow one action unit each among random ones, and look for them."""
    filters, stimuli = Planted.read(), read_stimuli()
    shown, few = needed(stimuli), compared(stimuli)
    part = stimuli.table[few]
    (bare,) = read_faces(stimuli, [(few, without_network, INTO)], lambda _n: None)
    controls = {name: Control.of([arrange(part, values)]) for name, values in bare.items()}
    nothing = Planted(torch.zeros(0, *filters.filters.shape[1:]), ())
    random = [hide(nothing, 1000 + number)[0] for number in range(5)]
    controls["untrained"] = Control.of(
        [arrange(part, answers(one, stimuli, few)) for one in random]
    )
    rows = []
    for seed in range(seeds):
        network, places = hide(filters, seed)
        trials = arrange(stimuli.table[shown], answers(network, stimuli, shown))
        found = analyse(trials, controls, layer="conv1", permutations=199, seed=seed).caused
        for row in found.to_dict("records"):
            own = places.get(row["au"])
            rows.append({**row, "seed": seed, "own": own, "is_own": row["unit"] == own})
    table = pd.DataFrame(rows)
    table["other"] = (table["verdict"] == "caused") & ~table["is_own"]
    held = table[table["own"].notna()]
    print(pd.crosstab(held["au"], held["verdict"]).to_string())
    print("chosen rightly:", held.groupby("au")["is_own"].mean().round(2).to_dict())
    print("caused by another unit than its own:", int(table["other"].sum()), "of", len(table))


def answers(network: torch.nn.Module, stimuli: Stimuli, rows: np.ndarray) -> np.ndarray:
    """Record the one layer of a network of planted filters."""
    model = Model(network, "planted", INTO, ())
    (found,) = read_faces(stimuli, [(rows, responding(model, ["conv1"]), INTO)], lambda _n: None)
    return found["conv1"]


def network(model: Model, layers: tuple[str, ...] | None) -> None:
    """Print what becomes of every action unit in a network, and the controls side by side."""
    start = time.perf_counter()
    found = stage.experiment(model, read_stimuli(), stage.Plan(layers))
    print(f"{time.perf_counter() - start:.0f} s")
    columns = ["au", "unit", "n_wins", "rival", "n_rising", "auroc", "behind", "verdict"]
    for layer, rows in found.caused.groupby("layer", sort=False):
        print(layer, rows["verdict"].value_counts().to_dict())
        print(rows[columns].round(2).to_string(index=False))
        print("mean AUROC", round(rows["auroc"].mean(), 3), "wins", round(rows["wins"].mean(), 3))
    both = found.controls.assign(
        ahead=found.controls["low"] > 0, best_ahead=found.controls["best_low"] > 0
    ).groupby(["layer", "control"], sort=False)
    print(both[["auroc", "wins"]].mean().round(3).join(both[["ahead", "best_ahead"]].sum()))


if __name__ == "__main__":
    main()
