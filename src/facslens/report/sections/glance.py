"""Every action unit's best unit in one picture."""

from typing import Final

from facslens.report.findings import build_findings
from facslens.report.section import Section

SECTION: Final = Section(
    order=24,
    anchor="glance",
    heading="At a glance",
    title="At a glance",
    template="glance.html",
    build=build_findings,
)
