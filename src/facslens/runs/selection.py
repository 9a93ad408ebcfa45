"""Which units a run's mapping contains: an AU's first, the accepted ones; the best layer."""

import pandas as pd

from facslens.association.discovery.mapping import AU_TO_UNIT, accepted_units, firsts
from facslens.errors import NotEnoughDataError


def of_rule(mapping: pd.DataFrame, rule: str = "tested") -> pd.DataFrame:
    """Give the part of ``mapping.csv`` that was made by one rule: ``tested`` or ``distance``."""
    return mapping[mapping["rule"] == rule]


def first_units(
    mapping: pd.DataFrame, layer: str | None = None, rule: str = "tested"
) -> pd.DataFrame:
    """Give every action unit's first unit, one row for each AU and layer.

    Parameters
    ----------
    mapping
        ``mapping.csv``.
    layer
        None gives all layers.
    rule
        ``tested``, or ``distance`` for the unit with the largest distance.

    Returns
    -------
    pandas.DataFrame
        Rows of the mapping; ``unit`` is missing if no unit was accepted.
    """
    return firsts(of_rule(mapping, rule), AU_TO_UNIT, layer)


def accepted(mapping: pd.DataFrame, layer: str, aus: tuple[str, ...]) -> dict[str, list[int]]:
    """Give the accepted units of each action unit in a layer, best first, or an empty list."""
    found = accepted_units(of_rule(mapping), layer)
    return {au: found.get(au, []) for au in aus}


def mapped_units(mapping: pd.DataFrame) -> pd.DataFrame:
    """Give layer and unit of every AU's first unit, by the test or by distance, each once."""
    first = firsts(mapping, AU_TO_UNIT).dropna(subset=["unit"])
    return first[["layer", "unit"]].astype({"unit": int}).drop_duplicates()


def choose_layer(mapping: pd.DataFrame) -> str:
    """Choose the layer in which most AUs have an accepted unit.

    Of equal layers the one whose first units have the largest mean AUROC in discovery is taken,
    then the first one. The confirmation subjects are not used.

    Parameters
    ----------
    mapping
        ``mapping.csv``.

    Raises
    ------
    NotEnoughDataError
        If no layer has an accepted unit.

    Examples
    --------
    >>> choose_layer(
    ...     pd.DataFrame(
    ...         {
    ...             "rule": "tested",
    ...             "view": "au_to_unit",
    ...             "rank": 1,
    ...             "layer": ["conv1", "conv1", "conv2", "conv2"],
    ...             "unit": [3, pd.NA, 1, 2],
    ...             "auroc": [0.9, float("nan"), 0.7, 0.6],
    ...         }
    ...     )
    ... )
    'conv2'
    """
    chosen = first_units(mapping).dropna(subset=["unit"])
    if chosen.empty:
        raise NotEnoughDataError("no unit of any layer was accepted for an action unit")
    by_layer = chosen.groupby("layer", sort=False)["auroc"]
    ranked = pd.DataFrame({"aus": by_layer.size(), "auroc": by_layer.mean()})
    return str(ranked.sort_values(["aus", "auroc"], ascending=False, kind="stable").index[0])
