"""Where the projections lie, and whether they depend on the weights at all."""

import math
from collections.abc import Sequence
from typing import Final

import pandas as pd

from facslens.report.checks import Place, PlaceRow, Sanity, SanityCurve
from facslens.report.controls import ALPHA, name_of
from facslens.report.formats import decimal, p_value
from facslens.report.missing import Missing
from facslens.report.tables import Row, RunTables, count, number, records, text

#: The rows over all action units, and of the filter that knows no weights.
_ALL: Final = "all"
_EDGES: Final = "edges"


def build_place(tables: RunTables) -> Place | Missing:
    """Gather where the mapped units look."""
    table = tables.place
    if table is None or table.empty:
        return tables.missing("Where the units look has not been measured", "verify")
    rows = records(table[table["status"] == "tested"])
    over_all = [_place(row) for row in rows if text(row, "au") == _ALL]
    own = tuple(_place(row) for row in rows if text(row, "au") != _ALL)
    return Place(
        layer=str(table["layer"].iloc[0]),
        rule=str(table["rule"].iloc[0]),
        rows=own,
        words=(*map(_overall, over_all), *_blind(own)),
    )


def _place(row: Row) -> PlaceRow:
    return PlaceRow(
        au=text(row, "au"),
        name=name_of(text(row, "au")),
        unit=count(row, "unit"),
        projections=count(row, "n_projections") or 0,
        unseen=count(row, "n_unseen") or 0,
        lift=number(row, "lift"),
        density=number(row, "density"),
        density_others=number(row, "density_others"),
        p_density=number(row, "p_density"),
        located=count(row, "n_located") or 0,
        location=number(row, "location"),
        location_others=number(row, "location_others"),
        p_location=number(row, "p_location"),
    )


def _overall(row: PlaceRow) -> str:
    if math.isnan(row.p_density):
        return "Too few action units can be compared for a test over all of them."
    found = (
        "Together the units look where their action units show more than chance would have it"
        if row.p_density < ALPHA
        else "There is no evidence that the units look where their action units show"
    )
    return (
        f"{found}: the energy of the projections in the action unit’s own region of the face is "
        f"{decimal(row.density, 1)} times that of an even spread, and "
        f"{decimal(row.density_others, 1)} times when the regions are dealt out at random "
        f"(p {p_value(row.p_density)})."
    )


def _blind(rows: Sequence[PlaceRow]) -> list[str]:
    """Name the units that cannot see their action unit's region in any projection."""
    blind = [row.au for row in rows if row.projections and row.unseen == row.projections]
    if not blind:
        return []
    s = "" if len(blind) == 1 else "s"
    return [
        f"The unit{s} of {_listed(blind)} {'does' if len(blind) == 1 else 'do'} not even see that "
        f"region in the faces answered most, and must have told the action unit by something else."
    ]


def build_sanity(tables: RunTables) -> Sanity | Missing:
    """Gather how alike pictures stay when weights are randomised, layer by layer."""
    table = tables.sanity
    if table is None:
        return tables.missing("The pictures have not been held against random weights", "verify")
    if table.empty:
        return Sanity("", (), (), 0, (), "No mapped unit answers an unseen face.")
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
        f"With every weight below drawn at random, pictures still correlate with the trained "
        f"network’s by {_listed(last)}; 0 would be no likeness, 1 a picture that owes nothing to "
        f"what was learned. The trained network’s pictures correlate with the plain edges of the "
        f"image by {_listed(edges)}."
    )


def _listed(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> _listed(["a"]), _listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
