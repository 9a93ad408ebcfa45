"""What a reviewer asks of a run, typed: controls, nulls, cause, place, sanity, stability."""

from dataclasses import dataclass

from facslens.report.evidence import Estimate
from facslens.report.missing import Missing


@dataclass(frozen=True)
class Control:
    """What the trained network's units are held against, and how that went over all AUs.

    ``ahead`` and ``behind`` count action units whose interval of the difference lies above or
    below 0, of ``asked`` that have one.
    """

    name: str
    title: str
    note: str
    mean: float
    ahead: int
    behind: int
    asked: int


@dataclass(frozen=True)
class ControlCell:
    """One control for one action unit: its AUROC, and what the trained unit is ahead of it."""

    auroc: float
    difference: Estimate
    verdict: str


@dataclass(frozen=True)
class ControlRow:
    """One action unit's best unit beside the controls; ``cells`` in the order of `Controls`."""

    au: str
    name: str
    unit: int
    accepted: bool
    test: Estimate
    cells: tuple[ControlCell, ...]


@dataclass(frozen=True)
class Controls:
    """All action units against all controls, on unseen subjects.

    ``learned`` are ahead of untrained networks, of ``asked`` that have an interval.
    """

    layer: str
    controls: tuple[Control, ...]
    rows: tuple[ControlRow, ...]
    mean: float
    learned: tuple[str, ...]
    asked: int


@dataclass(frozen=True)
class NullRow:
    """What is left of the findings when labels move in one way.

    Of ``tested`` action units so many have an ``accepted`` unit in discovery; of ``asked`` with
    enough unseen subjects so many are ``confirmed``.
    """

    title: str
    tested: int
    accepted: int
    asked: int
    confirmed: int


@dataclass(frozen=True)
class Nulls:
    """Labels moved freely beside labels moved within one expression only."""

    layer: str
    rows: tuple[NullRow, ...]
    words: str


@dataclass(frozen=True)
class ConfoundRow:
    """The action unit that an action unit comes with most often, and which it equals."""

    au: str
    name: str
    closest: str
    phi: float
    n_differ: int | None
    explained: float
    inseparable: tuple[str, ...]


@dataclass(frozen=True)
class Confounds:
    """Action units that the data can hardly part; ``together`` lists those it cannot at all."""

    rows: tuple[ConfoundRow, ...]
    together: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Loss:
    """What an expression loses, what it loses with like units, p and q of that."""

    change: float
    others: float
    p: float
    q: float


@dataclass(frozen=True)
class CauseRow:
    """An action unit's units taken away (or kept alone): what its expression loses.

    ``share`` is how often that expression's sequences in discovery show the action unit.
    """

    au: str
    name: str
    units: int
    expression: str
    share: float
    n_faces: int
    score: Loss
    accuracy: Loss


@dataclass(frozen=True)
class Causes:
    """Ablation of every action unit's units; ``kept``: of all but them."""

    layer: str
    rows: tuple[CauseRow, ...]
    kept: tuple[CauseRow, ...]
    sets: int
    score: int
    accuracy: int
    level: float


@dataclass(frozen=True)
class PlaceRow:
    """Where a unit's projections and maxima lie, against the action unit's region."""

    au: str
    name: str
    unit: int | None
    projections: int
    unseen: int
    lift: float
    density: float
    density_others: float
    p_density: float
    located: int
    location: float
    location_others: float
    p_location: float


@dataclass(frozen=True)
class Place:
    """Place of all mapped units; ``words`` are the sentences that say what follows."""

    layer: str
    rule: str
    rows: tuple[PlaceRow, ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class SanityCurve:
    """How like the trained network's pictures a rule's stay as layers become random.

    One value a step; ``edges`` is the rank correlation with the image's edges at each step.
    """

    rule: str
    ssim: tuple[float, ...]
    rank: tuple[float, ...]
    edges: tuple[float, ...]


@dataclass(frozen=True)
class Sanity:
    """Cascading weight randomisation; the first step is the trained network."""

    layer: str
    steps: tuple[str, ...]
    curves: tuple[SanityCurve, ...]
    pictures: int
    silent: tuple[int, ...]
    words: str


@dataclass(frozen=True)
class StabilityRow:
    """How often an action unit's detector returns in other runs."""

    au: str
    name: str
    runs: int
    accepted: int
    pairs: int
    returned_au: float
    returned_unit: float
    correlation: float


@dataclass(frozen=True)
class Stability:
    """Which mappings return in other runs of the same training."""

    layer: str
    rows: tuple[StabilityRow, ...]
    everywhere: int
    runs: int
    chance: float


@dataclass(frozen=True)
class PlantedRow:
    """What became of the planted filters under one design, over the seeds."""

    design: str
    filters: int
    recovered: float
    aus: float
    blind: int
    seeds: int


@dataclass(frozen=True)
class FactorialRow:
    """One action unit on the factorial faces: the trained unit and the untrained ones."""

    au: str
    name: str
    unit: int
    accepted: bool
    confirmed: bool
    auroc: float
    untrained: float
    difference: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True)
class Truth:
    """What the checks against known action units and places found."""

    layer: str
    planted: tuple[PlantedRow, ...]
    rows: tuple[FactorialRow, ...]
    accepted: int
    confirmed: int
    untrained: float
    ahead: int
    places: int
    lift: float
    random: float


@dataclass(frozen=True)
class Contrast:
    """How the first units' responses change from a neutral face to the peak, in the last layer."""

    layer: str
    mapped: int
    asked: int
    larger: int


@dataclass(frozen=True)
class Checks:
    """All of it; what was not checked says which command does."""

    nulls: Nulls | Missing
    controls: Controls | Missing
    confounds: Confounds | Missing
    causes: Causes | Missing
    place: Place | Missing
    sanity: Sanity | Missing
    stability: Stability | Missing
    truth: Truth | Missing
    contrast: Contrast | None
