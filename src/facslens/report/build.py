"""From a run folder to the view model of its page."""

import math
import shlex
from collections.abc import Mapping
from typing import Any, Final

from facslens.association.coverage import MIN_PRESENT, MIN_SUBJECTS
from facslens.association.distances.histograms import BINS
from facslens.datasets.splits import CONFIRMATION
from facslens.report.causes import build_causes
from facslens.report.checks import Checks
from facslens.report.contrast import build_contrast
from facslens.report.controls import build_confounds, build_controls, build_nulls
from facslens.report.evidence import Findings
from facslens.report.faces import build_data
from facslens.report.findings import THRESHOLD, build_findings
from facslens.report.formats import DASH
from facslens.report.head import build_head
from facslens.report.heat import build_comparison, build_heatmaps
from facslens.report.missing import Missing
from facslens.report.performance import build_confusion, build_training
from facslens.report.places import build_place, build_sanity
from facslens.report.stability import build_stability
from facslens.report.tables import RunTables, count, number
from facslens.report.truth import build_truth
from facslens.report.view import Methods, Provenance, ReportView, StageRow, Training
from facslens.runs.folder import Run
from facslens.statistics import RESAMPLES
from facslens.training.recipe import Recipe

_RULES: Final = {
    "deconvnet": "deconvolutional network",
    "guided": "guided backpropagation",
    "gradient": "gradient",
}


def build_view(run: Run) -> ReportView:
    """Read a run folder and gather everything that its page shows.

    Parameters
    ----------
    run
        A run; any stage may not have run yet.

    Returns
    -------
    ReportView
        Sections whose stage has not run are `Missing`.

    Raises
    ------
    ArtifactError
        If a file that exists is damaged.
    """
    tables = RunTables(run)
    findings, data = build_findings(tables), build_data(tables)
    training, confusion = build_training(tables), build_confusion(tables)
    return ReportView(
        head=build_head(tables, findings, data, confusion),
        findings=findings,
        heatmaps=build_heatmaps(tables),
        comparison=build_comparison(tables),
        checks=Checks(
            nulls=build_nulls(tables),
            controls=build_controls(tables),
            confounds=build_confounds(tables),
            causes=build_causes(tables),
            place=build_place(tables),
            sanity=build_sanity(tables),
            stability=build_stability(tables),
            truth=build_truth(tables),
            contrast=build_contrast(tables),
        ),
        training=training,
        confusion=confusion,
        data=data,
        methods=_methods(tables, findings, training),
        provenance=_provenance(tables),
    )


def _began(init: Mapping[str, Any] | None) -> str | None:
    """Say which network the training began from."""
    if init is None:
        return None
    name = init.get("training", {}).get("pretrained")
    return f"the network {name} of facslens" if name else "a network trained before"


def _methods(
    tables: RunTables, findings: Findings | Missing, training: Training | Missing
) -> Methods:
    record = tables.model.get("training", {})
    found = findings if isinstance(findings, Findings) else None
    counts = [
        (c.n_present or 0) + (c.n_absent or 0)
        for c in (found.cards if found else ())
        if c.n_present is not None
    ]
    epochs = training.epochs if isinstance(training, Training) else count(record, "epochs")
    return Methods(
        architecture=str(tables.model.get("architecture", "")),
        began=_began(record.get("init")),
        parameters=count(tables.model, "parameters"),
        size=count(tables.model, "size"),
        classes=len(tables.model.get("expressions", [])),
        epochs=epochs,
        best_epoch=count(record, "best_epoch"),
        validation_accuracy=_validation_accuracy(record, training),
        permutations=_whole(tables.setting("associate", "permutations")),
        resamples=_whole(tables.setting("associate", "resamples")) or RESAMPLES,
        bins=BINS,
        threshold=THRESHOLD,
        min_present=MIN_PRESENT,
        min_subjects=MIN_SUBJECTS,
        neutral=bool(tables.setting("associate", "neutral")),
        live_units=next((c.live for c in found.layers if c.layer == found.layer), 0)
        if found
        else 0,
        sequences=max(counts, default=None),
        discovery_subjects=_discovery_subjects(tables),
        rule=_RULES.get(found.rule if found else "", ""),
        recipe=Recipe.of(record["recipe"]) if "recipe" in record else None,
        seed=int(tables.info.get("seed", 0)),
        version=str(tables.info.get("facslens", "")),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _validation_accuracy(record: Mapping[str, object], training: Training | Missing) -> float:
    """Give what the model says of itself, else the curve's value at the chosen epoch."""
    told = number(record, "validation_accuracy")
    if not math.isnan(told) or isinstance(training, Missing):
        return told
    for curve in training.curves:
        if curve.split == "validation" and training.best_epoch in curve.epoch:
            return curve.accuracy[curve.epoch.index(float(training.best_epoch or 0))]
    return float("nan")


def _discovery_subjects(tables: RunTables) -> int:
    if tables.faces is None:
        return 0
    table = tables.faces.table
    known = table[table["split"].notna() & ~table["split"].isin(CONFIRMATION)]
    return int(known["subject"].nunique())


def _provenance(tables: RunTables) -> Provenance:
    info = tables.info
    return Provenance(
        command=shlex.join(str(word) for word in info.get("command", [])),
        data=str(info.get("data", "")),
        seed=int(info.get("seed", 0)),
        digest=str(info.get("faces", {}).get("digest") or ""),
        created=str(info.get("created", "")),
        platform=_pairs(info.get("platform", {})),
        settings=_pairs(info.get("settings", {})),
        stages=tuple(
            StageRow(
                name=str(name),
                status=str(entry.get("status", "")),
                started=str(entry.get("started", "")),
                seconds=number(entry, "seconds"),
            )
            for name, entry in info.get("stages", {}).items()
            if name != "report"
        ),
    )


def _pairs(entries: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Flatten nested entries to names with dots and values as text."""
    pairs: list[tuple[str, str]] = []
    for name, value in entries.items():
        if isinstance(value, Mapping):
            pairs += [(f"{name}.{inner}", text) for inner, text in _pairs(value)]
        else:
            pairs.append((str(name), DASH if value is None else str(value)))
    return tuple(pairs)
