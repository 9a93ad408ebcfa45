"""How much of a chosen pair's effect the other action units do not explain."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from facslens.association.confirmation.bootstrap import Resampling, resampled_pearson
from facslens.association.coverage import MIN_PRESENT
from facslens.association.discovery.confounds import residuals
from facslens.association.sample import Part, Sample, au_codes
from facslens.statistics import LEVEL, RESAMPLES

#: Columns that `partial_effects` adds to a mapping, in order.
COLUMNS: Final = ("partial", "partial_test", "partial_test_low", "partial_test_high")


def partial_effects(
    mapping: pd.DataFrame,
    discovery: Part,
    test: Part,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Measure the correlation of every chosen pair that the other action units do not explain.

    The response, as its rank among the discovery responses, and the label are both predicted
    from the other AUs; the correlation of the two residuals is the partial effect
    [robinson1988]_.

    Parameters
    ----------
    mapping
        As `confirm` gives it: only a ``confirmable`` pair gets an interval.
    discovery
        The part that chose the mapping; both predictions are fitted on it.
    test
        The part on which the effect is measured: nothing is fitted there.
    seed, resamples, level
        Of the resampling of the subjects, as in `confirm`; see `Resampling`.

    Returns
    -------
    pandas.DataFrame
        The mapping with the columns of `COLUMNS`: a correlation in discovery, and in test
        with its interval. NaN where there is no pair, or a residual is constant.

    Notes
    -----
    The predictors of both ridge regressions are the AUs that at least 10 discovery sequences
    show. With some 70 test sequences and 20 AUs a regression fitted in the test part would
    explain noise. Fitted in discovery, it predicts new people less well and leaves a little of
    the confounding in, so that the effect is, if anything, too large. Ranks keep single large
    responses from deciding. An unknown label of another AU counts as its mean.

    References
    ----------
    [robinson1988]_, [hoerl1970]_
    """
    resampling = Resampling(seed, resamples, level)
    pairs = mapping.dropna(subset=["unit", "au"])
    pairs = pairs[["layer", "unit", "au", "confirmable"]].drop_duplicates(["layer", "unit", "au"])
    aus = au_codes(discovery.labels)
    parts = []
    for layer, of_layer in pairs.groupby("layer", sort=False):
        chosen = np.unique(of_layer["unit"].to_numpy(dtype=np.int64))
        fitted, judged = (part.sample(str(layer), chosen) for part in (discovery, test))
        for au, of_au in of_layer.groupby("au", sort=False):
            units = np.searchsorted(chosen, of_au["unit"].to_numpy(dtype=np.int64))
            found = _Remainders.of(fitted, judged, aus.index(str(au)), units)
            confirmable = bool(of_au["confirmable"].iloc[0])
            parts.append(of_au.assign(**found.effects(resampling if confirmable else None)))
    if not parts:
        return mapping.assign(**dict.fromkeys(COLUMNS, np.nan))
    found_all = pd.concat(parts).drop(columns="confirmable")
    return mapping.merge(found_all, on=["layer", "unit", "au"], how="left")


@dataclass(frozen=True)
class _Remainders:
    """Residuals of label and responses, in discovery and in test."""

    label: Float[np.ndarray, " row"]
    responses: Float[np.ndarray, "row unit"]
    label_test: Float[np.ndarray, " row_test"]
    responses_test: Float[np.ndarray, "row_test unit"]
    present_test: np.ndarray
    subject_test: np.ndarray

    @classmethod
    def of(cls, discovery: Sample, test: Sample, column: int, units: np.ndarray) -> "_Remainders":
        known, known_test = (~np.isnan(s.labels[:, column]) for s in (discovery, test))
        others = (discovery.labels == 1).sum(axis=0) >= MIN_PRESENT
        others[column] = False
        label, label_test = discovery.labels[known, column], test.labels[known_test, column]
        ranks, ranks_test = relative_ranks(
            discovery.responses[known][:, units], test.responses[known_test][:, units]
        )
        target, target_test = (
            np.column_stack([label, ranks]),
            np.column_stack([label_test, ranks_test]),
        )
        left, left_test = residuals(
            discovery.labels[known][:, others],
            target,
            test.labels[known_test][:, others],
            target_test,
        )
        assert test.subject is not None  # a `Part` knows them
        _, subject = np.unique(test.subject[known_test], return_inverse=True)
        return cls(left[:, 0], left[:, 1:], left_test[:, 0], left_test[:, 1:], label_test, subject)

    def effects(self, resampling: Resampling | None) -> dict[str, Float[np.ndarray, " unit"]]:
        units = self.responses.shape[1]
        found = {name: np.full(units, np.nan) for name in COLUMNS}
        each = np.arange(len(self.label))
        once = np.ones((1, len(each)))
        subjects = len(np.unique(self.subject_test))
        weights = np.ones((1, subjects))
        if resampling is not None:
            drawn, _ = resampling.weights(self.present_test, self.subject_test)
            weights = np.concatenate([weights, drawn])
        for unit in range(units):
            found["partial"][unit] = resampled_pearson(
                self.responses[:, unit], self.label, each, once
            ).item()
            if not len(self.label_test):
                continue
            draws = resampled_pearson(
                self.responses_test[:, unit], self.label_test, self.subject_test, weights
            )
            found["partial_test"][unit] = draws[0]
            if resampling is not None:
                ends = resampling.interval(draws[1:])
                found["partial_test_low"][unit], found["partial_test_high"][unit] = ends
        return found


def relative_ranks(
    responses: Float[np.ndarray, "row unit"], others: Float[np.ndarray, "other unit"]
) -> tuple[Float[np.ndarray, "row unit"], Float[np.ndarray, "other unit"]]:
    """Give mid-ranks among `responses` as shares, of these and of other responses.

    Examples
    --------
    >>> own, other = relative_ranks(np.array([[1.0], [2.0], [2.0], [5.0]]), np.array([[2.0], [9]]))
    >>> own.ravel(), other.ravel()
    (array([0.125, 0.5  , 0.5  , 0.875]), array([0.5, 1. ]))
    """
    own = (stats.rankdata(responses, axis=0) - 0.5) / len(responses)
    other = np.empty_like(others)
    for unit in range(responses.shape[1]):
        ordered = np.sort(responses[:, unit])
        below = np.searchsorted(ordered, others[:, unit], "left")
        upto = np.searchsorted(ordered, others[:, unit], "right")
        other[:, unit] = (below + upto) / (2 * len(ordered))
    return own, other
