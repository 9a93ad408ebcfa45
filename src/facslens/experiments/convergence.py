"""What was observed on real faces beside what was caused on drawn ones, unit by unit."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from facslens.experiments.analysis import Findings, sentence
from facslens.experiments.decision import UNCOMPARED
from facslens.experiments.trials import is_rival

#: What becomes of an action unit, and the sentence for it.
BOTH: Final = "both by one unit"
DIFFERENT: Final = "observed and caused, by different units"
OBSERVED: Final = "observed"
CAUSED: Final = "caused"
NEITHER: Final = "neither"
UNKNOWN_REAL: Final = "unknown on real faces"
UNKNOWN_DRAWN: Final = "unknown on drawn faces"

_KEY: Final = ["layer", "au"]
#: Columns of the table, and the types of those that may lack a value.
TYPES: Final[Mapping[str, str]] = {
    "layer": "str",
    "au": "str",
    "known": "str",
    "unit_observed": "Int64",
    "status_observed": "string",
    "auroc_observed": "float64",
    "auroc_observed_low": "float64",
    "auroc_observed_high": "float64",
    "unit_caused": "Int64",
    "verdict_caused": "string",
    "unit_joint": "Int64",
    "rank_real": "Int64",
    "rank_drawn": "Int64",
    "auroc_real": "float64",
    "auroc_real_low": "float64",
    "auroc_real_high": "float64",
    "confirmed_real": "boolean",
    "wins_joint": "float64",
    "n_wins_joint": "Int64",
    "n_people_joint": "Int64",
    "rival_joint": "string",
    "verdict_joint": "string",
    "verdict": "str",
    "unit_distance": "Int64",
    "most_distance": "string",
    "contradicted": "boolean",
    "sentence": "str",
}
#: New names of the columns of the joint units.
_JOINT: Final = {
    "unit": "unit_joint",
    "rank_real": "rank_real",
    "rank_drawn": "rank_drawn",
    "auroc_test": "auroc_real",
    "auroc_test_low": "auroc_real_low",
    "auroc_test_high": "auroc_real_high",
    "status": "status_joint",
    "wins": "wins_joint",
    "n_wins": "n_wins_joint",
    "n_people": "n_people_joint",
    "rival": "rival_joint",
    "verdict": "verdict_joint",
}
_OBSERVED: Final = {
    "unit": "unit_observed",
    "status": "status_observed",
    "auroc_test": "auroc_observed",
    "auroc_test_low": "auroc_observed_low",
    "auroc_test_high": "auroc_observed_high",
}


def joint_units(ranked: pd.DataFrame, tuning: pd.DataFrame) -> pd.DataFrame:
    """Choose the unit of each layer and action unit that does best on real and drawn faces.

    It is the unit whose *worse* rank of the two is smallest, both from the people on whom units
    are chosen. (By the *better* rank the first unit of either side would always win, however
    poor it is on the other: that is no unit of both.) Of equal ones the unit with the smaller
    better rank is taken, then the one that ranks higher on drawn faces, which alone part action
    units that come in company.

    Parameters
    ----------
    ranked
        layer, au, unit, and rank in the discovery on real faces, from 1; a unit that is no
        candidate there, such as one whose response falls with the action unit, is left out.
    tuning
        Of `Findings`; its ``rank_choosing`` is the rank on drawn faces.

    Returns
    -------
    pandas.DataFrame
        layer, au, unit, rank_real, rank_drawn: one row wherever a unit has both ranks.

    Examples
    --------
    >>> ranked = pd.DataFrame({"layer": "conv3", "au": "AU12", "unit": [4, 5, 6]})
    >>> tuning = ranked.assign(rank_choosing=[9, 3, 1])
    >>> joint_units(ranked.assign(rank=[1, 2, 8]), tuning)
       layer    au  unit  rank_real  rank_drawn
    0  conv3  AU12     5          2           3
    """
    real = ranked[[*_KEY, "unit", "rank"]].rename(columns={"rank": "rank_real"})
    drawn = tuning[[*_KEY, "unit", "rank_choosing"]].dropna()
    drawn = drawn.rename(columns={"rank_choosing": "rank_drawn"})
    both = real.merge(drawn, on=[*_KEY, "unit"], validate="one_to_one")
    both = both.astype({"unit": "int64", "rank_real": "int64", "rank_drawn": "int64"})
    ranks = both[["rank_real", "rank_drawn"]]
    ordered = both.assign(worse=ranks.max(axis=1), better=ranks.min(axis=1)).sort_values(
        [*_KEY, "worse", "better", "rank_drawn"], kind="stable"
    )
    best = ordered.drop_duplicates(_KEY, ignore_index=True)
    return best[[*_KEY, "unit", "rank_real", "rank_drawn"]]


def converge(
    observed: pd.DataFrame, plain: pd.DataFrame, findings: Findings, joint: pd.DataFrame
) -> pd.DataFrame:
    """Set what was observed on real people beside what was caused on drawn ones.

    ========================================= ====================================================
    both by one unit                          the joint unit is confirmed on unseen real people,
                                              and caused on unseen drawn ones; or one and the same
                                              unit was observed and caused
    observed and caused, by different units   each by the unit chosen for it alone
    observed, caused                          one of the two
    neither                                   none of them
    unknown on real faces                     not coded, or shown by too few people
    unknown on drawn faces                    not switched
    ========================================= ====================================================

    Parameters
    ----------
    observed
        One row a layer and coded action unit: layer, au, unit, status, ``auroc_test`` with its
        interval, of the first unit of the tested mapping.
    plain
        layer, au, and the unit with the largest distance.
    findings
        Of the experiment.
    joint
        As `joint_units` gives it, with ``auroc_test``, its interval and ``status`` on the unseen
        real people, and ``wins``, ``n_wins``, ``n_people``, ``rival``, ``verdict`` on the unseen
        drawn ones.

    Returns
    -------
    pandas.DataFrame
        One row a layer and action unit that either side knows, with the columns of `TYPES`;
        ``known`` says which side: both, real or drawn. ``most_distance`` is the switched action
        unit that raises the response of ``unit_distance`` most, on average over the measuring
        people; missing where none raises it. ``contradicted`` says that this is a rival of the
        row's action unit.
    """
    caused = findings.caused.set_index(_KEY, drop=False)
    said = dict(zip(caused.index, caused.to_dict("records"), strict=True))
    drawn = caused[["unit", "verdict"]].set_axis(["unit_caused", "verdict_caused"], axis=1)
    parts = [
        observed.set_index(_KEY)[list(_OBSERVED)].rename(columns=_OBSERVED),
        drawn,
        joint.set_index(_KEY)[list(_JOINT)].rename(columns=_JOINT),
        plain.set_index(_KEY)[["unit"]].set_axis(["unit_distance"], axis=1),
    ]
    keys = parts[0].index.union(drawn.index, sort=False)
    table = pd.concat([part.reindex(keys) for part in parts], axis=1).reset_index(names=_KEY)
    table = table.astype({name: kind for name, kind in TYPES.items() if name in table})
    most = _most(findings.tuning)
    rows: list[dict[str, Any]] = []
    for one in table.to_dict("records"):
        row: dict[str, Any] = {str(n): None if pd.isna(v) else v for n, v in one.items()}
        row["known"] = _known(row)
        sure = row["status_joint"] in ("confirmed", "not confirmed")
        row["confirmed_real"] = row["status_joint"] == "confirmed" if sure else None
        row |= _distance(row, most)
        row["verdict"] = _verdict(row)
        row["sentence"] = _sentence(row, said.get((row["layer"], row["au"])))
        rows.append(row)
    found = pd.DataFrame(rows, columns=list(TYPES)).astype(dict(TYPES))
    layers = {layer: place for place, layer in enumerate(dict.fromkeys(table["layer"]))}
    return found.sort_values(
        _KEY, key=lambda c: c.map(layers) if c.name == "layer" else c, ignore_index=True
    )


def _known(row: Mapping[Any, Any]) -> str:
    real, drawn = row["status_observed"] is not None, row["verdict_caused"] is not None
    return "both" if real and drawn else "real" if real else "drawn"


def _most(tuning: pd.DataFrame) -> dict[tuple[str, int], str]:
    """Give the action unit that raises each unit's response most, by layer and unit."""
    risen = tuning[tuning["change"] > 0].sort_values("change", ascending=False, kind="stable")
    first = risen.drop_duplicates(["layer", "unit"])
    return dict(zip(zip(first["layer"], first["unit"], strict=True), first["au"], strict=True))


