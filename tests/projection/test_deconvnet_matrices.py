"""Every rule against products of matrices, which loops build entry by entry."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from facslens.models.compact import Block
from facslens.projection.deconvnet import project_units

RULES = {
    "deconvnet": lambda R, f: np.maximum(R, 0),
    "guided": lambda R, f: np.maximum(R, 0) * (f > 0),
    "gradient": lambda R, f: R * (f > 0),
}
POOLS = {"apart": (2, 2, 0), "overlapping": (3, 2, 1)}  # kernel, stride, padding; both 8 → 4
SIDE = 8


class Tiny(nn.Module):
    """All that a projection may meet: bias, batch normalisation, pools, an addition."""

    def __init__(self, pool: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 3, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(3)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(*POOLS[pool])
        self.conv2 = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.AvgPool2d(2)
        self.conv3 = nn.Conv2d(3, 4, 2, padding=1)
        self.relu3 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool1(self.relu1(self.norm1(self.conv1(x))))
        x = self.relu2(self.conv2(x)) + x
        return self.relu3(self.conv3(self.pool2(x)))


@pytest.fixture(params=POOLS)
def pool(request):
    return request.param


@pytest.fixture
def network(pool):
    torch.manual_seed(1)
    network = Tiny(pool).double()
    with torch.no_grad():
        for tensor in (network.norm1.weight, network.norm1.bias, network.norm1.running_mean):
            tensor.normal_()  # scales of either sign
        network.norm1.running_var.uniform_(0.5, 2)
        network.conv3.bias.fill_(1)  # else half of the units stay silent
    return network


def convolution(weight, padding, side, stride=1):
    """Matrix of a convolution: (outputs, inputs), maps laid out channel, row, column."""
    outs, ins, kernel, _ = weight.shape
    after = (side + 2 * padding - kernel) // stride + 1
    C = np.zeros((outs, after, after, ins, side, side))
    for o, i in itertools.product(range(outs), range(ins)):
        for r, c in itertools.product(range(after), repeat=2):
            for a, b in itertools.product(range(kernel), repeat=2):
                row, column = r * stride + a - padding, c * stride + b - padding
                if 0 <= row < side and 0 <= column < side:
                    C[o, r, c, i, row, column] = weight[o, i, a, b]
    return C.reshape(outs * after**2, ins * side**2)


def averages(channels, side):
    """Matrix of the means of 2×2 pixels."""
    A = np.zeros((channels, side // 2, side // 2, channels, side, side))
    for k, r, c in itertools.product(range(channels), range(side), range(side)):
        A[k, r // 2, c // 2, k, r, c] = 1 / 4
    return A.reshape(channels * (side // 2) ** 2, channels * side**2)


def switches(values, kernel, stride, padding):
    """Matrix that picks each pool's maximum, the first in row-major order on a tie."""
    channels, side, _ = values.shape
    after = (side + 2 * padding - kernel) // stride + 1
    P = np.zeros((channels, after, after, channels, side, side))
    for k, r, c in itertools.product(range(channels), range(after), range(after)):
        best, place = -np.inf, None
        for a, b in itertools.product(range(kernel), repeat=2):
            row, column = r * stride + a - padding, c * stride + b - padding
            if 0 <= row < side and 0 <= column < side and values[k, row, column] > best:
                best, place = values[k, row, column], (row, column)
        P[k, r, c, k, *place] = 1
    return P.reshape(channels * after**2, channels * side**2)


def by_matrices(network, pool, image, unit, rule):
    """Response, its place and its projection, without torch or autograd."""
    w = {name: value.numpy() for name, value in network.state_dict().items()}
    pixels = np.ones(SIDE**2)
    spread = w["norm1.weight"] / np.sqrt(w["norm1.running_var"] + network.norm1.eps)
    shift = w["norm1.bias"] + spread * (w["conv1.bias"] - w["norm1.running_mean"])
    C1, C2 = convolution(w["conv1.weight"], 1, SIDE), convolution(w["conv2.weight"], 1, 4)
    C3, A = convolution(w["conv3.weight"], 1, 2), averages(3, 4)
    S = np.diag(np.kron(spread, pixels))

    f1 = np.maximum(S @ C1 @ image.ravel() + np.kron(shift, pixels), 0)
    P = switches(f1.reshape(3, SIDE, SIDE), *POOLS[pool])
    f2 = np.maximum(C2 @ P @ f1, 0)
    f3 = np.maximum(C3 @ A @ (f2 + P @ f1) + np.kron(w["conv3.bias"], np.ones(9)), 0)

    own = f3.reshape(4, 9)[unit]
    R = np.zeros((4, 9))
    R[unit, own.argmax()] = 1
    R = A.T @ C3.T @ rule(R.ravel(), f3)
    R = P.T @ (R + C2.T @ rule(R, f2))
    R = C1.T @ S.T @ rule(R, f1)
    return own.max(), divmod(own.argmax(), 3), R.reshape(2, SIDE, SIDE)


@pytest.mark.parametrize("rule", RULES)
def test_a_projection_is_a_product_of_matrices(network, pool, rule, rng):
    images = np.repeat(rng.normal(size=(3, 2, SIDE, SIDE)), 4, axis=0)
    images[-4:, :, :, :5] = 0  # a black part: ties in the pools
    units = np.tile(np.arange(4), 3)
    found = project_units(network, torch.from_numpy(images), "conv3", units, rule=rule)
    fired = 0
    for n, (image, unit) in enumerate(zip(images, units, strict=True)):
        response, place, projection = by_matrices(network, pool, image, unit, RULES[rule])
        np.testing.assert_allclose(found.response[n], response, rtol=1e-10)
        if response > 0:
            fired += 1
            assert tuple(found.location[n]) == place
            # sums of some hundred products of order 1 in double precision
            np.testing.assert_allclose(found.image[n], projection, rtol=1e-10, atol=1e-14)
    assert fired >= 9
    assert found.silent.sum() == 12 - fired


