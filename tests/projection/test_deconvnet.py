import numpy as np
import pytest
import torch
from captum.attr import Deconvolution, GuidedBackprop
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from facslens.errors import CallError
from facslens.models.paper import PaperNetwork
from facslens.models.reading.reading import read_network
from facslens.projection.deconvnet import project_units
from facslens.projection.rules import RULES

LAYERS = ["conv1", "conv2", "conv3"]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(2)
    return PaperNetwork(8).double()


def faces(count, seed=3, channels=1, side=48):
    """Noise with a black border, as rotated faces have: there every map is exactly 0."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, channels, side, side, dtype=torch.float64, generator=generator)
    images[..., : side // 3] = 0
    return images


@pytest.mark.parametrize("layer", LAYERS)
def test_gradient_times_input_is_the_response(network, layer):
    # bias-free convolutions, ReLU and max pooling are positively homogeneous (Euler)
    images = faces(6)
    found = project_units(network, images, layer, np.arange(6) * 7, rule="gradient")
    assert (found.response > 0).all()
    products = (found.image * images.numpy()).sum((1, 2, 3))
    np.testing.assert_allclose(products, found.response, rtol=1e-10)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("layer", LAYERS)
def test_a_projection_ends_at_its_window(network, layer, rule):
    found = project_units(network, faces(4), layer, np.arange(4), rule=rule)
    field = read_network(network, (1, 48, 48)).field(layer)
    for image, (row, column), window in zip(
        found.image[:, 0], found.location, found.window, strict=True
    ):
        assert tuple(window) == field.window(row, column, 48, 48)
        top, left, bottom, right = window
        assert image[top:bottom, left:right].any()
        image[top:bottom, left:right] = 0
        assert not image.any()


class Only(nn.Module):
    """The value of one unit at one place, which is what captum attributes."""

    def __init__(self, stack, unit, place):
        super().__init__()
        self.stack, self.unit, self.place = stack, unit, place

    def forward(self, x: Tensor) -> Tensor:
        return self.stack(x)[:, self.unit, *self.place]


def by_captum(method, stack, image, unit, place):
    only = Only(stack.eval(), unit, place)
    return method(only).attribute(image.clone().requires_grad_())[0].detach().numpy()


captum_says_it_sets_hooks = pytest.mark.filterwarnings(
    "ignore:Setting backward hooks on ReLU activations:UserWarning"
)


@captum_says_it_sets_hooks
@pytest.mark.parametrize(
    ("rule", "method"), [("deconvnet", Deconvolution), ("guided", GuidedBackprop)]
)
@pytest.mark.parametrize("layer", LAYERS)
def test_captum_agrees_on_the_papers_network(network, layer, rule, method):
    images, units = faces(3), np.array([1, 20, 40])
    found = project_units(network, images, layer, units, rule=rule)
    names = [name for name, _ in network.named_children()]
    stack = nn.Sequential(*list(network)[: names.index(layer) + 2])
    for n in range(3):
        expected = by_captum(method, stack, images[n : n + 1], units[n], found.location[n])
        # the same operations in double precision; differences are those of summation order
        np.testing.assert_allclose(found.image[n], expected, rtol=1e-10, atol=1e-15)


class Stack(nn.Module):
    """Two convolutions, a pooling between them, and any spelling of ReLU."""

    def __init__(self, rectify):
        super().__init__()
        self.rectify = rectify
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.conv3 = nn.Conv2d(4, 4, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(self.rectify(self.conv1(x)), 2)
        return self.rectify(self.conv3(self.rectify(self.conv2(x))))


SPELLINGS = {
    "nn.ReLU in place": nn.ReLU(inplace=True),
    "functional.relu": functional.relu,
    "functional.relu in place": lambda x: functional.relu(x, inplace=True),
    "torch.relu": torch.relu,
    "torch.relu_": torch.relu_,
    "Tensor.relu": lambda x: x.relu(),
    "Tensor.relu_": lambda x: x.relu_(),
    "clamp": lambda x: x.clamp(min=0),
    "clip": lambda x: torch.clip(x, 0.0),
    "clamp_min_": lambda x: x.clamp_min_(0),
}


def stacked(rectify):
    torch.manual_seed(4)
    return Stack(rectify).double()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_it_makes_no_difference_how_relu_is_spelt(spelling, rule):
    images, units = faces(4, side=16), np.arange(4)
    expected = project_units(stacked(nn.ReLU()), images, "conv3", units, rule=rule)
    found = project_units(stacked(SPELLINGS[spelling]), images, "conv3", units, rule=rule)
    assert not expected.silent.any()
    np.testing.assert_array_equal(found.location, expected.location)
    np.testing.assert_allclose(found.image, expected.image, rtol=1e-12, atol=1e-15)


@captum_says_it_sets_hooks
def test_where_relu_is_a_function_captum_gives_the_plain_gradient():
    image, unit = faces(1, side=16), np.array([0])
    network = stacked(functional.relu)
    ours = {rule: project_units(network, image, "conv3", unit, rule=rule) for rule in RULES}
    place = ours["deconvnet"].location[0]
    captums = by_captum(Deconvolution, network, image, 0, place)
    np.testing.assert_allclose(captums, ours["gradient"].image[0], rtol=1e-12, atol=1e-15)
    assert np.abs(captums - ours["deconvnet"].image[0]).max() > 0.5 * np.abs(captums).max()


class Block(nn.Module):
    """A residual block as usually written: additions and ReLUs in place, one ReLU for all."""

    def __init__(self, usual):
        super().__init__()
        self.usual = usual
        self.conv1 = nn.Conv2d(2, 2, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(2)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(2, 2, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(2)
        self.conv3 = nn.Conv2d(2, 3, 3, padding=1, bias=False)
        self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        if not self.usual:
            y = self.relu1(self.bn1(self.conv1(x)))
            return self.relu3(self.conv3(self.relu2(self.bn2(self.conv2(y)) + x)))
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x
        return self.relu(self.conv3(self.relu(y)))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("layer", ["conv1", "conv3"])
def test_steps_in_place_and_a_shared_relu_change_nothing(layer, rule):
    usual, clear = Block(usual=True).double(), Block(usual=False).double()
    clear.load_state_dict(usual.state_dict())
    images, units = faces(4, channels=2, side=12), np.array([0, 1, 0, 1])
    found = project_units(usual, images, layer, units, rule=rule)
    expected = project_units(clear, images, layer, units, rule=rule)
    assert not expected.silent.any()
    np.testing.assert_array_equal(found.response, expected.response)
    np.testing.assert_array_equal(found.window, expected.window)
    np.testing.assert_allclose(found.image, expected.image, rtol=1e-12, atol=1e-15)


def test_relu6_fires_between_its_bounds():
    # the pixel 2 passes, 9 is above the bound, −1 below; all weights are 1
    network = nn.Sequential(
        nn.Conv2d(1, 1, 1, bias=False), nn.ReLU6(), nn.Conv2d(1, 1, (1, 3), bias=False)
    )
    with torch.no_grad():
        network[0].weight.fill_(1)
        network[2].weight.fill_(1)
    image = torch.tensor([[[[2.0, 9.0, -1.0]]]])
    expected = {"deconvnet": [1, 1, 1], "guided": [1, 0, 0], "gradient": [1, 0, 0]}
    for rule, pixels in expected.items():
        found = project_units(network, image, "2", np.array([0]), rule=rule)
        assert found.image[0, 0, 0].tolist() == pixels


def test_the_three_rules_by_hand():
    # Two pixels, each through a ReLU unit: f = (2, 0) from inputs (2, −1). The unit at the
    # end is f·(−3, 5) + 7, so R = (−3, 5) arrives at the rectifiers; then the weights 1, 1.
    network = nn.Sequential(
        nn.Conv2d(1, 1, 1, bias=False), nn.ReLU(), nn.Conv2d(1, 1, (1, 2)), nn.ReLU()
    )
    with torch.no_grad():
        network[0].weight.fill_(1)
        network[2].weight.copy_(torch.tensor([-3.0, 5.0]))
        network[2].bias.fill_(7)
    image = torch.tensor([[[[2.0, -1.0]]]])
    expected = {"deconvnet": [0, 5], "guided": [0, 0], "gradient": [-3, 0]}
    for rule, pixels in expected.items():
        found = project_units(network, image, "2", np.array([0]), rule=rule)
        assert found.response.tolist() == [1]  # 2·(−3) + 0·5 + 7
        assert found.image[0, 0, 0].tolist() == pixels


def test_on_a_tie_the_first_in_row_major_order_counts():
    network = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 1, 1, bias=False), nn.ReLU())
    nn.init.ones_(network[1].weight)
    found = project_units(network, torch.ones(1, 1, 4, 4), "1", np.array([0]))
    assert found.location.tolist() == [[0, 0]]
    assert found.image[0, 0].tolist() == [[1, 0, 0, 0], [0] * 4, [0] * 4, [0] * 4]
    assert found.window.tolist() == [[0, 0, 2, 2]]


def test_a_unit_that_does_not_fire_projects_to_nothing(network):
    images = faces(3)
    images[1] = 0
    found = project_units(network, images, "conv2", np.array([5, 5, 5]))
    assert found.silent.tolist() == [False, True, False]
    assert found.location[1].tolist() == [-1, -1]
    assert found.response[1] == 0
    assert found.window[1].tolist() == [0, 0, 0, 0]
    assert not found.image[1].any()


def test_a_negative_maximum_projects_to_nothing():
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    nn.init.constant_(network[0].weight, -1)
    found = project_units(network, torch.ones(1, 1, 2, 2), "0", np.array([0]))
    assert found.response.tolist() == [-1]
    assert found.silent.tolist() == [True]
    assert not found.image.any()


def test_a_projection_starts_where_it_is_told():
    network = nn.Sequential(nn.Conv2d(1, 1, 2, bias=False))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    places = np.array([[1, 0], [-1, -1]])
    found = project_units(network, torch.ones(2, 1, 3, 3), "0", np.array([0, 0]), places)
    assert found.image[0, 0].tolist() == [[0, 0, 0], [1, 2, 0], [3, 4, 0]]
    assert found.response.tolist() == [10, 0]
    assert found.location.tolist() == places.tolist()
    assert found.silent.tolist() == [False, True]


def test_recorded_locations_give_the_same_projections(network):
    images, units = faces(4), np.array([3, 1, 4, 1])
    found = project_units(network, images, "conv3", units)
    again = project_units(network, images, "conv3", units, found.location)
    # inside of windows from the first step, where the others pass whole faces first
    np.testing.assert_allclose(again.image, found.image, rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(again.response, found.response, rtol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    # the order of summation may change with the batch: see `project_units`
    [(torch.float64, 1e-12), (torch.float32, 1e-5)],
)
def test_projections_do_not_depend_on_the_batch(network, dtype, tolerance):
    images, units = faces(7).to(dtype), np.arange(7)
    network = PaperNetwork(8).to(dtype)
    whole = project_units(network, images, "conv3", units, batch_size=100)
    assert whole.image.dtype == whole.response.dtype == torch.zeros(0, dtype=dtype).numpy().dtype
    scale = np.abs(whole.image).max()
    for size in (1, 3):
        parts = project_units(network, images, "conv3", units, batch_size=size)
        np.testing.assert_allclose(parts.image, whole.image, rtol=0, atol=tolerance * scale)
        np.testing.assert_array_equal(parts.location, whole.location)


def test_nothing_to_project():
    found = project_units(PaperNetwork(8), torch.zeros(0, 1, 48, 48), "conv1", np.zeros(0, int))
    assert found.image.shape == (0, 1, 48, 48)
    assert found.window.shape == (0, 4)


def test_colour_images_keep_their_channels():
    network = nn.Sequential(nn.Conv2d(3, 1, 1, bias=False))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1))
    found = project_units(network, torch.ones(1, 3, 1, 1), "0", np.array([0]))
    assert found.image[0, :, 0, 0].tolist() == [1, 2, 3]


def test_gradients_may_be_switched_off_outside(network):
    images, unit = faces(1), np.array([0])
    expected = project_units(network, images, "conv2", unit).image
    with torch.inference_mode():
        inside = project_units(network, images.clone(), "conv2", unit).image
    np.testing.assert_array_equal(inside, expected)


def normalised():
    torch.manual_seed(6)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.9), nn.ReLU(), nn.Conv2d(2, 2, 3)
    )


def test_the_network_is_left_as_it_was():
    network = normalised()
    network[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images = faces(2, side=12).float()
    found = project_units(network, images, "4", np.array([0, 1]))
    assert [m.training for m in network] == [True, False, True, True, True]
    assert all(p.grad is None for p in network.parameters())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not any(m._forward_hooks for m in network.modules())
    assert images.grad is None
    assert not images.requires_grad
    # dropout and batch statistics would have made this differ from evaluation mode
    again = project_units(network.eval(), images, "4", np.array([0, 1]))
    np.testing.assert_array_equal(found.image, again.image)


def test_the_network_is_left_as_it_was_after_an_exception():
    network = normalised()
    with pytest.raises(CallError, match=r"does not run on images of shape \(3, 12, 12\)"):
        project_units(network, torch.zeros(1, 3, 12, 12), "4", np.array([0]))
    assert all(m.training for m in network.modules())
    assert not any(m._forward_hooks for m in network.modules())


class Hiding(torch.autograd.Function):
    @staticmethod
    def forward(context, x: Tensor) -> Tensor:
        context.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(context, R: Tensor) -> Tensor:
        return R * (context.saved_tensors[0] > 0)


@pytest.mark.parametrize(
    "function",
    [
        Hiding.apply,
        lambda x: checkpoint(functional.relu, x, use_reentrant=False),
        lambda x: checkpoint(functional.relu, x, use_reentrant=True),
        lambda x: x.detach().relu(),
    ],
)
def test_steps_that_hide_what_they_do_from_autograd_are_read_all_the_same(function):
    images, unit = faces(1, side=16), np.array([0])
    found = project_units(stacked(function), images, "conv3", unit)
    plain = project_units(stacked(functional.relu), images, "conv3", unit)
    assert not found.silent.any()
    np.testing.assert_array_equal(found.image, plain.image)


def test_what_the_call_may_ask_for(network):
    images, unit = faces(2), np.array([0, 0])
    with pytest.raises(CallError, match="rule is 'lrp': expected one of deconvnet, guided, grad"):
        project_units(network, images, "conv1", unit, rule="lrp")
    with pytest.raises(CallError, match="no layer 'hidden': it has conv1, conv2"):
        project_units(network, images, "hidden", unit)
    with pytest.raises(CallError, match="units has 64: the layer has units 0 to 63"):
        project_units(network, images, "conv1", np.array([0, 64]))
    with pytest.raises(CallError, match="units has -1: the layer has units 0 to 63"):
        project_units(network, images, "conv1", np.array([0, -1]))
    with pytest.raises(CallError, match="units has 1 entries for 2 images"):
        project_units(network, images, "conv1", np.array([0]))
    with pytest.raises(CallError, match="locations has 1 entries for 2 images"):
        project_units(network, images, "conv1", unit, np.array([[0, 0]]))
    for place in ([48, 0], [-1, 0]):
        with pytest.raises(CallError, match=r"0\): the layer's maps are 48×48"):
            project_units(network, images, "conv1", unit, np.array([[0, 0], place]))
    with pytest.raises(CallError, match="batch_size is 0: needs at least 1"):
        project_units(network, images, "conv1", unit, batch_size=0)
    with pytest.raises(CallError, match="answers NaN: its weights or its input hold NaN"):
        project_units(network, images * torch.nan, "conv1", unit)


class AddsInPlace(nn.Module):
    """A convolution to whose very output something is added, which a ReLU then changes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        y += 100 * x
        return functional.relu_(y)


