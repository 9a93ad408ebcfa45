"""Which mappings are found again when the same training is repeated with other seeds."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

from facslens.association.discovery.mapping import accepted_units
from facslens.association.discovery.result import Association
from facslens.errors import CallError
from facslens.statistics import ALPHA


@dataclass(frozen=True)
class Stability:
    """What several trainings have in common.

    Parameters
    ----------
    matches
        run, other, unit, unit_other, correlation: every unit of a run with its partner in
        another run, for every pair of runs.
    aus
        One row an action unit: au; runs (in how many it was tested); accepted (in how many
        some unit is accepted); pairs (ordered pairs of runs that both tested it, its unit
        accepted in the first); returned_au (of these, the share in which the second run accepts
        any unit for it); returned_unit (in which it accepts the partner of the first's best
        unit); correlation (mean correlation of that unit with its partner). Shares are NaN
        without a pair.
    chance
        Mean correlation of a unit with all units of another run, over the pairs of runs. The
        correlation of partners has to exceed it clearly, because partners are chosen so that
        theirs is large.
    """

    matches: pd.DataFrame
    aus: pd.DataFrame
    chance: float


def match_units(
    one: Float[np.ndarray, "unit au"], other: Float[np.ndarray, "unit_other au"]
) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"], Float[np.ndarray, " pair"]]:
    """Pair the units of two networks so that their profiles correlate most in total.

    Parameters
    ----------
    one, other
        Each unit's profile: its AUROC for every action unit, the same ones in both.

    Returns
    -------
    rows, partners, correlation
        Pairs of row numbers with the largest sum of correlations; as many as the smaller
        network has units.

    Raises
    ------
    CallError
        If there are fewer than three action units, or their numbers differ.

    Notes
    -----
    Pearson's correlation of profiles; a flat profile correlates with none and counts 0. The
    assignment is Kuhn's problem [kuhn1955]_, used for units by [li2016]_.

    References
    ----------
    [kuhn1955]_, [li2016]_

    Examples
    --------
    >>> one = np.array([[0.9, 0.5, 0.5], [0.5, 0.5, 0.9]])
    >>> rows, partners, correlation = match_units(one, one[::-1].copy())
    >>> partners, correlation.round(6)
    (array([1, 0]), array([1., 1.]))
    """
    correlation = correlations(one, other)
    rows, partners = linear_sum_assignment(correlation, maximize=True)
    return rows, partners, correlation[rows, partners]


def correlations(
    one: Float[np.ndarray, "unit au"], other: Float[np.ndarray, "unit_other au"]
) -> Float[np.ndarray, "unit unit_other"]:
    """Correlate every profile with every other one; 0 where one of them is flat."""
    if one.shape[1] != other.shape[1] or one.shape[1] < 3:
        raise CallError(
            f"profiles over {one.shape[1]} and {other.shape[1]} action units: needs three or "
            f"more, the same in both"
        )
    standard = []
    for profiles in (one, other):
        centred = profiles - profiles.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(centred, axis=1, keepdims=True)
        standard.append(np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 1e-12))
    product: Float[np.ndarray, "unit unit_other"] = np.clip(standard[0] @ standard[1].T, -1, 1)
    return product


def stability(
    associations: Sequence[Association],
    layer: str,
    *,
    distance: str | None = None,
    alpha: float = ALPHA,
) -> Stability:
    """Match the units of several trainings and count which mappings are found again.

    Parameters
    ----------
    associations
        One a training: the same architecture and data, other seeds.
    layer
        The layer to compare.
    distance, alpha
        Of the mapping, as in `facslens.association.discovery.mapping.make_mapping`.

    Raises
    ------
    CallError
        If there are fewer than two associations, one lacks the layer, or all together have
        fewer than three action units in common.
    """
    if len(associations) < 2:
        raise CallError(f"{len(associations)} training: needs two or more to compare")
    profiles = [_profiles(a, layer) for a in associations]
    common = sorted(set.intersection(*(set(p.columns) for p in profiles)))
    profiles = [p[common] for p in profiles]
    accepted = [_accepted(a, layer, distance, alpha) for a in associations]
    tested = [set(a.effects.loc[a.effects["layer"] == layer, "au"]) for a in associations]
    tables, chances, rows = [], [], []
    partner: dict[tuple[int, int], dict[int, tuple[int, float]]] = {}
    for i, j in itertools.combinations(range(len(associations)), 2):
        values = [profiles[k].to_numpy(dtype=np.float64) for k in (i, j)]
        left, right, correlation = match_units(*values)
        chances.append(float(correlations(*values).mean()))
        units = profiles[i].index.to_numpy()[left], profiles[j].index.to_numpy()[right]
        tables.append(
            pd.DataFrame({"run": i, "other": j, "unit": units[0], "unit_other": units[1],
                          "correlation": correlation})
        )  # fmt: skip
        triples = list(zip(*(u.tolist() for u in units), correlation.tolist(), strict=True))
        partner[i, j] = {u: (v, r) for u, v, r in triples}
        partner[j, i] = {v: (u, r) for u, v, r in triples}
    for au in sorted(set.union(*tested)):
        found: list[tuple[bool, bool, float]] = []
        for i, j in itertools.permutations(range(len(associations)), 2):
            mine, theirs = accepted[i].get(au, []), accepted[j].get(au, [])
            if not mine or au not in tested[j]:
                continue
            unit, correlation_here = partner[i, j].get(mine[0], (-1, float("nan")))
            found.append((bool(theirs), unit in theirs, correlation_here))
        shares = np.array(found, dtype=float).reshape(-1, 3)
        defined = shares[~np.isnan(shares[:, 2]), 2]
        rows.append(
            {
                "au": au,
                "runs": sum(au in t for t in tested),
                "accepted": sum(bool(a.get(au)) for a in accepted),
                "pairs": len(shares),
                "returned_au": shares[:, 0].mean() if len(shares) else np.nan,
                "returned_unit": shares[:, 1].mean() if len(shares) else np.nan,
                "correlation": defined.mean() if len(defined) else np.nan,
            }
        )
    return Stability(
        pd.concat(tables, ignore_index=True), pd.DataFrame(rows), float(np.mean(chances))
    )


def _profiles(association: Association, layer: str) -> pd.DataFrame:
    effects = association.effects
    own = effects[effects["layer"] == layer]
    if own.empty:
        known = ", ".join(map(str, effects["layer"].unique()))
        raise CallError(f"an association has no layer {layer!r}: it has {known}")
    return own.pivot(index="unit", columns="au", values="auroc").dropna()  # noqa: PD010


def _accepted(
    association: Association, layer: str, distance: str | None, alpha: float
) -> dict[str, list[int]]:
    """Give every action unit's accepted units, best first."""
    return accepted_units(association.mapping(distance, alpha=alpha), layer)
