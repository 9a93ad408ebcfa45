"""How well the network reads expressions: its training and its confusions."""

import math

import pandas as pd

from facslens.report.missing import Missing
from facslens.report.tables import RunTables, count, number
from facslens.report.view import ClassScore, Confusion, Curve, Training
from facslens.training.predictions import accuracy, confusion, per_class

#: The share of the losses that the axis of the curves has to hold: a first spike may leave it.
_SHOWN_LOSSES = 0.98


def build_training(tables: RunTables) -> Training | Missing:
    """Gather the curves of loss and accuracy."""
    history = tables.training
    if history is None or history.empty:
        return tables.missing("The network has not been trained here", "train")
    curves = tuple(
        Curve(
            split=str(split),
            epoch=tuple(float(v) for v in own["epoch"]),
            loss=tuple(float(v) for v in own["loss"]),
            accuracy=tuple(float(v) for v in own["accuracy"]),
        )
        for split, own in history.sort_values("epoch").groupby("split", sort=True)
    )
    record = tables.model.get("training", {})
    top = float(history["loss"].quantile(_SHOWN_LOSSES))
    return Training(
        curves=curves,
        best_epoch=count(record, "best_epoch"),
        epochs=int(history["epoch"].max()),
        loss_top=top if math.isfinite(top) and top > 0 else 1.0,
    )


def build_confusion(tables: RunTables) -> Confusion | Missing:
    """Count true against predicted expressions on the test faces."""
    predictions = tables.predictions
    if predictions is None:
        return tables.missing("The network has not been asked about the test faces", "train")
    own = predictions[predictions["split"] == "test"].dropna(subset=["true"])
    if own.empty:
        return tables.missing("No test face has a known expression", "train")
    listed = [str(e) for e in tables.model.get("expressions", [])]
    found = set(own["true"]) | set(own["predicted"])
    names = listed if found <= set(listed) else sorted(found)
    counts = confusion(own, names)
    scores = per_class(counts)
    total = counts.sum(axis=1)
    return Confusion(
        split="test",
        expressions=tuple(names),
        counts=tuple(tuple(int(v) for v in row) for row in counts.to_numpy()),
        fractions=tuple(
            tuple(float(v) / float(n) if n else float("nan") for v in row)
            for row, n in zip(counts.to_numpy(), total, strict=True)
        ),
        scores=tuple(
            ClassScore(
                expression=str(name),
                n=int(row["count"]),
                precision=number(row, "precision"),
                recall=number(row, "recall"),
                f1=number(row, "f1"),
            )
            for name, row in scores.to_dict("index").items()
        ),
        accuracy=accuracy(own),
        correct=int((own["true"] == own["predicted"]).sum()),
        n=len(own),
        subjects=_subjects(tables, own),
        macro_f1=float(scores["f1"].mean()),
        baseline=float(total.max() / len(own)),
    )


def _subjects(tables: RunTables, predictions: pd.DataFrame) -> int:
    if tables.faces is None:
        return 0
    table = tables.faces.table
    return int(table.loc[table["image"].isin(predictions["image"]), "subject"].nunique())
