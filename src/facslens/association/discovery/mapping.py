"""The verdict: which unit detects which action unit, or none."""

from collections.abc import Callable
from typing import Final, Literal

import pandas as pd
from scipy.optimize import linear_sum_assignment

from facslens.errors import CallError
from facslens.statistics import ALPHA

RANKS: Final = ("tested", "distance")
AU_TO_UNIT: Final = "au_to_unit"
UNIT_TO_AU: Final = "unit_to_au"
ONE_TO_ONE: Final = "one_to_one"
VIEWS: Final = (AU_TO_UNIT, UNIT_TO_AU, ONE_TO_ONE)
#: Of a view with one partner first: what it asks about, and what it answers.
_SIDES: Final = {AU_TO_UNIT: ("au", "unit"), UNIT_TO_AU: ("unit", "au")}
#: What names a pair.
KEY: Final = ["layer", "unit", "au"]
#: Columns of a mapping, in order.
COLUMNS: Final = (
    "view",
    "rank",
    "layer",
    "unit",
    "au",
    "distance",
    "value",
    "null_mean",
    "z",
    "p",
    "p_maxT",
    "q",
    "auroc",
    "auprc",
    "pearson",
    "threshold",
    "f1",
    "p_maxT_within",
    "auroc_within",
    "n_within",
    "n_present",
    "n_absent",
)


def make_mapping(
    table: pd.DataFrame,
    effects: pd.DataFrame,
    *,
    distance: str | None = None,
    rank: str = "tested",
    alpha: float = ALPHA,
    null: str | None = None,
) -> pd.DataFrame:
    """Map units to action units and back, within each layer.

    A pair is *accepted* when its AUROC is above ½ and its ``p_maxT`` below `alpha`.

    ============ ============================================================================
    au_to_unit   an AU's accepted units, by z, largest first
    unit_to_au   a unit's accepted AUs, by value − null_mean, largest first; z would favour
                 the frequent AUs
    one_to_one   accepted pairs, each unit and AU at most once, with the largest sum of AUROC
    ============ ============================================================================

    Parameters
    ----------
    table, effects
        Of an `Association`.
    distance
        Which of its distances decides; by default the first of the table.
    rank
        ``"tested"`` as above. ``"distance"`` is the plain rule of the paper, without any
        test: the unit of largest distance for every AU, and the AU of largest distance for
        every unit; then there is no one_to_one.
    alpha
        Level of ``p_maxT``.
    null
        Which of the table's nulls decides; by default ``free``, or the first where there is
        no such.

    Returns
    -------
    pandas.DataFrame
        The columns of `COLUMNS`; ``rank`` counts from 1 within an AU or a unit.
        ``p_maxT_within`` is the pair's p_maxT under the null ``within_expression``; it and the
        other columns ``…_within`` are missing where that null was not run. Where no pair
        is accepted there is one row with ``unit`` missing (for an AU) or ``au`` missing (for
        a unit): the verdict is "none". one_to_one has one row for each AU.

    Raises
    ------
    CallError
        If the table has no such distance or null, or `rank` is neither of the two.

    Notes
    -----
    Ties go to the smaller unit number, then to the first AU. A distance without a sign is
    above 0 by chance, KL the more the rarer an AU: ``value − null_mean`` is free of that.

    References
    ----------
    [zhu2019]_, [westfall1993]_
    """
    if rank not in RANKS:
        raise CallError(f"rank {rank!r} is not known: expected tested or distance")
    pairs = _select(table, effects, distance, null)
    views: dict[str, Callable[[pd.DataFrame], pd.DataFrame]]
    if rank == "distance":
        views = {
            AU_TO_UNIT: lambda p: _ranked(p, p, "au", p["value"]).query("rank == 1"),
            UNIT_TO_AU: lambda p: _ranked(p, p, "unit", p["value"]).query("rank == 1"),
        }
    else:
        views = {
            AU_TO_UNIT: lambda p: _ranked(p, _accepted(p, alpha), "au", p["z"]),
            UNIT_TO_AU: lambda p: _ranked(
                p, _accepted(p, alpha), "unit", p["value"] - p["null_mean"]
            ),
            ONE_TO_ONE: lambda p: _one_to_one(p, _accepted(p, alpha)),
        }
    parts = [
        view(layer_pairs).assign(view=name, layer=layer, distance=pairs["distance"].iloc[0])
        for layer, layer_pairs in pairs.groupby("layer", sort=False)
        for name, view in views.items()
    ]
    mapping = pd.concat(parts, ignore_index=True).reindex(columns=list(COLUMNS))
    integers = ("rank", "unit", "n_within", "n_present", "n_absent")
    return mapping.astype({**dict.fromkeys(integers, "Int64"), "au": "string"})


def accepted_units(mapping: pd.DataFrame, layer: str) -> dict[str, list[int]]:
    """Give every action unit's accepted units in a layer, best first; AUs without any are left out.

    Parameters
    ----------
    mapping
        With ``rank="tested"``.
    """
    rows = view_of(mapping, AU_TO_UNIT, layer).dropna(subset=["unit"]).sort_values("rank")
    return {str(au): [int(u) for u in some["unit"]] for au, some in rows.groupby("au")}


