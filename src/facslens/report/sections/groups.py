"""Whether twins of another skin, age or sex are read, and moved, as strongly."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import pandas as pd

from facslens.datasets.stimuli import TWINS
from facslens.names import listed
from facslens.plot.estimates import Twin, twins
from facslens.plot.style import Drawing
from facslens.report.estimates import Estimate, estimate_of
from facslens.report.formats import percent, signed
from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Drawn, Page, Section
from facslens.report.tables import Row, count, number, records, text


@dataclass(frozen=True)
class Difference:
    """How much more a measure changes at one end of a group than at the other.

    ``share`` and ``detectable`` are shares of the mean of both ends, NaN where that may be 0.
    """

    what: str
    mean_from: float
    mean_to: float
    change: Estimate
    share: Estimate
    detectable: float
    least: float
    differs: bool


@dataclass(frozen=True)
class Compared:
    """A cell: the differences under one action unit, and that of the pixels beside them."""

    unit: Difference | None
    expression: Difference | None
    pixels: Difference | None


@dataclass(frozen=True)
class ComparedRow:
    """An action unit in all groups."""

    au: str
    name: str
    cells: tuple[Compared, ...]


@dataclass(frozen=True)
class GroupOf:
    """A group, its ends, and what was found in words."""

    name: str
    ends: tuple[str, str]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Groups:
    """Every action unit in every group; none where the stimuli have no twins."""

    layer: str
    people: int
    tests: int
    groups: tuple[GroupOf, ...]
    rows: tuple[ComparedRow, ...]


#: What groups are called on the page.
NAMES: Final = {"skin": "Skin", "age": "Age", "gender": "Sex"}


def build_groups(page: Page) -> Groups | Missing:
    """Gather the differences in the last layer, in the expressions and in the pixels."""
    table = page.tables.mechanism("groups.csv")
    if table is None:
        return page.tables.missing(
            "Twins of another skin, age or sex were not looked at", "mechanism"
        )
    layers = list(table["layer"].dropna().unique())
    layer = str(layers[-1]) if layers else ""
    own = table[table["layer"].isna() | (table["layer"] == layer)]
    names = [name for name in TWINS if (own["group"] == name).any()]
    return Groups(
        layer=layer,
        people=max((count(row, "n_people") or 0 for row in records(own)), default=0),
        tests=int(table["p"].notna().sum()),
        groups=tuple(
            GroupOf(NAMES[name], TWINS[name], _words(own[own["group"] == name], TWINS[name]))
            for name in names
        ),
        rows=tuple(
            ComparedRow(
                str(au),
                au_name(str(au)),
                tuple(_compared(of_au[of_au["group"] == name]) for name in names),
            )
            for au, of_au in own.groupby("au")
        ),
    )


def _compared(own: pd.DataFrame) -> Compared:
    found = {text(row, "measure"): _difference(row) for row in records(own)}
    return Compared(*(found.get(measure) for measure in ("unit", "expression", "pixels")))


def _difference(row: Row) -> Difference:
    unit = count(row, "unit")
    return Difference(
        what=text(row, "expression") or ("pixels" if unit is None else f"unit {unit}"),
        mean_from=number(row, "mean_from"),
        mean_to=number(row, "mean_to"),
        change=estimate_of(row, "difference"),
        share=estimate_of(row, "share"),
        detectable=number(row, "detectable_share"),
        least=number(row, "detectable"),
        differs=row["differs"] is True,
    )


def _words(own: pd.DataFrame, ends: tuple[str, str]) -> tuple[str, ...]:
    """Say what differs, whether the pixels differ alike, and what would have been found."""
    unit, expression = (records(own[own["measure"] == name]) for name in ("unit", "expression"))
    tested = [*unit, *expression]
    if tested and all(math.isnan(number(row, "detectable")) for row in tested):
        people = max(count(row, "n_people") or 0 for row in tested)
        return (f"no difference could have been found: {people} people are too few",)
    differ = [row for row in tested if row["differs"] is True]
    said = [
        _sentence([row for row in rows if row["differs"] is True], len(rows), ends, what)
        for rows, what in ((unit, "unit"), (expression, "expression"))
        if rows
    ]
    if differ:
        said.append(_beside(differ, own[own["measure"] == "pixels"]))
    if len(differ) < len(tested):
        said.append(_missed([row for row in tested if row["differs"] is not True]))
    return tuple(said)


def _sentence(differ: Sequence[Row], among: int, ends: tuple[str, str], what: str) -> str:
    """Say under which action units a measure changes more, and at which end."""
    one = len(differ) < 2
    thing = {
        "unit": "its unit" if one else "their unit",
        "expression": f"the expression that {'it moves' if one else 'they move'} most",
    }[what]
    if not differ:
        return f"no difference was found in how strongly an action unit moves {thing}"
    parts = []
    for end, other, sign in ((ends[1], ends[0], 1), (ends[0], ends[1], -1)):
        more = [row for row in differ if sign * _direction(row) > 0]
        if more:
            parts.append(f"more in {end} than in {other} faces under {listed(_named(more, ends))}")
    return (
        f"on these drawn faces {len(differ)} of {among} action units {'moves' if one else 'move'} "
        f"{thing} differently: "
        f"{'; '.join(parts)}"
    )


def _direction(row: Row) -> float:
    """Give at which end the measure changes more: above 0 at the latter one."""
    share = number(row, "share")
    return number(row, "difference") if math.isnan(share) else share


def _named(rows: Sequence[Row], ends: tuple[str, str]) -> list[str]:
    named = []
    for row in rows:
        share, expression = number(row, "share"), text(row, "expression")
        size = f"by {percent(abs(share))}"
        if not abs(share) <= 1:  # at one end it hardly moves, or the other way
            values = (number(row, f"mean_{end}") for end in ("from", "to"))
            size = ", ".join(f"{end} {signed(v)}" for end, v in zip(ends, values, strict=True))
        inside = f"{expression}, {size}" if expression else size
        named.append(f"{text(row, 'au')} ({inside})")
    return named


def _beside(differ: Sequence[Row], pixels: pd.DataFrame) -> str:
    """Count the differences that lie as those of the pixels do."""
    alike = 0
    of = {text(row, "au"): row for row in records(pixels)}
    for row in differ:
        beside = of.get(text(row, "au"), {})
        low, high = number(beside, "difference_low"), number(beside, "difference_high")
        alike += (_direction(row) > 0 and low > 0) or (_direction(row) < 0 and high < 0)
    return (
        f"in {alike} of these {len(differ)} the pixels that the network reads change more at the "
        f"same end"
    )


def _missed(rows: Sequence[Row]) -> str:
    """Say which true differences would have been found where none was."""
    least = [number(row, "detectable_share") for row in rows]
    known = [value for value in least if not math.isnan(value)]
    if not known:
        return "of the others no change is sure to differ from 0, so that none is a share of it"
    span = percent(min(known))
    if len(known) > 1:
        span = f"{span} to {percent(max(known))}, depending on the action unit,"
    return (
        f"where no difference was found, a true one of less than {span} of the change would have "
        f"been missed in more than one such experiment of five"
    )


def draw(page: Page) -> Drawn:
    """Draw a forest for each group."""
    found = page.of(build_groups)
    if isinstance(found, Missing) or not found.rows:
        return {}
    return {
        f"groups-{group.name.lower()}": partial(_group, found, place)
        for place, group in enumerate(found.groups)
    }


def _group(found: Groups, place: int) -> Drawing:
    group, cells = found.groups[place], [row.cells[place] for row in found.rows]
    return twins(
        [f"{row.au} {row.name}" for row in found.rows],
        [_twin(cell.unit) for cell in cells],
        [_twin(cell.expression) for cell in cells],
        [math.nan if cell.pixels is None else cell.pixels.share.value for cell in cells],
        title=f"{group.name}: how much more an action unit moves",
        ends=group.ends,
    )


def _twin(found: Difference | None) -> Twin | None:
    if found is None or math.isnan(found.share.value):
        return None
    share = found.share
    return Twin((share.value, share.low, share.high), found.differs, found.detectable)


SECTION: Final = Section(
    order=22,
    anchor="groups",
    heading="Is the same action unit read as strongly in other faces?",
    title="Groups",
    template="groups.html",
    build=build_groups,
    figures=draw,
    downloads={
        "mechanism/groups.csv": "twins of another skin, age or sex: what differs, by action unit",
    },
)
