"""A network's steps: what is read is what the network computes, or a sentence says why not."""

import weakref

import pytest
import torch
from torch import nn
from torch.nn import functional

from facslens.errors import CallError
from facslens.models.reading.agreement import check_agreement
from facslens.models.reading.reading import read_alike, read_network
from facslens.models.reading.trace import operation, trace


class Convolved(nn.Module):
    """Something is done before or behind a convolution."""

    def __init__(self, before=lambda x: x, behind=lambda x: x) -> None:
        super().__init__()
        self.conv, self.before, self.behind = nn.Conv2d(1, 2, 3), before, behind

    def forward(self, x):
        return self.behind(self.conv(self.before(x)))


def normalise_in_place(x):
    x -= 0.5
    return x


def half_in_place(x):
    x = x * 1
    x[:, :1].relu_()
    return x


class TwoInputs(Convolved):
    def forward(self, x, y):
        return self.conv(x) + self.conv(y)


class Yields(Convolved):
    def forward(self, x):
        yield self.conv(x)


IMAGES = torch.randn(3, 1, 6, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "network",
    [
        Convolved(before=normalise_in_place), Convolved(behind=half_in_place),
        Convolved(behind=lambda x: {"a": x.mean((2, 3)), "b": (x, 2)}),
        Convolved(behind=functional.relu_), nn.Sequential(nn.Conv2d(1, 2, 3), nn.InstanceNorm2d(2)),
        Convolved(behind=lambda x: x.view(x.shape[0], -1)).double(),
    ],
)  # fmt: skip
def test_the_steps_give_what_the_network_gives(network):
    images = IMAGES.to(next(network.parameters()).dtype)
    kept = images.clone()
    with torch.no_grad():
        expected = network(images.clone())
        _, answer = read_network(network, (1, 6, 6)).listener(network, [], torch.clone)(images)
    torch.testing.assert_close(answer, expected, rtol=1e-6, atol=1e-6)
    assert torch.equal(images, kept)
    check_agreement(read_network(network, (1, 6, 6)), network, images)


def test_every_step_knows_its_module_and_its_line():
    network = nn.Sequential(Convolved(behind=lambda x: x.sort(dim=1).values))
    (step,) = (n for n in trace(network, (1, 6, 6)).graph.nodes if operation(n) == "sort")
    assert step.meta["module"] == "0"
    assert step.meta["line"].startswith("test_trace.py, line ")
    assert step.meta["shape"] is None
    (convolution,) = (n for n in trace(network, (1, 6, 6)).graph.nodes if operation(n) == "conv2d")
    assert convolution.meta["module"] == "0.conv"
    assert convolution.meta["shape"] == (None, 2, 4, 4)


REFUSED = {
    "two inputs": (TwoInputs(), r"does not run on images of shape \(1, 6, 6\).*argument: 'y'"),
    "a generator": (Yields(), "cannot be read as steps that are the same for every face"),
    "which way the data say": (
        Convolved(behind=lambda x: x if x.sum() > 0 else -x), "the same for every face"
    ),
    "dropout left on": (
        Convolved(behind=functional.dropout), r"draws at random while it answers, by dropout.*line"
    ),
    "noise": (Convolved(behind=lambda x: x + torch.randn_like(x)), "at random.*randn_like"),
    "statistics of the batch": (
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False)),
        r"normalises each face by the others of its batch, by batch_norm in '1'",
    ),
    "half precision": (Convolved().half(), r"weights in float16: call network.float\(\) first"),
    "bfloat16": (Convolved().bfloat16(), "weights in bfloat16"),
    "two types": (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 1).double()), "two types"),
    "no weights": (nn.Flatten(), "has no weights"),
    "other channels": (nn.Conv2d(3, 2, 3), r"shape \(1, 6, 6\).*expected input.*3 channels"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_one_sentence(name, capfd):
    network, sentence = REFUSED[name]
    with pytest.raises(CallError, match=sentence) as refused:
        trace(network, (1, 6, 6))
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")
    assert all(module.training for module in network.modules())


def test_answers_that_mix_faces_are_refused():
    network = Convolved(behind=lambda x: x - x.mean(0, keepdim=True))
    with pytest.raises(
        CallError, match="part 0 of the answer for a face alone and with another one"
    ):
        check_agreement(read_network(network, (1, 6, 6)), network, IMAGES)


def test_another_answer_than_that_of_the_steps_is_refused():
    network = Convolved(behind=lambda x: x * network.factor)
    network.factor = 1.0
    reading = read_network(network, (1, 6, 6))
    check_agreement(reading, network, IMAGES)
    network.factor = 1.001
    with pytest.raises(CallError, match="part 0 of the answer of the network itself and of its st"):
        check_agreement(reading, network, IMAGES)


def test_a_network_with_other_settings_is_read_again():
    network = Convolved(behind=lambda x: x * network.factor)
    network.factor = 1.0
    first = read_network(network, (1, 6, 6))
    network.factor = 2.0
    second = read_network(network, (1, 6, 6))
    assert second is not first
    with torch.no_grad():
        _, answer = second.listener(network, [], torch.clone)(IMAGES)
        torch.testing.assert_close(answer, 2 * network.conv(IMAGES))
    network.factor = 1.0
    assert read_network(network, (1, 6, 6)) is first


def test_one_face_alone_shows_that_faces_are_mixed():
    network = Convolved(behind=lambda x: x - x.mean(0, keepdim=True))
    listener = read_network(network, (1, 6, 6)).listener(network, ["conv"], torch.clone)
    with pytest.raises(CallError, match="for a face alone and with another one"):
        listener(IMAGES[:1])


def test_maps_are_given_up_when_they_have_been_read():
    network = nn.Sequential(*(nn.Conv2d(1 if n == 0 else 2, 2, 1) for n in range(6)))
    layers = [str(n) for n in range(6)]
    alive: list[weakref.ref[torch.Tensor]] = []
    most = []

    def read(maps):
        alive.append(weakref.ref(maps))
        most.append(sum(one() is not None for one in alive))
        return float(maps.sum())

    listener = read_network(network, (1, 6, 6)).listener(network, layers, read)
    with torch.no_grad():
        found, _ = listener(IMAGES)
        x = IMAGES
        for layer, module in zip(layers, network, strict=True):
            x = module(x)
            assert found[layer] == pytest.approx(float(x.sum()), rel=1e-5)
    assert max(most) <= 2  # the layer's own, and that which it was made of


def test_nan_is_named():
    network = Convolved()
    torch.nn.init.constant_(network.conv.weight, float("nan"))
    with pytest.raises(CallError, match="answers NaN: its weights or its input hold NaN"):
        check_agreement(read_network(network, (1, 6, 6)), network, IMAGES)


def test_a_network_is_read_once_and_its_copies_are_alike():
    network = Convolved()
    reading = read_network(network, (1, 6, 6))
    assert read_network(network, (1, 6, 6)) is reading
    assert read_network(network, (1, 7, 7)) is not reading
    other = Convolved()
    read_alike(other, network)
    assert read_network(other, (1, 6, 6)) is reading
    with torch.no_grad():
        found, _ = reading.listener(other, ["conv"], torch.clone)(IMAGES)
        torch.testing.assert_close(found["conv"], other.conv(IMAGES))