def view_of(mapping: pd.DataFrame, view: str, layer: str | None = None) -> pd.DataFrame:
    """Give the rows of one view of a mapping, of one layer or of all."""
    rows = mapping["view"] == view
    return mapping[rows if layer is None else rows & (mapping["layer"] == layer)]


def firsts(mapping: pd.DataFrame, view: str, layer: str | None = None) -> pd.DataFrame:
    """Give the first choice of every AU or unit; the partner is missing where there is none."""
    rows = view_of(mapping, view, layer)
    return rows[rows["rank"].fillna(1) == 1]


def disagreements(tested: pd.DataFrame, plain: pd.DataFrame) -> pd.DataFrame:
    """List where the tested mapping and the plain largest distance name different partners.

    Parameters
    ----------
    tested, plain
        Mappings of one association with ``rank="tested"`` and ``rank="distance"``.

    Returns
    -------
    pandas.DataFrame
        view, layer, of (the AU or unit that is asked about), tested, plain (the partner that
        each names, or ``none``); one row wherever they differ, all as text.
    """
    first = {
        name: pd.concat([_partners(mapping, view) for view in (AU_TO_UNIT, UNIT_TO_AU)])
        for name, mapping in (("tested", tested), ("plain", plain))
    }
    both = first["tested"].merge(
        first["plain"], on=["view", "layer", "of"], suffixes=("_tested", "_plain")
    )
    both.columns = pd.Index(["view", "layer", "of", "tested", "plain"])
    return both[both["tested"] != both["plain"]].reset_index(drop=True)


def _partners(mapping: pd.DataFrame, view: str) -> pd.DataFrame:
    best = firsts(mapping, view)
    of, partner = _SIDES[view]
    return pd.DataFrame(
        {
            "view": view,
            "layer": best["layer"],
            "of": best[of].astype("string"),
            "partner": best[partner].astype("string").fillna("none"),
        }
    )


def _select(
    table: pd.DataFrame, effects: pd.DataFrame, distance: str | None, null: str | None
) -> pd.DataFrame:
    nulls, names = list(table["null"].unique()), list(table["distance"].unique())
    if null is None:
        null = "free" if "free" in nulls else nulls[0]
    if distance is None:
        distance = names[0]
    for argument, value, known in (("null", null, nulls), ("distance", distance, names)):
        if value not in known:
            raise CallError(
                f"{argument} {value!r} was not tested: this association holds {', '.join(known)}"
            )
    rows = table[(table["null"] == null) & (table["distance"] == distance)]
    if rows.empty:
        raise CallError(f"distance {distance!r} was not tested under the null {null!r}")
    within = table[(table["null"] == "within_expression") & (table["distance"] == distance)]
    within = within[[*KEY, "p_maxT"]].rename(columns={"p_maxT": "p_maxT_within"})
    rows = rows.merge(within, on=KEY, how="left", validate="one_to_one")
    return rows.merge(effects, on=KEY, how="left", validate="one_to_one")


def _accepted(pairs: pd.DataFrame, alpha: float) -> pd.DataFrame:
    return pairs[(pairs["auroc"] > 0.5) & (pairs["p_maxT"] < alpha)]


def _ranked(
    pairs: pd.DataFrame, chosen: pd.DataFrame, key: Literal["au", "unit"], score: pd.Series
) -> pd.DataFrame:
    """Rank the chosen pairs of every key by score; keys without any get a row of their own."""
    ordered = (
        chosen.assign(score=score)
        .dropna(subset=["score"])
        .sort_values("score", ascending=False, kind="stable")
    )
    ordered = ordered.assign(rank=ordered.groupby(key).cumcount() + 1)
    keys = pairs[[key]].drop_duplicates()
    return keys.merge(ordered, on=key, how="left").sort_values(
        [key, "rank"], kind="stable", key=_in_order_of(keys[key])
    )


def _in_order_of(keys: pd.Series) -> Callable[[pd.Series], pd.Series]:
    place = {key: number for number, key in enumerate(keys)}
    return lambda column: column.map(place) if column.name == keys.name else column


def _one_to_one(pairs: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """Match to the largest sum of AUROC; accepted ones are above ½, all others count 0."""
    weights = chosen.pivot(index="unit", columns="au", values="auroc").fillna(0)  # noqa: PD010
    rows, columns = linear_sum_assignment(weights.to_numpy(), maximize=True)
    matched = pd.DataFrame(
        {"unit": weights.index.to_numpy()[rows], "au": weights.columns.to_numpy()[columns]}
    )
    matched = matched[weights.to_numpy()[rows, columns] > 0]
    found = chosen.merge(matched, on=["unit", "au"]).assign(rank=1)
    return pairs[["au"]].drop_duplicates().merge(found, on="au", how="left")
