"""``facslens experiment``: which action units themselves move a unit, on drawn faces."""

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from facslens.cli import options
from facslens.engines.choose import choose
from facslens.errors import CallError
from facslens.progress import Report, shown
from facslens.runs.folder import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from facslens.experiments.analysis import Findings
    from facslens.models.model import Model
    from facslens.runs.record import RunRecord
    from facslens.stages.means import Means


def experiment(
    network: Annotated[
        str,
        typer.Argument(
            metavar="RUN|NAME",
            help="The folder of a run or of a saved model, or compact for the network in the "
            "package.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="The folder for the tables. Without it the experiment is the run's own, with the "
            "settings of the run: its tables go to RUN/experiment, and the report is written "
            "again.",
        ),
    ] = None,
    stimuli: options.Stimuli = None,
    layer: options.Layers = None,
    units: options.Units = "channels",
    untrained: Annotated[
        int | None,
        typer.Option(
            "--untrained", min=1, help="Untrained networks to compare it with [default: 5]."
        ),
    ] = None,
    permutations: Annotated[
        int | None,
        typer.Option(
            "--permutations", min=1, help="Permutations of the screening test [default: 1000]."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="The seed of all random numbers [default: 0]."),
    ] = None,
    identity: Annotated[
        bool,
        typer.Option(
            "--identity",
            help="With --out: train the network of a run once more, to tell who is shown instead "
            "of which expression, and compare it, too.",
        ),
    ] = False,
    checkpoints: Annotated[
        bool,
        typer.Option(
            "--checkpoints",
            help="With --out: make the experiment also with every network that the training of "
            "the run kept, and write DIR/forming.csv. Needs a run that was trained with "
            "--checkpoints; without --out such a run does so by itself.",
        ),
    ] = False,
    engine: options.EngineName = "local",
    address: options.Address = None,
    device: options.Device = "auto",
) -> None:
    """Switch one action unit at a time on drawn faces, and find the units that it moves.

    Units are chosen on half of the people and measured on the other half. An action unit is
    caused where its unit changes more under it than under every other one, rises with its
    intensity, and tells it from its response alone, ahead of pixels, gradients and untrained
    networks. Drawn faces are not photographs. With --identity a network that has learned who is
    shown is compared, too; it has no say in the verdict.
    """
    from facslens.stages.means import Means

    means = Means(choose(engine, address), device)
    given = {"untrained": untrained, "permutations": permutations, "seed": seed}
    chosen: dict[str, Any] = {k: value for k, value in given.items() if value is not None}
    if layer:
        chosen["layers"] = tuple(layer)
    if out is not None:
        record = _with_checkpoints(Path(network)) if checkpoints else None
        findings = _into(out, network, stimuli, units, chosen, identity, record, means)
    elif chosen or identity or units != "channels":
        if units != "channels":
            chosen["units"] = units
        argument = "layer" if "layers" in chosen else next(iter(chosen), "identity")
        raise CallError(
            f"--{argument} needs --out DIR: without it the experiment is the run's own, with the "
            f"settings of the run"
        )
    else:
        if checkpoints:
            _with_checkpoints(Path(network))
        findings = _of_run(Path(network), stimuli, means)
    _print(findings)
    where = out or Path(network) / "experiment"
    if checkpoints:
        _print_forming(where)
    Console(soft_wrap=True).print(f"experiment: {where}", highlight=False, markup=False)


def _into(
    out: Path,
    network: str,
    stimuli: Path | None,
    units: str,
    chosen: dict[str, Any],
    identity: bool,
    record: "RunRecord | None",
    means: "Means",
) -> "Findings":
    from facslens.datasets.stimuli import read_stimuli
    from facslens.models.device import on_device
    from facslens.runs.model import open_model
    from facslens.runs.settings import check_units
    from facslens.stages.directions import with_directions
    from facslens.stages.experiment import Plan, write_experiment

    check_units(units)
    if record is not None and units != "channels":
        raise CallError("--checkpoints compares channels along the training: leave --units out")
    faces = read_stimuli(stimuli)
    model = on_device(open_model(network), "cpu" if means.engine.far else means.device)
    if units == "directions":
        model = with_directions(
            model, faces, chosen.pop("layers", None), seed=chosen.get("seed", 0)
        )
    plan = Plan(**chosen)
    other = _identity(network) if identity else None
    with contextlib.ExitStack() as stack:
        progress = _opening("experiment", stack)
        findings = write_experiment(model, faces, out, plan, progress, other, means.engine)
    if record is not None:
        from facslens.stages.forming import write_forming

        with shown("forming") as progress:
            write_forming(record, faces, out, plan, progress)
    return findings


