"""From images to one row a sequence."""

import numpy as np
import pandas as pd
import pytest

from facslens.association.sample import au_codes, make_sample
from facslens.errors import CallError


def test_equals_a_loop_over_the_sequences(rng: np.random.Generator) -> None:
    sequence = rng.integers(0, 9, 40).astype(str)
    labels = (rng.random((9, 3)) < 0.5).astype(float)[sequence.astype(int)]
    responses = rng.normal(size=(40, 5))
    sample = make_sample(
        responses, labels, sequence=sequence, subject=[s in "012" for s in sequence]
    )
    for row, name in enumerate(np.unique(sequence)):
        mine = sequence == name
        np.testing.assert_allclose(sample.responses[row], responses[mine].mean(axis=0))
        assert (sample.labels[row] == labels[mine]).all()
        assert sample.subject is not None
        assert sample.subject[row] == (name in "012")


def test_the_order_of_images_plays_no_part(rng: np.random.Generator) -> None:
    sequence = rng.integers(0, 9, 40).astype(str)
    responses, labels = rng.normal(size=(40, 5)), np.ones((40, 1))
    order = rng.permutation(40)
    one = make_sample(responses, labels, sequence=sequence)
    two = make_sample(responses[order], labels, sequence=sequence[order])
    np.testing.assert_allclose(one.responses, two.responses, rtol=1e-12)


def test_a_known_label_holds_for_its_whole_sequence() -> None:
    labels = np.array([[1, np.nan], [np.nan, np.nan], [0, np.nan]])
    sample = make_sample(np.zeros((3, 1)), labels, sequence=["a", "a", "b"])
    np.testing.assert_array_equal(sample.labels, [[1, np.nan], [0, np.nan]])


def test_an_image_without_a_sequence_stands_for_itself() -> None:
    responses = np.array([[1.0], [2.0], [3.0], [4.0]])
    sequence = pd.Series(["a", None, "a", None], dtype="string")
    sample = make_sample(responses, np.zeros((4, 1)), sequence=sequence)
    assert sample.responses.ravel().tolist() == [2, 2, 4]


def test_errors() -> None:
    responses, labels = np.zeros((4, 2)), np.zeros((4, 1))
    names = ["a", "a", "b", "b"]
    with pytest.raises(CallError, match="labels has 3 rows and responses 4: both need one row"):
        make_sample(responses, labels[:3])
    with pytest.raises(CallError, match=r"responses has the shape \(4,\): needs two axes"):
        make_sample(responses[:, 0], labels)
    with pytest.raises(CallError, match=r"labels has the shape \(4, 0\)"):
        make_sample(responses, labels[:, :0])
    with pytest.raises(CallError, match="labels is 2 at image 1, column 0: needs 1"):
        make_sample(responses, labels + np.array([[0], [2], [0], [0]]))
    with pytest.raises(CallError, match="labels holds something that is no number"):
        make_sample(responses, pd.DataFrame({"AU01": ["yes", "no", "no", "no"]}))
    with pytest.raises(CallError, match="responses is nan at image 2, unit 1"):
        make_sample(responses + np.array([[0, 0], [0, 0], [0, np.nan], [0, 0]]), labels)
    with pytest.raises(CallError, match="sequence has 3 values for 4 images: needs one for each"):
        make_sample(responses, labels, sequence=names[:3])
    with pytest.raises(CallError, match="labels column 0 is both 0 and 1 for the images 2, 3 of"):
        make_sample(responses, labels + np.array([[0], [0], [0], [1]]), sequence=names)
    with pytest.raises(CallError, match="subject changes within the sequence of image 1"):
        make_sample(responses, labels, sequence=names, subject=["p", "q", "r", "r"])
    with pytest.raises(CallError, match="strata is missing for image 1: needs a value"):
        make_sample(responses, labels, strata=["anger", None, "fear", "fear"])


def test_names_of_label_columns() -> None:
    frame = pd.DataFrame(np.zeros((3, 2)), columns=["AU1", "au_12"])
    assert au_codes(frame) == ["AU01", "AU12"]
    assert au_codes(frame, [4, 5]) == ["AU04", "AU05"]
    with pytest.raises(CallError, match="aus names 1 AUs, but labels has 2 columns"):
        au_codes(frame, ["AU01"])
    with pytest.raises(CallError, match="aus names AU01 twice"):
        au_codes(frame, ["AU1", 1])
    with pytest.raises(CallError, match="'smile' is no action unit"):
        au_codes(frame, ["AU1", "smile"])
