"""What must not be concluded; of coded faces only where there are some."""

from dataclasses import dataclass
from typing import Final

from facslens.report.coded import build_coded
from facslens.report.section import Page, Section


@dataclass(frozen=True)
class Limits:
    """Whether the network was shown coded faces, or drawn ones only, and what a program coded."""

    coded: bool
    by_program: str


def build_limits(page: Page) -> Limits:
    """Tell whether there are coded faces, whose limits have to be said."""
    return Limits(bool(page.tables.info.get("data")), page.of(build_coded).warning)


SECTION: Final = Section(
    order=130,
    anchor="limits",
    heading="Limits",
    title="Limits",
    template="limits.html",
    build=build_limits,
)
