"""The evidence for each action unit in a run: one unit of one layer, calibrated."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int

from facslens.association.confirmation.calibration import NO_CURVE, Calibration, calibrate
from facslens.association.sample import Sample, au_codes
from facslens.prediction.evidence import Evidence
from facslens.runs.record import RunRecord
from facslens.runs.selection import choose_layer, first_units


def run_evidence(record: RunRecord, layer: str | None = None) -> list[Evidence]:
    """Give the evidence for each action unit that a prediction with the run's network needs.

    Parameters
    ----------
    record
        A run whose stage ``associate`` is done.
    layer
        The layer of the units; None takes that of `facslens.runs.selection.choose_layer`.

    Returns
    -------
    list of Evidence
        One an AU of the faces, in their order. The unit is the first of the tested mapping, its
        threshold that of discovery. Its curve is fitted and measured on the confirmation
        subjects, and given only where the pair is confirmed on them and the lower end of the
        interval of the Brier skill is above 0: see `facslens.association.confirmation.calibration`.

    Raises
    ------
    ArtifactError
        If the run lacks a file of an earlier stage.
    NotEnoughDataError
        If `layer` is None and no layer has an accepted unit.
    """
    layer = choose_layer(record.mapping) if layer is None else layer
    verdicts = record.verdicts[record.verdicts["layer"] == layer]
    said = verdicts.set_index("au").to_dict("index")
    first = first_units(record.mapping, layer).set_index("au").to_dict("index")
    part = record.confirmation.sampled(record.responses)
    rows = {au: {**first.get(au, {}), **said[au]} for au in au_codes(part.labels)}
    units = np.array(sorted({int(r["unit"]) for r in rows.values() if pd.notna(r["unit"])}), int)
    sample = part.sample(layer, units)
    return [
        _evidence(sample, column, au, layer, units, row, record.seed)
        for column, (au, row) in enumerate(rows.items())
    ]


def _evidence(
    sample: Sample,
    column: int,
    au: str,
    layer: str,
    units: Int[np.ndarray, " unit"],
    row: Mapping[Any, Any],
    seed: int,
) -> Evidence:
    """Calibrate one AU's unit, which is among `units`; without one, the evidence has no unit."""
    label, nan = sample.labels[:, column], math.nan
    assert sample.subject is not None  # a `Part` knows them
    found = Evidence(
        au=au,
        layer=layer,
        unit=None,
        threshold=nan,
        intercept=nan,
        slope=nan,
        auroc_test=nan,
        auroc_low=nan,
        auroc_high=nan,
        skill=nan,
        skill_low=nan,
        skill_high=nan,
        n_present=int((label == 1).sum()),
        subjects=len(np.unique(sample.subject[~np.isnan(label)])),
        status=str(row["status"]),
        sentence=str(row["verdict"]),
    )
    if pd.isna(row["unit"]):
        return found
    unit = int(row["unit"])
    response = sample.responses[:, np.searchsorted(units, unit)]
    measured = calibrate(response, label, sample.subject, seed=seed)
    allowed = found.status == "confirmed" and measured.holds
    curve = measured.curve if allowed else NO_CURVE
    return dataclasses.replace(
        found,
        unit=unit,
        threshold=float(row["threshold"]),
        intercept=curve.intercept,
        slope=curve.slope,
        auroc_test=float(row["auroc_test"]),
        auroc_low=float(row["auroc_test_low"]),
        auroc_high=float(row["auroc_test_high"]),
        skill=measured.skill,
        skill_low=measured.skill_low,
        skill_high=measured.skill_high,
        sentence=f"{found.sentence} {_probability(measured, found.status)}",
    )


def _probability(found: Calibration, status: str) -> str:
    """Say whether a probability is given, and why."""
    if math.isnan(found.skill):
        return "No probability: too few unseen people show it."
    less, low, high = (
        round(100 * share) for share in (found.skill, found.skill_low, found.skill_high)
    )
    gain = (
        f"on people left out it takes {less} % (95 % interval {low} to {high}) off the squared "
        f"error of the base rate"
    )
    if status != "confirmed":
        return "No probability, for the unit is not confirmed."
    if not found.holds:
        return f"No probability: {gain}, which chance may give, too."
    return f"As a probability, {gain}."
