"""The oracle itself: its forward pass against the modules, its gradient against autograd."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from benchmarks.oracle.architectures.table import ARCHITECTURES, described, prepare
from benchmarks.oracle.between import BETWEEN
from benchmarks.oracle.graph import IMAGE, Graph
from benchmarks.oracle.maps import CASES
from benchmarks.oracle.spelling import Spelling, load_spellings
from benchmarks.oracle.spellings import SPELLINGS
from benchmarks.oracle.steps.base import Step
from benchmarks.oracle.steps.pointwise import FUNCTIONS, Rectify, Smooth
from benchmarks.oracle.steps.pooling import MaxPool

#: torch differentiates Hardsigmoid with 1/6 in single precision, 3e-8 from the true slope.
GRADIENT = {"MobileNetV3-S": 1e-7}

#: Of these torch's autograd gives no gradient, only values.
NO_GRADIENT = {
    "heaviside(x, 0) * x", "relu_ on slices", "checkpoint, reentrant", "under no_grad",
}  # fmt: skip


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def check(
    network: nn.Module,
    describe: Callable[[Graph], None],
    shape: tuple[int, ...] = (2, 3, 16, 16),
    tolerance: float | None = 1e-10,
) -> None:
    """Compare values with those of the module, and the gradient with autograd but for None."""
    graph = described(network, describe)
    images = draw(*shape).requires_grad_()
    scores = network(images * 1)
    values = graph.values(images.detach())
    assert relative(values[-1], scores.detach()) < 1e-12
    if tolerance is None:
        return
    R = draw(*scores.shape, seed=2)
    (expected,) = torch.autograd.grad(scores, images, R)
    found = graph.down(images.detach(), values, len(values) - 1, R, "gradient")
    assert relative(found, expected) < tolerance


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_agrees_with_the_module_and_with_autograd(name: str) -> None:
    build, describe = ARCHITECTURES[name]
    network = prepare(build(False), seed=0)
    check(network, describe, (2, 3, 64, 64), GRADIENT.get(name, 1e-10))


#: Parameters of the published networks with 1000 classes, and features before the classes.
PUBLISHED = {
    "ResNet-18": (11_689_512, 512),
    "VGG-11-BN": (132_868_840, 4096),
    "MobileNetV2": (3_504_872, 1280),
    "MobileNetV3-S": (2_542_856, 1024),
    "EfficientNet-B0": (5_288_548, 1280),
    "DenseNet-121": (7_978_856, 1024),
    "SqueezeNet": (1_235_496, 512),
    "ConvNeXt-T": (28_589_128, 768),
    "RegNetY-400MF": (4_344_144, 440),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_in_full_it_has_the_parameters_of_the_published_network(name: str) -> None:
    with torch.device("meta"):
        network = ARCHITECTURES[name].build(True)
    parameters, features = PUBLISHED[name]
    ours = sum(p.numel() for p in network.parameters())
    assert ours == parameters - (1000 - 7) * (features + 1)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_names_the_map_of_every_convolution(name: str) -> None:
    build, describe = ARCHITECTURES[name]
    network = prepare(build(False), seed=0)
    graph = described(network, describe)
    kinds = nn.Conv2d, nn.ConvTranspose2d
    assert set(graph.maps) == {n for n, m in network.named_modules() if isinstance(m, kinds)}
    values = graph.values(draw(1, 3, 64, 64))
    for layer, node in graph.maps.items():
        weight = graph.state[f"{layer}.weight"]
        out = weight.shape[1] if layer.startswith("up.") else weight.shape[0]
        assert values[node].shape[1] == out


@pytest.mark.parametrize("name", FUNCTIONS)
def test_smooth_slope_is_that_of_autograd(name: str) -> None:
    x = draw(200).mul(3).requires_grad_()
    (expected,) = torch.autograd.grad(FUNCTIONS[name][0](x).sum(), x)
    (found,) = Smooth(name).down(torch.ones(200).double(), "deconvnet", x.detach())
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)


def through(step: Step, rule: str, x: list[float], R: list[float]) -> list[float]:
    """Take values down one step by hand."""
    (found,) = step.down(torch.tensor(R).double(), rule, torch.tensor(x).double())
    return found.tolist()


def test_rules_differ_at_rectifiers_alone() -> None:
    x, R = [-1.0, 2.0, 3.0, 0.0, 7.0], [4.0, -5.0, 6.0, 7.0, 8.0]
    assert through(Rectify(), "deconvnet", x, R) == [4, 0, 6, 7, 8]
    assert through(Rectify(), "guided", x, R) == [0, 0, 6, 0, 8]
    assert through(Rectify(), "gradient", x, R) == [0, -5, 6, 0, 8]
    assert through(Rectify(6.0), "gradient", x, R) == [0, -5, 6, 0, 0]
    assert through(Rectify(6.0), "deconvnet", x, R) == [4, 0, 6, 7, 8]
    assert {tuple(through(Smooth("square"), r, x, R)) for r in ("deconvnet", "gradient")} == {
        (-8.0, -20.0, 36.0, 0.0, 112.0)
    }


def test_switch_is_the_first_in_row_major_order() -> None:
    x = torch.tensor([[[[1.0, 3], [3, 2]]]]).double()
    (found,) = MaxPool(2, 2).down(torch.ones(1, 1, 1, 1).double(), "gradient", x)
    assert found.tolist() == [[[[0, 1], [0, 0]]]]


@pytest.mark.parametrize("size", range(5, 12))
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "ceil"),
    [(3, 2, 0, True), (3, 2, 1, True), (2, 2, 0, True), (3, 2, 1, False), (3, 1, 1, True)],
)
def test_max_pooling_hangs_over_the_edge_as_in_torch(
    size: int, kernel: int, stride: int, padding: int, ceil: bool
) -> None:
    x = draw(1, 2, size, size + 1).requires_grad_()
    expected = nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)(x)
    step = MaxPool(kernel, stride, padding, ceil)
    assert torch.equal(step.forward(x), expected)
    R = draw(*expected.shape, seed=2)
    (down,) = torch.autograd.grad(expected, x, R)
    torch.testing.assert_close(step.down(R, "gradient", x.detach())[0], down)


def test_projection_begins_at_the_first_maximum_and_a_silent_unit_gives_nothing() -> None:
    state = {"c.weight": torch.tensor([2.0, -1.0]).double().view(2, 1, 1, 1)}
    graph = Graph(state)
    graph.layer(IMAGE, "c", then=Rectify())
    images = torch.tensor([[[[1.0, 5], [5, 0]]]] * 2).double()
    values = graph.values(images)
    response, place, picture = graph.project(images, values, "c", [0, 1], "guided")
    assert response.tolist() == [10, 0]
    assert place.tolist() == [[0, 1], [-1, -1]]
    assert picture[:, 0].tolist() == [[[0, 2], [0, 0]], [[0, 0], [0, 0]]]


@pytest.mark.parametrize("name", CASES | BETWEEN)
def test_small_network_agrees_with_its_description(name: str) -> None:
    case = (CASES | BETWEEN)[name]
    check(case.network(), case.describe)


def compare(name: str, spelling: Spelling) -> None:
    """Compare every right answer."""
    for describe in spelling.descriptions().values():
        tolerance = None if name in NO_GRADIENT else 1e-10
        check(spelling.network(), describe, tolerance=tolerance)


@pytest.mark.parametrize("name", [n for n, s in SPELLINGS.items() if s.answers])
def test_every_answer_of_a_spelling_has_the_values_and_the_gradient(name: str) -> None:
    compare(name, SPELLINGS[name])


@pytest.mark.filterwarnings("ignore:The .grad attribute", "ignore:`torch.jit:DeprecationWarning")
def test_spellings_of_others_agree_with_their_answers() -> None:
    path = os.environ.get("FACSLENS_SPELLINGS")
    if path is None:
        pytest.skip("no further spellings: set FACSLENS_SPELLINGS to a file that holds some")
    for name, spelling in load_spellings(Path(path)).items():
        compare(name, spelling)