def test_the_rules_differ_here(network, rng):
    image = torch.from_numpy(rng.normal(size=(1, 2, SIDE, SIDE)))
    by_rule = [
        project_units(network, image, "conv3", np.array([0]), rule=rule).image for rule in RULES
    ]
    for one, other in itertools.combinations(by_rule, 2):
        assert np.abs(one - other).max() > 0.1 * np.abs(one).max()


class Small(nn.Module):
    """The compact network made small: a block that keeps the maps' side, and one that halves it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 2, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(2)
        self.relu = nn.ReLU()
        self.keeps = Block(2, 2, stride=1)
        self.halves = Block(2, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.halves(self.keeps(self.relu(self.norm(self.stem(x)))))


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(3)
    network = Small().double()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.normal_()  # scales of either sign
                module.running_mean.normal_(0, 0.3)
                module.bias.uniform_(0.2, 1)  # else half of the units stay silent
                module.running_var.uniform_(0.5, 2)
    return network


def block_by_matrices(w, name, f, side, stride):
    """What each convolution of a block answers, and the matrices on the way to it."""

    def normalised(convolution, norm, padding, before, step):
        C = convolution_of(w, f"{name}.{convolution}", padding, before, step)
        S, shift = norm_of(w, f"{name}.{norm}", (side // stride) ** 2)
        return S @ C, shift

    M1, b1 = normalised("conv1", "norm1", 1, side, stride)
    M2, b2 = normalised("conv2", "norm2", 1, side // stride, 1)
    beside, b3 = np.eye(len(f)), 0
    if f"{name}.shortcut.0.weight" in w:
        beside, b3 = normalised("shortcut.0", "shortcut.1", 0, side, stride)
    inner = np.maximum(M1 @ f + b1, 0)
    return inner, np.maximum(M2 @ inner + b2 + beside @ f + b3, 0), M1, M2, beside


def convolution_of(w, name, padding, side, stride):
    return convolution(w[f"{name}.weight"], padding, side, stride)


def norm_of(w, name, pixels):
    """Scales (a diagonal matrix) and shifts of batch normalisation."""
    spread = w[f"{name}.weight"] / np.sqrt(w[f"{name}.running_var"] + 1e-5)
    shift = w[f"{name}.bias"] - spread * w[f"{name}.running_mean"]
    return np.diag(np.kron(spread, np.ones(pixels))), np.kron(shift, np.ones(pixels))


def small_by_matrices(network, image, layer, unit, rule):
    """Response and projection, from below to the layer and back, without torch or autograd."""
    w = {name: value.numpy() for name, value in network.state_dict().items()}
    S0, b0 = norm_of(w, "norm", SIDE**2)
    M0 = S0 @ convolution(w["stem.weight"], 1, SIDE)
    f0 = np.maximum(M0 @ image.ravel() + b0, 0)
    i1, f1, M11, M12, _ = block_by_matrices(w, "keeps", f0, SIDE, 1)
    i2, f2, M21, M22, beside = block_by_matrices(w, "halves", f1, SIDE, 2)
    maps = {
        "stem": f0,
        "keeps.conv1": i1,
        "keeps.conv2": f1,
        "halves.conv1": i2,
        "halves.conv2": f2,
    }

    pixels = (SIDE // 2 if layer.startswith("halves") else SIDE) ** 2
    own = maps[layer].reshape(-1, pixels)[unit]
    start = np.zeros(maps[layer].shape)
    start[unit * pixels + own.argmax()] = 1
    down = {name: np.zeros(f.shape) for name, f in maps.items()}
    down[layer] = start
    R = rule(down["halves.conv2"], f2)
    down["halves.conv1"] += M22.T @ R
    down["keeps.conv2"] += beside.T @ R + M21.T @ rule(down["halves.conv1"], i2)
    R = rule(down["keeps.conv2"], f1)
    down["keeps.conv1"] += M12.T @ R
    down["stem"] += R + M11.T @ rule(down["keeps.conv1"], i1)
    return own.max(), (M0.T @ rule(down["stem"], f0)).reshape(1, SIDE, SIDE)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "layer", ["stem", "keeps.conv1", "keeps.conv2", "halves.conv1", "halves.conv2"]
)
def test_residual_blocks_are_products_and_sums_of_matrices(small, layer, rule, rng):
    images = np.repeat(rng.normal(size=(3, 1, SIDE, SIDE)), 2, axis=0)
    units = np.tile([0, 1], 3)
    found = project_units(small, torch.from_numpy(images), layer, units, rule=rule)
    for n, (image, unit) in enumerate(zip(images, units, strict=True)):
        response, projection = small_by_matrices(small, image, layer, unit, RULES[rule])
        np.testing.assert_allclose(found.response[n], response, rtol=1e-10)
        if response > 0:
            # as above; a projection may be all zero, where no path of one sign leads down
            np.testing.assert_allclose(found.image[n], projection, rtol=1e-10, atol=1e-14)
    assert (~found.silent).sum() >= 3
    assert np.abs(found.image).max() > 1e-3
