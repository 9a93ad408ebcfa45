import numpy as np
import pandas as pd

from facslens.training.predictions import accuracy, confusion, per_class

READ = pd.DataFrame(
    {
        "true": ["fear", "fear", "fear", "anger", "anger", None],
        "predicted": ["fear", "fear", "anger", "anger", "anger", "fear"],
    }
)
NAMES = ("anger", "fear", "sadness")


def test_a_confusion_matrix_counted_by_hand():
    counts = confusion(READ, NAMES)
    assert counts.to_numpy().tolist() == [[2, 0, 0], [1, 2, 0], [0, 0, 0]]
    assert list(counts.index) == list(counts.columns) == list(NAMES)


def test_f1_of_a_class_that_never_occurs_is_nan_not_zero():
    scores = per_class(confusion(READ, NAMES))
    assert scores.loc["anger"].round(4).tolist() == [2, 0.6667, 1.0, 0.8]
    assert scores.loc["fear"].round(4).tolist() == [3, 1.0, 0.6667, 0.8]
    assert np.isnan(scores.loc["sadness", ["precision", "recall", "f1"]].astype(float)).all()


def test_accuracy_counts_known_faces_only():
    assert accuracy(READ) == 0.8
    assert np.isnan(accuracy(READ.tail(1)))
