"""Confirm the chosen pairs on people whom neither the network nor the choice has seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from facslens.association.columns import Columns, Matrix, take
from facslens.association.confirmation.bootstrap import (
    Resampling,
    resampled_auprc,
    resampled_f1,
    resampled_pearson,
)
from facslens.association.coverage import MIN_PRESENT, MIN_SUBJECTS
from facslens.association.distances.concordance import concordance, resampled_concordance
from facslens.association.rows import check_rows
from facslens.association.sample import Column, Sample, au_codes, make_sample
from facslens.errors import CallError
from facslens.statistics import LEVEL, RESAMPLES

#: Effects that are measured on the test subjects, each with an interval.
EFFECTS: Final = ("auroc", "auprc", "pearson", "f1")
#: Columns that `confirm` adds to a mapping, in order.
COLUMNS: Final = (
    *(f"{effect}_test{end}" for effect in EFFECTS for end in ("", "_low", "_high")),
    "n_test_present",
    "n_test_absent",
    "n_test_subjects",
    "confirmable",
    "n_redrawn",
    "n_undefined",
    "status",
    "auroc_within_test",
    "auroc_within_test_low",
    "auroc_within_test_high",
    "n_within_test",
    "n_redrawn_within",
    "status_within",
)
_TYPES: Final = {
    **dict.fromkeys((c for c in COLUMNS if c.startswith("n_")), "Int64"),
    "confirmable": "bool",
    "status": "string",
    "status_within": "string",
}


@dataclass(frozen=True)
class _Plan:
    """How the subjects are drawn again, and what it takes to do so."""

    resampling: Resampling
    min_subjects: int
    min_within: int


def confirm(
    mapping: pd.DataFrame,
    responses: Matrix | Columns | Mapping[str, Matrix | Columns],
    labels: Matrix,
    *,
    subject: Column,
    sequence: Column | None = None,
    strata: Column | None = None,
    aus: Sequence[str | int] | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    min_subjects: int = MIN_SUBJECTS,
    min_within: int = MIN_PRESENT,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure the pairs of a mapping on other subjects.

    Parameters
    ----------
    mapping
        As `make_mapping` gives it; of one layer, or of several. Its column ``threshold``, in
        the response's unit, is where F1 is measured; without it there is no F1.
    responses
        (image, unit) of the test images, or such an array for every layer of the mapping by
        its name. Column k is unit k.
    labels
        (image, au): 1 present, 0 absent, NaN unknown. A data frame's columns name the AUs.
    subject
        Who is on each image, (image,).
    sequence
        Name of each image's sequence; responses are averaged over it.
    strata
        A value for each image, such as its expression; with it the effect is also measured
        within the strata.
    aus
        Spelling of each label column, as in `associate`.
    min_subjects
        Subjects with the AU that a pair needs to be confirmed.
    min_within
        Sequences that the effect within the strata needs: those with the label that is rarer
        in their stratum, summed over the strata.
    seed, resamples, level
        Of the resampling of the subjects, the same for all AUs; see `Resampling`.

    Returns
    -------
    pandas.DataFrame
        The mapping and the columns of `COLUMNS`: AUROC, AUPRC, Pearson's correlation and F1 at
        the threshold that discovery chose. They are NaN where all faces have the AU, or none,
        or where the unit is constant. Their percentile intervals over subjects are also NaN
        where the pair is not ``confirmable``: fewer than `min_subjects` subjects show the AU,
        or no face is without it. ``n_redrawn`` counts resamples of one class only, which were
        discarded and drawn again; ``n_undefined`` counts those in which the unit was constant,
        which the interval of the correlation leaves out. ``status`` says ``confirmed`` (the
        interval of AUROC lies above ½), ``not confirmed``, ``not enough data`` or ``none``
        (there is no pair). ``auroc_within_test`` is over pairs of sequences of one stratum,
        resting on ``n_within_test`` sequences, and ``status_within`` the verdict from it.

    Raises
    ------
    CallError
        If an argument is not as described, or lacks a layer, unit or AU of the mapping.

    Notes
    -----
    A subject is drawn with all its sequences, because they are not independent.

    References
    ----------
    [efron1993]_, [hanley1982]_
    """
    plan = _Plan(Resampling(seed, resamples, level), min_subjects, min_within)
    if "threshold" not in mapping:
        mapping = mapping.assign(threshold=np.nan)
    pairs = mapping.dropna(subset=["unit", "au"])[["layer", "unit", "au", "threshold"]]
    pairs = pairs.drop_duplicates(["layer", "unit", "au"])
    by_layer = _by_layer(responses, sorted(set(mapping["layer"])))
    check_rows({f"responses of {layer}": values for layer, values in by_layer.items()})
    columns = au_codes(labels, aus)
    rows = []
    for layer, of_layer in pairs.groupby("layer", sort=False):
        chosen = np.unique(of_layer["unit"].to_numpy(dtype=np.int64))
        count = np.shape(by_layer[str(layer)])[1]
        if chosen.max() >= count:
            raise CallError(
                f"responses has {count} units for layer {layer!r}, but the mapping names unit "
                f"{chosen.max()}"
            )
        sample = make_sample(
            take(by_layer[str(layer)], chosen),
            labels,
            sequence=sequence,
            subject=subject,
            strata=strata,
        )
        for au, of_au in of_layer.groupby("au", sort=False):
            if au not in columns:
                raise CallError(f"labels has no column for {au}, which the mapping names")
            places = np.searchsorted(chosen, of_au["unit"].to_numpy(dtype=np.int64))
            rows_of_au = _known(sample, columns.index(str(au)), places)
            cuts = of_au["threshold"].to_numpy(dtype=np.float64)
            found = {**_plain(rows_of_au, cuts, plan), **_within(rows_of_au, plan)}
            rows.append(of_au.drop(columns="threshold").assign(**found))
    key = ["layer", "unit", "au"]
    found_all = pd.concat(rows) if rows else pairs.reindex(columns=[*key, *COLUMNS])
    merged = mapping.merge(found_all, on=key, how="left")
    for column in ("status", "status_within"):
        merged[column] = merged[column].astype("string").fillna("none")
    merged["confirmable"] = merged["confirmable"].astype("boolean").fillna(False)
    return merged.astype(_TYPES)[[*mapping.columns, *COLUMNS]]


