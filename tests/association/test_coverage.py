"""What there is of each action unit, counted by hand."""

import numpy as np

from facslens.association.coverage import Eligibility, coverage_table, unit_status
from facslens.association.sample import make_sample


def test_sequences_and_subjects_are_counted() -> None:
    labels = np.array([[1, 1], [1, 0], [0, np.nan], [0, 1], [1, 1]])
    subject = ["ann", "ann", "ann", "bob", "cleo"]
    sample = make_sample(np.zeros((5, 1)), labels, subject=subject)
    table = coverage_table(sample, ["AU12", "AU06"], Eligibility(present=3, subjects=2))
    assert table.drop(columns=["name", "reason"]).to_numpy().tolist() == [
        ["AU12", 3, 2, 2, 2, True],  # with it: Ann and Cleo; without it: Ann and Bob
        ["AU06", 3, 1, 3, 1, False],
    ]
    assert table["reason"].tolist() == ["", "1 subject without it, needs 2"]


def test_every_reason_is_given() -> None:
    sample = make_sample(np.zeros((2, 1)), np.ones((2, 1)), subject=["ann", "ann"])
    table = coverage_table(sample, ["AU12"], Eligibility())
    assert table.loc[0, "reason"] == (
        "2 sequences with it, needs 10; 0 sequences without it, needs 1; "
        "1 subject with it, needs 5; 0 subjects without it, needs 5"
    )


def test_a_mean_of_equal_numbers_is_constant_though_it_rounds() -> None:
    frames = np.full((7, 1), 0.1)
    sample = make_sample(frames, np.zeros((7, 1)), sequence=list("aaabbbc"))
    assert np.ptp(sample.responses) > 0
    assert unit_status(sample.responses) == ["constant"]
