"""One picture of the finding in the format of a slide, to be put in a talk as it is."""

import textwrap
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from facslens.plot.estimates import forest_on
from facslens.plot.matrices import cells_on
from facslens.plot.style import SOFT, Drawing, Kind, styled, written
from facslens.report.about import About, build_about
from facslens.report.findings import Findings, build_findings
from facslens.report.marks import marks
from facslens.report.section import Page
from facslens.report.sections.heatmap import HeatMap, build_heatmaps
from facslens.report.summary import observed

#: Pixels per inch: 1920 by 1080 in all.
_DPI: Final = 150


def slide(page: Page, kind: Kind) -> bytes | None:
    """Draw the finding on 16:9: every detector with its interval, and the units behind them.

    None where no action unit has a unit: then there is nothing to show.
    """
    findings, heatmaps = page.of(build_findings), page.of(build_heatmaps)
    if not isinstance(findings, Findings) or findings.accepted == 0:
        return None
    maps = heatmaps if isinstance(heatmaps, tuple) else ()
    heatmap = next((h for h in maps if h.layer == findings.layer and h.detail_units), None)
    title = observed(findings, page.tables.is_audit)
    return written(_slide(title, findings, heatmap, page.of(build_about)), kind, _DPI)


@styled
def _slide(title: str, findings: Findings, heatmap: HeatMap | None, about: About) -> Drawing:
    figure = Drawing(figsize=(12.8, 7.2), facecolor="white")
    figure.text(
        0.045, 0.945, "\n".join(textwrap.wrap(title, 68)),
        size=21, weight="bold", va="top", linespacing=1.25,
    )  # fmt: skip
    _forest(figure.add_axes((0.19, 0.13, 0.33, 0.62)), findings)
    if heatmap is not None:
        _heat(figure.add_axes((0.62, 0.13, 0.34, 0.62)), heatmap)
    source = f"{about.dataset}{', synthetic faces' if about.synthetic else ''}"
    figure.text(0.045, 0.035, f"{source}; facslens {about.version}", size=9, color=SOFT)
    return figure


def _forest(axes: Axes, findings: Findings) -> None:
    """Draw each action unit's AUROC, unseen with its interval and in discovery."""
    forest_on(axes, marks(findings, "{name}  {au}"), findings.axis[0])
    axes.tick_params(labelsize=11)
    axes.set_title(
        f"AUROC of the best unit: ● on {findings.test_subjects} unseen subjects, 95 % interval; "
        f"○ discovery",
        size=9.5, weight="normal", color=SOFT, pad=10,
    )  # fmt: skip


def _heat(axes: Axes, heatmap: HeatMap) -> None:
    """Draw the units with an accepted pair against the action units; dots mark the pairs."""
    values = np.array([[cell.auroc - 0.5 for cell in row] for row in heatmap.detail])
    accepted = np.array([[cell.accepted for cell in row] for row in heatmap.detail])
    cells_on(axes, values, heatmap.limit, accepted, min(14.0, 500 / len(heatmap.detail_units)))
    axes.set_yticks(range(len(heatmap.aus)), heatmap.aus, size=9.5)
    axes.set_xticks([])
    axes.set_xlabel(
        f"the {len(heatmap.detail_units)} units of {heatmap.layer} with an accepted pair (dots)",
        size=9.5,
    )
    axes.set_title(
        "AUROC in discovery: blue above ½, orange below",
        size=9.5, weight="normal", color=SOFT, pad=10,
    )  # fmt: skip
