"""What the mapping of a run has chosen: layers, first units, accepted pairs."""

import pandas as pd

from facslens.report.tables import Row, RunTables, records, text
from facslens.runs.selection import accepted, first_units


def layer_names(table: pd.DataFrame) -> list[str]:
    """Give the layers of a table in the order in which they appear."""
    return [str(layer) for layer in table["layer"].dropna().unique()]


def first_rows(mapping: pd.DataFrame, layer: str, rule: str = "tested") -> dict[str, Row]:
    """Give each action unit's row of the mapping with its first unit in a layer, or with none."""
    return {text(row, "au"): row for row in records(first_units(mapping, layer, rule))}


def accepted_pairs(mapping: pd.DataFrame, layer: str) -> set[tuple[int, str]]:
    """Give the pairs (unit, AU) of a layer that passed the test."""
    aus = tuple(first_rows(mapping, layer))
    return {(unit, au) for au, units in accepted(mapping, layer, aus).items() for unit in units}


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
