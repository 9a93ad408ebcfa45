import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facslens.errors import CallError
from facslens.responses.exemplars import TopExemplars


def naive(response, subjects, k):
    """Sort every unit's faces and walk down, one a subject: rows of (row, response)."""
    result = []
    for unit in range(response.shape[1]):
        seen, rows = set(), []
        for row in sorted(range(len(response)), key=lambda r: (-response[r, unit], r)):
            if response[row, unit] > 0 and subjects[row] not in seen and len(rows) < k:
                seen.add(subjects[row])
                rows.append((row, response[row, unit]))
        result.append(rows)
    return result


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 9))
def test_a_running_list_equals_sorting_everything(seed, k, batch_size):
    rng = np.random.default_rng(seed)
    response = rng.integers(0, 6, (23, 4)).astype(np.float32)  # small integers make many ties
    subjects = rng.integers(0, 7, 23)
    location = rng.integers(0, 9, (23, 4, 2)).astype(np.int16)
    top = TopExemplars(k)
    for start in range(0, 23, batch_size):
        rows = np.arange(start, min(start + batch_size, 23))
        top.add(rows, subjects[rows], response[rows], location[rows])
    table = top.table("conv1", np.arange(23))
    for unit, expected in enumerate(naive(response, subjects, k)):
        of_unit = table[table["unit"] == unit]
        assert of_unit["rank"].tolist() == list(range(1, len(expected) + 1))
        assert list(zip(of_unit["image"], of_unit["response"], strict=True)) == expected
        assert [tuple(location[row, unit]) for row, _ in expected] == list(
            zip(of_unit["row"], of_unit["column"], strict=True)
        )


def test_at_least_one_exemplar_has_to_be_kept():
    with pytest.raises(CallError, match="k is 0: at least one"):
        TopExemplars(0)
