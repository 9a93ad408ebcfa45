"""``facslens crossval``: accuracy on people who are not in the training set."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from facslens.artifacts import write_table
from facslens.cli import options
from facslens.datasets.coding import coders, entries
from facslens.datasets.layouts import DEFAULT
from facslens.datasets.load import load, parse_spec
from facslens.datasets.splits import khorrami_folds
from facslens.errors import CallError
from facslens.progress import shown

if TYPE_CHECKING:
    from facslens.training.crossval import CrossValidation


def crossval(
    data: options.Data = DEFAULT,
    folds: Annotated[int, typer.Option("--folds", min=3, help="Number of folds.")] = 10,
    model: options.Model = None,
    init: options.Init = None,
    size: options.Size = 48,
    seed: options.Seed = 0,
    epochs: options.Epochs = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder [default: runs/crossval-DATA-MODEL-SIZE-FOLDS-SEED…]."),
    ] = None,
    aus: Annotated[
        bool,
        typer.Option("--aus", help="Test in each fold which units detect action units, too."),
    ] = False,
    controls: Annotated[
        int,
        typer.Option(
            "--controls",
            min=0,
            help="With --aus: number of untrained networks to compare each fold's network with.",
        ),
    ] = 0,
    as_json: options.Json = False,
) -> None:
    """Train and test subject-independent folds: accuracy, spread, confusion and F1.

    Every subject is tested once. The subjects are assigned to the folds in turn, in the order of
    their names. For each fold the next fold is used to choose the epoch, and the others to train.
    The same call continues after an interruption.

    With --aus, the units that detect action units are chosen on each fold's training and
    validation subjects and measured on its test subjects. The AUROC over pairs of faces within a
    fold, pooled over all folds, is written to aus.csv. With --controls, units of untrained networks
    are chosen by the same rule in every fold; the difference in AUROC has a paired interval over
    all subjects.
    """
    from facslens.association.replication.folds import pool_folds
    from facslens.models.initial import architecture_of
    from facslens.runs.model import open_model
    from facslens.stages.crossval import associate_fold, check_aus
    from facslens.training.crossval import cross_validate
    from facslens.training.recipe import recipe_for

    if controls and not aus:
        raise CallError(f"--controls {controls} compares action unit detectors: add --aus")
    architecture = architecture_of(model, init)
    begun = None if init is None else open_model(init, "init")
    faces = load(data)
    if aus:
        check_aus(faces)
    name = f"crossval-{parse_spec(data).name}-{architecture}-{size}-{folds}-{seed}"
    if init is not None:
        name += f"-from-{Path(init).resolve().name}"
    folder = out or Path("runs") / name
    console = Console(stderr=as_json, soft_wrap=True)

    def finished(fold: int, accuracy: float) -> None:
        console.print(f"fold {fold}: accuracy {accuracy:.4f}", highlight=False)

    with shown("crossval") as progress:
        result = cross_validate(
            faces,
            khorrami_folds(faces, folds),
            architecture=architecture,
            size=size,
            seed=seed,
            recipe=recipe_for(begun is not None).changed(epochs=epochs),
            init=begun,
            folder=folder,
            observe=partial(associate_fold, seed=seed, controls=controls) if aus else None,
            observation=f"observed-{controls}-untrained" if controls else "observed",
            progress=progress,
            finished=finished,
        )
    pooled = None
    if result.observed is not None:
        pooled = pool_folds(result.observed, seed=seed)
        write_table(folder / "aus.csv", pooled)
    if as_json:
        found = {}
        if pooled is not None:
            found = {"aus": json.loads(pooled.to_json(orient="records"))}
            found["codings"] = entries(faces.codings)
        print(json.dumps({**result.summary(), **found}, indent=2))  # noqa: T201 - the answer
    else:
        _print(result, console)
        if pooled is not None:
            _print_aus(pooled, controls, console)
            for coding, aus_of in coders(faces.codings, faces.aus):
                if coding is not None and coding.automatic:
                    said = f"coded by {coding.words}: {', '.join(aus_of)}"
                    console.print(said, markup=False, highlight=False)


def _print_aus(pooled: pd.DataFrame, controls: int, console: Console) -> None:
    shown = ("au", "accepted", "n_present", "subjects_present", "auroc", "status")
    more = ("ahead of untrained",) if controls else ()
    table = Table(
        *shown, "within expression", *more, title="Action units, pairs within a fold, pooled"
    )
    for row in pooled.to_dict("records"):
        cells = [f"{row['accepted']}/{row['folds']}", row["n_present"], row["subjects_present"]]
        cells += [_interval(row, "auroc"), row["status"]]
        beyond = row["status_within"]
        cells += [f"{_interval(row, 'auroc_within')} {beyond}".removeprefix("– ")]
        if controls:
            cells += [
                f"{_interval(row, 'difference')} {row['status_untrained']}".removeprefix("– ")
            ]
        table.add_row(row["au"], *map(str, cells))
    console.print(table)
    confirmed, within = (int((pooled[f"status{s}"] == "confirmed").sum()) for s in ("", "_within"))
    enough = int((pooled["status"] != "not enough data").sum())
    asked = int((pooled["status_within"] != "not enough data").sum())
    console.print(
        f"interval of the AUROC above ½: {confirmed} of {enough} action units; within one "
        f"expression: {within} of {asked}",
        highlight=False,
    )
    if controls:
        better = int((pooled["status_untrained"] == "better").sum())
        console.print(
            f"ahead of {controls} untrained networks: {better} of {enough}", highlight=False
        )


def _interval(row: Mapping[Any, Any], column: str) -> str:
    if pd.isna(row[column]):
        return "–"
    return f"{row[column]:.3f} ({row[f'{column}_low']:.3f}–{row[f'{column}_high']:.3f})"


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
