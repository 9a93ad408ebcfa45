"""What the mapping of a run has chosen: layers, first units, accepted pairs."""

import pandas as pd

from facslens.report.tables import Row, RunTables, records, text


def layer_names(table: pd.DataFrame) -> list[str]:
    """Give the layers of a table in the order in which they appear."""
    return [str(layer) for layer in table["layer"].dropna().unique()]


def accepted_pairs(mapping: pd.DataFrame, layer: str) -> set[tuple[int, str]]:
    """Give the pairs (unit, AU) of a layer that passed the tests."""
    rows = mapping[(mapping["layer"] == layer) & (mapping["rule"] == "tested")]
    rows = rows[rows["view"] == "au_to_unit"].dropna(subset=["unit", "au"])
    return {(int(u), str(a)) for u, a in zip(rows["unit"], rows["au"], strict=True)}


def first_rows(tested: pd.DataFrame, layer: str) -> dict[str, Row]:
    """Give the first row of each action unit: its accepted unit of largest z, or none."""
    rows = tested[tested["layer"] == layer]
    if "z" in rows.columns:
        rows = rows.sort_values("z", ascending=False, kind="stable", na_position="last")
    found: dict[str, Row] = {}
    for row in records(rows):
        found.setdefault(text(row, "au"), row)
    return found


def unit_counts(tables: RunTables, layer: str) -> tuple[int, int]:
    """Give how many units a layer has, and how many of them are live."""
    if tables.units is not None:
        own = tables.units[tables.units["layer"] == layer]
        return len(own), int((own["status"] == "live").sum())
    if tables.association is not None:
        association = tables.association
        seen = int(association.loc[association["layer"] == layer, "unit"].nunique())
        return seen, seen
    return 0, 0


def deciding_distance(mapping: pd.DataFrame | None) -> str:
    """Give the distance that decided the mapping."""
    if mapping is None or "distance" not in mapping.columns:
        return "kl"
    known = mapping["distance"].dropna()
    return str(known.iloc[0]) if len(known) else "kl"
