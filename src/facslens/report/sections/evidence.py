"""What a reviewer asks first: the evidence, in parts."""

from typing import Final

from facslens.report.section import Section

SECTION: Final = Section(
    order=40,
    anchor="evidence",
    heading="Would a reviewer believe it?",
    title="Evidence",
    build=lambda _page: None,
)
