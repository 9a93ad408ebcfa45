"""``facslens mechanism``: from the action unit through the units to the expression."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from facslens.cli import options
from facslens.errors import CallError
from facslens.progress import shown
from facslens.runs.folder import Run


def mechanism(
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
            help="The folder for the tables. Without it they go to RUN/mechanism, are made from "
            "the experiment of the run, and the report is written again.",
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            "--only",
            metavar="PART,…",
            help="Parts to make; those that are there are kept: effects (what each action unit "
            "does to every expression), mediation (through which units), layers (where action "
            "units and expressions become readable), groups (whether skin, age or sex change it) "
            "[default: all].",
        ),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            "--layer",
            "--layers",
            help="A layer whose units are looked at, a pattern such as block3b.*, or all; may be "
            "repeated [default: the last, or those of the run's mechanism].",
        ),
    ] = None,
    stimuli: options.Stimuli = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", min=0, help="With --out: the seed of all random numbers [default: 0]."
        ),
    ] = None,
) -> None:
    """Measure what each action unit does to the expression, and through which units.

    Shows the network drawn faces with one action unit changed. What passes through a unit is what
    is lost when its map is put back to that of the face at rest. Drawn faces are not photographs,
    and an expression is an appearance, not a feeling.
    """
    from facslens.stages.mechanism.parts import choose_parts

    named = None if only is None else [name.strip() for name in only.split(",")]
    parts = choose_parts(named)
    if out is not None:
        _into(out, network, stimuli, parts, layer, seed or 0)
    elif seed is not None or stimuli is not None:
        argument = "seed" if seed is not None else "stimuli"
        raise CallError(
            f"--{argument} needs --out DIR: without it the mechanism is that of the run's own "
            f"experiment"
        )
    else:
        _of_run(Path(network), parts, layer)
    where = out or Path(network) / "mechanism"
    console = Console(soft_wrap=True)
    for sentence in _first_sentences(where):
        console.print(sentence, highlight=False, markup=False)
    console.print(f"mechanism: {where}", highlight=False, markup=False)


def _first_sentences(folder: Path) -> list[str]:
    """Give the first sentence of each expression's paragraph, if the effects were measured."""
    from facslens.artifacts import read_table

    file = folder / "words.csv"
    if not file.is_file():
        return []
    said = read_table(file).drop_duplicates("expression")
    return [f"{row.expression}: {row.sentence}" for row in said.itertuples()]


def _into(
    out: Path,
    network: str,
    stimuli: Path | None,
    parts: tuple[str, ...],
    layers: list[str] | None,
    seed: int,
) -> None:
    from facslens.datasets.stimuli import read_stimuli
    from facslens.runs.model import open_model
    from facslens.stages.mechanism.make import write_mechanism
    from facslens.stages.mechanism.subject import Subject, layers_of

    model, faces = open_model(network), read_stimuli(stimuli)
    chosen = layers_of(model.reading.choose(None), layers)
    with shown("mechanism") as progress:
        write_mechanism(Subject(model, faces, chosen, seed), out, parts, progress)


def _of_run(folder: Path, parts: tuple[str, ...], layers: list[str] | None) -> None:
    """Make the mechanism of a run, and write the report again if there is one."""
    from facslens.runs.record import RunRecord
    from facslens.runs.settings import Settings
    from facslens.stages.mechanism.make import finished_parts
    from facslens.stages.mechanism.of_run import sources_of
    from facslens.stages.mechanism.parts import choose_parts
    from facslens.stages.mechanism.subject import ALL, layers_of
    from facslens.stages.order import run_stage

    if not (folder / "run.json").is_file():
        raise CallError(f"{folder} is no run: name a folder for the tables with --out DIR")
    run = Run.open(folder)
    with run.writing():
        record, settings = RunRecord(run), Settings.of(run)
        sources_of(record)  # what is lost or out of date shows before anything is noted
        if "report" in run.info["stages"]:  # which reads every file
            run.check(*(name for name in run.info["stages"] if name not in ("mechanism", "report")))
        named = layers if layers and ALL in layers else list(layers_of(record.layers, layers))
        # parts that are there are not lost where an experiment is made again
        every = choose_parts([*finished_parts(run / "mechanism"), *parts])
        run.update(
            settings=dataclasses.replace(
                settings,
                mechanism=list(every),
                mechanism_layers=named if layers else settings.mechanism_layers,
            ).entries()
        )
        run_stage(run, "mechanism")
        if "report" in run.info["stages"]:
            run_stage(run, "report")
