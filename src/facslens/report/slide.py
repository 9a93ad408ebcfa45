"""One picture of the finding in the format of a slide, to be put in a talk as it is."""

import io
import math
import textwrap
from typing import Any, Final, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from facslens.report.about import build_about
from facslens.report.figures import HIGH, LOW
from facslens.report.findings import Finding, Findings, build_findings
from facslens.report.section import Page
from facslens.report.sections.heatmap import HeatMap, build_heatmaps
from facslens.report.summary import observed

#: Formats of the slide, for a talk and for further work.
KINDS: Final[tuple[Literal["png", "svg"], ...]] = ("png", "svg")
INK: Final = "#1c1d20"
SOFT: Final = "#5a5d66"
FAINT: Final = "#e4e1db"
_BLUE, _ORANGE = (tuple(c / 255 for c in colour) for colour in (HIGH, LOW))
_STYLE: Final[dict[Any, Any]] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Inter", "Helvetica Neue", "Arial", "DejaVu Sans"],
    "font.size": 11,
    "svg.fonttype": "path",
    "svg.hashsalt": "facslens",
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "xtick.color": SOFT,
    "ytick.color": INK,
}


def slide(page: Page, kind: Literal["svg", "png"]) -> bytes | None:
    """Draw the finding on 16:9: every detector with its interval, and the units behind them.

    None where no action unit has a unit: then there is nothing to show.
    """
    findings, about, heatmaps = (
        page.of(build_findings),
        page.of(build_about),
        page.of(build_heatmaps),
    )
    if not isinstance(findings, Findings) or findings.accepted == 0:
        return None
    maps = heatmaps if isinstance(heatmaps, tuple) else ()
    heatmap = next((h for h in maps if h.layer == findings.layer), None)
    cards = [c for c in findings.cards if c.unit is not None]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(12.8, 7.2), facecolor="white")
        title = "\n".join(textwrap.wrap(observed(findings, page.tables.is_audit), 68))
        figure.text(0.045, 0.945, title, size=21, weight=600, va="top", linespacing=1.25)
        _forest(figure.add_axes((0.19, 0.13, 0.33, 0.62)), findings, cards)
        if heatmap is not None and heatmap.detail_units:
            _heat(figure.add_axes((0.62, 0.13, 0.34, 0.62)), heatmap)
        source = f"{about.dataset}{', synthetic faces' if about.synthetic else ''}"
        figure.text(0.045, 0.035, f"{source}; facslens {about.version}", size=9, color=SOFT)
        stream = io.BytesIO()
        metadata = {"Date": None} if kind == "svg" else {}
        figure.savefig(stream, format=kind, dpi=150, metadata=metadata)
    return stream.getvalue()


def _forest(axes: Any, findings: Findings, cards: list[Finding]) -> None:
    """Draw each action unit's AUROC, unseen with its interval and in discovery."""
    for place, card in enumerate(cards):
        colour = _BLUE if card.status == "confirmed" else "#8b8d94"
        if not math.isnan(card.test.low):
            axes.plot([card.test.low, card.test.high], [place] * 2, color=colour, lw=2.2)
        axes.plot(card.auroc, place, "o", mfc="white", mec=SOFT, ms=5.5)
        axes.plot(card.test.value, place, "o", color=colour, ms=7.5)
    axes.axvline(0.5, color=SOFT, ls=(0, (3, 2.5)), lw=1, zorder=0)
    axes.set_yticks(range(len(cards)), [f"{c.name}  {c.au}" for c in cards])
    axes.set_ylim(len(cards) - 0.4, -0.6)
    axes.set_xlim(findings.axis[0], 1.01)
    axes.set_xticks(findings.ticks, ["½" if t == 0.5 else f"{t:g}" for t in findings.ticks])
    axes.grid(axis="x", color=FAINT, lw=0.8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(
        f"AUROC of the best unit: ● on {findings.test_subjects} unseen subjects, 95 % interval; "
        f"○ discovery",
        size=9.5, color=SOFT, loc="left", pad=10,
    )  # fmt: skip


def _heat(axes: Any, heatmap: HeatMap) -> None:
    """Draw the units with an accepted pair against the action units; dots mark the pairs."""
    values = np.array([[cell.auroc - 0.5 for cell in row] for row in heatmap.detail])
    colours = LinearSegmentedColormap.from_list("signed", [_ORANGE, (1, 1, 1), _BLUE])
    axes.imshow(values, cmap=colours, vmin=-heatmap.limit, vmax=heatmap.limit, aspect="auto")
    accepted = np.array([[cell.accepted for cell in row] for row in heatmap.detail])
    rows, columns = np.nonzero(accepted)
    size = min(14.0, 500 / max(len(heatmap.detail_units), 1))
    axes.scatter(columns, rows, s=size, color=INK, linewidths=0)
    axes.set_yticks(range(len(heatmap.aus)), heatmap.aus, size=9.5)
    axes.set_xticks([])
    axes.set_xlabel(
        f"the {len(heatmap.detail_units)} units of {heatmap.layer} with an accepted pair (dots)",
        size=9.5, color=SOFT,
    )  # fmt: skip
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(
        "AUROC in discovery: blue above ½, orange below", size=9.5, color=SOFT, loc="left", pad=10
    )
