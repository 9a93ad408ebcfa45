import numpy as np
import pandas as pd
import pytest

from facslens.association.confirmation.from_neutral import COLUMNS, contrast_table

PAIR = pd.DataFrame({"layer": ["conv1"], "au": ["AU12"], "unit": [1]})


@pytest.fixture
def faces():
    """Twelve people with two sequences each, of a neutral image and two at the peak."""
    rows = []
    for person in range(12):
        for sequence in range(2):
            for frame in range(3):
                smiles = float(sequence == 0 and frame > 0)
                rows.append((f"S{person}", f"S{person}-{sequence}", frame, smiles))
    return pd.DataFrame(rows, columns=["subject", "sequence", "frame", "AU12"])


def measured(faces, response, mapped=PAIR):
    values = np.column_stack([np.zeros(len(faces)), response])
    neutral = (faces["frame"] == 0).to_numpy()
    return contrast_table(mapped, {"conv1": values}, faces, neutral, seed=0, resamples=200)


def test_what_a_person_looks_like_at_rest_plays_no_part(faces, rng):
    looks = rng.normal(0, 50, 12)[faces["subject"].str[1:].astype(int)]
    response = looks + 2 * faces["AU12"] + 0.1 * rng.normal(size=len(faces))
    found = measured(faces, response).iloc[0]
    assert found["auroc_change"] == 1
    assert found["status"] == "larger"
    assert (found["n_present"], found["n_absent"]) == (12, 12)
    assert found["change_present"] == pytest.approx(2, abs=0.1)  # noise 0.1 / √(12·2)
    assert found["change_absent"] == pytest.approx(0, abs=0.1)


def test_it_is_the_auroc_of_the_changes(faces, rng):
    response = rng.normal(size=len(faces))
    changes, labels = [], []
    for _, rows in faces.assign(r=response).groupby("sequence", sort=True):
        changes.append(rows["r"].iloc[1:].mean() - rows["r"].iloc[0])
        labels.append(rows["AU12"].iloc[1])
    changes, labels = np.array(changes), np.array(labels)
    pairs = changes[labels == 1][:, None] - changes[labels == 0]
    expected = np.mean((pairs > 0) + 0.5 * (pairs == 0))
    found = measured(faces, response).iloc[0]
    assert found["auroc_change"] == pytest.approx(expected, abs=1e-12)
    assert found["auroc_change_low"] <= expected <= found["auroc_change_high"]


def test_too_few_people_give_no_interval(faces, rng):
    few = faces[faces["subject"].isin(["S0", "S1", "S2"])].reset_index(drop=True)
    found = measured(few, few["AU12"].to_numpy() + rng.normal(size=len(few))).iloc[0]
    assert found["status"] == "not enough data"
    assert np.isnan(found["auroc_change_low"])
    assert not np.isnan(found["auroc_change"])


def test_an_action_unit_that_all_or_none_show_has_no_effect(faces):
    found = measured(faces.assign(AU12=0.0), np.arange(len(faces), dtype=float)).iloc[0]
    assert np.isnan(found["auroc_change"])
    assert found["status"] == "not enough data"


def test_sequences_without_a_neutral_image_take_no_part(faces):
    peaks = faces[faces["frame"] > 0].reset_index(drop=True)
    found = measured(peaks, np.arange(len(peaks), dtype=float))
    assert found.empty
    assert tuple(found.columns) == COLUMNS


def test_unknown_labels_are_left_out(faces, rng):
    unknown = faces.assign(AU12=faces["AU12"].mask(faces["subject"] == "S3"))
    found = measured(unknown, rng.normal(size=len(faces))).iloc[0]
    assert (found["n_present"], found["n_absent"]) == (11, 11)
