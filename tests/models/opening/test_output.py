"""Which part of what a network gives is its answer, and what its numbers are."""

import pytest
import torch

from facslens.errors import CallError
from facslens.models.opening.open import open_module
from facslens.models.reading.agreement import check_agreement

from .networks import NAMES, Answer, Network, Pair

IMAGES = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(3))


def opened(make, output=None, names=NAMES, **others):
    return open_module(Network(make, **others), reads="grey16", expressions=names, output=output)


def scores_of(make=lambda scores, maps: scores):
    network = Network(make).eval()
    with torch.no_grad():
        return network(IMAGES)


ANSWERS = {
    "a tensor": (lambda s, m: s, None, "logits"),
    "a mapping": (lambda s, m: {"maps": m, "scores": s}, None, "scores:logits"),
    "a dataclass": (lambda s, m: Answer(logits=s), None, "logits:logits"),
    "a named tuple": (lambda s, m: Pair(s, m), None, "scores:logits"),
    "a tuple": (lambda s, m: (m, s), None, "1:logits"),
    "a tuple in a mapping": (lambda s, m: {"heads": [m, s]}, None, "heads.1:logits"),
    "the second of two heads": (lambda s, m: (s[:, :3] * 2, s), "1", "1:logits"),
    "a head and its numbers": (
        lambda s, m: {"a": s.softmax(1), "b": s * 0},
        "a:probabilities",
        "a:probabilities",
    ),
    "a part that is called as a kind": (lambda s, m: {"logits": s}, "logits", "logits:logits"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_answer_is_found_in_whatever_a_network_gives(name):
    make, said, found = ANSWERS[name]
    model = opened(make, said)
    assert model.opened["output"] == found
    expected = scores_of()
    with torch.no_grad():
        given = model.network.eval()(IMAGES)
    if found.endswith("probabilities"):
        expected = expected.log_softmax(1)
    torch.testing.assert_close(given, expected, rtol=1e-5, atol=1e-6)
    check_agreement(model.reading, model.network, IMAGES)


def test_layers_keep_their_names_behind_any_answer():
    plain = opened(lambda s, m: s)
    found = opened(lambda s, m: {"scores": s.softmax(1)})
    assert list(found.reading.layers) == list(plain.reading.layers) == ["features.0", "features.3"]
    assert found.network.state_dict().keys() == plain.network.state_dict().keys()


def test_probabilities_are_noticed_and_noted():
    model = opened(lambda s, m: s.softmax(1))
    assert model.opened["output"] == "probabilities"
    assert "their logarithms for scores" in model.opened["notes"][0]
    with torch.no_grad():
        chances = model.chances(model.network.eval()(IMAGES))
    torch.testing.assert_close(chances, scores_of().softmax(1), rtol=1e-5, atol=1e-7)


def test_a_probability_of_0_is_a_finite_score():
    model = opened(lambda s, m: torch.nn.functional.one_hot(s.argmax(1), 3).float() + 0 * s)
    assert model.network(IMAGES).isfinite().all()


def test_chances_that_stand_for_themselves_are_taken_as_said():
    model = opened(lambda s, m: s.sigmoid(), "chances")
    assert model.scale == "logistic"
    with torch.no_grad():
        torch.testing.assert_close(model.network.eval()(IMAGES), scores_of(), rtol=1e-4, atol=1e-5)
        given = model.chances(model.network(IMAGES))
    torch.testing.assert_close(given, scores_of().sigmoid())
    assert opened(lambda s, m: s, "independent").scale == "logistic"


def test_dimensions_are_numbers_without_classes():
    model = opened(lambda s, m: s, names=["valence", "arousal"], classes=2)
    assert (model.opened["output"], model.scale) == ("regression", "none")
    with pytest.raises(CallError, match="gives numbers, valence, arousal, and no scores"):
        model.chances(torch.zeros(1, 2))


@pytest.mark.parametrize(
    ("make", "output", "said"),
    [
        (lambda s, m: s.sigmoid(), None, "from 0 to 1 that do not sum to 1: say output, chances"),
        (
            lambda s, m: ((s, m), s * 2),
            None,
            r"3 tensors, of which 2 have .* say output, one of 0.0 of .* 3\), 1 of .* 3\)$",
        ),
        (lambda s, m: {"a": m, "b": m}, None, "of which none has one number for each of 3"),
        (lambda s, m: m, None, r"a tensor of shape \(image, 6, 12, 12\): expected scores"),
        (lambda s, m: s.argmax(1), None, r"a int64 tensor of shape \(image\)"),
        (lambda s, m: "happy", None, "gives a str: expected a tensor"),
        (lambda s, m: (x for x in s), None, "gives a generator: expected a tensor"),
        (lambda s, m: s[:, :2], None, "expressions has 3 names .* gives 2 numbers"),
        (lambda s, m: {"a": s, "b": m}, "c", "output is 'c': expected a part .* a or b, or"),
        (lambda s, m: s, "softmax", "output is 'softmax': expected what its numbers are, logits"),
        (lambda s, m: {"a": s, "b": m}, "a:odds", "output is 'a:odds'"),
        (lambda s, m: s, "probabilities", "says probabilities, but .* are negative or do not sum"),
        (lambda s, m: s, "chances", "says chances, but the network's numbers go from"),
    ],
)
def test_what_is_not_certain_is_refused_with_the_choices(make, output, said):
    with pytest.raises(CallError, match=said):
        opened(make, output)
