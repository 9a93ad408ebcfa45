"""What else an effect could be: the other action units that come with the one in question.

Posed faces show action units together, so a unit that answers to one seems to answer to all of
them. Two questions are asked of the labels and the responses: what is left of an effect when
the other action units are accounted for, and which could not be told apart by any unit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from facslens.association.coverage import MIN_PRESENT, MIN_SUBJECTS
from facslens.association.resampling import (
    RESAMPLES,
    interval,
    resample_subjects,
    resampled_pearson,
)
from facslens.association.sequences import Sample, au_codes, make_sample

#: Ridge of the two fits, as a share of each standardised predictor's variance: enough to keep
#: action units that nearly always come together finite, too little to leave much of them in.
RIDGE: Final = 0.01
#: Columns that `partial_effects` adds to a mapping, in order.
COLUMNS: Final = ("partial", "partial_test", "partial_test_low", "partial_test_high")


@dataclass(frozen=True)
class Part:
    """Faces of one part of the subjects, as `associate` and `confirm` take them.

    Parameters
    ----------
    responses
        (image, unit) for every layer, by its name.
    labels
        (image, au): 1, 0 or NaN; the columns name the AUs.
    sequence, subject
        One value an image.
    """

    responses: Mapping[str, np.ndarray]
    labels: pd.DataFrame
    sequence: pd.Series
    subject: pd.Series

    def sample(self, layer: str) -> Sample:
        """Average one layer over the sequences."""
        return make_sample(
            self.responses[layer], self.labels, sequence=self.sequence, subject=self.subject
        )


def partial_effects(
    mapping: pd.DataFrame,
    discovery: Part,
    test: Part,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure what a chosen pair has in common beyond the other action units.

    The response, as its rank among the discovery responses, and the label are both predicted
    from the other AUs; what correlates of the two remainders is the partial effect
    [robinson1988]_.

    Parameters
    ----------
    mapping
        As `confirm` gives it: only a ``confirmable`` pair gets an interval.
    discovery
        The part that chose the mapping; both predictions are fitted on it.
    test
        The part that judges: nothing is fitted there.
    resamples, level, seed
        Of the percentile interval over subjects, as in `confirm`.

    Returns
    -------
    pandas.DataFrame
        The mapping with the columns of `COLUMNS`: a correlation in discovery, and in test
        with its interval. NaN where there is no pair, or a remainder is constant.

    Notes
    -----
    Two ridge fits, with as predictors the AUs that at least 10 discovery sequences show. With
    some 70 test sequences and 20 AUs a fit in the test part would explain noise; fitted in
    discovery, the prediction errs on new people and leaves a little of the confounding in, so
    the effect is, if anything, too large. Ranks keep single large responses from deciding.
    An unknown label of another AU counts as its mean.

    References
    ----------
    [robinson1988]_, [hoerl1970]_
    """
    pairs = mapping.dropna(subset=["unit", "au"])
    pairs = pairs[["layer", "unit", "au", "confirmable"]].drop_duplicates(["layer", "unit", "au"])
    aus = au_codes(discovery.labels)
    parts = []
    for layer, of_layer in pairs.groupby("layer", sort=False):
        fitted, judged = discovery.sample(str(layer)), test.sample(str(layer))
        for au, of_au in of_layer.groupby("au", sort=False):
            units = of_au["unit"].to_numpy(dtype=np.int64)
            found = _Remainders.of(fitted, judged, aus.index(str(au)), units)
            confirmable = bool(of_au["confirmable"].iloc[0])
            parts.append(
                of_au.assign(**found.effects(resamples if confirmable else 0, level, seed))
            )
    if not parts:
        return mapping.assign(**dict.fromkeys(COLUMNS, np.nan))
    found_all = pd.concat(parts).drop(columns="confirmable")
    return mapping.merge(found_all, on=["layer", "unit", "au"], how="left")


@dataclass(frozen=True)
class _Remainders:
    """What the other action units leave of label and responses, in discovery and in test."""

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

    def effects(
        self, resamples: int, level: float, seed: int
    ) -> dict[str, Float[np.ndarray, " unit"]]:
        units = self.responses.shape[1]
        found = {name: np.full(units, np.nan) for name in COLUMNS}
        each = np.arange(len(self.label))
        once = np.ones((1, len(each)))
        subjects = len(np.unique(self.subject_test))
        weights = np.ones((1, subjects))
        if resamples:
            drawn, _ = resample_subjects(self.present_test, self.subject_test, resamples, seed=seed)
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
            defined = draws[1:][~np.isnan(draws[1:])]
            if len(defined):
                ends = interval(defined, level)
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


