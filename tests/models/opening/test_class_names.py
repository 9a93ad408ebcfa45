"""Names of classes in any spelling, and those of which nothing can be made."""

import pytest

from facslens.errors import CallError
from facslens.models.opening.class_names import class_names


def test_spellings_become_the_names_of_facslens_and_others_stay():
    given = ["Angry", " Disgust", "fearful", "Happy", "SAD", "Surprised", "Neutral", "Calm"]
    assert class_names(given) == (
        "anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "calm",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["happy", "joy"], "names 'happiness' twice"),
        (["hapiness", "sad"], "names 'hapiness', which is nearly 'happiness'"),
        (["LABEL_0", "LABEL_1"], "names 'LABEL_0', which says nothing"),
        (["AU12", "sad"], "names 'AU12', which is the name of a column"),
        (["note", "sad"], "names 'note', which is the name of a column"),
        (["", "sad"], "names '': expected a word"),
        ([], "expressions is empty"),
    ],
)
def test_names_that_say_nothing_are_refused(names, said):
    with pytest.raises(CallError, match=said):
        class_names(names)
