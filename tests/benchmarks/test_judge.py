"""What the judge says of products that are right, wrong, or decline."""

import torch
from torch import Tensor, nn

from benchmarks.oracle.architectures.table import described
from benchmarks.oracle.judge import Answer, Product, RefusedError, Subject, judge
from benchmarks.oracle.maps import CASES
from benchmarks.oracle.spellings import SPELLINGS

CASE, SPELLING = CASES["F.gelu"], SPELLINGS["relu, then square"]
SUBJECT = Subject("maps", "F.gelu", CASE.network, {"": CASE.describe}, 16)
LAYERS = ["conv1", "conv2", "conv3"]


def layers(network: nn.Module, images: Tensor) -> list[str]:
    return LAYERS


def oracle(network: nn.Module, images: Tensor, layer: str, units: list[int], rule: str) -> Answer:
    graph = described(network, CASE.describe)
    return Answer(*graph.project(images, graph.values(images), layer, units, rule))


def outcomes(subject: Subject, product: Product) -> set[str]:
    return {row.outcome for row in judge(subject, product)[0]}


def test_the_oracle_itself_is_exact() -> None:
    rows, further = judge(SUBJECT, Product(layers, oracle))
    assert [(row.layer, row.rule) for row in rows[:4]] == [
        ("conv1", "deconvnet"),
        ("conv1", "guided"),
        ("conv1", "gradient"),
        ("conv2", "deconvnet"),
    ]
    assert {row.outcome for row in rows} == {"exact"}
    assert {(row.map_error, row.picture_error) for row in rows} == {(0.0, 0.0)}
    assert further == []


def test_a_picture_that_is_a_little_off_is_wrong() -> None:
    def project(*given) -> Answer:
        answer = oracle(*given)
        return Answer(answer.response, answer.place, answer.picture * (1 + 1e-8))

    rows, _ = judge(SUBJECT, Product(layers, project))
    assert {row.outcome for row in rows} == {"wrong"}
    assert max(abs(row.picture_error - 1e-8) for row in rows) < 1e-12


def test_another_place_is_wrong() -> None:
    def project(*given) -> Answer:
        answer = oracle(*given)
        return Answer(answer.response, answer.place + 1, answer.picture)

    rows, _ = judge(SUBJECT, Product(layers, project))
    assert {row.map_error for row in rows} == {float("inf")}


def test_refusals_crashes_and_missing_layers_are_told_apart() -> None:
    def refuse(*_) -> Answer:
        raise RefusedError("no")

    def crash(*_) -> Answer:
        raise KeyError("x")

    assert outcomes(SUBJECT, Product(layers, refuse)) == {"refused"}
    assert outcomes(SUBJECT, Product(layers, crash)) == {"crashed"}
    assert outcomes(SUBJECT, Product(lambda *_: [], oracle)) == {"missing"}
    rows, further = judge(SUBJECT, Product(lambda *_: ["conv1", "other"], oracle))
    assert {row.layer for row in rows if row.outcome == "exact"} == {"conv1"}
    assert further == ["other"]


def test_what_has_no_answer_has_to_be_refused() -> None:
    subject = Subject("spellings", "by NumPy", SPELLINGS["by NumPy"].network, {}, 16)
    nothing = Answer(torch.zeros(3), torch.zeros(3, 2), torch.zeros(3, 3, 16, 16))
    rows, _ = judge(subject, Product(layers, lambda *_: nothing))
    assert {(row.outcome, row.said) for row in rows} == {("wrong", "has to be refused")}


def test_the_nearest_of_several_right_answers_counts() -> None:
    def project(network: nn.Module, images: Tensor, *rest) -> Answer:
        graph = described(network, SPELLING.descriptions()["as one"])
        return Answer(*graph.project(images, graph.values(images), *rest))

    subject = Subject("spellings", "", SPELLING.network, SPELLING.descriptions(), 16)
    rows, _ = judge(subject, Product(layers, project))
    assert {(row.outcome, row.answer) for row in rows} == {("exact", "as one")}


def test_the_units_that_are_asked_for_fire() -> None:
    asked = []

    def project(network: nn.Module, images: Tensor, layer: str, units: list[int], rule: str):
        asked.append((layer, tuple(units)))
        return oracle(network, images, layer, units, rule)

    case = CASES["Softplus"]  # every unit fires, so that each image gets another one
    rows, _ = judge(
        Subject("maps", "", case.network, {"": case.describe}, 16), Product(layers, project)
    )
    assert {row.outcome for row in rows} == {"wrong"}  # the oracle of another function
    assert set(asked) == {(layer, (3, 2, 1)) for layer in LAYERS}
