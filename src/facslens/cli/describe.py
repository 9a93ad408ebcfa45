"""``facslens data describe``: look at a dataset before anything is trained on it."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from facslens.cli import options
from facslens.datasets.describe import describe
from facslens.datasets.description import Count, Description
from facslens.errors import CallError
from facslens.progress import shown


def describe_command(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="The dataset, as for --data.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="PAGE.html",
            help="Write all of it as a page, with mean faces. It opens from the disk.",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Count what a dataset holds: expressions, action units, people, images, repeats.

    With --out a page shows it, with what comes together and the mean face of each expression. What
    of the dataset has errors is left out and counted; facslens data check names each.
    """
    if out is not None and (out.suffix.lower() != ".html" or out.is_dir()):
        raise CallError(f"--out is {str(out)!r}: expected the name of a page, such as faces.html")
    with shown("describe") as progress:
        found = describe(spec, lambda done, total: progress(done, total, ""))
    if out is not None:
        from facslens.report.dataset import write_dataset_page

        write_dataset_page(found, out)
    if as_json:
        print(json.dumps(found.as_json(), indent=2, allow_nan=False))  # noqa: T201 - the answer
        return
    _print(found)
    console = Console(soft_wrap=True)
    if out is not None:
        console.print(f"page: {out}", markup=False, highlight=False)


def _print(found: Description) -> None:
    console = Console(soft_wrap=True)

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False)

    say(
        f"{found.name}: {found.images} images, {found.sequences} sequences, "
        f"{found.subjects} subjects"
    )
    _counted(console, "expression", found.expressions)
    if any(part.name for part in found.splits):
        _counted(console, "split", found.splits)
    units = [unit for unit in found.units if unit.kind == "presence"]
    if units:
        table = Table("action unit", "present", "absent", "unknown", "subjects", "coded by")
        for unit in units:
            cells = (unit.present, unit.absent, unit.unknown, unit.subjects)
            coder = "nobody says" if unit.coding is None else unit.coding.by
            automatic = unit.coding is not None and unit.coding.automatic
            table.add_row(
                unit.au, *(str(cell) for cell in cells), coder + " (automatic)" * automatic
            )
        console.print(table)
    others = [unit for unit in found.units if unit.kind != "presence"]
    if others:
        table = Table("action unit", "kind", "known", "unknown", "least", "median", "most")
        for unit in others:
            numbers = (f"{v:.2f}" if v == v else "–" for v in (unit.least, unit.median, unit.most))
            table.add_row(unit.au, unit.kind, str(unit.known), str(unit.unknown), *numbers)
        console.print(table)
    sizes = [f"{width}×{height} ({count})" for width, height, count in found.sizes.frequent]
    more = [f"others ({found.sizes.others})"] if found.sizes.others else []
    if sizes:
        say(f"sizes: {', '.join([*sizes, *more])}")
    if found.unread:
        say(f"{_number(found.unread, 'image')} cannot be read")
    if found.nobody:
        say(f"{_number(found.nobody, 'image')} of unknown subjects")
    if found.identical:
        say(f"{found.identical} images show exactly the same pixels as another one")
    for repeat in found.repeats:
        say(repeat.defect.message)
    if found.errors:
        say(f"{_number(found.errors, 'error')}, which facslens data check tells; the rest is above")


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _counted(console: Console, title: str, counts: tuple[Count, ...]) -> None:
    if not counts:
        return
    parts = list(counts[0].splits)
    table = Table(title, "images", "subjects", "sequences", *parts)
    for count in counts:
        numbers = (count.images, count.subjects, count.sequences, *count.splits.values())
        table.add_row(count.name or "unknown", *(str(number) for number in numbers))
    console.print(table)
