"""The association in cross-validation: every fold has its own network and its own choice.

Responses of two networks do not compare, so pairs are made within a fold and pooled over the
folds. In each fold the unit was chosen on people who are not in its test part; over all folds
everyone is tested once, and the interval is over all of them.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from facslens.action_units import ACTION_UNITS
from facslens.association.concordance import concordance, resampled_concordance
from facslens.association.coverage import MIN_PRESENT, MIN_SUBJECTS
from facslens.association.permutation import blocks
from facslens.association.resampling import RESAMPLES, interval, resample_subjects
from facslens.association.result import Association
from facslens.association.sequences import Sample
from facslens.errors import NotEnoughDataError

#: Columns of a fold's table: one row a test sequence and action unit.
COLUMNS: Final = ("au", "layer", "unit", "accepted", "subject", "expression", "response", "label")


def choose_units(association: Association, *, alpha: float = 0.05) -> pd.DataFrame:
    """Name the best unit of every action unit, whether or not it passed the test.

    Taking it in every fold keeps everyone in the pool; how often it was accepted is counted
    beside.

    Returns
    -------
    pandas.DataFrame
        au, layer, unit, accepted (its p_maxT is below `alpha`): the unit of largest z among
        those with AUROC above ½. An AU without such a unit is not there.
    """
    key = ["layer", "unit", "au"]
    pairs = association.table.merge(association.effects[[*key, "auroc"]], on=key)
    pairs = pairs[(pairs["auroc"] > 0.5) & pairs["z"].notna()]
    best = pairs.sort_values("z", ascending=False, kind="stable").drop_duplicates("au")
    best = best.assign(accepted=best["p_maxT"] < alpha)
    return best[["au", "layer", "unit", "accepted"]].sort_values("au").reset_index(drop=True)


def fold_table(
    chosen: pd.DataFrame,
    test: Sample,
    *,
    aus: Sequence[str],
    people: Sequence[str],
    expressions: Sequence[str],
) -> pd.DataFrame:
    """Give the chosen units' responses to a fold's test sequences.

    Parameters
    ----------
    chosen
        As `choose_units` gives it, of one layer.
    test
        The test part, with subject and with expression as strata.
    aus
        Name of each label column of `test`.
    people, expressions
        Name of each subject and stratum number of `test`.

    Returns
    -------
    pandas.DataFrame
        The columns of `COLUMNS`; only sequences whose label is known.
    """
    assert test.subject is not None  # both belong to a fold's test part
    assert test.strata is not None
    parts = []
    for row in chosen[["au", "layer", "unit", "accepted"]].to_dict("records"):
        label = test.labels[:, aus.index(row["au"])]
        known = ~np.isnan(label)
        part = pd.DataFrame(
            {
                "subject": np.asarray(people, dtype=object)[test.subject[known]],
                "expression": np.asarray(expressions, dtype=object)[test.strata[known]],
                "response": test.responses[known, row["unit"]],
                "label": label[known],
            }
        )
        parts.append(part.assign(**{str(name): value for name, value in row.items()}))
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def pool_folds(
    table: pd.DataFrame,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    min_subjects: int = MIN_SUBJECTS,
    min_within: int = MIN_PRESENT,
    seed: int = 0,
) -> pd.DataFrame:
    """Pool the pairs of all folds for every action unit.

    Parameters
    ----------
    table
        The tables of `fold_table`, joined, with a column fold; ``subject`` and ``expression``
        name the same people and expressions in all of them.
    resamples, level, seed
        Of the percentile interval over all subjects.
    min_subjects
        Subjects with the AU, and subjects without, that a verdict needs.
    min_within
        Sequences of the label that is the rarer in their expression and fold that the effect
        within expressions needs.

    Returns
    -------
    pandas.DataFrame
        One row an AU: au, name, folds (in which a unit was chosen) and accepted (in how many
        it passed the test), n_present, n_absent, subjects, subjects_present; auroc with
        auroc_low and auroc_high, over pairs (present, absent) of one fold; n_redrawn; status;
        auroc_within, its ends, n_within, status_within: the same over pairs of one fold and
        one expression. NaN and ``not enough data`` where the needs are not met.

    Raises
    ------
    NotEnoughDataError
        If no fold chose any unit.

    References
    ----------
    [efron1993]_, [hanley1982]_
    """
    if table.empty:
        raise NotEnoughDataError("no fold chose a unit for any action unit: nothing to pool")
    rows: list[dict[str, Any]] = []
    for au, own in table.groupby("au", sort=True):
        label = own["label"].to_numpy(dtype=np.float64)
        response = own["response"].to_numpy(dtype=np.float64)
        subject = pd.factorize(own["subject"])[0]
        fold = pd.factorize(own["fold"])[0]
        expression = blocks(fold, pd.factorize(own["expression"])[0])
        present, absent = (len(np.unique(subject[label == k])) for k in (1, 0))
        enough = min(present, absent) >= min_subjects
        choice = own.drop_duplicates("fold")
        row: dict[str, Any] = {
            "au": au,
            "name": ACTION_UNITS[str(au)].name if au in ACTION_UNITS else "",
            "folds": len(choice),
            "accepted": int(choice["accepted"].sum()),
            "n_present": int((label == 1).sum()),
            "n_absent": int((label == 0).sum()),
            "subjects": len(np.unique(subject)),
            "subjects_present": present,
        }
        for suffix, strata, needed in (("", fold, 1), ("_within", expression, min_within)):
            found = concordance(response[:, None], label[:, None], strata)
            rarer, value = int(found.rarer[0]), float("nan")
            low, high, redrawn = float("nan"), float("nan"), None
            status = "not enough data"
            if enough and rarer >= needed:
                value = float(found.value[0, 0])
                weights, redrawn = resample_subjects(
                    label, subject, resamples, seed=seed, strata=strata
                )
                draws = resampled_concordance(response, label, subject, weights, strata)
                low, high = (float(end) for end in interval(draws, level))
                status = "confirmed" if low > 0.5 else "not confirmed"
            row |= {f"auroc{suffix}": value, f"auroc{suffix}_low": low}
            row |= {f"auroc{suffix}_high": high, f"n_redrawn{suffix}": redrawn}
            row |= {"n_within": rarer} if suffix else {}
            row |= {f"status{suffix}": status}
        rows.append(row)
    return pd.DataFrame(rows).astype({"n_redrawn": "Int64", "n_redrawn_within": "Int64"})
