"""The association in cross-validation: every fold has its own network and its own choice.

Responses of two networks cannot be compared, so pairs are made within a fold and pooled over the
folds. In each fold the unit was chosen on people who are not in its test part; over all folds
everyone is tested once, and the interval is over all of them. Untrained networks choose and are
tested in the same way, so that what the training added is the difference of two pooled shares,
on the same pairs of faces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from facslens.action_units import ACTION_UNITS
from facslens.association.confirmation.bootstrap import Resampling
from facslens.association.coverage import MIN_PRESENT, MIN_SUBJECTS
from facslens.association.discovery.result import Association
from facslens.association.distances.concordance import concordance, resampled_concordance
from facslens.association.sample import Sample, blocks
from facslens.errors import NotEnoughDataError
from facslens.statistics import ALPHA, LEVEL, RESAMPLES

#: Columns of a fold's table: one row a test sequence and action unit.
COLUMNS: Final = ("au", "layer", "unit", "accepted", "subject", "expression", "response", "label")
#: How the columns of untrained networks' responses begin; a number follows.
UNTRAINED: Final = "untrained_"
#: Columns of a pool that was measured; {} is where the suffix goes.
_OWN: Final = ("auroc{}", "auroc{}_low", "auroc{}_high", "n_redrawn{}", "status{}")
_AHEAD: Final = (
    "auroc_untrained{}", "difference{}", "difference{}_low", "difference{}_high",
    "status_untrained{}",
)  # fmt: skip
_NOTHING: Final[dict[str, Any]] = {
    **dict.fromkeys((*_OWN, *_AHEAD), float("nan")),
    "n_redrawn{}": None,
    "status{}": "not enough data",
    "status_untrained{}": "not enough data",
}


def choose_units(association: Association, *, alpha: float = ALPHA) -> pd.DataFrame:
    """Name the best unit of every action unit, whether or not it passed the test.

    Every fold then contributes its people to the pool; ``accepted`` says which units passed.

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


