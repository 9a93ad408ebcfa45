"""Whether the chosen pairs hold on people that neither network nor choice has seen."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Num

from facslens.association.coverage import MIN_SUBJECTS
from facslens.association.distances import distances
from facslens.association.sequences import Sample, au_codes, make_sample
from facslens.errors import CallError

#: Resamples of subjects behind an interval.
RESAMPLES: Final = 2000
#: Columns that `confirm` adds to a mapping, in order.
COLUMNS: Final = (
    "auroc_test",
    "auroc_test_low",
    "auroc_test_high",
    "n_test_present",
    "n_test_absent",
    "confirmable",
    "n_redrawn",
    "status",
)


def confirm(
    mapping: pd.DataFrame,
    responses: np.ndarray | Mapping[str, np.ndarray],
    labels: np.ndarray | pd.DataFrame,
    *,
    subject: Sequence[object] | np.ndarray | pd.Series,
    sequence: Sequence[object] | np.ndarray | pd.Series | None = None,
    aus: Sequence[str | int] | None = None,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    min_subjects: int = MIN_SUBJECTS,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure the pairs of a mapping on other subjects.

    Parameters
    ----------
    mapping
        As `make_mapping` gives it; of one layer, or of several.
    responses
        (image, unit) of the test images, or such an array for every layer of the mapping by
        its name. Column k is unit k.
    labels
        (image, au): 1 present, 0 absent, NaN unknown. A data frame's columns name the AUs.
    subject
        Who is on each image, (image,).
    sequence
        Name of each image's sequence; responses are averaged over it.
    aus
        Spelling of each label column, as in `associate`.
    resamples
        How often to draw the subjects again.
    level
        Coverage of the interval, between 0 and 1.
    min_subjects
        Subjects with the AU that a pair needs to be confirmed.
    seed
        Seed of the resampling; it is the same for all AUs.

    Returns
    -------
    pandas.DataFrame
        The mapping and the columns of `COLUMNS`. ``auroc_test`` is NaN where the AU lacks a
        class or the unit is constant. Its percentile interval over subjects is NaN then too,
        and where the pair is not ``confirmable``: fewer than `min_subjects` subjects with the
        AU, or no face without it. ``n_redrawn`` counts resamples that held one class only and
        were drawn again. ``status`` says ``confirmed`` (the interval lies above ½),
        ``not confirmed``, ``not enough data`` or ``none`` (there is no pair).

    Raises
    ------
    CallError
        If an argument is not as described, or lacks a layer, unit or AU of the mapping.

    Notes
    -----
    A subject is drawn with all its sequences, for they are no independent witnesses. The
    resampled AUROC is a sum over pairs of subjects, wᵀ A w with A the comparisons won and w
    how often each was drawn [efron1993]_.

    References
    ----------
    [efron1993]_, [hanley1982]_
    """
    if resamples < 1:
        raise CallError(f"resamples is {resamples}: needs at least 1")
    if not 0 < level < 1:
        raise CallError(f"level is {level}: needs to lie between 0 and 1")
    pairs = mapping.dropna(subset=["unit", "au"])[["layer", "unit", "au"]].drop_duplicates()
    by_layer = _by_layer(responses, sorted(set(mapping["layer"])))
    rows = []
    for layer, of_layer in pairs.groupby("layer", sort=False):
        sample = make_sample(by_layer[str(layer)], labels, sequence=sequence, subject=subject)
        columns = au_codes(labels, aus)
        for au, of_au in of_layer.groupby("au", sort=False):
            if au not in columns:
                raise CallError(f"labels has no column for {au}, which the mapping names")
            units = of_au["unit"].to_numpy(dtype=np.int64)
            if units.max() >= sample.responses.shape[1]:
                raise CallError(
                    f"responses has {sample.responses.shape[1]} units for layer {layer!r}, but "
                    f"the mapping names unit {units.max()}"
                )
            found = _confirm_units(
                sample, columns.index(str(au)), units, resamples, level, min_subjects, seed
            )
            rows.append(of_au.assign(**found))
    found_all = pd.concat(rows) if rows else pairs.reindex(columns=[*pairs.columns, *COLUMNS])
    merged = mapping.merge(found_all, on=["layer", "unit", "au"], how="left")
    merged["status"] = merged["status"].astype("string").fillna("none")
    merged["confirmable"] = merged["confirmable"].astype("boolean").fillna(False)
    return merged.astype(_TYPES)[[*mapping.columns, *COLUMNS]]


_TYPES: Final = {
    "n_test_present": "Int64",
    "n_test_absent": "Int64",
    "n_redrawn": "Int64",
    "confirmable": "bool",
    "status": "string",
}