class AddsApart(AddsInPlace):
    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.conv(x) + 100 * x)


@pytest.mark.parametrize("rule", RULES)
def test_steps_in_place_are_part_of_the_map(rule):
    torch.manual_seed(0)
    network, apart, images = AddsInPlace(), AddsApart(), torch.rand(2, 1, 6, 6)
    apart.load_state_dict(network.state_dict())
    units = np.array([0, 1])
    found = project_units(network, images, "conv", units, rule=rule)
    expected = project_units(apart, images, "conv", units, rule=rule)
    with torch.no_grad():
        np.testing.assert_allclose(found.response, network(images).amax((2, 3)).diagonal())
    np.testing.assert_array_equal(found.location, expected.location)
    np.testing.assert_array_equal(found.image, expected.image)


def test_the_window_holds_a_wider_shortcut(rng):
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.narrow, self.wide = nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, 7, padding=3)
            self.last = nn.Conv2d(2, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return functional.relu(self.last(self.narrow(x)) + self.wide(x))

    torch.manual_seed(0)
    images = torch.from_numpy(rng.normal(size=(4, 1, 20, 20))).float()
    found = project_units(Wide(), images, "last", np.array([0, 1, 0, 1]))
    assert not found.silent.any()
    for image, (row, column), window in zip(found.image, found.location, found.window, strict=True):
        edges = [row - 3, column - 3, row + 4, column + 4]
        assert window.tolist() == np.clip(edges, 0, 20).tolist()
        top, left, bottom, right = window
        outside = image.copy()
        outside[:, top:bottom, left:right] = 0
        assert not outside.any()


def test_what_passes_by_its_derivative_is_noted():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2), nn.SiLU())
    found = project_units(network, faces(1, side=8).float(), "0", np.array([0]))
    assert len(found.notes) == 2
    assert found.notes[0].startswith("silu: its derivative passes (1 step, the last is silu in '2'")
    assert found.notes[1].startswith("group_norm: its derivative passes (1 step")


def test_batch_normalisation_of_a_face_alone_is_noted_like_other_norms():
    class Alone(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            flat = x.reshape(1, -1, *x.shape[2:])
            return functional.batch_norm(flat, None, None, training=True).reshape(x.shape)

    images, units = faces(2, side=8).float(), np.array([0, 1])
    network = nn.Sequential(Alone(), nn.Conv2d(2, 2, 1))
    found = project_units(network, images, "1", units)
    assert [note.partition(":")[0] for note in found.notes] == ["batch_norm"]
    same = nn.Sequential(network[0].conv, nn.InstanceNorm2d(2), network[1])
    np.testing.assert_allclose(
        found.image, project_units(same, images, "2", units).image, rtol=1e-5, atol=1e-6
    )


def test_an_unknown_step_is_refused_with_its_place():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), Sorted(), nn.Conv2d(2, 2, 1))
    with pytest.raises(CallError, match=r"not known for the step sort in '1' \(test_deconvnet.py"):
        project_units(network, faces(1, side=8).float(), "2", np.array([0]))


class Sorted(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sort(dim=1).values
