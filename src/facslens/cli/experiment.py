"""``facslens experiment``: which action units themselves move a unit, on drawn faces."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from facslens.cli import options
from facslens.progress import shown

if TYPE_CHECKING:
    from facslens.experiments.analysis import Findings


def experiment(
    network: Annotated[
        str,
        typer.Argument(
            metavar="RUN|NAME",
            help="The folder of a run or of a saved model, or compact for the network in the "
            "package.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder for the tables.")],
    stimuli: Annotated[
        Path | None,
        typer.Option(
            "--stimuli",
            metavar="DIR",
            help="Drawn faces of facslens data stimuli [default: those in the package].",
        ),
    ] = None,
    layer: options.Layers = None,
    untrained: Annotated[
        int,
        typer.Option("--untrained", min=1, help="Untrained networks to compare it with."),
    ] = 5,
    permutations: options.Permutations = 1000,
    seed: options.Seed = 0,
) -> None:
    """Switch one action unit at a time on drawn faces, and find the units that it moves.

    Units are chosen on half of the people and measured on the other half. An action unit is
    caused where its unit changes more under it than under every other one, rises with its
    intensity, and tells it from its response alone, ahead of pixels, gradients and untrained
    networks. Drawn faces are not photographs.
    """
    from facslens.datasets.stimuli import read_stimuli
    from facslens.runs.model import open_model
    from facslens.stages.experiment import Plan, write_experiment

    plan = Plan(tuple(layer) if layer else None, untrained, permutations, seed)
    faces = read_stimuli(stimuli)
    with shown("experiment") as progress:
        findings = write_experiment(open_model(network), faces, out, plan, progress)
    _print(findings)
    Console(soft_wrap=True).print(f"experiment: {out}", highlight=False, markup=False)


def _print(findings: "Findings") -> None:
    """Print what is caused in each layer, and every verdict of the last one."""
    from facslens.experiments.analysis import sentence

    console = Console(soft_wrap=True)
    last = findings.caused["layer"].iloc[-1]
    for layer, rows in findings.caused.groupby("layer", sort=False):
        caused = rows.loc[rows["verdict"] == "caused", "au"]
        named = f": {', '.join(caused)}" if len(caused) else ""
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
