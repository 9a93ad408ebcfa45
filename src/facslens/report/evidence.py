"""What was found, typed: action units, their units, heat maps, the paper's rule beside them."""

from dataclasses import dataclass
from typing import Literal

from facslens.report.missing import Missing

Status = Literal["confirmed", "not confirmed", "none", "not enough data"]


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; NaN where there is none."""

    value: float
    low: float
    high: float


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
    sentences: tuple[str, ...]
    within: Estimate
    n_within: int | None
    partial: Estimate
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
    within_expression: bool
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
