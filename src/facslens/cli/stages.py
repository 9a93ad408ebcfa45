"""One command for each stage of an existing run, to run it again with other settings."""

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from facslens.cli import distance_option, options
from facslens.engines.choose import choose
from facslens.errors import CallError
from facslens.runs.folder import Run
from facslens.stages.check_table import check_names, defaults

if TYPE_CHECKING:
    from facslens.stages.means import Means


def train(
    run: options.ExistingRun,
    init: options.Init = None,
    epochs: options.Epochs = None,
    patience: options.Patience = None,
    checkpoints: options.Checkpoints = None,
    devices: options.Devices = 1,
    nodes: options.Nodes = 1,
    strategy: options.Strategy = "auto",
    device: options.Device = "auto",
    accept: options.Accept = None,
) -> None:
    """Train the network again; the results of later stages are then out of date.

    With --init the architecture is that of the named network, and the training settings are the
    defaults for fine-tuning.
    """
    from facslens.models.initial import architecture_of
    from facslens.runs.settings import Settings
    from facslens.stages.means import Means
    from facslens.training.checkpoints import parse_checkpoints
    from facslens.training.machines import Machines
    from facslens.training.recipe import recipe_for

    machines = Machines(devices, nodes, strategy)
    kept = {} if checkpoints is None else {"checkpoints": parse_checkpoints(checkpoints)}

    def changes(this: Run) -> dict[str, object]:
        begun = {} if init is None else {"init": init, "model": architecture_of(None, init)}
        recipe = Settings.of(this).recipe if init is None else recipe_for(True)
        return {**begun, **kept, "recipe": recipe.changed(epochs=epochs, patience=patience)}

    if not machines.first:
        from facslens.stages.train import follow

        this = dataclasses.replace(Run.open(run), device=device)
        follow(this, dataclasses.replace(Settings.of(this), **changes(this)), machines)  # type: ignore[arg-type]
        return
    with _opened(run, accept, "train") as this:
        _choose(this, **changes(this))
        _run_stage(this, "train", Means(device=device, machines=machines))


def record(
    run: options.ExistingRun,
    layer: options.Layers = None,
    engine: options.EngineName = "local",
    address: options.Address = None,
    device: options.Device = "auto",
    accept: options.Accept = None,
) -> None:
    """Record the response of every unit to every face.

    A recording that was interrupted goes on where it ended.
    """
    from facslens.stages.means import Means

    means = Means(choose(engine, address), device)
    with _opened(run, accept, "record") as this:
        if layer is not None:
            _choose(this, layers=layer)
        _run_stage(this, "record", means)


def associate(
    run: options.ExistingRun,
    distance: Annotated[str | None, typer.Option("--distance", help=distance_option.HELP)] = None,
    permutations: Annotated[
        int | None,
        typer.Option("--permutations", min=1, help="Permutations of each permutation test."),
    ] = None,
    null: Annotated[
        str | None,
        typer.Option(
            "--null",
            help="The null that decides the mapping: free, within_expression or within_subject.",
        ),
    ] = None,
    rank: Annotated[
        str | None,
        typer.Option(
            "--rank",
            help="Print one mapping, too: tested, or distance (the largest distance, untested).",
        ),
    ] = None,
    engine: options.EngineName = "local",
    address: options.Address = None,
    accept: options.Accept = None,
) -> None:
    """Test which units detect which action units, and confirm the mapping on other people."""
    if rank not in (None, "tested", "distance"):
        raise CallError(f"--rank is {rank!r}: expected tested or distance")
    from facslens.stages.means import Means

    means = Means(choose(engine, address))
    changes = {"distance": distance, "permutations": permutations, "null": null}
    with _opened(run, accept, "associate") as this:
        _choose(this, **{name: value for name, value in changes.items() if value is not None})
        _run_stage(this, "associate", means)
        from facslens.runs.record import RunRecord

        found = RunRecord(this)
        _print_verdicts(found.verdicts)
        if rank is not None:
            _print_mapping(found.mapping, rank)


def project(
    run: options.ExistingRun,
    rule: Annotated[str | None, typer.Option("--rule", help=options.RULE_HELP)] = None,
    device: options.Device = "auto",
    accept: options.Accept = None,
) -> None:
    """Project the strongest responses of the mapped units back to pixels."""
    from facslens.stages.means import Means

    with _opened(run, accept, "project") as this:
        if rule is not None:
            _choose(this, rule=rule)
        _run_stage(this, "project", Means(device=device))


