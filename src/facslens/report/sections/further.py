"""The tables of checks that no other section shows, such as a check added from outside."""

from dataclasses import dataclass
from typing import Final

from facslens.report.section import Page, Section

#: Rows of a table that the page shows; all of them can be downloaded.
SHOWN: Final = 30


@dataclass(frozen=True)
class FurtherTable:
    """A check's name, and the first rows of its table as text."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int


def build_further(page: Page) -> tuple[FurtherTable, ...]:
    """Gather the checks' tables that the other sections do not offer."""
    found = []
    for file in page.further_checks():
        table = page.tables.as_text(file)
        if table is not None:
            found.append(
                FurtherTable(
                    name=file.removeprefix("verify/").removesuffix(".csv"),
                    columns=tuple(table.columns),
                    rows=tuple(map(tuple, table.head(SHOWN).to_numpy(dtype=str))),
                    total=len(table),
                )
            )
    return tuple(found)


SECTION: Final = Section(
    order=75,
    anchor="further",
    heading="",
    template="further.html",
    build=build_further,
)