def residuals(
    predictors: Float[np.ndarray, "row predictor"],
    targets: Float[np.ndarray, "row target"],
    new_predictors: Float[np.ndarray, "other predictor"],
    new_targets: Float[np.ndarray, "other target"],
) -> tuple[Float[np.ndarray, "row target"], Float[np.ndarray, "other target"]]:
    """Fit a ridge regression on some rows and give what it leaves of these and of other rows.

    Notes
    -----
    β = (XᵀX + λ n I)⁻¹ Xᵀ (Y − Ȳ) with X standardised by its own mean and deviation and
    λ = `RIDGE`. NaN and constant predictors count as their mean.

    References
    ----------
    [hoerl1970]_
    """
    known = ~np.isnan(predictors)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, predictors, 0).sum(axis=0) / count
    spread = np.sqrt(np.where(known, (predictors - mean) ** 2, 0).sum(axis=0) / count)
    spread = np.where(spread > 0, spread, np.inf)
    x, new_x = (np.nan_to_num((p - mean) / spread) for p in (predictors, new_predictors))
    centre = targets.mean(axis=0)
    penalty = RIDGE * len(x) * np.eye(x.shape[1])
    beta = np.linalg.solve(x.T @ x + penalty, x.T @ (targets - centre))
    return targets - centre - x @ beta, new_targets - centre - new_x @ beta


def confound_table(
    labels: Float[np.ndarray, "sequence au"],
    aus: Sequence[str],
    subject: np.ndarray | None = None,
    *,
    min_sequences: int = MIN_PRESENT,
    min_subjects: int = MIN_SUBJECTS,
) -> pd.DataFrame:
    """Tell which action units come together so often that no unit could part them.

    Parameters
    ----------
    labels
        1, 0 or NaN; one row a sequence.
    aus
        Name of each column.
    subject
        Number of each row's subject.
    min_sequences, min_subjects
        Two AUs can be told apart where at least so many sequences, of so many subjects, show
        one of the two without the other.

    Returns
    -------
    pandas.DataFrame
        One row an AU: au; closest, the AU that its labels correlate most with, and that phi
        coefficient; n_differ, the sequences in which just one of the two is present;
        explained, the share of the label's variance that all other AUs predict, in these
        sequences; inseparable, the AUs that it cannot be told apart from, with blanks between.
        An AU that never varies has a missing closest and NaN.

    Examples
    --------
    >>> labels = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1], [0, 0, 0.0]])
    >>> table = confound_table(labels, ["AU01", "AU02", "AU12"], min_sequences=1)
    >>> table[["au", "closest", "phi", "n_differ"]]
         au closest  phi  n_differ
    0  AU01    AU02  1.0         0
    1  AU02    AU01  1.0         0
    2  AU12    AU01  0.0         2
    >>> table["inseparable"].tolist()
    ['AU02', 'AU01', '']
    """
    rows = []
    for j, au in enumerate(aus):
        phi = np.full(len(aus), np.nan)
        differ = np.zeros(len(aus), np.int64)
        inseparable = []
        for k, other in enumerate(aus):
            known = ~np.isnan(labels[:, [j, k]]).any(axis=1)
            one, two = labels[known, j], labels[known, k]
            if k == j or not (0 < one.sum() < len(one) and 0 < two.sum() < len(two)):
                continue
            phi[k] = np.corrcoef(one, two)[0, 1]
            apart = one != two
            differ[k] = int(apart.sum())
            people = differ[k] if subject is None else len(np.unique(subject[known][apart]))
            if differ[k] < min_sequences or (subject is not None and people < min_subjects):
                inseparable.append(other)
        alone = bool(np.isnan(phi).all())
        best = 0 if alone else int(np.nanargmax(phi))
        rows.append(
            {
                "au": au,
                "closest": pd.NA if alone else aus[best],
                "phi": phi[best] if not alone else np.nan,
                "n_differ": pd.NA if alone else int(differ[best]),
                "explained": _explained(labels, j),
                "inseparable": " ".join(inseparable),
            }
        )
    return pd.DataFrame(rows).astype({"closest": "string", "n_differ": "Int64"})


def _explained(labels: Float[np.ndarray, "sequence au"], column: int) -> float:
    """Give the share of a label's variance that the others predict; NaN where it does not vary."""
    known = ~np.isnan(labels[:, column])
    label = labels[known, column][:, None]
    if not known.any() or np.ptp(label) == 0:
        return float("nan")
    others = np.delete(labels[known], column, axis=1)
    left, _ = residuals(others, label, others, label)
    return float(1 - left.var() / label.var())
