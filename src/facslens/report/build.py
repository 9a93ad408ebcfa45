"""From a run folder to the view model of its page."""

import math
import shlex
from collections.abc import Mapping
from typing import Final

from facslens.artifacts import Run
from facslens.datasets.splits import CONFIRMATION
from facslens.report.faces import build_data
from facslens.report.findings import THRESHOLD, build_findings
from facslens.report.formats import DASH, decimal, percent, thousands
from facslens.report.heat import build_comparison, build_heatmaps
from facslens.report.histograms import BINS
from facslens.report.performance import build_confusion, build_training
from facslens.report.tables import RunTables, count, number
from facslens.report.view import (
    Confusion,
    Data,
    Findings,
    Head,
    KeyNumber,
    Methods,
    Missing,
    Provenance,
    ReportView,
    StageRow,
    Training,
)

#: Resamples behind an interval, where the run does not say.
RESAMPLES: Final = 2000
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
        head=_head(tables, findings, data, confusion),
        findings=findings,
        heatmaps=build_heatmaps(tables),
        comparison=build_comparison(tables),
        training=training,
        confusion=confusion,
        data=data,
        methods=_methods(tables, findings, training),
        provenance=_provenance(tables),
    )


def _head(
    tables: RunTables, findings: Findings | Missing, data: Data | Missing, confusion: object
) -> Head:
    about = tables.info.get("faces", {})
    spec = str(tables.info.get("data", ""))
    dataset = str(about.get("name") or spec or "faces")
    read = confusion if isinstance(confusion, Confusion) else None
    found = findings if isinstance(findings, Findings) else None
    headline, detail = _answer(found, read)
    return Head(
        dataset=dataset,
        synthetic=bool(about.get("synthetic", spec.split(":")[0] == "synthetic")),
        question=(
            "Which feature maps of a network that was only taught to read facial expressions "
            "have become detectors of facial action units?"
        ),
        headline=headline,
        detail=detail,
        numbers=_key_numbers(found, data if isinstance(data, Data) else None, read),
        created=str(tables.info.get("created", "")),
        version=str(tables.info.get("facslens", "")),
    )


def _answer(findings: Findings | None, read: Confusion | None) -> tuple[str, str]:
    reading = (
        ""
        if read is None
        else f"The network reads the expression of {percent(read.accuracy)} of "
        f"{thousands(read.n)} faces of unseen subjects correctly."
    )
    if findings is None:
        return "The units have not been held against the action units yet.", reading
    units = next((c.units for c in findings.layers if c.layer == findings.layer), 0)
    n, tested = findings.confirmed, findings.tested_aus
    headline = (
        f"{n if n else 'None'} of {tested} action units {'has' if n in (0, 1) else 'have'} a "
        f"detector among the {thousands(units)} units of {findings.layer} that holds on "
        f"{findings.test_subjects} subjects the network never saw."
    )
    return headline, " ".join([*_qualified(findings), reading]).strip()


def _qualified(findings: Findings) -> list[str]:
    """Say how many units stand behind the count, and what is left within expression."""
    n, units, beyond = findings.confirmed, findings.confirmed_units, findings.beyond_expression
    parts = []
    if n > units:
        parts.append(f"The {n} share {units} unit{'s' if units > 1 else ''}.")
    if n and beyond is not None and beyond < n:
        parts.append(
            f"With the expression held fixed, {beyond if beyond else 'none'} of the {n} still "
            f"{'stands' if beyond < 2 else 'stand'} out; the others may only repeat the expression."
        )
    elif n and beyond is not None:
        parts.append("All of them also stand out with the expression held fixed.")
    return parts


def _key_numbers(
    findings: Findings | None, data: Data | None, read: Confusion | None
) -> tuple[KeyNumber, ...]:
    numbers = []
    if findings is not None:
        numbers.append(
            KeyNumber(
                str(findings.confirmed),
                f"of {findings.tested_aus}",
                "action units with a confirmed detector",
                _found(findings),
            )
        )
        numbers.append(
            KeyNumber(
                decimal(findings.mean_test),
                "",
                "mean AUROC on unseen subjects",
                f"best unit of {findings.mean_test_aus} action units; ½ is chance",
            )
        )
    if read is not None:
        numbers.append(
            KeyNumber(
                percent(read.accuracy),
                "",
                "of expressions read correctly",
                f"{thousands(read.n)} unseen faces; always the commonest: {percent(read.baseline)}",
            )
        )
    if data is not None:
        numbers.append(
            KeyNumber(
                thousands(data.total.subjects),
                "",
                "subjects",
                f"{thousands(data.total.images)} faces, "
                f"{thousands(data.total.sequences)} sequences",
            )
        )
    return tuple(numbers)


def _found(findings: Findings) -> str:
    rare = len(findings.cards) - findings.tested_aus
    note = f"{findings.accepted} found in discovery, in {findings.layer}"
    return f"{note}; {rare} more too rare to test" if rare else note


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
        neutral=bool(tables.setting("associate", "neutral")),
        live_units=next((c.live for c in found.layers if c.layer == found.layer), 0)
        if found
        else 0,
        sequences=max(counts, default=None),
        discovery_subjects=_discovery_subjects(tables),
        rule=_RULES.get(found.rule if found else "", ""),
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