def _confirm_units(
    sample: Sample,
    column: int,
    units: Int[np.ndarray, " unit"],
    resamples: int,
    level: float,
    min_subjects: int,
    seed: int,
) -> dict[str, Any]:
    """Held-out columns of several units for one AU."""
    label = sample.labels[:, column]
    known = ~np.isnan(label)
    assert sample.subject is not None  # `confirm` asks for it
    label, subject = label[known], sample.subject[known]
    responses = sample.responses[known][:, units]
    n_present, n_absent = int((label == 1).sum()), int((label == 0).sum())
    confirmable = len(np.unique(subject[label == 1])) >= min_subjects and n_absent >= 1
    low = high = np.full(len(units), np.nan)
    redrawn: int | None = None
    auroc = np.full(len(units), np.nan)
    if n_present and n_absent:
        auroc = distances(responses, label, "auroc")[0]
    if confirmable:
        _, subject = np.unique(subject, return_inverse=True)
        weights, redrawn = resample_subjects(label, subject, resamples, seed=seed)
        draws = np.stack(
            [resampled_auroc(responses[:, u], label, subject, weights) for u in range(len(units))]
        )
        tail = (1 - level) / 2
        low, high = np.quantile(draws, [tail, 1 - tail], axis=1)
        low, high = (np.where(np.isnan(auroc), np.nan, end) for end in (low, high))
    status = np.where(low > 0.5, "confirmed", "not confirmed")
    return {
        "auroc_test": auroc,
        "auroc_test_low": low,
        "auroc_test_high": high,
        "n_test_present": n_present,
        "n_test_absent": n_absent,
        "confirmable": confirmable,
        "n_redrawn": redrawn,
        "status": status if confirmable else "not enough data",
    }


def resample_subjects(
    label: Num[np.ndarray, " row"], subject: Int[np.ndarray, " row"], resamples: int, *, seed: int
) -> tuple[Float[np.ndarray, "resample subject"], int]:
    """Draw subjects with replacement, until each resample holds both classes.

    Returns
    -------
    weights
        How often each subject was drawn, as float.
    redrawn
        Resamples of one class only that were drawn again.

    Raises
    ------
    CallError
        If `label` itself has one class only.

    Examples
    --------
    >>> weights, redrawn = resample_subjects(
    ...     np.array([1, 0, 0]), np.array([0, 1, 2]), 100, seed=0
    ... )
    >>> weights.shape, bool((weights.sum(axis=1) == 3).all()), bool((weights[:, 0] > 0).all())
    ((100, 3), True, True)
    """
    subjects = int(subject.max()) + 1
    n1 = np.bincount(subject, weights=label == 1, minlength=subjects)
    n0 = np.bincount(subject, weights=label == 0, minlength=subjects)
    if not (n1.any() and n0.any()):
        raise CallError("label has one class only: resampling needs both")
    rng = np.random.default_rng(seed)
    chances = np.full(subjects, 1 / subjects)
    weights = rng.multinomial(subjects, chances, size=resamples).astype(np.float64)
    redrawn = 0
    while (bad := (weights @ n1 == 0) | (weights @ n0 == 0)).any():
        redrawn += int(bad.sum())
        weights[bad] = rng.multinomial(subjects, chances, size=int(bad.sum()))
    return weights, redrawn


def resampled_auroc(
    response: Float[np.ndarray, " row"],
    label: Num[np.ndarray, " row"],
    subject: Int[np.ndarray, " row"],
    weights: Float[np.ndarray, "resample subject"],
) -> Float[np.ndarray, " resample"]:
    """AUROC of one unit with every subject counted as often as it was drawn.

    Examples
    --------
    Each subject once is the AUROC itself; the last subject's high absent response costs one
    of two comparisons, two of three when it is drawn twice.

    >>> response, label = np.array([2.0, 1.0, 3.0]), np.array([1, 0, 0])
    >>> weights = np.array([[1.0, 1, 1], [1.0, 1, 2]])
    >>> resampled_auroc(response, label, np.array([0, 1, 2]), weights).round(3)
    array([0.5  , 0.333])
    """
    subjects = weights.shape[1]
    owner = np.eye(subjects)[subject]
    present, absent = label == 1, label == 0
    difference = response[present][:, None] - response[absent]
    wins = (difference > 0) + 0.5 * (difference == 0)
    between = owner[present].T @ wins @ owner[absent]
    won = np.einsum("rs,rs->r", weights @ between, weights)
    n1, n0 = weights @ owner[present].sum(axis=0), weights @ owner[absent].sum(axis=0)
    auroc: Float[np.ndarray, " resample"] = won / (n1 * n0)
    return auroc


def _by_layer(
    responses: np.ndarray | Mapping[str, np.ndarray], layers: list[str]
) -> Mapping[str, np.ndarray]:
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