@dataclass(frozen=True)
class _Rows:
    """The test sequences whose label of one AU is known."""

    responses: Float[np.ndarray, "row unit"]
    label: Float[np.ndarray, " row"]
    subject: Int[np.ndarray, " row"]
    strata: Int[np.ndarray, " row"] | None

    @property
    def subjects_present(self) -> int:
        return len(np.unique(self.subject[self.label == 1]))

    @property
    def both(self) -> bool:
        """Whether there are sequences with the AU and without it."""
        return bool((self.label == 1).any() and (self.label == 0).any())


def _known(sample: Sample, column: int, places: Int[np.ndarray, " unit"]) -> _Rows:
    label = sample.labels[:, column]
    known = ~np.isnan(label)
    assert sample.subject is not None  # `confirm` asks for it
    _, subject = np.unique(sample.subject[known], return_inverse=True)
    strata = None if sample.strata is None else sample.strata[known]
    return _Rows(sample.responses[known][:, places], label[known], subject, strata)


def _plain(rows: _Rows, cuts: Float[np.ndarray, " unit"], plan: _Plan) -> dict[str, Any]:
    """Held-out columns of several units for one AU."""
    confirmable = rows.subjects_present >= plan.min_subjects and rows.both
    subjects = len(np.unique(rows.subject))
    weights, redrawn = np.ones((1, subjects)), None  # each subject once is the effect itself
    if confirmable:
        drawn, redrawn = plan.resampling.weights(rows.label, rows.subject)
        weights = np.concatenate([weights, drawn])
    draws = np.full((len(EFFECTS), len(cuts), len(weights)), np.nan)
    for unit, response in enumerate(rows.responses.T):
        if np.ptp(response) > 0 and rows.both:
            known = response, rows.label, rows.subject, weights
            draws[0, unit] = resampled_concordance(*known)
            draws[1, unit] = resampled_auprc(*known)
            draws[2, unit] = resampled_pearson(*known)
            if not np.isnan(cuts[unit]):
                draws[3, unit] = resampled_f1(response >= cuts[unit], *known[1:])
    value, resampled = draws[..., 0], draws[..., 1:]
    low, high = plan.resampling.interval(resampled)
    found: dict[str, Any] = {}
    for number, effect in enumerate(EFFECTS):
        found |= {f"{effect}_test": value[number]}
        found |= {f"{effect}_test_low": low[number], f"{effect}_test_high": high[number]}
    status = np.where(found["auroc_test_low"] > 0.5, "confirmed", "not confirmed")
    return found | {
        "n_test_present": int((rows.label == 1).sum()),
        "n_test_absent": int((rows.label == 0).sum()),
        "n_test_subjects": subjects,
        "confirmable": confirmable,
        "n_redrawn": redrawn,
        "n_undefined": np.isnan(resampled[2]).sum(axis=1) if confirmable else None,
        "status": status if confirmable else "not enough data",
    }


def _within(rows: _Rows, plan: _Plan) -> dict[str, Any]:
    """Held-out columns of several units for one AU, among sequences of one stratum."""
    value = np.full(rows.responses.shape[1], np.nan)
    low, high = value.copy(), value.copy()
    rarer = redrawn = None
    status: Any = "not enough data"
    if rows.strata is not None:
        found = concordance(rows.responses, rows.label[:, None], rows.strata)
        rarer = int(found.rarer[0])
        if rarer >= plan.min_within and rows.subjects_present >= plan.min_subjects:
            weights, redrawn = plan.resampling.weights(rows.label, rows.subject, rows.strata)
            known = rows.label, rows.subject, weights, rows.strata
            draws = np.stack([resampled_concordance(r, *known) for r in rows.responses.T])
            live = np.ptp(rows.responses, axis=0) > 0
            value = np.where(live, found.value[:, 0], np.nan)
            low, high = (np.where(live, end, np.nan) for end in plan.resampling.interval(draws))
            status = np.where(low > 0.5, "confirmed", "not confirmed")
    return {
        "auroc_within_test": value,
        "auroc_within_test_low": low,
        "auroc_within_test_high": high,
        "n_within_test": rarer,
        "n_redrawn_within": redrawn,
        "status_within": status,
    }


def _by_layer(
    responses: Matrix | Columns | Mapping[str, Matrix | Columns], layers: list[str]
) -> Mapping[str, Matrix | Columns]:
    if isinstance(responses, Mapping):
        missing = [layer for layer in layers if layer not in responses]
        if missing:
            raise CallError(
                f"responses lacks the layer {missing[0]!r} of the mapping: it has "
                f"{', '.join(responses) or 'none'}"
            )
        return responses
    if len(layers) > 1:
        raise CallError(
            f"responses is one array, but the mapping has the layers {', '.join(layers)}: needs "
            f"an array for each, by its name"
        )
    return dict.fromkeys(layers, responses)
