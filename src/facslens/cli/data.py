"""``facslens data``: list the dataset layouts, check or describe a dataset, make one."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from facslens import action_units
from facslens.artifacts import write_table
from facslens.cli import options
from facslens.cli.describe import describe_command
from facslens.datasets.check import Check
from facslens.datasets.check import check as check_dataset
from facslens.datasets.coding import coders
from facslens.datasets.convert import TARGETS
from facslens.datasets.convert import convert as converted
from facslens.datasets.layouts import COMMON_KEYS, LAYOUTS
from facslens.datasets.load import load
from facslens.engines.choose import choose
from facslens.engines.local import Local
from facslens.errors import CallError
from facslens.preprocess.crops import Order, make_crops
from facslens.preprocess.detect import DEFAULT
from facslens.progress import shown

app = typer.Typer(
    name="data",
    help="List the dataset layouts, check or describe a dataset, or make one.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)


@app.command("list")
def list_layouts() -> None:
    """List the dataset layouts that --data reads, their keys, and the names of AU columns."""
    console = Console(soft_wrap=True)
    for name, layout in LAYOUTS.items():
        path = ":PATH" if layout.needs_path else "[:PATH]"
        console.print(f"{name}{path}", style="bold", end="  ", markup=False, highlight=False)
        console.print(layout.summary, highlight=False)
        console.print(f"    PATH is {layout.path}", highlight=False)
        if layout.source:
            described = f"    described by {', '.join(layout.source.split())}: {layout.provenance}"
            console.print(described, markup=False, highlight=False)
        if layout.official is not None:
            told = f"    {layout.official.told} ({layout.official.source})"
            console.print(told, markup=False, highlight=False)
        for key, known in layout.keys.items():
            console.print(f"    {key}=  {known.summary}", highlight=False)
    for key, known in COMMON_KEYS.items():
        console.print(f"each of them: {key}=  {known.summary}", highlight=False)
    console.print(action_units.column_spellings(), markup=False, highlight=False)


@app.command()
def check(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="The dataset, as for --data.")],
    as_json: options.Json = False,
) -> None:
    """Check a dataset for errors before training on it.

    The exit code is 1 if there are errors, and 0 if there are only warnings.
    """
    with shown("check") as progress:
        found = check_dataset(spec, lambda done, total: progress(done, total, ""))
    if as_json:
        print(json.dumps({**asdict(found), "ok": found.ok}, indent=2))  # noqa: T201 - the answer
    else:
        _print(found)
    if not found.ok:
        raise typer.Exit(1)


app.command("describe")(describe_command)


@app.command()
def stimuli(
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="The folder to fill; with --sheet a PNG file."),
    ],
    people: Annotated[int, typer.Option("--people", help="Number of people.")] = 20,
    size: Annotated[int, typer.Option("--size", help="Side of the images in pixels.")] = 64,
    colour: Annotated[
        bool, typer.Option("--colour", help="Write the images in colour instead of grey.")
    ] = False,
    design: Annotated[
        str,
        typer.Option(
            "--design",
            help="short: every action unit at C and E. long: A to E, left and right alone, "
            "combinations, and the same person as another group. mixed: long for every third "
            "person in one setting, as in the package.",
        ),
    ] = "short",
    seed: options.Seed = 0,
    sheet: Annotated[
        bool,
        typer.Option(
            "--sheet",
            help="Instead, draw one contact sheet: every action unit from rest to E, with its name "
            "and muscles.",
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Number of processes [default: one per core]."),
    ] = None,
    engine: options.EngineName = "local",
    address: options.Address = None,
) -> None:
    """Draw the same faces with one action unit changed, and nothing else.

    Each person is drawn in two settings, at rest and with every action unit; all else is equal to
    the bit, and the images are lossless. This needs the extra facslens[synthetic]. The same call
    continues after an interruption.
    """
    from facslens.synthesis.sheet import write_sheet
    from facslens.synthesis.stimuli import StimulusOrder, draw_stimuli

    if sheet:
        write_sheet(out, seed=seed)
        Console(soft_wrap=True).print(f"contact sheet: {out}", markup=False)
        return
    order = StimulusOrder(people, size, colour, design, seed)
    with shown("stimuli") as progress:
        draw_stimuli(
            order,
            out,
            engine=choose(engine, address, workers or os.cpu_count() or 1),
            progress=progress,
        )
    Console(soft_wrap=True).print(f"stimuli: {out}", markup=False)


@app.command()
def synth(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to fill.")],
    subjects: Annotated[int, typer.Option("--subjects", help="Number of people.")] = 20,
    size: Annotated[int, typer.Option("--size", help="Side of the images in pixels.")] = 64,
    design: Annotated[
        str,
        typer.Option(
            "--design",
            metavar="NAME|FILE.json",
            help="Which action units occur together: natural, factorial, or a file.",
        ),
    ] = "natural",
    seed: options.Seed = 0,
    image_format: Annotated[
        str, typer.Option("--format", help="Image format: png, or webp for smaller files.")
    ] = "png",
    colour: Annotated[
        bool, typer.Option("--colour", help="Write the images in colour instead of grey.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Number of processes [default: one per core]."),
    ] = None,
) -> None:
    """Draw synthetic faces whose action units, and the regions that these move, are known exactly.

    The natural design draws expressions with the action units that they usually have; the
    factorial one draws action units independently. This needs the extra facslens[synthetic].
    The same call continues after an interruption.
    """
    from facslens.synthesis import generate as synthetic

    order = synthetic.Order(subjects, design, size, seed, image_format, colour)
    with shown("synth") as progress:
        synthetic.generate(
            order, out, engine=Local(workers or os.cpu_count() or 1), progress=progress
        )
    Console(soft_wrap=True).print(
        f"faces: {out}; use them with --data synthetic:{out}", markup=False
    )


@app.command()
def crop(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Photographs, or folders of them.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to fill.")],
    detector: options.Detector = DEFAULT,
    size: Annotated[int, typer.Option("--size", help="Side of the crops in pixels.")] = 48,
    every: Annotated[
        bool, typer.Option("--all", help="Crop all faces of a photograph, not only the largest.")
    ] = False,
) -> None:
    """Cut the faces out of photographs, as `facslens predict` does, to train on them.

    Folders keep their names, so that --data folder:DIR can read them. If several folders are given,
    each gets its own folder. The exit code is 1 if a file could not be read. The same call
    continues after an interruption.
    """
    order = Order(detector, size, every)
    with shown("crop") as progress:
        made = make_crops(paths, out, order, progress)
    console = Console(soft_wrap=True)
    for line in (*made.notes, *made.faceless, *made.failed):
        console.print(line, markup=False, highlight=False)
    console.print(
        f"crops: {out}; {made.photographs} photographs, {made.faces} crops, "
        f"{len(made.faceless)} without a face, {len(made.failed)} failed",
        markup=False,
        highlight=False,
    )
    if made.failed:
        raise typer.Exit(1)


@app.command()
def convert(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="The dataset, as for --data.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="What to write: "
            + ", or ".join(f"{target.summary} ({name})" for name, target in TARGETS.items())
            + ".",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The CSV file to write.")],
    by: Annotated[
        str | None,
        typer.Option("--by", help="What a row of NetFACS stands for: image or sequence."),
    ] = None,
) -> None:
    """Write the action units of a dataset as another program reads them.

    A matrix for NetFACS has one column an action unit, called by its number, and the names of the
    rows in the first column. NetFACS takes no unknown value: rows that have one are left out, and
    counted. Subject and expression of every row stand in a second file, FILE-info.csv. A table like
    py-feat's has all that is known of every image. It reads back as --data table:FILE.
    """
    if out.suffix.lower() != ".csv":
        raise CallError(f"--out {out} ends in {out.suffix!r}: expected .csv")
    faces = load(spec)
    made = converted(faces, to, by)
    write_table(out, made.table)
    said = f"{to}: {out}; {len(made.table)} rows"
    if made.beside is not None:
        beside = out.with_name(f"{out.stem}-info.csv")
        write_table(beside, made.beside)
        said += f"; what else is known of them: {beside}"
    console = Console(soft_wrap=True)
    console.print(said, markup=False, highlight=False)
    for coding, columns in coders(faces.codings, faces.codings):
        if coding is not None and coding.automatic:
            names = ", ".join(column.replace("_", " ") for column in columns)
            console.print(f"coded by {coding.words}: {names}", markup=False, highlight=False)
    for note in made.notes:
        console.print(f"note: {note}", markup=False, highlight=False)


def _print(found: Check) -> None:
    console = Console(soft_wrap=True)
    console.print(
        f"{found.name}: {found.images} images, {found.sequences} sequences, "
        f"{found.subjects} subjects",
        highlight=False,
    )
    for title, counts in (("expression", found.expressions), ("action unit", found.aus)):
        if counts:
            table = Table(title, "images")
            for name, count in counts.items():
                table.add_row(name, str(count))
            console.print(table)
    if found.aus and not found.codings:
        console.print("who coded the action units is not said", highlight=False)
    for coding, columns in coders(found.codings, found.codings):
        if coding is not None:
            names = ", ".join(column.replace("_", " ") for column in columns)
            console.print(f"coded by {coding.words}: {names}", markup=False, highlight=False)
    for defect in found.defects:
        style = "red" if defect.level == "error" else "yellow"
        console.print(f"[{style}]{defect.level}[/] ", end="")
        console.print(defect.message, markup=False, highlight=False)
    errors = sum(defect.level == "error" for defect in found.defects)
    levels = (("error", errors), ("warning", len(found.defects) - errors))
    told = ", ".join(f"{count} {level}{'s' * (count != 1)}" for level, count in levels)
    console.print(told, highlight=False)