def verify(
    run: options.ExistingRun,
    only: Annotated[
        str | None,
        typer.Option(
            "--only",
            metavar="NAME,…",
            help=f"The checks to make, separated by commas: {check_names()} [default: "
            f"{defaults()}; with --against also stability].",
        ),
    ] = None,
    layer: Annotated[
        str | None, typer.Option("--layer", help="The layer to check [default: the last].")
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Number of untrained networks, and of rotations.")
    ] = 5,
    sets: Annotated[
        int,
        typer.Option(
            "--sets", min=1, help="Number of random unit sets to compare each ablation with."
        ),
    ] = 200,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=1,
            help="Epochs of the training on shuffled labels [default: those of the run].",
        ),
    ] = None,
    truth: Annotated[
        bool,
        typer.Option(
            "--truth",
            help="Make the checks on synthetic faces; the same as truth in --only.",
        ),
    ] = False,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against",
            metavar="RUN",
            help="A run with another seed to compare the mapping with; may be repeated.",
        ),
    ] = None,
    accept: options.Accept = None,
) -> None:
    """Compare a finished run with controls, and check it by ablation, place and random weights.

    Writes tables to RUN/verify, and writes the report again if there is one. A finished check is
    repeated only if --only names it.
    """
    from facslens.stages.checks import Choices
    from facslens.stages.verify import verify

    if truth:
        only = ",".join(filter(None, (only, "truth")))
    with _opened(run, accept) as this:
        verify(this, only, Choices(layer, seeds, sets, epochs, tuple(against or ())))
        typer.echo(f"verified: {run / 'verify'}")
        if "report" in this.info["stages"]:
            report(run)  # it shows what was verified


def report(
    run: options.ExistingRun,
    faces: Annotated[
        bool | None,
        typer.Option(
            "--faces/--no-faces",
            help="Show faces of the dataset, or drawn ones, projections and numbers only "
            "[default: as before].",
        ),
    ] = None,
    accept: options.Accept = None,
) -> None:
    """Write the report from the results that the run has so far."""
    with _opened(run, accept) as this:
        if faces is not None:
            _choose(this, faces=faces)
        _run_stage(this, "report")
    typer.echo(f"report: {run / 'report' / 'index.html'}")


@contextlib.contextmanager
def _opened(folder: Path, accept: list[str] | None, stage: str | None = None) -> Iterator[Run]:
    """Open and lock a run, and accept the files that were replaced on purpose.

    A stage that an audit does not have is refused before anything is noted.
    """
    this = Run.open(folder)
    if stage is not None:
        from facslens.stages.order import check_planned

        check_planned(this, stage)
    with this.writing():
        this.accept(accept or ())
        yield this


def _print_verdicts(verdicts: pd.DataFrame) -> None:
    """Print the verdicts of the last layer."""
    last = verdicts[verdicts["layer"] == verdicts["layer"].iloc[-1]]
    console = Console(soft_wrap=True)
    for sentence in last["verdict"]:
        console.print(sentence, highlight=False, markup=False)


def _print_mapping(mapping: pd.DataFrame, rank: str) -> None:
    from facslens.runs.selection import of_rule

    chosen = of_rule(mapping, rank)
    first = chosen[chosen["rank"].fillna(1) == 1]
    shown = ("layer", "au", "unit", "value", "z", "p_maxT", "auroc", "auroc_test", "status")
    for view, rows in first.groupby("view", sort=False):
        table = Table(*shown, title=f"{view}, {rank}")
        for row in rows[list(shown)].itertuples(index=False):
            table.add_row(*(_cell(value) for value in row))
        Console(soft_wrap=True).print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.3f}".removesuffix(".000")
    return "–" if value is pd.NA else str(value)


def _run_stage(run: Run, name: str, means: "Means | None" = None) -> None:
    from facslens.stages.order import run_stage

    run_stage(run, name, means)


def _choose(run: Run, **changes: object) -> None:
    from facslens.runs.settings import Settings

    settings = dataclasses.replace(Settings.of(run), **changes)  # type: ignore[arg-type]
    settings.check()
    run.update(settings=settings.entries())
