"""Where the projections lie, and whether they depend on the weights at all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from facslens.names import listed
from facslens.report.formats import decimal, p_value
from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Page, Section
from facslens.report.tables import Row, count, number, records, text
from facslens.statistics import ALPHA


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


#: The rows over all action units, and of the filter that knows no weights.
_ALL: Final = "all"


def build_place(page: Page) -> Place | Missing:
    """Gather where the mapped units look."""
    tables = page.tables
    table = tables.place
    if table is None or table.empty:
        return tables.missing("Where the units look has not been measured", "verify")
    rows = records(table[table["status"] == "tested"])
    over_all = [_place(row) for row in rows if text(row, "au") == _ALL]
    own = tuple(_place(row) for row in rows if text(row, "au") != _ALL)
    return Place(
        layer=str(table["layer"].iloc[0]),
        rule=str(table["rule"].iloc[0]),
        rows=own,
        words=(*map(_overall, over_all), *_blind(own)),
    )


def _place(row: Row) -> PlaceRow:
    return PlaceRow(
        au=text(row, "au"),
        name=au_name(text(row, "au")),
        unit=count(row, "unit"),
        projections=count(row, "n_projections") or 0,
        unseen=count(row, "n_unseen") or 0,
        lift=number(row, "lift"),
        density=number(row, "density"),
        density_others=number(row, "density_others"),
        p_density=number(row, "p_density"),
        located=count(row, "n_located") or 0,
        location=number(row, "location"),
        location_others=number(row, "location_others"),
        p_location=number(row, "p_location"),
    )


def _overall(row: PlaceRow) -> str:
    if math.isnan(row.p_density):
        return "Too few action units have a region to test all of them together."
    found = (
        "Together, the units look where their action units appear more than chance predicts"
        if row.p_density < ALPHA
        else "There is no evidence that the units look where their action units appear"
    )
    return (
        f"{found}: the projections have {decimal(row.density, 1)} times as much energy in the "
        f"region of their action unit as if it were spread evenly over the image, and "
        f"{decimal(row.density_others, 1)} times when the regions are assigned at random "
        f"(p {p_value(row.p_density)})."
    )


def _blind(rows: Sequence[PlaceRow]) -> list[str]:
    """Name the units that cannot see their action unit's region in any projection."""
    blind = [row.au for row in rows if row.projections and row.unseen == row.projections]
    if not blind:
        return []
    if len(blind) == 1:
        return [
            f"In the faces to which it responds most, the unit of {blind[0]} does not see that "
            f"region at all, so it must detect the action unit by something else."
        ]
    return [
        f"In the faces to which they respond most, the units of {listed(blind)} do not see that "
        f"region at all, so they must detect the action units by something else."
    ]


SECTION: Final = Section(
    order=60,
    anchor="place",
    heading="Where do the units look, and what do pictures prove?",
    title="Place",
    template="place.html",
    build=build_place,
    downloads={"verify/place.csv": "where projections and maxima lie"},
)
