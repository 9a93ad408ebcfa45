"""From images to one row a sequence."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from facslens.association import associate, confirm
from facslens.association.sample import Part, au_codes, make_sample
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


NAMES = [f"face {number:02d}" for number in range(40)]


def told_apart(rng: np.random.Generator) -> dict[str, Any]:
    """Forty faces of ten people; unit 0 tells AU12 without a mistake."""
    label = np.tile([1.0, 0.0, 0.0, 1.0], 10)
    responses = np.column_stack([label + 0.1 * rng.random(40), rng.random(40)])
    index = pd.Index(NAMES)
    return {
        "responses": pd.DataFrame(responses, index=index),
        "labels": pd.DataFrame({"AU12": label}, index=index),
        "sequence": pd.Series(NAMES, index=index),
        "subject": pd.Series(np.repeat([f"S{k}" for k in range(10)], 4), index=index),
        "strata": pd.Series(np.tile(["anger", "anger", "fear", "fear"], 10), index=index),
    }


def sampled(given: dict[str, Any]) -> object:
    return make_sample(**given)


def associated(given: dict[str, Any]) -> object:
    return associate(**given, permutations=9)


def confirmed(given: dict[str, Any]) -> object:
    mapping = pd.DataFrame({"layer": ["layer"], "unit": [0], "au": ["AU12"]})
    return confirm(mapping, resamples=10, **given)


def as_part(given: dict[str, Any]) -> object:
    responses = {"layer": given["responses"]}
    return Part(responses, given["labels"], given["sequence"], given["subject"]).sample("layer")


CALLS = [sampled, associated, confirmed, as_part]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("argument", ["responses", "labels", "sequence", "subject", "strata"])
def test_rows_of_other_names_are_refused(
    call: Callable[[dict[str, Any]], object], argument: str, rng: np.random.Generator
) -> None:
    if call is as_part and argument == "strata":
        pytest.skip("a part has no strata")
    given = told_apart(rng)
    call(given)  # equal names are taken
    other = given | {argument: given[argument].rename(index={"face 07": "face 99"})}
    with pytest.raises(CallError, match=r"^(\w+) has no row 'face (07|99)', which \w+ has: "):
        call(other)
    turned = given | {argument: given[argument].iloc[::-1]}
    with pytest.raises(CallError, match="in another order: all inputs need the same index"):
        call(turned)


def test_the_first_name_that_lacks_is_given(rng: np.random.Generator) -> None:
    given = told_apart(rng)
    given["subject"] = given["subject"].drop(["face 03", "face 20"])
    with pytest.raises(CallError, match=r"^subject has no row 'face 03', which responses has: "):
        make_sample(**given)


def test_rows_without_names_are_taken_as_they_stand(rng: np.random.Generator) -> None:
    given = told_apart(rng)
    want = make_sample(**given)
    bare = {
        "responses": given["responses"].to_numpy(),
        "labels": given["labels"].reset_index(drop=True),  # numbered from 0: no names
        "sequence": given["sequence"].tolist(),
        "subject": given["subject"].reset_index(drop=True),
        "strata": given["strata"],
    }
    got = make_sample(**bare)
    np.testing.assert_array_equal(got.responses, want.responses)
    np.testing.assert_array_equal(got.labels, want.labels)


def test_numbers_from_zero_are_names_beside_other_numbers(rng: np.random.Generator) -> None:
    given = {name: values.reset_index(drop=True) for name, values in told_apart(rng).items()}
    given["labels"] = given["labels"].sample(frac=1, random_state=0)  # as a shuffled table is
    with pytest.raises(CallError, match="responses has the rows of labels in another order"):
        make_sample(**given)


def test_layers_in_different_orders_are_refused(rng: np.random.Generator) -> None:
    given = told_apart(rng)
    mapping = pd.DataFrame({"layer": ["one", "two"], "unit": [0, 0], "au": ["AU12", "AU12"]})
    layers = {"one": given["responses"], "two": given["responses"].iloc[::-1]}
    with pytest.raises(CallError, match="another order"):
        confirm(
            mapping,
            layers,
            given["labels"].to_numpy(),
            subject=given["subject"].to_numpy(),
            aus=["AU12"],
            resamples=10,
        )
