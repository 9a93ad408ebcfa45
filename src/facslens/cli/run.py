"""``facslens run``: all stages, from a dataset to a report."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from facslens.association.distances.table import DEFAULT as DEFAULT_DISTANCE
from facslens.cli import options
from facslens.cli.distance_option import Distance
from facslens.datasets.layouts import DEFAULT
from facslens.datasets.load import parse_spec
from facslens.engines.choose import choose
from facslens.errors import CallError
from facslens.runs.folder import Run, next_folder


def run(
    data: options.Data = DEFAULT,
    model: options.Model = None,
    init: options.Init = None,
    size: options.Size = 48,
    out: options.Out = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue the run in --out, or the latest, with its own settings."
        ),
    ] = False,
    seed: options.Seed = 0,
    epochs: options.Epochs = None,
    patience: options.Patience = None,
    checkpoints: options.Checkpoints = None,
    layer: options.Layers = None,
    distance: Distance = DEFAULT_DISTANCE,
    permutations: options.Permutations = 1000,
    null: options.Null = "free",
    neutral: options.Neutral = False,
    rule: options.Rule = "deconvnet",
    experiment: Annotated[
        bool,
        typer.Option(
            "--experiment/--no-experiment",
            help="Switch one action unit at a time on drawn faces, and find the units that it "
            "moves, and what it does to the expression.",
        ),
    ] = True,
    stimuli: options.Stimuli = None,
    faces: Annotated[
        bool,
        typer.Option(
            "--faces/--no-faces",
            help="Show faces of the dataset in the report, or drawn ones, projections and numbers "
            "only.",
        ),
    ] = True,
    engine: options.EngineName = "local",
    address: options.Address = None,
    device: options.Device = "auto",
    devices: options.Devices = 1,
    accept: options.Accept = None,
) -> None:
    """Run all stages on a dataset, from the training to the report.

    Prints the path of the report, which opens in any browser, also offline.
    """
    from facslens.models.initial import architecture_of
    from facslens.runs.settings import Settings
    from facslens.stages.means import Means
    from facslens.stages.order import run_all
    from facslens.training.checkpoints import parse_checkpoints
    from facslens.training.machines import Machines
    from facslens.training.recipe import recipe_for

    means = Means(choose(engine, address), device, Machines(devices))
    if accept and not resume:
        raise CallError("--accept needs an existing run: name its folder with --resume --out RUN")
    if resume:
        this = Run.open(out or latest())
        with this.writing():
            this.accept(accept or ())
    else:
        settings = Settings(
            model=architecture_of(model, init),
            init=init,
            size=size,
            recipe=recipe_for(init is not None).changed(epochs=epochs, patience=patience),
            checkpoints=None if checkpoints is None else parse_checkpoints(checkpoints),
            layers=layer,
            distance=distance,
            permutations=permutations,
            null=null,
            neutral=neutral,
            rule=rule,
            experiment=experiment,
            stimuli=None if stimuli is None else str(stimuli),
            faces=faces,
        )
        settings.check()
        name = parse_spec(data).name
        this = Run.create(
            out or next_folder(name), data=data, seed=seed, settings=settings.entries()
        )
    run_all(this, means)
    console = Console(soft_wrap=True)
    console.print(f"report: {this / 'report' / 'index.html'}", highlight=False, markup=False)


def latest() -> Path:
    """Give the run that was written last in ``runs``."""
    runs = sorted(Path("runs").glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    if not runs:
        raise CallError("--resume finds no run in runs/: name the run's folder with --out")
    return runs[-1].parent
