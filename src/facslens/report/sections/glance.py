"""Every action unit's best unit in one picture."""

from collections.abc import Mapping
from typing import Final

import pandas as pd

from facslens.plot.estimates import bars, forest
from facslens.report.findings import Findings, build_findings
from facslens.report.marks import marks
from facslens.report.section import Drawn, Page, Section


def draw(page: Page) -> Drawn:
    """Draw the forest of the layer in focus, and the count of every layer."""
    found = page.of(build_findings)
    if not isinstance(found, Findings) or not found.accepted:
        return {}
    drawn = {
        "glance": lambda: forest(
            marks(found, "{au} {name}, unit {unit}"),
            title=f"AUROC of each action unit’s unit in {found.layer}",
            value=f"{found.test_subjects} unseen subjects, 95 % interval",
            beside="discovery",
            low=found.axis[0],
        )
    }
    if len(found.layers) > 1:
        drawn["layers"] = lambda: bars(
            [layer.layer for layer in found.layers],
            [layer.accepted for layer in found.layers],
            [layer.confirmed for layer in found.layers],
            title=f"Action units with a detector, of {found.tested_aus} tested",
            total=found.tested_aus,
            key=("found", "confirmed"),
        )
    return drawn


def tables(page: Page) -> Mapping[str, tuple[str, pd.DataFrame]]:
    """Give the count of every layer as a table."""
    found = page.of(build_findings)
    if not isinstance(found, Findings):
        return {}
    return {"detectors_by_layer.csv": ("action units with a detector", pd.DataFrame(found.layers))}


SECTION: Final = Section(
    order=24,
    anchor="glance",
    heading="At a glance",
    title="At a glance",
    template="glance.html",
    build=build_findings,
    tables=tables,
    figures=draw,
)
