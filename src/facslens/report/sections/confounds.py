"""Action units that these faces can hardly part."""

from dataclasses import dataclass
from typing import Final

from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Page, Section
from facslens.report.tables import count, number, records, text


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


def build_confounds(page: Page) -> Confounds | Missing:
    """Name the action units that no unit could tell apart on these faces."""
    tables = page.tables
    table = tables.confounds
    if table is None:
        return tables.missing(
            "The action units have not been compared with one another", "associate"
        )
    rows = tuple(
        ConfoundRow(
            au=text(row, "au"),
            name=au_name(text(row, "au")),
            closest=text(row, "closest"),
            phi=number(row, "phi"),
            n_differ=count(row, "n_differ"),
            explained=number(row, "explained"),
            inseparable=tuple(text(row, "inseparable").split()),
        )
        for row in records(table)
    )
    groups = {tuple(sorted({row.au, *row.inseparable})) for row in rows if row.inseparable}
    return Confounds(rows, tuple(sorted(groups)))


SECTION: Final = Section(
    order=43,
    anchor="confounds",
    heading="Action units that cannot be told apart",
    template="confounds.html",
    build=build_confounds,
    part_of="evidence",
    downloads={"confounds.csv": "which action units come together"},
)
