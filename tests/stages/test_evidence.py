"""The evidence of a run whose network has seen none of the faces."""

import numpy as np
import pandas as pd
import pytest

from facslens.association.confirmation.calibration import fit_curve
from facslens.errors import ArtifactError, NotEnoughDataError
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.selection import choose_layer
from facslens.runs.settings import Settings
from facslens.stages.evidence import run_evidence


def by_sequence(run, layer, split):
    """Mean response of each sequence, its labels and subject, by a group-by."""
    table = run.faces.table.reset_index(drop=True)
    rows = table[table["split"] == split]
    responses = run.responses.response(layer).astype(float)
    mean = pd.DataFrame(responses[rows.index]).groupby(rows["sequence"].to_numpy()).mean()
    return mean, rows.groupby("sequence")[["AU04", "AU12", "AU17", "AU25", "AU27"]].first()


def test_every_part_comes_from_its_own_people(run) -> None:
    assert run.faces.table["split"].value_counts().to_dict() == {"validation": 72, "test": 72}
    found = {one.au: one for one in run_evidence(run)}
    assert list(found) == ["AU04", "AU12", "AU17", "AU25", "AU27"]
    mouth = found["AU27"]  # a wide open mouth is plain to see, for an untrained unit, too
    assert mouth.status == "confirmed"
    assert (mouth.n_present, mouth.subjects) == (12, 12)

    chosen, labels = by_sequence(run, mouth.layer, "validation")
    present = labels["AU27"].to_numpy() == 1
    response = chosen[mouth.unit].to_numpy()
    f1 = {
        cut: 2 * np.sum((response >= cut) & present) / (np.sum(response >= cut) + present.sum())
        for cut in response
    }
    said = response >= mouth.threshold
    got = 2 * np.sum(said & present) / (said.sum() + present.sum())
    assert got == pytest.approx(max(f1.values()))

    judged, labels = by_sequence(run, mouth.layer, "test")
    response = judged[mouth.unit].to_numpy()
    with_it, without = (response[labels["AU27"] == value] for value in (1, 0))
    assert mouth.auroc_test == pytest.approx(np.mean(with_it[:, None] > without))
    curve = fit_curve(response, labels["AU27"].to_numpy(dtype=float))
    assert (mouth.intercept, mouth.slope) == pytest.approx((curve.intercept, curve.slope))
    assert 0 < mouth.skill_low <= mouth.skill <= mouth.skill_high
    np.testing.assert_allclose(mouth.probability(judged.to_numpy()), curve.probability(response))
    assert "detected by unit" in mouth.sentence
    assert "As a probability, on people left out it takes" in mouth.sentence


def test_nothing_is_said_without_a_unit(run) -> None:
    found = {one.au: one for one in run_evidence(run)}
    none = found["AU17"]  # it leaves no trace in the drawn faces
    assert (none.unit, none.calibrated, none.status) == (None, False, "none")
    assert none.n_present == by_sequence(run, "conv1", "test")[1]["AU17"].sum()
    assert np.isnan(none.threshold)
    assert "tells it apart beyond chance" in none.sentence


def test_the_layer_is_chosen_by_discovery(run) -> None:
    first = run.mapping.query("view == 'au_to_unit' and rule == 'tested' and rank == 1")
    counts = first.groupby("layer")["unit"].count()
    layer = choose_layer(run.mapping)
    assert counts[layer] == counts.max()
    assert {one.layer for one in run_evidence(run)} == {layer}
    assert {one.layer for one in run_evidence(run, "conv1")} == {"conv1"}
    ties = pd.DataFrame({"layer": ["a", "b", "c"], "unit": [1, 1, 1], "auroc": [0.8, 0.9, 0.9]})
    ties = ties.assign(view="au_to_unit", rule="tested", rank=1)
    assert choose_layer(ties) == "b"
    with pytest.raises(NotEnoughDataError, match="no unit of any layer"):
        choose_layer(ties.assign(unit=np.nan))


def test_an_unconfirmed_unit_has_no_probability(run) -> None:
    other = RunRecord(run.run)
    told = other.verdicts.assign(
        status=other.verdicts["status"].replace("confirmed", "not confirmed")
    )
    other.__dict__["verdicts"] = told
    mouth = {one.au: one for one in run_evidence(other)}["AU27"]
    assert mouth.unit is not None
    assert not mouth.calibrated
    assert mouth.skill > 0  # measured all the same
    assert mouth.sentence.endswith("No probability, for the unit is not confirmed.")


def test_a_run_without_a_mapping_says_what_is_missing(tmp_path) -> None:
    run = Run.create(tmp_path / "run", data="ck48:nowhere", seed=0, settings=Settings().entries())
    with pytest.raises(ArtifactError, match=r"has no mapping\.csv: run `facslens associate"):
        run_evidence(RunRecord(run))