def _of_run(folder: Path, stimuli: Path | None, means: "Means") -> "Findings":
    """Make the experiment of a run, and write the report again if there is one."""
    from facslens.runs.record import RunRecord
    from facslens.runs.settings import Settings
    from facslens.stages.experiment import read_experiment
    from facslens.stages.mechanism.of_run import sources_beside
    from facslens.stages.order import run_stage

    if not (folder / "run.json").is_file():
        raise CallError(f"{folder} is no run: name a folder for the tables with --out DIR")
    run = Run.open(folder)
    with run.writing():
        settings = dataclasses.replace(Settings.of(run), experiment=True)
        if stimuli is not None:
            settings = dataclasses.replace(settings, stimuli=str(stimuli))
        settings.check()
        sources_beside(RunRecord(run))  # what is lost shows before the old tables are given up
        if "report" in run.info["stages"]:  # which reads every file
            anew = ("experiment", "mechanism", "report")
            run.check(*(name for name in run.info["stages"] if name not in anew))
        run.update(settings=settings.entries())
        for stage in ("experiment", "mechanism"):
            run_stage(run, stage, means)
        if "report" in run.info["stages"]:
            run_stage(run, "report")
    return read_experiment(folder / "experiment")


def _opening(title: str, stack: contextlib.ExitStack) -> Report:
    """Show a step's progress from its first report on, for another step may come before it."""
    opened: list[Report] = []

    def report(done: int, total: int, note: str) -> None:
        if not opened:
            opened.append(stack.enter_context(shown(title)))
        opened[0](done, total, note)

    return report


def _identity(network: str) -> "Callable[[Path], Model]":
    """Make the function that trains the network of a run to tell who is shown."""
    from facslens.controls.identity import people
    from facslens.runs.record import RunRecord
    from facslens.stages.identity import keep_identity

    if not (Path(network) / "run.json").is_file():
        raise CallError(f"identity needs the faces of a run: {network!r} is none")
    record = RunRecord.open(network)
    if record.run.is_audit:
        raise CallError(
            f"identity trains the network of a run once more: {network!r} is an audit, whose "
            f"network was trained elsewhere"
        )
    people(record.faces, record.seed)  # too few are refused before anything is written

    def keep(folder: Path) -> "Model":
        with shown("identity") as progress:
            found = keep_identity(record, folder, progress)
        poor = "" if found.learned else ": no better than a guess, so that it parts nothing"
        Console(soft_wrap=True).print(
            f"identity: {len(found.model.expressions)} people, recognised in {found.accuracy:.1%} "
            f"of {found.n_held} held-out faces{poor}",
            highlight=False,
            markup=False,
        )
        return found.model

    return keep


def _with_checkpoints(folder: Path) -> "RunRecord":
    """Open a run, and see that its training kept networks."""
    from facslens.runs.record import RunRecord

    if not (folder / "run.json").is_file():
        raise CallError(
            f"--checkpoints needs a run that was trained with --checkpoints: {folder} is no run"
        )
    record = RunRecord.open(folder)
    _ = record.checkpoints  # before the work
    return record


def _print_forming(folder: Path) -> None:
    """Print how the last layer changes along the training."""
    from facslens.experiments.forming import by_epoch
    from facslens.stages.forming import read_forming

    rows = by_epoch(read_forming(folder))
    last = rows["layer"].iloc[-1]
    shown = Table(title=f"{last}, along the training", title_justify="left")
    for name in ("epoch", "accuracy", "caused", "mean wins", "mean AUROC"):
        shown.add_column(name, justify="right")
    for row in rows[rows["layer"] == last].itertuples():
        right, wins, auroc = (f"{value:.3f}" for value in (row.accuracy, row.wins, row.auroc))
        shown.add_row(str(row.epoch), right, f"{row.caused} of {row.aus}", wins, auroc)
    Console().print(shown)


def _print(findings: "Findings") -> None:
    """Print what is caused in each layer, and every verdict of the last one."""
    from facslens.experiments.analysis import sentence
    from facslens.experiments.decision import UNCOMPARED

    console = Console(soft_wrap=True)
    last = findings.caused["layer"].iloc[-1]
    for layer, rows in findings.caused.groupby("layer", sort=False):
        caused = rows.loc[rows["verdict"] == "caused", "au"]
        named = f": {', '.join(caused)}" if len(caused) else ""
        more = int((rows["verdict"] == UNCOMPARED).sum())
        named += f"; {more} could not be compared with untrained networks" if more else ""
        console.print(
            f"{layer}: {len(caused)} of {len(rows)} action units are caused{named}",
            highlight=False,
            markup=False,
        )
    table = Table(title=f"{last}, on people who had no part in the choice", title_justify="left")
    for name in ("AU", "unit", "verdict"):
        table.add_column(name)
    for row in findings.caused[findings.caused["layer"] == last].to_dict("records"):
        unit = "" if row["verdict"] == "silent" else str(row["unit"])
        table.add_row(row["au"], unit, sentence(row))
    Console().print(table)
