"""Every action unit of the experiment by itself: one person from rest to E, dose, rival."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

import pandas as pd

from facslens.experiments.analysis import sentence
from facslens.experiments.decision import DECIDING, UNCOMPARED
from facslens.experiments.place import ALL
from facslens.experiments.trials import GRADES
from facslens.plot.curves import dose
from facslens.plot.style import Drawing
from facslens.report.estimates import Estimate
from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Drawn, Page, Section
from facslens.report.sections.experiment import BADGES, CANDIDATES, build_experiment
from facslens.report.tables import Row, count, number, records, text


@dataclass(frozen=True)
class DoseCurve:
    """Change from rest by grade: of each person, on average, and under the strongest rival.

    Grades count from 0, at rest, to the number of `GRADES`.
    """

    grades: tuple[int, ...]
    mean: tuple[float, ...]
    people: tuple[tuple[tuple[int, ...], tuple[float, ...]], ...]
    noise: float
    rival: float
    low: float
    high: float


@dataclass(frozen=True)
class Control:
    """What a control reaches for the same action unit."""

    name: str
    auroc: float
    ahead: bool
    decides: bool


@dataclass(frozen=True)
class Switched:
    """One action unit: its unit, the verdict, and what it rests on."""

    au: str
    name: str
    unit: int | None
    direction: str
    verdict: str
    badge: str
    sentence: str
    rival: str
    n_wins: int | None
    n_people: int | None
    n_rising: int | None
    n_dose: int | None
    smallest: str
    auroc: Estimate
    n_aus: int | None
    picture: str
    curve: DoseCurve | None
    controls: tuple[Control, ...]


@dataclass(frozen=True)
class Place:
    """In how many action units the projections gather in the true region with the dose."""

    aus: int
    rises: int
    low: float
    high: float


@dataclass(frozen=True)
class Cards:
    """All action units of the last layer, those that are caused first."""

    layer: str
    cards: tuple[Switched, ...]
    place: Place | None


def build_switched(page: Page) -> Cards | None:
    """Gather one card for each action unit that was switched; None without an experiment."""
    experiment = page.of(build_experiment)
    if isinstance(experiment, Missing):
        return None
    layer = experiment.layer
    tables = {name: _of(page, f"{name}.csv", layer) for name in _TABLES}
    cards = [_card(page, row, tables) for row in records(tables["caused"])]
    cards.sort(key=lambda card: (card.verdict not in ("caused", UNCOMPARED), card.au))
    return Cards(layer, tuple(cards), _place(tables["place"]))


_TABLES: Final = ("caused", "rivals", "dose", "people", "controls", "place")


def _of(page: Page, name: str, layer: str) -> pd.DataFrame:
    table = page.tables.experiment(name)
    return pd.DataFrame({"au": []}) if table is None else table[table["layer"] == layer]


def _place(table: pd.DataFrame) -> Place | None:
    for row in records(table[table["au"] == ALL]):
        aus, rises = count(row, "n"), count(row, "n_share")
        if aus and rises is not None:
            return Place(aus, rises, number(row, "share_low"), number(row, "share_high"))
    return None


def _card(page: Page, row: Row, tables: dict[str, pd.DataFrame]) -> Switched:
    au = text(row, "au")
    own = {name: records(table[table["au"] == au]) for name, table in tables.items()}
    unit = count(row, "unit")
    return Switched(
        au=au,
        name=au_name(au),
        unit=unit,
        direction=page.tables.direction(text(row, "layer"), unit),
        verdict=text(row, "verdict"),
        badge=BADGES.get(text(row, "verdict"), text(row, "verdict")),
        sentence=sentence(row),
        rival=text(row, "rival"),
        n_wins=count(row, "n_wins"),
        n_people=count(row, "n_people"),
        n_rising=count(row, "n_rising"),
        n_dose=count(row, "n_dose"),
        smallest=text(row, "smallest_grade"),
        auroc=Estimate(number(row, "auroc"), number(row, "auroc_low"), number(row, "auroc_high")),
        n_aus=count(row, "n_aus"),
        picture=f"switched/{au}.png" if page.tables.drawn(au) else "",
        curve=_curve(own["dose"], own["people"], own["rivals"], text(row, "rival")),
        controls=tuple(
            Control(
                CANDIDATES.get(text(r, "control"), text(r, "control")),
                number(r, "auroc"),
                number(r, "low") > 0,
                text(r, "control") in DECIDING,
            )
            for r in own["controls"]
        ),
    )


def _curve(dose: list[Row], people: list[Row], rivals: list[Row], rival: str) -> DoseCurve | None:
    if not dose:
        return None
    lines: dict[str, list[tuple[int, float]]] = {}
    for row in people:
        lines.setdefault(text(row, "person"), []).append(_point(row))
    mean = [_point(row) for row in dose]
    values = [value for line in (mean, *lines.values()) for _, value in line]
    under = [number(r, "change_other") for r in rivals if text(r, "other") == rival]
    return DoseCurve(
        *_from_rest(mean),
        people=tuple(_from_rest(line) for line in lines.values()),
        noise=number(dose[0], "noise"),
        rival=under[0] if under else float("nan"),
        low=min([0.0, *values, *under]),
        high=max([0.0, *values, *under]),
    )


def _point(row: Row) -> tuple[int, float]:
    return 1 + GRADES.index(text(row, "grade")), number(row, "change")


def _from_rest(
    points: Iterable[tuple[int, float]],
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    whole = [(0, 0.0), *sorted(points)]
    return tuple(grade for grade, _ in whole), tuple(value for _, value in whole)


def copy_drawn(page: Page) -> dict[str, bytes]:
    """Give the pictures of the cards."""
    cards = page.of(build_switched)
    if cards is None:
        return {}
    found = {card.picture: page.tables.drawn(card.au) for card in cards.cards if card.picture}
    return {name: content for name, content in found.items() if content is not None}


def draw(page: Page) -> Drawn:
    """Draw the dose of every action unit that moves a unit."""
    found = page.of(build_switched)
    if found is None:
        return {}
    return {f"dose-{c.au}": partial(_dose, found.layer, c) for c in found.cards if c.curve}


def _dose(layer: str, card: Switched) -> Drawing:
    curve = card.curve
    assert curve is not None  # only such cards are drawn
    return dose(
        ("rest", *GRADES),
        curve.mean,
        curve.people,
        title=f"{card.au} {card.name}: {layer} unit {card.unit}",
        places=curve.grades,
        noise=curve.noise,
        rival=(card.rival, curve.rival),
    )


SECTION: Final = Section(
    order=18,
    anchor="switched",
    heading="",
    part_of="experiment",
    template="switched.html",
    build=build_switched,
    figures=draw,
    files=copy_drawn,
)
