"""A linear probe: how well all units of a layer together detect action units."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Num

from facslens.association.coverage import Eligibility, coverage_table, unit_status
from facslens.association.distances.table import distances
from facslens.association.ridge import FOLDS, PENALTIES, grouped_folds, ridge
from facslens.association.sample import make_sample
from facslens.controls.champions import Champions, ComparisonDesign, Units, confirmation_rows
from facslens.errors import CallError


def probe(units: Units, design: ComparisonDesign) -> Champions:
    """Fit a probe for every action unit on discovery, and apply it to the confirmation faces.

    Parameters
    ----------
    units
        All units of a layer.
    design
        As in `facslens.controls.champions.champions`.

    Returns
    -------
    Champions
        The probe's output takes the place of a unit's response. ``auroc`` is the mean over the
        left-out folds of discovery, by which the penalty was chosen; ``unit`` and ``accepted``
        are missing.

    Notes
    -----
    The probe is an upper limit for linear detection from the layer [alain2017]_. If it exceeds
    the best unit by much, the layer's information is distributed over many units. The penalty of
    each action unit is the one with the largest mean AUROC over five folds of the discovery
    subjects; of equals the larger is taken. The network was fitted to the training subjects, so
    this choice is a little optimistic; the measurement on confirmation is not.

    References
    ----------
    [alain2017]_
    """
    faces = design.discovery
    aus = list(faces.aus)
    sample = make_sample(
        units.discovery,
        faces.table[aus],
        sequence=faces.table["sequence"],
        subject=faces.table["subject"],
    )
    if sample.subject is None:
        raise CallError(f"{faces.name} does not say who the subjects are: a probe needs them")
    eligible = coverage_table(sample, aus, Eligibility())["eligible"].to_numpy(dtype=bool)
    live = np.flatnonzero(np.array(unit_status(sample.responses)) == "live")
    read = confirmation_rows(units.confirmation, design.confirmation)[:, live]
    known_to = sample.responses[:, live]
    auroc, response = np.full(len(aus), np.nan), np.full((len(read), len(aus)), np.nan)
    if len(live):
        centre, spread = known_to.mean(axis=0), known_to.std(axis=0)
        known_to, read = (known_to - centre) / spread, (read - centre) / spread
    for column in np.flatnonzero(eligible) if len(live) else ():
        known = ~np.isnan(sample.labels[:, column])
        label, subject = sample.labels[known, column], sample.subject[known]
        auroc[column], penalty = choose_penalty(known_to[known], label, subject, design.seed)
        weights, intercept = ridge(known_to[known], label, (penalty,))
        response[:, column] = read @ weights[:, 0] + intercept[0]
    table = pd.DataFrame({"au": aus, "unit": pd.NA, "auroc": auroc, "accepted": pd.NA})
    return Champions(table.astype({"unit": "Int64", "accepted": "boolean"}), response)


def choose_penalty(
    responses: Float[np.ndarray, "row unit"],
    label: Num[np.ndarray, " row"],
    subject: Int[np.ndarray, " row"],
    seed: int,
) -> tuple[float, float]:
    """Give the largest mean AUROC over left-out folds, and the penalty that reaches it.

    A fold of one class has no AUROC and is discarded. If no fold is left, the AUROC is NaN and
    the penalty is the largest.
    """
    fold = grouped_folds(subject, FOLDS, seed)
    found = []
    for number in range(FOLDS):
        out = fold == number
        if len(np.unique(label[out])) < 2 or len(np.unique(label[~out])) < 2:
            continue
        weights, _ = ridge(responses[~out], label[~out])
        # a constant output has no AUROC and counts as ½
        found.append(
            np.nan_to_num(distances(responses[out] @ weights, label[out], "auroc")[0], nan=0.5)
        )
    if not found:
        return float("nan"), PENALTIES[-1]
    mean = np.mean(found, axis=0)
    best = len(mean) - 1 - int(mean[::-1].argmax())
    return float(mean[best]), PENALTIES[best]
