"""Measure accuracy on unseen people: every fold is tested once, by a network not trained on it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from facslens.artifacts import read_json, read_table, write_json, write_table
from facslens.datasets.base import Faces
from facslens.errors import ArtifactError
from facslens.models.initial import digest
from facslens.models.model import Model
from facslens.progress import Report, silent
from facslens.training import predictions as reading
from facslens.training.fit import fit
from facslens.training.recipe import Recipe


@dataclass(frozen=True)
class CrossValidation:
    """The predictions of all folds, each for people on whom its network was not trained.

    Parameters
    ----------
    predictions
        Columns fold (from 0), image, true, predicted, one probability column per expression.
    expressions
        The classes.
    observed
        The tables of `cross_validate`'s ``observe``, with their fold; None without it.
    """

    predictions: pd.DataFrame
    expressions: tuple[str, ...]
    observed: pd.DataFrame | None = None

    @property
    def folds(self) -> pd.Series:
        """Accuracy of each fold, by its number."""
        accuracies = {f: reading.accuracy(p) for f, p in self.predictions.groupby("fold")}
        return pd.Series(accuracies, name="accuracy").rename_axis("fold")

    @property
    def accuracy(self) -> float:
        """Accuracy by image, over all folds together."""
        return reading.accuracy(self.predictions)

    @property
    def confusion(self) -> pd.DataFrame:
        """Counts by true (rows) and predicted (columns) expression."""
        return reading.confusion(self.predictions, self.expressions)

    def summary(self) -> dict[str, Any]:
        """Give the results as plain values for JSON: NaN becomes None."""
        folds = self.folds
        scores = reading.per_class(self.confusion)
        return {
            "folds": [float(a) for a in folds],
            "accuracy": self.accuracy,
            "accuracy_mean": float(folds.mean()),
            "accuracy_sd": float(folds.std(ddof=1)) if len(folds) > 1 else None,
            "images": len(self.predictions),
            "expressions": list(self.expressions),
            "f1": {e: None if np.isnan(f) else float(f) for e, f in scores["f1"].items()},
            "f1_macro": float(scores["f1"].mean()),
            "confusion": self.confusion.to_numpy().tolist(),
        }


def cross_validate(
    faces: Faces,
    splits: list[pd.Series],
    *,
    architecture: str,
    size: int,
    seed: int,
    recipe: Recipe,
    init: Model | None = None,
    folder: Path,
    observe: Callable[[Model, Faces], pd.DataFrame] | None = None,
    observation: str = "observed",
    progress: Report = silent,
    finished: Callable[[int, float], None] = lambda _fold, _accuracy: None,
) -> CrossValidation:
    """Train and test every fold; folds that `folder` holds already are not repeated.

    Parameters
    ----------
    faces
        Faces with expressions; those without are left out.
    splits
        One split column per fold.
    architecture, size, seed, recipe, init
        As `facslens.training.fit.fit` takes them; every fold starts from the same seed, and
        from the same model where there is one.
    folder
        Where each fold leaves ``fold-<k>.parquet``.
    observe
        Called with each fold's network and the faces with the fold's split; the table that it
        returns is kept beside the predictions as ``<observation>-<k>.parquet``. A fold that lacks
        it is trained again.
    observation
        Name of that table; every `observe` function needs its own.
    progress
        Called after every epoch, with the epochs of all folds together.
    finished
        Called with each fold and its accuracy.

    Raises
    ------
    ArtifactError
        If the folder holds folds of other faces, another recipe or another initial model.
    """
    faces = faces.where(faces.table["expression"].notna().to_numpy())
    settings = {
        "faces": faces.digest(),
        "folds": len(splits),
        "architecture": architecture,
        "size": size,
        "seed": seed,
        "recipe": asdict(recipe),
        "init": None if init is None else digest(init),
    }
    _claim(folder, settings)
    parts, observed = [], []
    for number, split in enumerate(splits):
        path = folder / f"fold-{number}.parquet"
        seen = folder / f"{observation}-{number}.parquet"
        if not (path.exists() and (observe is None or seen.exists())):
            training = fit(
                faces.with_split(split),
                architecture=architecture,
                size=size,
                seed=seed,
                recipe=recipe,
                init=init,
                folder=folder,
                progress=_within(progress, number, len(splits)),
            )
            if observe is not None:
                write_table(seen, observe(training.model, faces.with_split(split)))
            test = faces.with_split(split).part("test")
            write_table(path, reading.predict(training.model, test))
        part = read_table(path)
        finished(number, reading.accuracy(part))
        parts.append(part.assign(fold=number))
        if observe is not None:
            observed.append(read_table(seen).assign(fold=number))
    return CrossValidation(
        pd.concat(parts, ignore_index=True),
        faces.expressions,
        pd.concat([t for t in observed if len(t)] or observed, ignore_index=True)
        if observe is not None
        else None,
    )


def _within(progress: Report, fold: int, folds: int) -> Report:
    return lambda done, total, note: progress(
        fold * total + done, folds * total, f"fold {fold}: {note}"
    )


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    path = folder / "crossval.json"
    if not path.exists():
        write_json(path, settings)
        return
    found = read_json(path)
    for name, value in settings.items():
        if found.get(name) != value:
            raise ArtifactError(
                f"{folder} holds a cross-validation with another {name}: choose another folder"
            )