def _distance(row: Mapping[Any, Any], most: Mapping[tuple[str, int], str]) -> dict[str, Any]:
    unknown = row["unit_distance"] is None or row["known"] != "both"
    other = None if unknown else most.get((row["layer"], row["unit_distance"]))
    contradicted = None if other is None else is_rival(row["au"], other)
    return {"most_distance": other, "contradicted": contradicted}


def _verdict(row: Mapping[Any, Any]) -> str:
    if row["known"] == "real":
        return UNKNOWN_DRAWN
    if row["known"] == "drawn" or row["status_observed"] == "not enough data":
        return UNKNOWN_REAL
    observed = row["status_observed"] == "confirmed"
    caused = row["verdict_caused"] == "caused"
    if _is_one(row) or (observed and caused and row["unit_observed"] == row["unit_caused"]):
        return BOTH
    if observed and caused:
        return DIFFERENT
    return OBSERVED if observed else CAUSED if caused else NEITHER


def _is_one(row: Mapping[Any, Any]) -> bool:
    """Tell whether the joint unit holds on both unseen sets."""
    return row["confirmed_real"] is True and row["verdict_joint"] == "caused"


def _sentence(row: Mapping[Any, Any], caused: Mapping[Any, Any] | None) -> str:
    """Say in plain words what a row means; `caused` is the experiment's own row."""
    drawn = "" if caused is None else f"in the experiment {_drawn(caused)}"
    if row["verdict"] == BOTH:
        said = _both(row, caused)
    elif row["verdict"] == DIFFERENT:
        said = (
            f"unit {row['unit_observed']} tells it apart on unseen coded faces, but in the "
            f"experiment it moves unit {row['unit_caused']} of its own; {_fails(row)}"
        )
    elif row["verdict"] == UNKNOWN_REAL:
        said = f"the coded faces cannot say; {drawn}"
    elif row["verdict"] == UNKNOWN_DRAWN:
        said = f"{_real(row)}; the experiment does not switch it"
    else:
        said = f"{_real(row)}; {drawn}"
    if row["contradicted"]:
        said += (
            f". The largest distance names unit {row['unit_distance']}, which changes more under "
            f"{row['most_distance']} than under {row['au']}"
        )
    return f"{row['au']}: {said}."