def beside(table: pd.DataFrame, untrained: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the responses of untrained networks' units beside those of a fold's trained one.

    Parameters
    ----------
    table
        As `fold_table` gives it for the trained network.
    untrained
        The same of untrained networks, on the same test part.

    Returns
    -------
    pandas.DataFrame
        `table` with the columns untrained_1, untrained_2 …: the response of that network's own
        unit for the action unit to the same sequence; NaN where it chose none.
    """
    sequence = table.groupby("au").cumcount()
    found = table.assign(sequence=sequence)
    for number, other in enumerate(untrained, start=1):
        own = other.assign(sequence=other.groupby("au").cumcount())
        own = own[["au", "sequence", "response"]].rename(
            columns={"response": f"{UNTRAINED}{number}"}
        )
        found = found.merge(own, on=["au", "sequence"], how="left", validate="one_to_one")
    return found.drop(columns="sequence")


def pool_folds(
    table: pd.DataFrame,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    min_subjects: int = MIN_SUBJECTS,
    min_within: int = MIN_PRESENT,
) -> pd.DataFrame:
    """Pool the pairs of all folds for every action unit.

    Parameters
    ----------
    table
        The tables of `fold_table`, joined, with a column fold; ``subject`` and ``expression``
        name the same people and expressions in all of them. The columns of `beside` may be
        there, too.
    seed, resamples, level
        Of the resampling of all subjects; see `Resampling`.
    min_subjects
        Subjects with the AU, and subjects without, that a verdict needs.
    min_within
        Sequences that the effect within expressions needs: those with the label that is rarer
        in their expression and fold, summed over both.

    Returns
    -------
    pandas.DataFrame
        One row an AU: au, name, folds (in which a unit was chosen) and accepted (in how many
        it passed the test), n_present, n_absent, subjects, subjects_present; auroc with
        auroc_low and auroc_high, over pairs (present, absent) of one fold; n_redrawn; status;
        auroc_within, its ends, n_within, status_within: the same over pairs of one fold and
        one expression. NaN and ``not enough data`` where the needs are not met.

        With untrained networks also: seeds, those with a unit in every fold in which the trained
        one has a unit; auroc_untrained, the mean over them; difference, ``auroc`` less that
        mean, with its ends by the same resamples of the subjects; status_untrained, ``better``
        where the interval of the difference lies above 0, ``worse`` where it lies below, else
        ``not better``, ``none`` without such a network. The same within expressions:
        auroc_untrained_within, difference_within, its ends, status_untrained_within.

    Raises
    ------
    NotEnoughDataError
        If no fold chose any unit.

    References
    ----------
    [efron1993]_, [hanley1982]_
    """
    resampling = Resampling(seed, resamples, level)
    if table.empty:
        raise NotEnoughDataError("no fold chose a unit for any action unit: nothing to pool")
    rows: list[dict[str, Any]] = []
    for au, own in table.groupby("au", sort=True):
        others = own.filter(regex=f"^{UNTRAINED}").to_numpy(dtype=np.float64)
        pool = _Pool(
            own["response"].to_numpy(dtype=np.float64),
            others[:, ~np.isnan(others).any(axis=0)],
            own["label"].to_numpy(dtype=np.float64),
            pd.factorize(own["subject"])[0],
        )
        fold = pd.factorize(own["fold"])[0]
        expression = blocks(fold, pd.factorize(own["expression"])[0])
        assert expression is not None  # of two partitions given
        present, absent = (len(np.unique(pool.subject[pool.label == k])) for k in (1, 0))
        enough = min(present, absent) >= min_subjects
        choice = own.drop_duplicates("fold")
        row: dict[str, Any] = {
            "au": au,
            "name": ACTION_UNITS[str(au)].name if au in ACTION_UNITS else "",
            "folds": len(choice),
            "accepted": int(choice["accepted"].sum()),
            "n_present": int((pool.label == 1).sum()),
            "n_absent": int((pool.label == 0).sum()),
            "subjects": len(np.unique(pool.subject)),
            "subjects_present": present,
        }
        row |= {"seeds": pool.others.shape[1]} if others.shape[1] else {}
        for suffix, strata, needed in (("", fold, 1), ("_within", expression, min_within)):
            rarer = int(concordance(pool.responses, pool.labels, strata).rarer[0])
            row |= {"n_within": rarer} if suffix else {}
            found = _measure(pool, strata, resampling) if enough and rarer >= needed else _NOTHING
            columns = found if others.shape[1] else {c: found[c] for c in _OWN}
            row |= {column.format(suffix): value for column, value in columns.items()}
        rows.append(row)
    return pd.DataFrame(rows).astype({"n_redrawn": "Int64", "n_redrawn_within": "Int64"})


@dataclass(frozen=True)
class _Pool:
    """The test sequences of all folds for one action unit, whose label is known."""

    response: Float[np.ndarray, " row"]
    others: Float[np.ndarray, "row seed"]
    label: Float[np.ndarray, " row"]
    subject: Int[np.ndarray, " row"]

    @property
    def responses(self) -> Float[np.ndarray, "row unit"]:
        """The trained network's and the untrained ones', a column each."""
        return np.column_stack([self.response, self.others])

    @property
    def labels(self) -> Float[np.ndarray, "row 1"]:
        return self.label[:, None]


def _measure(
    pool: _Pool, strata: Int[np.ndarray, " row"], resampling: Resampling
) -> dict[str, Any]:
    """Give the columns of a pool, all from the same resamples of the subjects."""
    value = concordance(pool.responses, pool.labels, strata).value[:, 0]
    weights, redrawn = resampling.weights(pool.label, pool.subject, strata)
    draws = np.stack(
        [
            resampled_concordance(response, pool.label, pool.subject, weights, strata)
            for response in pool.responses.T
        ]
    )
    low, high = resampling.interval(draws[0])
    own = (float(value[0]), float(low), float(high), redrawn)
    status = "confirmed" if low > 0.5 else "not confirmed"
    found = dict(zip(_OWN, (*own, status), strict=True))
    if not pool.others.shape[1]:
        return found | {c: "none" if "status" in c else float("nan") for c in _AHEAD}
    low, high = resampling.interval(draws[0] - draws[1:].mean(axis=0))
    mean = float(value[1:].mean())
    status = "better" if low > 0 else "worse" if high < 0 else "not better"
    ahead = (mean, float(value[0]) - mean, float(low), float(high), status)
    return found | dict(zip(_AHEAD, ahead, strict=True))
