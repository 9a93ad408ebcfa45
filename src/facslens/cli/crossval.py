"""``facslens crossval``: accuracy on people whom the network never saw."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from facslens.artifacts import write_table
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
    aus: Annotated[
        bool,
        typer.Option("--aus", help="Hold each fold's units against the action units, too."),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Train and test subject-independent folds: accuracy, spread, confusion and F1.

    Every subject is tested once. Fold k tests every k-th subject in the order of their names,
    the next fold chooses the epoch, the others train. A call that was killed goes on where
    it stopped. With --aus every fold's network is held against the action units on the people
    who trained it and measured on the others; pairs of faces within a fold are pooled over all
    folds into aus.csv.
    """
    from facslens.association.folds import pool_folds
    from facslens.stages.crossval import associate_fold, check_aus
    from facslens.training.crossval import cross_validate
    from facslens.training.recipe import Recipe

    faces = load(data)
    if aus:
        check_aus(faces)
    name = f"crossval-{parse_spec(data).name}-{model}-{size}-{folds}-{seed}"
    folder = out or Path("runs") / name
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
            folder=folder,
            observe=partial(associate_fold, seed=seed) if aus else None,
            progress=progress,
            finished=finished,
        )
    pooled = None
    if result.observed is not None:
        pooled = pool_folds(result.observed, seed=seed)
        write_table(folder / "aus.csv", pooled)
    if as_json:
        found = {} if pooled is None else {"aus": json.loads(pooled.to_json(orient="records"))}
        print(json.dumps({**result.summary(), **found}, indent=2))  # noqa: T201 - the answer
    else:
        _print(result, console)
        if pooled is not None:
            _print_aus(pooled, console)


def _print_aus(pooled: pd.DataFrame, console: Console) -> None:
    shown = ("au", "accepted", "n_present", "subjects_present", "auroc", "status")
    table = Table(*shown, "within expression", title="Action units, pairs within a fold, pooled")
    for row in pooled.to_dict("records"):
        own, within = (
            f"{row[f'auroc{s}']:.3f} ({row[f'auroc{s}_low']:.3f}–{row[f'auroc{s}_high']:.3f})"
            for s in ("", "_within")
        )
        cells = (f"{row['accepted']}/{row['folds']}", row["n_present"], row["subjects_present"])
        status, beyond = row["status"], row["status_within"]
        table.add_row(
            row["au"],
            *map(str, cells),
            "–" if status == "not enough data" else own,
            status,
            beyond if beyond == "not enough data" else f"{within} {beyond}",
        )
    console.print(table)


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