def _real(row: Mapping[Any, Any]) -> str:
    status, unit = row["status_observed"], row["unit_observed"]
    if status == "confirmed":
        return f"unit {unit} tells it apart on unseen coded faces"
    if status == "not confirmed":
        return f"unit {unit} was chosen on coded faces, but does not tell it apart on unseen ones"
    if status == "none":
        return "no unit tells it apart on coded faces beyond chance"
    return "too few of the coded faces show it"


def _drawn(caused: Mapping[Any, Any]) -> str:
    if caused["verdict"] == CAUSED:
        return _moves(caused["unit"], caused)
    named = caused["verdict"] in ("dose", "controls", UNCOMPARED)
    unit = f"unit {caused['unit']} " if named else ""
    return f"{unit}{sentence(caused)}"


def _moves(unit: int, won: Mapping[Any, Any]) -> str:
    return (
        f"unit {unit} changes more under {won['au']} than under {won['rival']}, its strongest "
        f"rival, in {won['n_wins']} of {won['n_people']} unseen people"
    )


def _both(row: Mapping[Any, Any], caused: Mapping[Any, Any] | None) -> str:
    if _is_one(row) or caused is None:
        unit, side = row["unit_joint"], "real"
        won = {"au": row["au"], **{n: row[f"{n}_joint"] for n in ("rival", "n_wins", "n_people")}}
    else:
        unit, side, won = row["unit_caused"], "observed", dict(caused)
    auroc = [row[f"auroc_{side}{end}"] for end in ("", "_low", "_high")]
    return (
        f"unit {unit} tells it apart on unseen coded faces (AUROC {auroc[0]:.2f}, {auroc[1]:.2f} "
        f"to {auroc[2]:.2f}), and in the experiment the same {_moves(unit, won)}"
    )


def _fails(row: Mapping[Any, Any]) -> str:
    """Say where the joint unit of an AU fails that different units were found for."""
    if row["unit_joint"] is None:
        return "no unit comes into question for both"
    real, drawn = row["confirmed_real"] is True, row["verdict_joint"] == "caused"
    named = {(True, False): "in the experiment", (False, True): "on the coded faces"}
    where = named.get((real, drawn), "on both")
    return f"unit {row['unit_joint']}, the best on both together, fails {where}"
