"""What the page shows, as numbers and words: every figure and table of the report, typed.

Templates read these classes and compute nothing. A number that is undefined is NaN and
shows as a dash; a section whose stage has not run is a `Missing`.
"""

from dataclasses import dataclass

from facslens.report.checks import Checks
from facslens.report.evidence import Comparison, Findings, HeatMap
from facslens.report.missing import Missing
from facslens.training.recipe import Recipe


@dataclass(frozen=True)
class KeyNumber:
    """One large number of the head, with what it counts and a note."""

    value: str
    of: str
    label: str
    note: str


@dataclass(frozen=True)
class Head:
    """The top of the page: what was asked, of which faces, and the answer."""

    dataset: str
    synthetic: bool
    stale: tuple[str, ...]
    question: str
    headline: str
    detail: str
    numbers: tuple[KeyNumber, ...]
    created: str
    version: str


@dataclass(frozen=True)
class Curve:
    """Loss and accuracy over the epochs of one part of the faces."""

    split: str
    epoch: tuple[float, ...]
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]


@dataclass(frozen=True)
class Training:
    """How the training went."""

    curves: tuple[Curve, ...]
    best_epoch: int | None
    epochs: int
    loss_top: float


@dataclass(frozen=True)
class ClassScore:
    """How well one expression was recognised."""

    expression: str
    n: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Confusion:
    """Counts of true (row) and predicted (column) expressions on one part of the faces."""

    split: str
    expressions: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    fractions: tuple[tuple[float, ...], ...]
    scores: tuple[ClassScore, ...]
    accuracy: float
    correct: int
    n: int
    subjects: int
    macro_f1: float
    baseline: float


@dataclass(frozen=True)
class SplitRow:
    """What one part of the faces holds."""

    split: str
    images: int
    subjects: int
    sequences: int
    by_expression: tuple[int, ...]


@dataclass(frozen=True)
class CoverageRow:
    """How often one action unit was seen, and whether that was enough."""

    au: str
    name: str
    n_present: int | None
    n_absent: int | None
    subjects_present: int | None
    subjects_absent: int | None
    n_test_present: int | None
    subjects_test_present: int | None
    eligible: bool
    reason: str


@dataclass(frozen=True)
class Dropped:
    """An image that could not be used."""

    image: str
    reason: str


@dataclass(frozen=True)
class Data:
    """The faces: how many, of whom, showing what."""

    expressions: tuple[str, ...]
    splits: tuple[SplitRow, ...]
    total: SplitRow
    unlabelled: int
    coverage: tuple[CoverageRow, ...] | Missing
    dropped: tuple[Dropped, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Methods:
    """Numbers that the methods paragraph is filled in with; None where not known."""

    architecture: str
    began: str | None
    parameters: int | None
    size: int | None
    classes: int
    epochs: int | None
    best_epoch: int | None
    validation_accuracy: float
    permutations: int | None
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
    version: str


@dataclass(frozen=True)
class Download:
    """A file to download: its name below the report, what it holds, how large it is."""

    href: str
    label: str
    rows: int
    size: int


@dataclass(frozen=True)
class StageRow:
    """One stage of the run and what became of it."""

    name: str
    status: str
    started: str
    seconds: float


@dataclass(frozen=True)
class Provenance:
    """What made the run: enough to make it again."""

    command: str
    data: str
    seed: int
    digest: str
    created: str
    platform: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    stages: tuple[StageRow, ...]


@dataclass(frozen=True)
class ReportView:
    """The whole page."""

    head: Head
    findings: Findings | Missing
    heatmaps: tuple[HeatMap, ...] | Missing
    comparison: Comparison | Missing
    checks: Checks
    training: Training | Missing
    confusion: Confusion | Missing
    data: Data | Missing
    methods: Methods
    provenance: Provenance
