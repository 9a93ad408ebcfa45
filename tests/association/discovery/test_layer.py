"""Responses that are read some units at a time, by slices alone."""

import importlib

import numpy as np
import pandas as pd
import pytest

from facslens.association import associate
from facslens.errors import CallError


class OnDisk:
    """What a stored array offers, and a note of what was read."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values
        self.shape = values.shape
        self.read: list[slice] = []

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        rows, units = key
        assert rows == slice(None)
        self.read.append(units)
        return self._values[key]


@pytest.fixture
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("facslens.association.discovery.layer")
    monkeypatch.setattr(module, "_RESPONSES_AT_ONCE", 80 * 2)


def faces(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sequence = np.repeat(np.arange(40), 2)
    labels = np.repeat((rng.random((40, 2)) < 0.4).astype(float), 2, axis=0)
    responses = rng.normal(size=(80, 7)).astype(np.float32)
    responses[:, 2:4] = 0  # a whole block of dead units
    responses[:, 5] = 1
    return responses, labels, sequence


@pytest.mark.usefixtures("two_at_a_time")
def test_slices_are_enough_and_few_units_are_held(rng: np.random.Generator) -> None:
    responses, labels, sequence = faces(rng)
    stored = OnDisk(responses)
    steps: list[tuple[int, int]] = []
    got = associate(
        stored,
        labels,
        sequence=sequence,
        permutations=49,
        progress=lambda done, of: steps.append((done, of)),
    )
    want = associate(pd.DataFrame(responses), labels, sequence=sequence, permutations=49)
    pd.testing.assert_frame_equal(got.table, want.table, check_exact=True)
    pd.testing.assert_frame_equal(got.units, want.units)
    every = [slice(start, start + 2) for start in (0, 2, 4, 6)]
    assert stored.read == [*every, *(s for s in every if s.start != 2)]
    assert steps == [(2, 4), (3, 4), (4, 4)]


@pytest.mark.usefixtures("two_at_a_time")
def test_what_is_not_finite_is_named_by_its_own_column(rng: np.random.Generator) -> None:
    responses, labels, sequence = faces(rng)
    responses[11, 4] = np.inf
    with pytest.raises(CallError, match="responses is inf at image 11, unit 4"):
        associate(OnDisk(responses), labels, sequence=sequence)
    with pytest.raises(CallError, match=r"responses has the shape \(80,\): needs two axes"):
        associate(OnDisk(responses[:, 0]), labels)
