"""From neutral to peak: where sequences begin at rest, every face is its own control."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from facslens.association.columns import Columns, Matrix, take
from facslens.association.confirmation.bootstrap import Resampling
from facslens.association.coverage import MIN_SUBJECTS
from facslens.association.distances.concordance import concordance, resampled_concordance
from facslens.statistics import LEVEL, RESAMPLES

#: Columns of `contrast_table`, in order.
COLUMNS: Final = (
    "layer", "au", "unit", "n_present", "n_absent", "change_present", "change_absent",
    "auroc_change", "auroc_change_low", "auroc_change_high", "n_redrawn", "status",
)  # fmt: skip


def contrast_table(
    mapped: pd.DataFrame,
    responses: Mapping[str, Matrix | Columns],
    faces: pd.DataFrame,
    neutral: Bool[np.ndarray, " image"],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Test whether a unit's response rises more in sequences that come to show its action unit.

    The change of a sequence is the mean response to its other images minus the mean response to
    its neutral ones, so that the look of a person at rest cancels out. AUROC compares the
    changes of sequences with and without the action unit at their peak.

    Parameters
    ----------
    mapped
        Columns layer, au and unit: the pairs to measure.
    responses
        Responses of every layer to the same images.
    faces
        Their ``sequence``, ``subject`` and a column for each action unit, 1, 0 or NaN.
    neutral
        Which of the images are neutral.
    seed, resamples, level
        Of the resampling of the subjects; see `Resampling`.

    Returns
    -------
    pandas.DataFrame
        One row a pair, with the columns of `COLUMNS`. ``status`` is ``larger`` where the
        interval lies above ½, else ``not larger``. It is ``not enough data``, without an
        interval, where fewer than five subjects show the action unit or every sequence shows
        it. There are no rows where no sequence has both neutral and other images.
    """
    resampling = Resampling(seed, resamples, level)
    known = faces["sequence"].notna().to_numpy(dtype=bool) & faces["subject"].notna().to_numpy(
        dtype=bool
    )
    codes, names = pd.factorize(faces["sequence"].where(known), sort=True)
    both = np.isin(np.arange(len(names)), codes[known & neutral])
    both &= np.isin(np.arange(len(names)), codes[known & ~neutral])
    chosen = np.flatnonzero(both)
    if not len(chosen):
        return pd.DataFrame(columns=list(COLUMNS))
    rest = _means(len(names), codes, known & neutral)[chosen]
    peak = _means(len(names), codes, known & ~neutral)[chosen]
    first = np.array([np.flatnonzero(peak[row])[0] for row in range(len(chosen))])
    subject = pd.factorize(faces["subject"].iloc[first])[0]
    rows = []
    for pair in mapped.to_dict("records"):
        unit = np.array([int(pair["unit"])])
        response = np.asarray(take(responses[str(pair["layer"])], unit), np.float64)[:, 0]
        change = peak @ response - rest @ response
        label = faces[str(pair["au"])].to_numpy(dtype=np.float64)[first]
        told = ~np.isnan(label)
        row = {"layer": pair["layer"], "au": pair["au"], "unit": int(pair["unit"])}
        rows.append(row | _effect(change[told], label[told], subject[told], resampling))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _means(
    sequences: int, codes: np.ndarray, chosen: np.ndarray
) -> Float[np.ndarray, "sequence image"]:
    """Weights that average the chosen images of each sequence."""
    weights = np.zeros((sequences, len(codes)))
    weights[codes[chosen], np.flatnonzero(chosen)] = 1
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1))


def _effect(
    change: np.ndarray, label: np.ndarray, subject: np.ndarray, resampling: Resampling
) -> dict[str, object]:
    present = label == 1
    nan = float("nan")
    found: dict[str, object] = {
        "n_present": int(present.sum()),
        "n_absent": int((~present).sum()),
        "change_present": float(change[present].mean()) if present.any() else nan,
        "change_absent": float(change[~present].mean()) if (~present).any() else nan,
        "auroc_change": nan,
        "auroc_change_low": nan,
        "auroc_change_high": nan,
        "n_redrawn": 0,
        "status": "not enough data",
    }
    if not present.any() or present.all():
        return found
    found["auroc_change"] = float(concordance(change[:, None], label[:, None]).value[0, 0])
    if len(np.unique(subject[present])) < MIN_SUBJECTS:
        return found
    _, numbers = np.unique(subject, return_inverse=True)
    weights, redrawn = resampling.weights(label, numbers)
    low, high = resampling.interval(resampled_concordance(change, label, numbers, weights))
    found |= {"auroc_change_low": float(low), "auroc_change_high": float(high)}
    return found | {"n_redrawn": redrawn, "status": "larger" if low > 0.5 else "not larger"}
