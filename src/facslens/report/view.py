"""What the page shows, as numbers and words: every figure and table of the report, typed.

Templates read these classes and compute nothing. A number that is undefined is NaN and
shows as a dash; a section whose stage has not run is a `Missing`.
"""

from dataclasses import dataclass
from typing import Literal

Status = Literal["confirmed", "not confirmed", "none", "not enough data"]


@dataclass(frozen=True)
class Missing:
    """A section that cannot be written yet: what is not there, and what makes it."""

    what: str
    command: str


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; NaN where there is none."""

    value: float
    low: float
    high: float


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
class Histogram:
    """Responses of one unit with an action unit present and absent.

    Heights are the fraction of a group's sequences in each bin, so that groups of unequal
    size compare; ``*_test`` are the subjects that neither network nor choice has seen.
    """

    low: float
    high: float
    present: tuple[float, ...]
    absent: tuple[float, ...]
    present_test: tuple[float, ...]
    absent_test: tuple[float, ...]
    n_present: int
    n_absent: int
    n_present_test: int
    n_absent_test: int

    @property
    def top(self) -> float:
        """The tallest bin of all groups."""
        groups = (self.present, self.absent, self.present_test, self.absent_test)
        return max((max(g) for g in groups if g), default=0.0)


@dataclass(frozen=True)
class Box:
    """A receptive field on its image, in per cent of the image's side."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Margins:
    """How much of a picture lies outside of the face on each side, in per cent."""

    top: float
    right: float
    bottom: float
    left: float


@dataclass(frozen=True)
class Exemplar:
    """A face that a unit answers most, and the projection of that answer.

    ``whole``, ``face`` and ``projection`` are file names of pictures, empty where there is
    none; the last two are cropped to the receptive field ``box``.
    """

    rank: int
    image: str
    subject: str
    split: str
    response: float
    rule: str
    whole: str
    face: str
    projection: str
    box: Box | None
    hidden: Margins
    tiny: bool


@dataclass(frozen=True)
class LayerUnit:
    """The unit that another layer offers for the same action unit."""

    layer: str
    unit: int | None
    status: Status
    test: Estimate


@dataclass(frozen=True)
class Finding:
    """One action unit: its best unit, if any, and the evidence."""

    au: str
    name: str
    muscles: str
    status: Status
    reason: str
    layer: str
    unit: int | None
    auroc: float
    test: Estimate
    auprc: float
    pearson: float
    distance: str
    value: float
    null_mean: float
    p_max: float
    p_within: float
    beyond_expression: bool | None
    n_present: int | None
    n_absent: int | None
    n_test_present: int | None
    n_test_absent: int | None
    units_accepted: int
    shared_with: tuple[str, ...]
    histogram: Histogram | None
    exemplars: tuple[Exemplar, ...]
    others: tuple[LayerUnit, ...]


@dataclass(frozen=True)
class LayerCount:
    """How many action units found a unit in one layer."""

    layer: str
    units: int
    live: int
    accepted: int
    confirmed: int


@dataclass(frozen=True)
class Findings:
    """All action units against the layer in focus, and the count in every layer."""

    layer: str
    distance: str
    cards: tuple[Finding, ...]
    axis: tuple[float, float]
    ticks: tuple[float, ...]
    layers: tuple[LayerCount, ...]
    tested_aus: int
    accepted: int
    confirmed: int
    confirmed_units: int
    beyond_expression: int | None
    mean_test: float
    mean_test_aus: int
    test_subjects: int
    rule: str
    whole: bool
    pictures: Missing | None


@dataclass(frozen=True)
class HeatCell:
    """One unit and action unit of the detailed heat map."""

    auroc: float
    distance: float
    null_mean: float
    p_max: float
    accepted: bool
    best: bool


@dataclass(frozen=True)
class HeatMap:
    """Signed AUROC − ½ of every unit and action unit of a layer, in discovery.

    ``overview`` has one row an action unit and one column a live unit, both in the order of
    ``aus`` and ``units``; ``detail`` has the units with an accepted pair only.
    """

    layer: str
    distance: str
    aus: tuple[str, ...]
    names: tuple[str, ...]
    units: tuple[int, ...]
    left_out: int
    overview: tuple[tuple[float, ...], ...]
    chosen: tuple[bool, ...]
    detail_units: tuple[int, ...]
    detail: tuple[tuple[HeatCell, ...], ...]
    limit: float


@dataclass(frozen=True)
class ComparisonRow:
    """The tested unit and the paper's argmax for one action unit."""

    au: str
    name: str
    tested: int | None
    tested_auroc: float
    tested_test: Estimate
    argmax: int | None
    argmax_auroc: float
    argmax_test: Estimate
    value: float
    null_mean: float
    p_max: float
    n_present: int | None
    verdict: Literal["same", "suppressed", "chance", "other"]
    explanation: str


@dataclass(frozen=True)
class Comparison:
    """Tested mapping against the plain argmax of the distance, in one layer."""

    layer: str
    distance: str
    rows: tuple[ComparisonRow, ...]
    same: int
    suppressed: int
    chance: int
    other: int
    nulls: tuple[float, float]


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
    training: Training | Missing
    confusion: Confusion | Missing
    data: Data | Missing
    methods: Methods
    provenance: Provenance
