"""Whether the pictures depend on the weights at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import pandas as pd

from facslens.colours import GREY
from facslens.names import listed
from facslens.plot.curves import Series, colour_of, lines
from facslens.plot.style import Drawing
from facslens.report.formats import decimal
from facslens.report.missing import Missing
from facslens.report.section import Drawn, Page, Section


@dataclass(frozen=True)
class SanityCurve:
    """How like the trained network's pictures a rule's stay as layers become random.

    One value a step; ``edges`` is the rank correlation with the image's edges at each step.
    """

    rule: str
    ssim: tuple[float, ...]
    rank: tuple[float, ...]
    edges: tuple[float, ...]


@dataclass(frozen=True)
class Sanity:
    """Cascading weight randomisation; the first step is the trained network."""

    layer: str
    steps: tuple[str, ...]
    curves: tuple[SanityCurve, ...]
    pictures: int
    silent: tuple[int, ...]
    words: str


_EDGES: Final = "edges"


def build_sanity(page: Page) -> Sanity | Missing:
    """Gather how alike pictures stay when weights are randomised, layer by layer."""
    tables = page.tables
    table = tables.sanity
    if table is None:
        return tables.missing(
            "The pictures have not been compared with those of random weights", "verify"
        )
    if table.empty:
        return Sanity("", (), (), 0, (), "No mapped unit responds to an unseen face.")
    table = table.sort_values("n_layers", kind="stable")
    rules = [str(rule) for rule in table["rule"].unique()]
    first = table[table["rule"] == rules[0]]
    curves = tuple(_curve(table[table["rule"] == rule], rule) for rule in rules)
    return Sanity(
        layer=str(table["layer"].iloc[0]),
        steps=tuple(str(step) for step in first["randomised"]),
        curves=curves,
        pictures=int(first["n"].iloc[0]),
        silent=tuple(int(n) for n in first["n_silent"]),
        words=_told(curves),
    )


def _curve(table: pd.DataFrame, rule: str) -> SanityCurve:
    return SanityCurve(
        rule=rule,
        ssim=tuple(float(v) for v in table["ssim"]),
        rank=tuple(float(v) for v in table["rank_correlation"]),
        edges=tuple(float(v) for v in table["rank_correlation_edges"]),
    )


def _told(curves: Sequence[SanityCurve]) -> str:
    rules = [c for c in curves if c.rule != _EDGES]
    last = [f"{decimal(c.rank[-1])} ({c.rule})" for c in rules]
    edges = [f"{decimal(c.edges[0])} ({c.rule})" for c in rules]
    return (
        f"When all weights from this layer down are drawn at random, the pictures correlate with "
        f"those of the trained network by {listed(last)}; 0 means no similarity, 1 that the "
        f"weights make no difference. The trained network’s pictures correlate with the edges of "
        f"the image by {listed(edges)}."
    )


def draw(page: Page) -> Drawn:
    """Draw both curves."""
    found = page.of(build_sanity)
    if isinstance(found, Missing) or not found.curves:
        return {}
    return {
        f"sanity-{measure}": partial(_cascade, found, measure, title)
        for measure, title in (
            ("rank", "Rank correlation with the trained network’s picture"),
            ("ssim", "SSIM with the trained network’s picture"),
        )
    }


def _cascade(found: Sanity, measure: str, title: str) -> Drawing:
    return lines(
        [
            Series(
                "edges of the image" if curve.rule == _EDGES else curve.rule,
                getattr(curve, measure),
                GREY if curve.rule == _EDGES else colour_of(place),
                dashed=curve.rule == _EDGES,
            )
            for place, curve in enumerate(found.curves)
        ],
        title=title,
        x=range(len(found.steps)),
        ticks=["trained", *(f"+ {step}" for step in found.steps[1:])],
        along="random from the layer down",
        y_range=(0, 1),
    )


SECTION: Final = Section(
    order=61,
    anchor="sanity",
    heading="Do the pictures depend on the weights?",
    template="sanity.html",
    build=build_sanity,
    figures=draw,
    part_of="place",
    downloads={"verify/sanity.csv": "similarity of pictures under random weights"},
)
