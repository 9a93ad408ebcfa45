"""When detectors arise in the paper's network on CK+, and which of them return with other seeds.

FACSLENS_DATA=DIR python benchmarks/forming.py OUT [--seeds 3] [--epochs 30]

DIR holds ck48, see shared/data. A call that is killed goes on where it was; everything is kept in
OUT. Runs with checkpoints before the training and after 1, 2, 4, 8, 16 and all epochs.
"""

import argparse
import itertools
import os
from pathlib import Path

import numpy as np
import pandas as pd

from facslens.datasets.stimuli import Stimuli, read_stimuli
from facslens.experiments.faces import compared
from facslens.experiments.forming import by_epoch
from facslens.experiments.specificity import changes
from facslens.experiments.trials import arrange
from facslens.models.model import Model
from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages.answers import ask
from facslens.stages.experiment import Plan
from facslens.stages.faces import run_faces
from facslens.stages.forming import write_forming
from facslens.stages.stimulated import read_faces, responding
from facslens.stages.train import run_train
from facslens.training.recipe import Recipe

LAYER = "conv3"
#: Another seed than that of any training: no untrained control is a network before its training.
PLAN = Plan((LAYER,), permutations=1, seed=100)


def main() -> None:
    """Train, make the experiment along the training, and print what returns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()
    stimuli = read_stimuli()
    records = [trained(options.out, seed, options.epochs) for seed in range(options.seeds)]
    first = records[0].checkpoint(0)
    controls = None
    tables = []
    for seed, record in enumerate(records):
        folder = options.out / f"forming-{seed}"
        if controls is None and not (folder / "forming.csv").exists():
            controls = ask(first, stimuli, [LAYER], PLAN.untrained, PLAN.seed, silent).controls
        table = write_forming(record, stimuli, folder, PLAN, controls=controls)
        print(f"seed {seed}\n{by_epoch(table).round(3).to_string(index=False)}", flush=True)
        tables.append(table)
    returning(tables)
    print("r of the profiles of an action unit's chosen units, over pairs of seeds")
    found = {}
    for epoch in (0, options.epochs):
        found |= alike([r.checkpoint(epoch) for r in records], tables, epoch, stimuli)
    print(pd.DataFrame(found).round(2).to_string())


def trained(out: Path, seed: int, epochs: int) -> RunRecord:
    """Train a run, or open the one there is."""
    kept = sorted({0, epochs, *(e for e in (1, 2, 4, 8, 16) if e < epochs)})
    folder = out / f"run-{seed}"
    if (folder / "run.json").is_file():
        run = Run.open(folder)
    else:
        settings = Settings(recipe=Recipe(epochs=epochs), checkpoints=kept)
        data = f"ck48:{os.environ['FACSLENS_DATA']}/ck48"
        run = Run.create(folder, data=data, seed=seed, settings=settings.entries())
    with run.writing():
        for name, make in (("faces", run_faces), ("train", run_train)):
            if not run.is_done(name):
                make(run, silent)
    record = RunRecord(run)
    best = record.description["training"]["best_epoch"]
    print(f"seed {seed}: trained, best epoch {best}", flush=True)
    return record


def returning(tables: list[pd.DataFrame]) -> None:
    """Print in how many seeds each action unit is caused after the last epoch."""
    last = pd.concat([t[t["epoch"] == t["epoch"].max()] for t in tables])
    count = (last["verdict"] == "caused").groupby(last["au"]).sum()
    for number in range(len(tables), 0, -1):
        names = ", ".join(count.index[count == number]) or "none"
        print(f"caused in {number} of {len(tables)} seeds: {names}")


def alike(
    models: list[Model], tables: list[pd.DataFrame], epoch: int, stimuli: Stimuli
) -> dict[str, pd.Series]:
    """Correlate the profiles of chosen units, and of random live ones, between seeds.

    A unit's profile is its mean change under each action unit, on the measuring people.
    """
    profiles = [profile(model, stimuli) for model in models]
    chosen = [t[t["epoch"] == epoch].set_index("au")["unit"] for t in tables]
    aus = list(chosen[0].index)
    rng = np.random.default_rng(0)
    own: list[list[float]] = []
    other: list[float] = []
    random: list[float] = []
    for a, b in itertools.combinations(range(len(models)), 2):
        first = profiles[a][:, chosen[a].to_numpy(dtype=int)].T
        second = profiles[b][:, chosen[b].to_numpy(dtype=int)].T
        table = np.corrcoef(first, second)[: len(aus), len(aus) :]
        own.append(list(np.diag(table)))
        other += list(table[~np.eye(len(aus), dtype=bool)])
        live = [np.flatnonzero(np.ptp(profiles[n], axis=0) > 0) for n in (a, b)]
        for one, two in zip(*(rng.choice(units, 2000) for units in live), strict=True):
            random.append(np.corrcoef(profiles[a][:, one], profiles[b][:, two])[0, 1])
    for what, values in (("same AU", np.ravel(own)), ("other AU", other), ("random", random)):
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        mean = np.mean(values)
        print(f"epoch {epoch}, {what}: mean {mean:.3f}, median {middle:.3f}, "
              f"5 to 95 % {low:.3f} to {high:.3f}", flush=True)  # fmt: skip
    return {f"epoch {epoch}": pd.Series(np.mean(own, axis=0), index=aus)}


def profile(model: Model, stimuli: Stimuli) -> np.ndarray:
    """Measure the mean change of every unit under every action unit; (au, unit)."""
    rows = compared(stimuli)
    reader = responding(model, [LAYER])
    (found,) = read_faces(stimuli, [(rows, reader, model.input)], lambda _done: None)
    return changes(arrange(stimuli.table[rows], found[LAYER]), choosing=False).mean(axis=0)


if __name__ == "__main__":
    main()
