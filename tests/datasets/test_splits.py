import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facslens.datasets.base import Faces, make_table
from facslens.datasets.splits import (
    CONFIRMATION,
    DISCOVERY,
    halves,
    holdout,
    khorrami_folds,
    one_sequence_each,
)
from facslens.errors import CallError, NotEnoughDataError

names = st.text("0123456789SX_é", min_size=1, max_size=5)


def rows_of_subjects(at_least=3):
    """Subject → how many rows it has."""
    return st.dictionaries(names, st.integers(1, 3), min_size=at_least, max_size=40)


def made(subjects):
    images = [f"{i:04d}.png" for i in range(len(subjects))]
    rows = pd.DataFrame({"image": images, "path": images, "subject": subjects})
    return Faces(make_table(rows), "made")


def numbered(count):
    return made([f"S{i:03d}" for i in range(count)])


def by_subject(faces, split):
    """Subject → split; fails where a subject has two."""
    table = pd.DataFrame({"subject": faces.table["subject"], "split": split})
    pairs = table.drop_duplicates()
    assert not pairs["subject"].duplicated().any()
    return dict(zip(pairs["subject"], pairs["split"], strict=True))


@settings(max_examples=40)
@given(rows_of_subjects(), st.integers(0, 2**32))
def test_a_holdout_is_disjoint_complete_and_deterministic(rows, seed):
    faces = made([subject for subject in rows for _ in range(rows[subject])])
    split = holdout(faces, seed)
    parts = by_subject(faces, split)
    assert set(parts.values()) == {"train", "validation", "test"}
    assert split.equals(holdout(faces, seed))
    assert faces.with_split(split).part(*DISCOVERY, *CONFIRMATION).table.shape[0] == len(faces)


@settings(max_examples=40)
@given(rows_of_subjects(), st.integers(0, 100), st.data())
def test_a_holdout_is_blind_to_the_order_and_number_of_rows(rows, seed, data):
    subjects = [subject for subject in rows for _ in range(rows[subject])]
    faces, other = made(subjects), made(data.draw(st.permutations(list(rows))))
    assert by_subject(faces, holdout(faces, seed)) == by_subject(other, holdout(other, seed))


@pytest.mark.parametrize(
    ("subjects", "test", "validation"),
    [(118, 24, 10), (94, 24, 10), (91, 23, 10), (40, 10, 4), (10, 3, 1), (4, 1, 1), (3, 1, 1)],
)
def test_a_quarter_tests_and_a_tenth_validates_up_to_24_and_10(subjects, test, validation):
    counts = holdout(numbered(subjects)).value_counts()
    assert (counts["test"], counts["validation"]) == (test, validation)
    assert counts["train"] == subjects - test - validation


def test_the_seed_chooses_the_subjects():
    faces = numbered(30)
    assert not holdout(faces, 0).equals(holdout(faces, 1))
    # The choice must never change, or runs of two versions could not be compared.
    few = numbered(8)
    tested = few.with_split(holdout(few, 0)).part("test").table["subject"].tolist()
    assert tested == ["S000", "S001"]


def test_the_numbers_of_a_holdout_can_be_given():
    counts = holdout(numbered(10), test=5, validation=4).value_counts()
    assert counts.to_dict() == {"test": 5, "validation": 4, "train": 1}
    with pytest.raises(CallError, match="validation is 0: expected at least one subject"):
        holdout(numbered(10), validation=0)
    with pytest.raises(NotEnoughDataError, match="5 for testing and 5 for validation leave none"):
        holdout(numbered(10), test=5, validation=5)


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_subjects_cannot_be_split(count):
    with pytest.raises(NotEnoughDataError, match=f"made has {count} subjects?: 1 for testing"):
        holdout(numbered(count))


@settings(max_examples=40)
@given(rows_of_subjects(at_least=5), st.integers(3, 5))
def test_every_subject_is_tested_once_and_validates_once(rows, folds):
    faces = made(list(rows))
    parts = [by_subject(faces, split) for split in khorrami_folds(faces, folds)]
    assert len(parts) == folds
    for subject in parts[0]:
        given_ = [part[subject] for part in parts]
        assert (given_.count("test"), given_.count("validation")) == (1, 1)
    for fold, part in enumerate(parts):
        validating = {s for s, split in part.items() if split == "validation"}
        following = parts[(fold + 1) % folds]
        assert validating == {s for s, split in following.items() if split == "test"}


def test_every_tenth_sorted_subject_goes_to_a_fold():
    faces = made([f"S{i:03d}" for i in reversed(range(25))])
    first, *_, last = khorrami_folds(faces)
    parts = by_subject(faces, first)
    assert sorted(s for s in parts if parts[s] == "test") == ["S000", "S010", "S020"]
    assert sorted(s for s in parts if parts[s] == "validation") == ["S001", "S011", "S021"]
    parts = by_subject(faces, last)
    assert sorted(s for s in parts if parts[s] == "test") == ["S009", "S019"]
    assert sorted(s for s in parts if parts[s] == "validation") == ["S000", "S010", "S020"]


def test_folds_that_cannot_be_made_are_refused():
    with pytest.raises(NotEnoughDataError, match="made has 9 subjects: expected at least 10"):
        khorrami_folds(numbered(9))
    with pytest.raises(CallError, match="folds is 2: expected at least 3"):
        khorrami_folds(numbered(9), folds=2)


@pytest.mark.parametrize("split", [holdout, khorrami_folds])
def test_unknown_subjects_are_not_split_unless_the_user_says_so(split):
    faces = made(["S1", None, None, *[f"T{i}" for i in range(10)]])
    with pytest.raises(CallError, match=r"made has 2 of 13 faces of unknown subject.*assume_indep"):
        split(faces)
    split(faces.assume_independent())


@pytest.mark.parametrize(("subjects", "test"), [(94, 47), (7, 3), (2, 1)])
def test_halves_for_a_network_trained_elsewhere(subjects, test):
    faces = numbered(subjects)
    parts = pd.Series(by_subject(faces, halves(faces, 5)))
    assert parts.value_counts().to_dict() == {"validation": subjects - test, "test": test}
    if subjects > 2:  # the same people confirm a network that trains on some of the others
        other = pd.Series(by_subject(faces, holdout(faces, 5, test=test, validation=1)))
        assert other[other == "test"].index.equals(parts[parts == "test"].index)


def test_halves_need_two_known_subjects():
    with pytest.raises(NotEnoughDataError, match="made has 1 subject: expected two or more"):
        halves(made(["S1"]))
    with pytest.raises(CallError, match="1 of 2 faces of unknown subject"):
        halves(made(["S1", None]))


def test_one_sequence_each_is_never_the_only_one_nor_of_nobody():
    """A has three sequences, B two images of none, C one sequence, and one face is nobody's."""
    rows = pd.DataFrame(
        {
            "subject": ["A", "A", "A", "A", "B", "B", "C", "C", None],
            "sequence": ["a1", "a1", "a2", "a3", None, None, "c1", "c1", "n1"],
        }
    )
    rows["image"] = rows["path"] = [f"{i}.png" for i in range(len(rows))]
    faces = Faces(make_table(rows), "made")
    seen = set()
    for seed in range(30):
        chosen = np.flatnonzero(one_sequence_each(faces, seed, 9)).tolist()
        assert chosen in [[*a, b] for a in ([0, 1], [2], [3]) for b in (4, 5)]
        seen.add(tuple(chosen))
    assert len(seen) == 6  # every one of them, by some seed
    assert not one_sequence_each(faces, 0, 0).any()
    assert one_sequence_each(faces, 0, 1).sum() in (1, 2)  # one sequence is enough
