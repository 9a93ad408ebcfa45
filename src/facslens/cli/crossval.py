"""``facslens crossval``: accuracy on people whom the network never saw."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from facslens.cli import options
from facslens.datasets.load import DEFAULT, load, parse_spec
from facslens.datasets.splits import khorrami_folds
from facslens.progress import shown

if TYPE_CHECKING:
    from facslens.training.crossval import CrossValidation


def crossval(
    data: options.Data = DEFAULT,
    folds: Annotated[int, typer.Option("--folds", min=3, help="Parts of the subjects.")] = 10,
    model: options.Model = "paper",
    size: options.Size = 48,
    seed: options.Seed = 0,
    epochs: options.Epochs = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder [default: runs/crossval-DATA-MODEL-SIZE-FOLDS-SEED]."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Train and test subject-independent folds: accuracy, spread, confusion and F1.

    Every subject is tested once. Fold k tests every k-th subject in the order of their names,
    the next fold chooses the epoch, the others train. A call that was killed goes on where
    it stopped.
    """
    from facslens.training.crossval import cross_validate
    from facslens.training.recipe import Recipe

    faces = load(data)
    name = f"crossval-{parse_spec(data).name}-{model}-{size}-{folds}-{seed}"
    console = Console(stderr=as_json, soft_wrap=True)

    def finished(fold: int, accuracy: float) -> None:
        console.print(f"fold {fold}: accuracy {accuracy:.4f}", highlight=False)

    with shown("crossval") as progress:
        result = cross_validate(
            faces,
            khorrami_folds(faces, folds),
            architecture=model,
            size=size,
            seed=seed,
            recipe=Recipe().changed(epochs=epochs),
            folder=out or Path("runs") / name,
            progress=progress,
            finished=finished,
        )
    if as_json:
        print(json.dumps(result.summary(), indent=2))  # noqa: T201 - the answer
    else:
        _print(result, console)


def _print(result: "CrossValidation", console: Console) -> None:
    summary = result.summary()
    spread = summary["accuracy_sd"]
    console.print(
        f"mean of {len(summary['folds'])} folds {summary['accuracy_mean']:.4f} "
        f"(standard deviation {spread:.4f}); by image {summary['accuracy']:.4f} "
        f"of {summary['images']}; macro-F1 {summary['f1_macro']:.4f}",
        highlight=False,
    )
    table = Table("true \\ read as", *result.expressions, "F1", title="Confusion, all folds")
    for expression, row in result.confusion.iterrows():
        score = summary["f1"][str(expression)]
        table.add_row(str(expression), *map(str, row), "–" if score is None else f"{score:.3f}")
    console.print(table)
