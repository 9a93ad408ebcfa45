import pandas as pd

from facslens.datasets.conflicts import without_conflicts


def test_subjects_in_two_splits_are_one_line_and_their_split_is_unknown():
    rows = pd.DataFrame(
        {
            "subject": [f"p{n // 2}" for n in range(12)],
            "split": ["train", "test"] * 5 + ["train", "train"],
        }
    )
    defects = []
    kept = without_conflicts(rows, "t.csv", defects)
    assert [d.message for d in defects] == [
        "the subject 'p0' has two splits in t.csv: expected one; 4 more like it: 'p1', 'p2', 'p3' "
        "and 1 more"
    ]
    assert kept["split"].isna().tolist() == [True] * 10 + [False] * 2


def test_a_sequence_of_a_known_and_an_unknown_subject_is_of_two():
    rows = pd.DataFrame({"sequence": ["s", "s", "t"], "subject": ["p", None, "p"]})
    defects = []
    kept = without_conflicts(rows, "t.csv", defects)
    assert [d.message for d in defects] == [
        "the sequence 's' has two subjects in t.csv: expected one"
    ]
    assert kept["sequence"].isna().tolist() == [True, True, False]
