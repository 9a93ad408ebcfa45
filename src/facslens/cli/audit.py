"""``facslens audit``: somebody's network, opened as it is, to a report."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from facslens.cli import options
from facslens.cli.run import latest
from facslens.engines.choose import choose
from facslens.errors import CallError


def audit(
    network: Annotated[
        str | None,
        typer.Argument(
            metavar="NETWORK",
            help="compact for the network in the package, the folder of a run or of a saved model, "
            "or somebody's network: FILE.onnx, FILE.pt2, a folder of a transformers model, or "
            "FILE.py:FUNCTION, whose code is run: open no file that you do not trust.",
            show_default=False,
        ),
    ] = None,
    weights: options.Weights = None,
    reads: options.Input = None,
    expressions: options.Expressions = None,
    output: options.Output = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME[:PATH][,key=value…]",
            help="Coded faces, such as ck48:PATH; `facslens data list` names all layouts. Without "
            "them the network is shown drawn faces only.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="RUN", help="The audit's folder [default: runs/NETWORK-DATE-N]."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue the audit in --out, or the latest, with its own settings."
        ),
    ] = False,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            "--layer",
            help="A layer to look at, or a pattern such as layer4.*; may be repeated "
            "[default: all].",
        ),
    ] = None,
    units: options.Units = "channels",
    people: Annotated[
        int | None,
        typer.Option(
            "--people",
            min=1,
            help="Show drawn faces of so many people only, evenly from both halves: for a slow "
            "network [default: all].",
        ),
    ] = None,
    stimuli: options.Stimuli = None,
    untrained: Annotated[
        int,
        typer.Option("--untrained", min=1, help="Untrained networks to compare it with."),
    ] = 5,
    permutations: options.Permutations = 1000,
    seed: options.Seed = 0,
    faces: Annotated[
        bool,
        typer.Option(
            "--faces/--no-faces",
            help="Show faces of --data in the report, or drawn ones, projections and numbers only.",
        ),
    ] = True,
    engine: options.EngineName = "local",
    address: options.Address = None,
    device: options.Device = "auto",
) -> None:
    """Open a network that was trained elsewhere, and find what its units detect.

    Nothing is trained. Shows the network drawn faces with one action unit changed, and with --data
    coded faces, too: half of their people choose units, the other half confirm them. Prints the
    path of the report. The code of NETWORK is run where it is a FILE.py.
    """
    from facslens.runs.doubts import doubts
    from facslens.runs.record import RunRecord
    from facslens.runs.settings import Settings
    from facslens.runs.source import Source
    from facslens.stages.audit import new_audit, old_audit
    from facslens.stages.means import Means
    from facslens.stages.order import run_all

    if resume:
        if network is not None:
            raise CallError(
                f"network is {network!r}, but --resume goes on with that of the audit: leave it out"
            )
        this = old_audit(out or latest())
    elif network is None:
        raise CallError("network is missing: name compact, a folder or a file")
    else:
        named = None if expressions is None else [name.strip() for name in expressions.split(",")]
        this = new_audit(
            Source(network, weights, reads, named, output),
            Settings(
                layers=layer,
                units=units,
                permutations=permutations,
                stimuli=None if stimuli is None else str(stimuli),
                people=people,
                untrained=untrained,
                faces=faces,
            ),
            data=data,
            out=out,
            seed=seed,
        )
    run_all(this, Means(choose(engine, address), device))
    console = Console(soft_wrap=True)
    for sentence in doubts(RunRecord(this)):
        console.print(f"warning: {sentence}", highlight=False, markup=False)
    console.print(f"report: {this / 'report' / 'index.html'}", highlight=False, markup=False)
