"""The methods paragraph of a paper, filled in with the numbers of this run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from facslens.association.coverage import MIN_PRESENT, MIN_SUBJECTS
from facslens.association.distances.bins import BINS
from facslens.datasets.frames import WAYS
from facslens.datasets.splits import CONFIRMATION
from facslens.report.findings import Findings, build_findings
from facslens.report.missing import Missing
from facslens.report.names import rule_name
from facslens.report.section import Page, Section
from facslens.report.sections.cause import Causes, build_causes
from facslens.report.sections.chain import Chains, build_chains
from facslens.report.sections.controls import Controls, build_controls
from facslens.report.sections.experiment import Experiment, build_experiment
from facslens.report.sections.faces import Data, build_data
from facslens.report.sections.network import Confusion, build_confusion
from facslens.report.sections.training import Training, build_training
from facslens.report.tables import RunTables, count, number
from facslens.statistics import ALPHA, RESAMPLES
from facslens.training.recipe import Recipe

T = TypeVar("T")


@dataclass(frozen=True)
class Methods:
    """Numbers that the methods paragraph is filled in with; None where not known."""

    architecture: str
    began: str | None
    parameters: int | None
    size: tuple[int, int] | None
    classes: int
    epochs: int | None
    best_epoch: int | None
    validation_accuracy: float
    permutations: int | None
    distances: int
    within: bool
    resamples: int
    bins: int
    threshold: float
    min_present: int
    min_subjects: int
    neutral: bool
    live_units: int
    sequences: int | None
    discovery_subjects: int
    rule: str
    recipe: Recipe | None
    seed: int
    findings: Findings | None
    data: Data | None
    confusion: Confusion | None
    controls: Controls | None
    causes: Causes | None
    experiment: Experiment | None
    chains: Chains | None
    sequence_by: str
    software: tuple[str, ...]


#: What the versions in ``run.json`` are of, as a sentence names it.
_SOFTWARE: Final = {
    "python": "Python",
    "torch": "PyTorch",
    "numpy": "NumPy",
    "scipy": "SciPy",
    "pandas": "pandas",
}


def _began(init: Mapping[str, Any] | None) -> str | None:
    """Say which network the training began from."""
    if init is None:
        return None
    name = init.get("training", {}).get("pretrained")
    return f"the network {name} of facslens" if name else "a network trained before"


def build_methods(page: Page) -> Methods:
    """Gather what the run was asked to do, and what came of it."""
    tables, training = page.tables, page.of(build_training)
    # how an audited network was trained elsewhere is not told here
    record = {} if tables.is_audit else tables.model.get("training", {})
    found = _done(page.of(build_findings))
    counts = [
        (c.n_present or 0) + (c.n_absent or 0)
        for c in (found.cards if found else ())
        if c.n_present is not None
    ]
    association, platform = tables.association, tables.info.get("platform", {})
    epochs = training.epochs if isinstance(training, Training) else count(record, "epochs")
    return Methods(
        architecture=str(tables.model.get("architecture", "")),
        began=_began(record.get("init")),
        parameters=count(tables.model, "parameters"),
        size=tables.size,
        classes=len(tables.model.get("expressions", [])),
        epochs=epochs,
        best_epoch=count(record, "best_epoch"),
        validation_accuracy=_validation_accuracy(record, training),
        permutations=_whole(tables.setting("associate", "permutations")),
        distances=0 if association is None else int(association["distance"].nunique()),
        within=found is not None and found.within_expression,
        resamples=_whole(tables.setting("associate", "resamples")) or RESAMPLES,
        bins=BINS,
        threshold=ALPHA,
        min_present=MIN_PRESENT,
        min_subjects=MIN_SUBJECTS,
        neutral=bool(tables.setting("associate", "neutral")),
        live_units=next((c.live for c in found.layers if c.layer == found.layer), 0)
        if found
        else 0,
        sequences=max(counts, default=None),
        discovery_subjects=_discovery_subjects(tables),
        rule=rule_name(found.rule) if found else "",
        recipe=Recipe.of(record["recipe"]) if "recipe" in record else None,
        seed=int(tables.info.get("seed", 0)),
        findings=found,
        data=_done(page.of(build_data)),
        confusion=_done(page.of(build_confusion)),
        controls=_done(page.of(build_controls)),
        causes=_done(page.of(build_causes)),
        experiment=_done(page.of(build_experiment)),
        chains=_done(page.of(build_chains)),
        sequence_by=_sequence_by(tables),
        software=tuple(
            f"{name} {platform[key]}" for key, name in _SOFTWARE.items() if key in platform
        ),
    )


def _sequence_by(tables: RunTables) -> str:
    """Say what a sequence counted for, where its labels vary within it."""
    way = WAYS.get(str(tables.info.get("faces", {}).get("by")))
    return way.sentence if way else ""


def _done(section: T | Missing) -> T | None:
    return None if isinstance(section, Missing) else section


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


SECTION: Final = Section(
    order=120,
    anchor="methods",
    heading="Methods",
    title="Methods",
    template="methods.html",
    build=build_methods,
)
