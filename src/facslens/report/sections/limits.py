"""What must not be concluded: the same on every page."""

from typing import Final

from facslens.report.section import Section

SECTION: Final = Section(
    order=130,
    anchor="limits",
    heading="Limits",
    title="Limits",
    template="limits.html",
    build=lambda _page: None,
)
